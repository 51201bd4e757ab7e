"""What a parent may do beside what it should: list a name server that is nobody's, serve the child's zone itself, roll its key."""
import re

import dns.flags
import dns.rdatatype

from musiclab import breaks, prober, rolls
from musiclab.controller import Controller
from musiclab.space import wait_until
from trouble import SHORT, Trouble

PARENT = r"(10\.53\.1\.[12]|fd53:1::[12]) \(parent lab\.\)"


def has_nothing_of(lab, signer, zone, other):
    """None of the other's keys and names is at a signer."""
    where = lab.state["signers"][signer]["update"]["address"]
    foreign = {k.to_text() for half in lab.dnskeys(other, zone)[:2] for k in half}
    assert not foreign & {r.to_text() for r in lab.ex.rrset(where, zone, "DNSKEY")}, f"{signer} has keys of {other}"


def test_a_name_server_that_nobody_owns(make_lab):
    """No process begins as long as the parent lists it, and musicd says so; without it, all goes on by itself."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("stranger", ["bind", "knot"])
    with Trouble(lab, ["stranger"]) as t:
        lab.update("parent", "lab.", [f"add {zone} 5 NS ns1.stranger.net."])
        lab.wait_parent()
        t.group("stranger", ["bind"], state="UNKNOWN")
        t.says("stranger", rf"rule=V6 .* lists ns1\.stranger\.net\.: nobody asks it .*server={PARENT}", timeout=180)
        t.join("stranger", "knot")
        t.says("stranger", rf"rule=V10 .*ns1\.stranger\.net\. in NS of {PARENT}", timeout=180)
        t.explains("stranger", r"(?s)V10.*ns1\.stranger\.net\.")
        assert t.row("stranger")["row"] == "signers-unsynced", t.row("stranger")
        has_nothing_of(lab, "knot", zone, "bind")
        has_nothing_of(lab, "bind", zone, "knot")
        lab.update("parent", "lab.", [f"delete {zone} NS ns1.stranger.net."])
        t.done("stranger", "ADD-SIGNER", "knot")
        t.joined("stranger", ["bind", "knot"])

        lab.update("parent", "lab.", [f"add {zone} 5 NS ns2.stranger.net."])
        t.says("stranger", rf"rule=V10 .*ns2\.stranger\.net\. in NS of {PARENT}")
        t.leave("stranger", "bind")
        wait_until(lambda: t.row("stranger")["process"] == "REMOVE-SIGNER bind", 180, "the leave has begun")
        wait_until(lambda: any(w["rule"] == "V10" for w in t.waits("stranger")), 180, "it waits for the parent")
        assert {r.to_text() for r in lab.ex.rrset("10.53.3.1", zone, "NS")} == {"ns1.bind.net.", "ns1.knot.net."}
        lab.update("parent", "lab.", [f"delete {zone} NS ns2.stranger.net."])
        t.done("stranger", "REMOVE-SIGNER", "bind")
        t.joined("stranger", ["knot"])
    t.judge(60)


def test_a_server_of_the_parent_serves_the_child_too(make_lab):
    """It gives the child's NS set as an answer, and of DS what the parent says.  What the delegation has too much, the other server shows."""
    lab = make_lab(signers=["bind", "knot", "knot2"])
    zone = lab.add_zone("both", ["bind", "knot"])
    lab.serve_at_parent("both", "bind")
    m = lab.ask("10.53.1.2", zone, "NS")
    assert m.flags & dns.flags.AA and m.answer and lab.ask("10.53.1.2", zone, "DS").answer
    assert not lab.ask("10.53.1.1", zone, "NS").answer
    with Trouble(lab, ["both"]) as t:
        t.group("both", ["bind"], timeout=180)
        t.join("both", "knot")
        t.done("both", "ADD-SIGNER", "knot")
        t.joined("both", ["bind", "knot"])
        lab.update("parent", "lab.", [f"add {zone} 5 NS ns1.knot2.net."])
        t.says("both", r"rule=V10 .*ns1\.knot2\.net\. in NS of (10\.53\.1\.1|fd53:1::1) \(parent lab\.\)", timeout=180)
        lab.update("parent", "lab.", [f"delete {zone} NS ns1.knot2.net."])
        wait_until(lambda: not t.explain("both")["findings"], 180, "nothing is wrong any more")
        t.leave("both", "knot")
        t.done("both", "REMOVE-SIGNER", "knot")
        t.joined("both", ["bind"])
        assert {r.to_text() for r in lab.ex.rrset("10.53.1.2", zone, "NS")} == {"ns1.bind.net."}
    t.judge(60)


def test_a_server_of_the_parent_has_the_leavers_copy(make_lab):
    """Resolvers come to it whatever the NS sets say: the leaver's keys stay until it is gone."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("copy", ["bind", "knot"])
    lab.serve_at_parent("copy", "bind")
    with Trouble(lab, ["copy"]) as t:
        t.group("copy", ["bind"], timeout=180)
        t.join("copy", "knot")
        t.done("copy", "ADD-SIGNER", "knot")
        t.leave("copy", "bind")
        wait_until(lambda: re.search(r"^reach: (10\.53\.1\.2|fd53:1::2) \(parent lab\.\) answers for the zone itself, with the copy of bind",
                                     t.row("copy")["waiting"]), 180, "it is told")
        assert {r.to_text() for r in lab.ex.rrset("10.53.1.1", zone, "DS")} and t.row("copy")["state"] == "VALID"
        checks = t.mc.json("status")["rounds"]
        wait_until(lambda: t.mc.json("status")["rounds"] > checks + 5, 180, "it goes on looking")
        assert t.row("copy")["row"] == "csync-removed"
        lab.end_at_parent("copy")
        t.done("copy", "REMOVE-SIGNER", "bind")
        t.joined("copy", ["knot"])
    t.judge(60)


def test_a_name_server_of_the_parent_without_address(make_lab):
    """Glue leads resolvers there all the same: nothing goes on, for nobody knows what DS it shows.  Then it has its address again."""
    lab = make_lab(signers=["knot", "knot3", "bind", "knot2"])
    par, zone = lab.add_zone("par", ["knot", "knot3"], inbailiwick=True), lab.zone_name("kid.par")
    lab.exchange_keys("par")
    [lame] = lab.state["zones"][par]["ns"]["knot3"]
    addresses = [(t, a) for a in lame["addresses"] for t in ("AAAA" if ":" in a else "A",)]
    parents = [lab.state["signers"][s]["update"]["address"] for s in ("knot", "knot3")]

    def at_parent(lines, *servers):
        for s in servers or ("knot", "knot3"):
            lab.update(s, par, lines)
    at_parent([f"delete {lame['name']} {t}" for t, _ in addresses])
    lab.add_zone("kid.par", ["bind", "knot2"], delegate=False)
    old = lab.ds_lines(zone, signers=["bind"])
    at_parent([f"add {zone} 5 NS ns1.bind.net."] + old)
    mc = Controller(lab, settings=SHORT).start()
    try:
        for s in ("bind", "knot2"):
            mc.add_signer(s)
        mc.cli("signergroup", "add", "g", "--signer", "bind")
        mc.add_zone("kid.par", "g")

        def waits():
            return mc.explain(zone)["waits"]

        def says():
            return [w for w in waits() if f"{lame['name']} (the parent {par}) has no address" in w["text"]]
        wait_until(says, 180, "it says which name server has no address")
        assert says()[0]["cause"] == f"{lame['name']} has neither A nor AAAA", says()
        assert f"{lame['name']} (the parent {par}) has no address" in mc.cli("zone", "explain", zone).stdout
        mc.cli("signer", "join", "knot2", "--group", "g")
        seen = mc.status(zone)["checked_at"]
        wait_until(lambda: mc.status(zone)["checked_at"] > seen, 180, "it has looked since")
        assert says() and mc.status(zone)["state"] == "UNKNOWN", mc.status(zone)

        at_parent([f"add {lame['name']} 5 {t} {a}" for t, a in addresses])
        wait_until(lambda: mc.status(zone)["parent_servers"] == 4, 180, "all servers of the parent are asked")
        prober.start(lab, [zone], rate=4)
        wait_until(lambda: len(lab.ex.rrset("10.53.2.1", zone, "CDS")) > 1, 180, "both DS are asked for")
        both = [f"delete {zone} DS"] + [f"add {zone} 5 DS {r.to_text()}" for r in lab.ex.rrset("10.53.2.1", zone, "CDS")]
        at_parent(both, "knot")
        wait_until(lambda: any(w["rule"] == "parent-ds" and w.get("server") not in (None, parents[0]) for w in waits()), 180, "it waits for the other")
        assert {r.to_text() for r in lab.ex.rrset("10.53.2.1", zone, "NS")} == {"ns1.bind.net."}
        assert prober.stop(lab)["bogus"] == 0
    finally:
        mc.stop()


def test_the_parent_rolls_its_key(make_lab):
    """In the middle of a join, to its end before a leave, and musicd starts anew meanwhile: no server of the parent is a liar for it."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("rolled", ["bind", "knot"], ttl=4)

    def signers_of(rdtype):
        answer = lab.ask("10.53.1.2", "lab.", rdtype).answer
        return {sig.key_tag for rrset in answer if rrset.rdtype == dns.rdatatype.RRSIG for sig in rrset}

    def signers_of_ds():
        answer = lab.ask("10.53.1.2", zone, "DS").answer
        return {sig.key_tag for rrset in answer if rrset.rdtype == dns.rdatatype.RRSIG for sig in rrset}
    [old] = signers_of("DNSKEY")
    with Trouble(lab, ["rolled"]) as t:
        t.group("rolled", ["bind"])
        breaks.freeze(lab, "parent")            # nothing of the zone changes there meanwhile
        t.join("rolled", "knot")
        t.at_row("rolled", "parent-ds-synced")
        rolls.roll_parent(lab)
        wait_until(lambda: old not in signers_of("SOA"), 180, "the parent signs with its new key")
        assert signers_of_ds() == {old}
        breaks.mend(lab)
        t.done("rolled", "ADD-SIGNER", "knot")
        t.joined("rolled", ["bind", "knot"])
        assert signers_of_ds() and old not in signers_of_ds()

        rolls.roll_parent(lab, "ds")
        rolls.roll_parent(lab, "ds-seen")

        def anew():             # named leaves the signature of a key that should make none any more where it stands
            lab.server("parent").rndc("sign", "lab.")
            return old not in signers_of("DNSKEY")
        wait_until(anew, 180, "the old key of the parent is no anchor any more", interval=1)
        t.mc.stop()
        t.mc.start(t.binary)
        t.leave("rolled", "bind")
        t.done("rolled", "REMOVE-SIGNER", "bind")
        t.joined("rolled", ["knot"])
        assert "-> UNKNOWN" not in t.history("rolled"), t.history("rolled")
        assert "do not verify" not in t.mc.log() and "DNSKEY of the parent" not in t.mc.log()
    t.judge(60)
