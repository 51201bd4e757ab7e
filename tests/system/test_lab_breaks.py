"""Every fault of the laboratory does what it says, and mend repairs it."""
import os

import dns.flags
import dns.message
import dns.rcode
import pytest

from musiclab import breaks
from musiclab.ask import make_query
from musiclab.paths import LabError
from musiclab.space import PidFile, wait_until

ADDRESS = {"bind": "10.53.2.1", "knot": "10.53.3.1", "pdns": "10.53.4.1"}
SIGNERS = ["bind", "knot", "pdns"]


@pytest.fixture(scope="module")
def zone(lab):
    return lab.add_zone("broken", SIGNERS)


def serves(lab, address, zone):
    m = lab.ask(address, zone, "SOA")
    return m is not None and bool(m.answer)


@pytest.mark.parametrize("server", SIGNERS)
def test_stop_and_cont(lab, zone, server):
    breaks.stop(lab, server)
    assert lab.ask(ADDRESS[server], zone, "SOA", timeout=0.3, tries=1) is None
    breaks.cont(lab, server)
    wait_until(lambda: serves(lab, ADDRESS[server], zone), 60, "it answers again")


@pytest.mark.parametrize("server", ["bind", "knot", "pdns", "parent2"])
def test_kill_and_mend(lab, zone, server):
    address = ADDRESS.get(server, "10.53.1.2")
    breaks.kill(lab, server)
    assert lab.ask(address, zone, "SOA", timeout=0.3, tries=1) is None
    assert breaks.mend(lab) == [f"{server}: killed"]
    name = zone if server in ADDRESS else "lab."
    wait_until(lambda: serves(lab, address, name), 60, "it serves again")


@pytest.mark.parametrize("server", SIGNERS)
def test_restart_keeps_what_came_by_update(lab, zone, server):
    text = f'"before the restart of {server}"'
    lab.update(server, zone, [f"add kept.{zone} 5 TXT {text}"])
    breaks.restart(lab, server)
    assert lab.ex.rrset(ADDRESS[server], f"kept.{zone}", "TXT")[0].to_text() == text


@pytest.mark.parametrize("server", SIGNERS)
def test_refuse_updates_and_wrong_tsig(lab, zone, server):
    line = [f"add probe.{zone} 5 A 192.0.2.9"]
    for kind, rcodes in (("updates_refused", {"REFUSED", "NOTAUTH"}), ("tsig_wrong", {"REFUSED", "NOTAUTH"})):
        breaks.flag(lab, server, kind)
        assert lab.update(server, zone, line, check=False) in rcodes
        assert serves(lab, ADDRESS[server], zone)
        assert breaks.mend(lab) == [f"{server}: {kind}"]
        assert lab.update(server, zone, line) == "NOERROR"


@pytest.mark.parametrize("server", ["knot", "pdns"])
def test_swallow_says_noerror_and_drops(lab, zone, server):
    foreign = lab.dnskeys("bind", zone)[1][0]
    breaks.swallow(lab, server)
    assert lab.update(server, zone, [f"add {zone} 5 DNSKEY {foreign.to_text()}"]) == "NOERROR"
    assert not lab.dnskeys(server, zone)[2]
    breaks.mend(lab)


def test_drop_and_ttl(lab, zone):
    foreign = lab.dnskeys("bind", zone)[1][0]
    lab.update("knot", zone, [f"add {zone} 5 DNSKEY {foreign.to_text()}"])
    assert lab.dnskeys("knot", zone)[2]
    assert breaks.drop(lab, "knot", zone, "DNSKEY", breaks.dns.dnssec.key_id(foreign)) == 1
    assert not lab.dnskeys("knot", zone)[2]
    breaks.ttl(lab, "parent", zone, "DS", 60)
    assert lab.ex.rrset("10.53.1.1", zone, "DS").ttl == 60
    breaks.ttl(lab, "parent", zone, "DS", 5)
    assert lab.ex.rrset("10.53.1.1", zone, "DS").ttl == 5


def test_frozen_parent(lab, zone):
    breaks.freeze(lab, "parent")
    assert lab.update("parent", "lab.", [f"add note.{zone} 5 TXT x"], check=False) == "REFUSED"
    breaks.mend(lab)
    breaks.freeze(lab, "parent2")
    lab.update("parent", "lab.", ["add frozen.lab. 5 TXT new"])
    assert lab.ex.rrset("10.53.1.1", "frozen.lab.", "TXT") is not None
    with pytest.raises(LabError):
        wait_until(lambda: lab.ex.rrset("10.53.1.2", "frozen.lab.", "TXT"), 3)
    breaks.mend(lab)
    assert lab.ex.rrset("10.53.1.2", "frozen.lab.", "TXT") is not None


@pytest.mark.parametrize("server", SIGNERS)
def test_relay(lab, zone, server):
    address = ADDRESS[server]
    q = make_query(zone, "DNSKEY").to_wire()
    breaks.relay(lab, server, truncate=True)
    m = dns.message.from_wire(lab.ex.exchange(q, address, timeout=30))
    assert m.flags & dns.flags.TC and not m.answer
    assert dns.message.from_wire(lab.ex.exchange(q, address, timeout=30, tcp=True)).answer
    breaks.relay(lab, server, loss=100)
    assert lab.ex.exchange(q, address, timeout=0.5) is None
    breaks.relay(lab, server, rcode="SERVFAIL")
    assert dns.message.from_wire(lab.ex.exchange(q, address, timeout=30)).rcode() == dns.rcode.SERVFAIL
    breaks.relay(lab, server, delay=150)
    assert lab.ex.exchange(q, address, timeout=0.2) is None
    assert lab.ask(address, zone, "DNSKEY") is not None
    lab.update(server, zone, [f"add relayed.{zone} 5 A 192.0.2.7"])
    breaks.relay(lab, server)
    for _ in range(100):                # none of them keeps a socket: a relay may stand before a signer of many zones
        assert lab.ask(address, zone, "DNSKEY") is not None
    relay = PidFile(os.path.join(lab.dir, "pids", "relay-" + server)).pid()
    assert len(os.listdir(f"/proc/{relay}/fd")) < 50
    assert breaks.mend(lab) == [f"{server}: relay"]
    assert lab.ask(address, zone, "DNSKEY") is not None
