"""music-scanner at the laboratory's parent: real signers whose wishes it follows, and those it must not follow."""
import json
import os
import re
import shlex
import subprocess
import time

import dns.rdatatype
import pytest

from musiclab import breaks, prober, rolls, scanner
from musiclab.keys import Key
from musiclab.space import PidFile, wait_until

PRIMARY = "10.53.1.1"
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


@pytest.fixture(scope="module", autouse=True)
def follow(lab):
    """The scanner in its loop, a look a second at every delegation."""
    scanner.start(lab)
    yield
    assert scanner.stop(lab), "the scanner ended before its time"


def ds(lab, zone):
    return {r.key_tag for r in lab.ex.rrset(PRIMARY, zone, "DS") or []}


def delegation(lab, zone):
    """NS names and glue {(name, address)} at the parent's primary."""
    m = lab.ask(PRIMARY, zone, "NS")
    names = {r.target.to_text() for rr in m.authority if rr.rdtype == dns.rdatatype.NS for r in rr}
    return names, {(rr.name.to_text(), r.address) for rr in m.additional if rr.rdtype in (1, 28) for r in rr}


def verdict(lab, zone):
    return next((v for v in scanner.report(lab) if v["child"] == zone), None)


def await_verdict(lab, zone, timeout=90, **want):
    """Until the last verdict has these members ('ds.rule' is written ds_rule)."""
    def there():
        v = verdict(lab, zone)
        got = {k: (v[k.split("_")[0]][k.split("_")[1]] if "_" in k else v[k]) for k in want} if v else None
        return v if got == want else None
    try:
        return wait_until(there, timeout)
    except Exception as e:
        raise AssertionError(f"{zone}: {want} is not the verdict: {verdict(lab, zone)}") from e


def passed(seconds):
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 60)


def looked_again():
    """The scanner has had time for two looks more: what it must not do, it would have done."""
    passed(2.5)


def expired(lab, ttls):
    """What the parent and the signers served before they came to what they all serve now is in no cache any more; TTLs are 5 s."""
    lab.wait_parent()
    passed(5 * ttls + 3)


def signal_sets(lab, signer, zone, keys):
    """Make a signer show CDS and CDNSKEY for exactly these SEP keys, beside its own that it will not give up."""
    where = lab.state["signers"][signer]["update"]["address"]
    ttl = lab.ex.rrset(where, zone, "CDS").ttl
    have = {r.to_text() for r in lab.ex.rrset(where, zone, "CDNSKEY") or []}
    want = {k.to_text() for k in keys}
    lines = []
    for text in want - have:
        lines += [f"add {zone} {ttl} CDNSKEY {text}", f"add {zone} {ttl} CDS {ds_of(zone, text)}"]
    for text in have - want:
        lines += [f"delete {zone} CDNSKEY {text}", f"delete {zone} CDS {ds_of(zone, text)}"]
    lab.update(signer, zone, lines)


def ds_of(zone, dnskey_text):
    import dns.dnssec
    import dns.name
    import dns.rdata
    return dns.dnssec.make_ds(dns.name.from_text(zone), dns.rdata.from_text("IN", "DNSKEY", dnskey_text), "SHA256").to_text()


def share_keys(lab, zone, signers):
    """ZSKs of all at all; SEP keys per signer."""
    keys = {s: lab.dnskeys(s, zone) for s in signers}
    for s in signers:
        lab.update(s, zone, [f"add {zone} 5 DNSKEY {k.to_text()}" for o in signers if o != s for k in keys[o][1]])
    return {s: k[0] for s, k in keys.items()}


def set_ns(lab, zone, signers, at, types="NS", serial=None, flags=1):
    z = lab.state["zones"][zone]
    for s in at:
        lines = [f"add {zone} 5 NS {n['name']}" for o in signers for n in z["ns"][o]]
        lines += [f"delete {zone} NS {n['name']}" for o in z["signers"] if o not in signers for n in z["ns"][o]]
        lines += [f"delete {zone} CSYNC", f"add {zone} 5 CSYNC {serial or int(time.time())} {flags} {types}"]
        lab.update(s, zone, lines)


def names(lab, zone, *signers):
    return {n["name"] for s in signers for n in lab.state["zones"][zone]["ns"][s]}


# ---- what it follows ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pair", [("bind", "knot"), pytest.param(("knot", "pdns"), marks=pytest.mark.long),
                                  pytest.param(("pdns", "bind"), marks=pytest.mark.long)])
def test_a_signer_joins_and_another_leaves(lab, pair):
    a, b = pair
    zone = lab.add_zone(f"move-{a}", [a, b])
    prober.start(lab, [zone], rate=4)
    sep = share_keys(lab, zone, [a, b])
    for s in (a, b):
        signal_sets(lab, s, zone, sep[a] + sep[b])
    wait_until(lambda: len(ds(lab, zone)) == 2, 90, "DS of both")
    expired(lab, 1)                                 # the old DS and DNSKEY sets
    set_ns(lab, zone, [a, b], [a, b])
    wait_until(lambda: delegation(lab, zone)[0] == names(lab, zone, a, b), 90, "NS of both")
    await_verdict(lab, zone, outcome="unchanged", ds_rule="in-sync", csync_rule="in-sync")
    set_ns(lab, zone, [b], [a, b])
    wait_until(lambda: delegation(lab, zone)[0] == names(lab, zone, b), 90, "NS of the second")
    expired(lab, 2)                                 # NS, then what the first signer said
    signal_sets(lab, b, zone, sep[b])
    wait_until(lambda: len(ds(lab, zone)) == 1, 90, "DS of the second")
    v = prober.stop(lab)
    assert v["answers"] > 50 and v["bogus"] == v["insecure"] == v["failed"] == v["pair_violations"] == 0, v
    await_verdict(lab, zone, outcome="unchanged", changes=4)


def test_glue_follows(lab):
    zone = lab.add_zone("glue", ["bind", "knot"], inbailiwick=True)
    lab.exchange_keys(zone, parent=False)
    z = lab.state["zones"][zone]
    sep = {s: lab.dnskeys(s, zone)[0] for s in ("bind", "knot")}
    for s in ("bind", "knot"):
        signal_sets(lab, s, zone, sep["bind"] + sep["knot"])
    wait_until(lambda: len(ds(lab, zone)) == 2, 90, "DS of both")
    # No bit for addresses: the new name would have none.
    set_ns(lab, zone, ["bind", "knot"], ["bind", "knot"])
    await_verdict(lab, zone, outcome="held", csync_rule="no-address")
    assert delegation(lab, zone)[0] == names(lab, zone, "bind")
    set_ns(lab, zone, ["bind", "knot"], ["bind", "knot"], types="NS A AAAA")
    both = {(n["name"], a) for s in ("bind", "knot") for n in z["ns"][s] for a in n["addresses"]}
    wait_until(lambda: delegation(lab, zone) == (names(lab, zone, "bind", "knot"), both), 90, "NS and glue of both")
    set_ns(lab, zone, ["knot"], ["bind", "knot"], types="NS A AAAA")
    rest = {(n["name"], a) for n in z["ns"]["knot"] for a in n["addresses"]}
    wait_until(lambda: delegation(lab, zone) == (names(lab, zone, "knot"), rest), 90, "NS and glue of the second")
    m = lab.ask(PRIMARY, z["ns"]["bind"][0]["name"], "A")
    assert not any(rr.name.to_text() == z["ns"]["bind"][0]["name"] for rr in m.additional), m.to_text()


def test_a_signers_own_ksk_roll(lab):
    """BIND alone decides, publishes the CDS of its new key, and the parent has it."""
    zone = lab.add_zone("roll", ["knot"])
    old = ds(lab, zone)
    rolls.roll(lab, "knot", zone, "ksk")
    wait_until(lambda: ds(lab, zone) and not ds(lab, zone) & old, 60, "the DS of the new key alone")
    lab.flush(zone)
    assert lab.resolve("x1." + zone, "A")[0] == "secure"


# ---- what it does not ------------------------------------------------------------------------------------------------
def finished(lab, name, signers=("bind", "knot")):
    """A zone of two signers, DS and NS of both at the parent, CDS of both everywhere."""
    zone = lab.add_zone(name, list(signers))
    lab.exchange_keys(zone)
    sep = {s: lab.dnskeys(s, zone)[0] for s in signers}
    for s in signers:
        signal_sets(lab, s, zone, [k for o in signers for k in sep[o]])
    await_verdict(lab, zone, outcome="unchanged", ds_rule="in-sync")
    return zone, sep


def test_signers_that_do_not_agree(lab):
    zone, sep = finished(lab, "differ")
    before = ds(lab, zone)
    third = Key(257, 13)
    signal_sets(lab, "bind", zone, sep["bind"] + sep["knot"] + [third.rdata])
    v = await_verdict(lab, zone, outcome="held", ds_rule="consistency")
    assert "ns1.bind.net." in v["words"] and "ns1.knot.net." in v["words"]
    looked_again()
    assert ds(lab, zone) == before
    set_ns(lab, zone, ["knot"], ["bind"])           # NS and CSYNC at one signer only
    await_verdict(lab, zone, outcome="held", csync_rule="consistency")
    looked_again()
    assert delegation(lab, zone)[0] == names(lab, zone, "bind", "knot")
    signal_sets(lab, "knot", zone, sep["bind"] + sep["knot"] + [third.rdata])
    wait_until(lambda: ds(lab, zone) == before | {third.tag}, 90, "the DS that both ask for")


def test_one_server_is_silent(lab):
    zone, sep = finished(lab, "silent")
    before, third = ds(lab, zone), Key(257, 13)
    breaks.stop(lab, "knot")
    try:
        signal_sets(lab, "bind", zone, sep["bind"] + sep["knot"] + [third.rdata])
        v = await_verdict(lab, zone, outcome="held", ds_rule="reach")
        assert "ns1.knot.net." in v["words"] and "no answer in time" in v["words"], v
        assert ds(lab, zone) == before
    finally:
        breaks.cont(lab, "knot")
    signal_sets(lab, "knot", zone, sep["bind"] + sep["knot"] + [third.rdata])
    wait_until(lambda: ds(lab, zone) == before | {third.tag}, 90, "followed when the server is back")


def test_absence_changes_nothing(lab):
    zone = lab.add_zone("absent", ["bind"])
    before = ds(lab, zone)
    lab.update("bind", zone, [f"delete {zone} CDS", f"delete {zone} CDNSKEY"])
    wait_until(lambda: lab.ex.rrset("10.53.2.1", zone, "CDS") is None, 90, "no CDS")
    await_verdict(lab, zone, outcome="unchanged", ds_rule="absent")
    looked_again()
    assert ds(lab, zone) == before


def test_delete_request(lab):
    """BIND shows the delete records alone; policy forbids, and a parent that allows it would do so."""
    zone = lab.add_zone("delete", ["bind"])
    before = ds(lab, zone)
    lab.update("bind", zone, [f"delete {zone} CDS", f"delete {zone} CDNSKEY", f"add {zone} 5 CDS 0 0 0 00", f"add {zone} 5 CDNSKEY 0 3 0 AA=="])
    await_verdict(lab, zone, outcome="held", ds_rule="delete")
    looked_again()
    assert ds(lab, zone) == before
    [v] = scanner.once(lab, [zone], "--dry-run", policy_delete=True)
    assert v["outcome"] == "would-change" and "all deleted" in v["words"], v
    assert ds(lab, zone) == before
    [v] = scanner.once(lab, [zone], policy_delete=True)
    assert v["outcome"] == "changed" and ds(lab, zone) == set(), v


def test_not_secure(lab):
    """No DS: no bootstrap.  DS, and a child that is not signed: bogus."""
    zone = lab.add_zone("insecure", ["bind"], delegate="insecure")
    await_verdict(lab, zone, outcome="held", ds_rule="no-ds")
    assert ds(lab, zone) == set()
    zone = lab.add_zone("unsigned", ["bind"], unsigned=True)
    key = Key(257, 13)
    lab.update("parent", "lab.", [f"add {zone} 5 DS {key.ds_text(zone)}"])
    lab.update("bind", zone, [f"add {zone} 5 CSYNC 1 1 NS", f"add {zone} 5 NS ns1.knot.net."])
    await_verdict(lab, zone, outcome="held", csync_rule="bogus")
    looked_again()
    assert delegation(lab, zone)[0] == names(lab, zone, "bind") and ds(lab, zone) == {key.tag}


def test_new_name_servers_must_work(lab):
    zone = lab.add_zone("lame", ["bind", "knot"])
    lab.update("bind", zone, [f"add {zone} 5 NS ns1.pdns.net.", f"add {zone} 5 CSYNC 1 1 NS"])
    v = await_verdict(lab, zone, outcome="held", csync_rule="new-ns-lame")
    assert "ns1.pdns.net." in v["words"], v
    lab.update("bind", zone, [f"delete {zone} NS ns1.pdns.net.", f"add {zone} 5 NS nobody.net."])
    v = await_verdict(lab, zone, outcome="held", csync_rule="new-ns")
    assert "nobody.net." in v["words"], v
    # It serves the zone, but no DS leads to its keys.
    lab.update("bind", zone, [f"delete {zone} NS nobody.net.", f"add {zone} 5 NS ns1.knot.net."])
    await_verdict(lab, zone, outcome="held", csync_rule="new-ns-chain")
    looked_again()
    assert delegation(lab, zone)[0] == names(lab, zone, "bind")


def test_parent_refuses_then_does_not(lab):
    zone = lab.add_zone("frozen", ["bind"])
    third = Key(257, 13)
    breaks.freeze(lab, "parent")
    try:
        signal_sets(lab, "bind", zone, lab.dnskeys("bind", zone)[0] + [third.rdata])
        v = await_verdict(lab, zone, outcome="failed")
        assert "REFUSED" in v["words"], v
    finally:
        breaks.mend(lab)
    wait_until(lambda: third.tag in ds(lab, zone), 90, "followed when the parent takes updates again")


# ---- the program ----------------------------------------------------------------------------------------------------
def run(*argv):
    return subprocess.run([scanner.program(), *argv], capture_output=True, text=True, timeout=120, check=False)


def test_configuration_and_arguments(lab, tmp_path):
    conf = scanner.write_conf(lab, where=str(tmp_path / "ok.yaml"))
    r = run("-c", conf, "--check")
    assert r.returncode == 0 and r.stdout.endswith(": ok\n"), r
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    for wrong, says in (("intervall: 1s\n", "intervall"), ("children: [ex.org]\n", "not below"), ("parallel: 0\n", "parallel"),
                        ("interval: soon\n", "interval")):
        bad = tmp_path / "bad.yaml"
        bad.write_text(text.replace('interval: "1s"\n', "") + wrong)
        r = run("-c", str(bad), "--check")
        assert r.returncode != 0 and says in r.stderr and "bad.yaml:" in r.stderr, r
    bad.write_text(text.replace(lab.state["root"]["hints"], "/bin/true"))
    for words in (["--check"], ["--once"]):
        r = run("-c", str(bad), *words)
        assert r.returncode != 0 and re.search(r"bad\.yaml:\d+:\d+: resolver\.root-hints: /bin/true: no line is an NS record of the root", r.stderr), r
    for argv, says in ((["-o", "xml"], "json"), (["--nonsense"], "nonsense"), (["example.org"], "not below"), (["lab."], "not below"),
                       (["a..b"], "a..b")):
        r = run("-c", conf, *argv)
        assert r.returncode == 64 and says in r.stderr, (argv, r)
    assert "CHILD" in run("--help").stdout


def test_manual_is_of_this_program():
    with open(os.path.join(TOP, "docs", "man", "music-scanner.8"), encoding="utf-8") as f:
        page = f.read()
    between = page.split("--manual\n", 1)[1].split('.\\" end of generated', 1)[0]
    assert between.split() == run("--manual").stdout.split(), "docs/man/music-scanner.8: put the output of music-scanner --manual in its place"


def test_example_of_the_guide(lab, tmp_path):
    with open(os.path.join(TOP, "docs", "scanner.md"), encoding="utf-8") as f:
        [text] = re.findall(r"^```yaml\n(.*?)^```", f.read(), re.M | re.S)
    file = tmp_path / "scanner.yaml"
    file.write_text(text.replace("/etc/music/parent.key", lab.state["parent"]["tsig"]["file"]))
    r = run("-c", str(file), "--check")
    assert r.returncode == 0, r
    file.write_text(run("-c", str(file), "--dump=help").stdout)
    assert run("-c", str(file), "--check").returncode == 0


def test_commands_of_the_guide(lab):
    """docs/scanner.md: those of the laboratory, in order."""
    with open(os.path.join(TOP, "docs", "scanner.md"), encoding="utf-8") as f:
        lines = [line.split(" #")[0].strip() for block in re.findall(r"^```sh\n(.*?)^```", f.read(), re.M | re.S) for line in block.splitlines()]
    lab.add_zone("ex", ["bind"])
    scanner.stop(lab)
    try:
        for line in lines:
            r = subprocess.run(shlex.split(line), cwd=TOP, env={**os.environ, "LAB": lab.name}, capture_output=True, text=True, timeout=150, check=False)
            assert r.returncode == 0, (line, r)
        assert len(lines) == 5
    finally:
        scanner.stop(lab)
        scanner.start(lab)


def test_once(lab):
    zone, gone = lab.add_zone("once", ["bind"]), "gone.lab."
    [v] = scanner.once(lab, [zone])
    assert v["outcome"] == "unchanged" and v["ds"]["rule"] == "in-sync", v
    [v] = scanner.once(lab, [gone])
    assert v["outcome"] == "held" and "no delegation" in v["words"], v
    conf = os.path.join(scanner.path(lab), "once.yaml")
    assert lab.call([scanner.program(), "-c", conf, "--once", zone], check=False).returncode == 0
    assert lab.call([scanner.program(), "-c", conf, "--once", gone], check=False).returncode == 1
    everything = lab.call([scanner.program(), "-c", conf, "--once", "-o", "json", "--dry-run"], check=False, timeout=60)
    assert zone in {json.loads(line)["child"] for line in everything.stdout.splitlines()}, everything


def test_new_and_dropped_delegations(lab):
    zone = lab.add_zone("comes", ["bind"])
    await_verdict(lab, zone, outcome="unchanged")
    lab.drop_zone(zone)
    wait_until(lambda: verdict(lab, zone) is None or verdict(lab, zone)["outcome"] == "held", 90, "not followed any more")


def test_idle_is_cheap(lab):
    """Four questions a look and little of the processor (with sanitizers): 40 zones, a look a second."""
    zones = lab.add_zones([f"idle{i}" for i in range(40)], ["knot"])
    wait_until(lambda: sum(v["child"] in zones and v["outcome"] == "unchanged" for v in scanner.report(lab)) == 40, 90, "40 idle zones")
    pid = PidFile(os.path.join(lab.dir, "pids", scanner.NAME)).pid()

    def cpu():
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            words = f.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    began, used = time.monotonic(), cpu()
    passed(5)
    share = (cpu() - used) / (time.monotonic() - began)
    print(f"idle: {len(scanner.report(lab))} delegations a second, {share:.3f} of a processor")
    assert share < 0.25
