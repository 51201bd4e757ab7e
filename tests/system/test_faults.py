"""Faults at real servers: musicd names the guilty, does nothing by halves, and goes on by itself when the fault is mended."""
import contextlib
import datetime
import itertools
import json
import os
import re
import subprocess

import dns.dnssec
import dns.name
import pytest

from musiclab import breaks, rolls, scanner, zonetext
from musiclab.space import wait_until
from trouble import Trouble, well


def load_at(lab, signer, zone, **changes):
    """The zone, which some signers have already, at one signer more, perhaps with other properties."""
    zone = lab.zone_name(zone)
    with lab.changing() as state:
        z = state["zones"][zone]
        if signer not in z["signers"]:
            z["signers"] = z["signers"] + [signer]
        z["ns"][signer] = zonetext.child_ns(zone, state["signers"][signer], z["inbailiwick"])
        before = {k: z[k] for k in changes}
        z.update(changes)
        lab._load(signer, [zone], {zone: zonetext.child(zone, z)})
        z.update(before)


def unload_at(lab, signer, zone):
    zone = lab.zone_name(zone)
    with lab.changing() as state:
        z = state["zones"][zone]
        z["signers"] = [s for s in z["signers"] if s != signer]
        server = lab.server(signer)
        server.drop_zone(zone)
        server.reload()


def test_joiners_that_do_not_cooperate(make_lab):
    """Each zone of BIND is joined by a server with another fault; a zone whose joiner is well comes through meanwhile."""
    lab = make_lab(signers=["bind", "knot", "knot2", "knot3", "knot4", "pdns"])
    joiner = {"refuse": "knot", "secret": "knot2", "swallow": "knot3", "fine": "knot4", "stop": "pdns"}
    for z, s in joiner.items():
        lab.add_zone(z, ["bind", s])
    with Trouble(lab, joiner) as t:
        for z in joiner:
            t.group(z, ["bind"])
        breaks.flag(lab, "knot", "updates_refused")
        breaks.flag(lab, "knot2", "tsig_wrong")
        breaks.swallow(lab, "knot3")
        breaks.stop(lab, "pdns")
        for z, s in joiner.items():
            t.join(z, s)
        t.says("refuse", r"knot: UPDATE refused: (NOTAUTH|REFUSED)", r"signer=knot ")
        t.says("secret", r"knot2: its copy cannot be read: .*another secret", r"signer=knot2 ")
        t.explains("secret", r"cause .*another secret")
        t.explains("refuse", r"cause .*UPDATE refused: (NOTAUTH|REFUSED)")
        t.says("swallow", r"knot3: dropped: the UPDATE was accepted \(NOERROR\), but DNSKEY does not show it", r"signer=knot3 ")
        for s, refused, dropped in (("knot", True, False), ("knot3", False, True), ("knot4", False, False)):
            changes = t.mc.json("signer", "show", s)["changes"]
            assert (changes["refused"] > 0, changes["dropped"] > 0) == (refused, dropped), (s, changes)
        told = t.mc.cli("doctor", check=False).stdout
        assert re.search(r"knot3: of \d+ changes since the daemon started 0 were refused, [1-9]\d* dropped and 0 not answered", told), told
        t.says("stop", r"(10\.53\.4\.1|fd53:4::1) \(pdns\) gave no answer in time", r"server=")
        t.done("fine", "ADD-SIGNER", "knot4")       # nobody else's fault holds it up
        t.joined("fine", ["bind", "knot4"])
        for z in ("refuse", "secret", "swallow", "stop"):
            t.says(z, r"rule=")                     # in the midst of a turn it may wait for nothing
            t.untouched(z)
        assert sorted(breaks.mend(lab)) == ["knot2: tsig_wrong", "knot3: drops_foreign", "knot: updates_refused", "pdns: stopped"]
        for z, s in joiner.items():
            t.done(z, "ADD-SIGNER", s)
            t.joined(z, ["bind", s])
        print(t.mc.cli("zone", "list").stdout)
    print(t.verdict["answers"], "answers,", t.verdict["pair_checks"], "pair checks")
    t.judge(60)


@pytest.mark.long
def test_bad_roads(make_lab):
    """Truncated answers with and without TCP, SERVFAIL, and a network that loses and delays."""
    lab = make_lab(signers=["bind", "knot", "knot2", "knot3", "knot4"])
    joiner = {"cut": "knot", "cut-no-tcp": "knot2", "servfail": "knot3", "lossy": "knot4"}
    for z, s in joiner.items():
        lab.add_zone(z, ["bind", s])
    with Trouble(lab, joiner) as t:
        for z in joiner:
            t.group(z, ["bind"])
        breaks.relay(lab, "knot", truncate=True)
        breaks.relay(lab, "knot2", truncate=True, no_tcp=True)
        breaks.relay(lab, "knot3", rcode="SERVFAIL")
        breaks.relay(lab, "knot4", loss=20, delay=40)
        for z, s in joiner.items():
            t.join(z, s)
        t.says("cut-no-tcp", r"(10\.53\.13\.1|fd53:13::1) \(knot2\)", r"(?i)tcp|truncated")
        t.says("servfail", r"(10\.53\.23\.1|fd53:23::1) \(knot3\).*SERVFAIL")
        t.done("cut", "ADD-SIGNER", "knot")         # UDP that says "ask by TCP" is slower, not worse
        t.done("lossy", "ADD-SIGNER", "knot4", timeout=400)
        t.untouched("cut-no-tcp")
        t.untouched("servfail")
        breaks.mend(lab)
        for z, s in joiner.items():
            t.done(z, "ADD-SIGNER", s)
            t.joined(z, ["bind", s])
    t.judge(100, silent_ok=True)


def test_parent_stalls(make_lab):
    """The parent refuses the scanner; then its secondary keeps the old DS; a signer restarts meanwhile."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("stall", ["bind", "knot"])
    with Trouble(lab, ["stall"]) as t:
        t.group("stall", ["bind"])
        breaks.freeze(lab, "parent2")
        breaks.freeze(lab, "parent")
        t.join("stall", "knot")
        t.at_row("stall", "parent-ds-synced")
        t.says("stall", r"rule=parent-ds .*(10\.53\.1\.[12]|fd53:1::[12])")
        t.untouched("stall")
        breaks.restart(lab, "knot")
        breaks.flag(lab, "parent", "updates_refused", None)
        t.says("stall", r"rule=parent-ds .*(10\.53\.1\.2|fd53:1::2)")
        # the old DS at one server holds the name servers back, however long it takes
        wait_until(lambda: len([1 for k, _ in t.parent("stall.lab.") if k == 43]) > 1, 120, "the parent's primary has both DS")
        assert t.row("stall")["row"] == "parent-ds-synced", t.row("stall")
        breaks.mend(lab)
        t.done("stall", "ADD-SIGNER", "knot")
        t.joined("stall", ["bind", "knot"])
        breaks.freeze(lab, "parent")                # now the NS set, on the way out
        t.leave("stall", "bind")
        t.says("stall", r"rule=parent-ns .*(10\.53\.1\.[12]|fd53:1::[12])")
        breaks.restart(lab, "bind")
        breaks.mend(lab)
        t.done("stall", "REMOVE-SIGNER", "bind")
        t.joined("stall", ["knot"])
    t.judge(60, silent_ok=True)


def test_zones_that_do_not_fit(make_lab):
    """What preflight must find: no zone, no signatures, no chain, other algorithm, equal tags, other content, mixed digests."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("missing", ["bind"])
    lab.add_zone("algorithm", ["bind"])
    lab.add_zone("tags", ["bind", "knot"], same_tags="zsk")
    lab.add_zone("content", ["bind", "knot"])
    lab.add_zone("digest", ["bind", "knot"])
    lab.add_zone("plain", ["bind", "knot"], unsigned=True)
    lab.add_zone("nods", ["bind", "knot"], delegate="insecure")
    load_at(lab, "knot", "algorithm", algorithm=15)
    lab.wait_served("algorithm.lab.")
    lab.update("knot", "content.lab.", ["add only.content.lab. 5 TXT here"])
    ksk = lab.dnskeys("bind", "digest.lab.")[0][0]
    ds4 = dns.dnssec.make_ds(dns.name.from_text("digest.lab."), ksk, "SHA384").to_text()
    lab.update("bind", "digest.lab.", [f"add digest.lab. 5 CDS {ds4}"])
    zones = ["missing", "algorithm", "tags", "content", "digest", "plain", "nods"]
    with Trouble(lab, zones) as t:
        for z in zones:
            t.group(z, ["bind"], state={"plain": "", "nods": ""}.get(z, "VALID"))
        for z in zones:         # before it has joined, and again when it waits
            fit = t.mc.cli("zone", "preflight", lab.zone_name(z), "--signer", "knot", check=False)
            assert fit.returncode == (0 if z == "digest" else 1), (z, fit.stdout)
            for rule in {"missing": ["serves"], "algorithm": ["algorithms"], "tags": ["V11"], "content": ["V13"]}.get(z, []):
                assert f"\n  {rule}  " in "\n" + fit.stdout, (z, fit.stdout)
            t.untouched(z)
        for z in zones:
            t.join(z, "knot")
        t.says("missing", r"signer=knot ", r"(REFUSED|not authoritative|does not serve).*")
        t.says("algorithm", r"rule=algorithms .*", r"signer=knot")
        t.says("tags", r"rule=V11 .*key_tag=\d+")
        t.says("content", r"rule=V13 .*", r"signer=knot")
        t.says("plain", r"rule=(signed|V5|SIGNED)")
        for z in ("missing", "algorithm", "tags", "content", "plain"):
            t.untouched(z)
            assert t.row(z).get("row") in (None, "", "signers-unsynced"), t.row(z)
            fit = t.mc.cli("zone", "preflight", lab.zone_name(z), "--signer", "knot", check=False)
            assert fit.returncode == 1, (z, fit.stdout)
        t.done("digest", "ADD-SIGNER", "knot")      # each digest type alone holds
        t.joined("digest", ["bind", "knot"])
        t.says("nods", r"nods|DS")
        assert not [x for x in t.parent("nods.lab.") if x[0] == 43]
        load_at(lab, "knot", "missing")
        lab.update("knot", "content.lab.", ["delete only.content.lab. TXT"])
        rolls.roll(lab, "knot", "tags", "zsk")
        unload_at(lab, "knot", "algorithm")
        load_at(lab, "knot", "algorithm")
        for z in ("missing", "content", "tags"):
            t.done(z, "ADD-SIGNER", "knot")
            t.joined(z, ["bind", "knot"])
    t.judge(40, insecure=["plain", "nods"])


def test_a_joiner_with_too_many_iterations(make_lab):
    """RFC 9276: validators take NSEC3 above 50 iterations for insecure. Such a joiner gets no key, and no name server when it comes to it later."""
    lab = make_lab(signers=["bind", "knot"])
    said = r"NSEC3 of \S+ \(knot\) has 200 iterations, and validators take above 50 for insecure \(RFC 9276\): set them to 0"

    def iterations(count):
        breaks.flag(lab, "knot", "nsec3_iterations", count)

        def served():
            found = [rr for rrset in lab.ask("10.53.3.1", "nope." + name, "A").authority for rr in rrset if rr.rdtype == 50]
            return found and {rr.iterations for rr in found} == {count}
        wait_until(served, 120, f"Knot serves NSEC3 with {count} iterations")

    name = lab.add_zone("deep", ["bind", "knot"], denial="nsec3")
    iterations(200)
    with Trouble(lab, ["deep"]) as t:
        t.group("deep", ["bind"])
        before = lab.dnskeys("bind", name)
        fit = t.mc.cli("zone", "preflight", name, "--signer", "knot", check=False)
        assert fit.returncode == 1 and re.search(said, " ".join(fit.stdout.split())), fit.stdout
        t.join("deep", "knot")
        t.says("deep", r"rule=V12 .*result=fails .*signer=knot ")
        t.explains("deep", "200 iterations")
        assert t.row("deep").get("row") in (None, "", "signers-unsynced"), t.row("deep")
        assert lab.dnskeys("bind", name) == before
        t.untouched("deep")
        breaks.freeze(lab, "parent")
        iterations(50)                  # a warning, and it goes on
        t.at_row("deep", "parent-ds-synced")
        fit = t.mc.cli("zone", "preflight", name, "--signer", "knot", check=False)
        assert fit.returncode == 0 and "has 50 iterations; there should be 0" in " ".join(fit.stdout.split()), fit.stdout
        iterations(200)
        breaks.flag(lab, "parent", "updates_refused", None)
        wait_until(lambda: [w for w in t.waits("deep") if w["rule"] == "V12"], 240, "it waits for V12")
        assert "nses-synced" not in t.row("deep")["row"]
        assert {text for kind, text in t.parent(name) if kind == 2} == {text for kind, text in t.at_parent[name] if kind == 2}
        iterations(0)
        t.done("deep", "ADD-SIGNER", "knot")
        t.joined("deep", ["bind", "knot"])
    t.judge(30)


def test_powerdns_publishes_two_digest_types(make_lab):
    """BIND names its key by SHA-256 alone; the DS set that comes has both types of both keys, so neither type alone leads astray."""
    lab = make_lab(signers=["bind", "pdns"])
    name = lab.add_zone("types", ["bind", "pdns"])
    lab.server("pdns").pdnsutil("set-publish-cds", name.rstrip("."), "2,4")
    wait_until(lambda: len(lab.ex.rrset("10.53.4.1", name, "CDS")) == 2, 90, "PowerDNS shows CDS of two types")
    with Trouble(lab, ["types"]) as t:
        t.group("types", ["bind"])
        t.join("types", "pdns")
        t.done("types", "ADD-SIGNER", "pdns")
        t.joined("types", ["bind", "pdns"])
        ds = {(int(text.split()[0]), int(text.split()[2])) for kind, text in t.parent(name) if kind == 43}
        tags = {dns.dnssec.key_id(k) for s in ("bind", "pdns") for k in lab.dnskeys(s, name)[0]}
        assert ds == {(tag, digest) for tag in tags for digest in (2, 4)}, ds
    t.judge(30)


@pytest.mark.long
def test_a_secondary_serves_old_signatures(make_lab):
    """BIND's secondary gets the zone no more, and its signatures end after 100 s: it is named, and nobody joins meanwhile."""
    lab = make_lab(signers=["bind", "knot"], secondaries=["bind"])
    name = lab.add_zone("old", ["bind", "knot"], short_signatures=True)
    with Trouble(lab, ["old"]) as t:
        t.group("old", ["bind"])
        second = lab.server("bind-nsd")
        second.d["primary"] = "10.53.9.6"           # nobody is there
        second.reload()
        t.says("old", r"rule=V4 .*result=fails .*server=(10\.53\.2\.2|fd53:2::2) \(bind\)")
        t.join("old", "knot")
        t.says("old", r"rule=(?!V4)\S+ .*server=(10\.53\.2\.2|fd53:2::2) \(bind\)")
        t.untouched("old")
        lab.server("bind-nsd").reload()
        lab.server("bind-nsd").nsd_control("transfer", name)
        t.done("old", "ADD-SIGNER", "knot")
        t.joined("old", ["bind", "knot"])
        wait_until(lambda: "V4" not in {f["rule"] for f in t.explain("old")["findings"]}, 60, "V4 holds again")
        lab.flush(name)
        for i in range(20):                         # either server, before and behind the validator's cache
            assert lab.resolve(f"x{i}.w.{name}", "A", validator=i % 2)[0] == "secure"
    assert t.verdict["insecure"] == 0 and t.verdict["answers"] > 30     # bogus they were, at the old one
    well(t.mc)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long off(void) {
	const char *s = getenv("CLOCK_OFF");
	char text[32] = "0";
	FILE *f = s ? fopen(s, "r") : NULL;
	if (f) { if (!fgets(text, sizeof text, f)) text[0] = 0; fclose(f); }
	return atol(text);
}
int clock_gettime(clockid_t c, struct timespec *t) {
	static int (*f)(clockid_t, struct timespec *);
	if (!f) f = dlsym(RTLD_NEXT, "clock_gettime");
	int rc = f(c, t);
	if (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE) t->tv_sec += off();
	return rc;
}
time_t time(time_t *out) {
	struct timespec t; clock_gettime(CLOCK_REALTIME, &t);
	if (out) *out = t.tv_sec;
	return t.tv_sec;
}
int gettimeofday(struct timeval *v, void *z) {
	struct timespec t; (void)z; clock_gettime(CLOCK_REALTIME, &t);
	v->tv_sec = t.tv_sec; v->tv_usec = t.tv_nsec / 1000;
	return 0;
}
"""


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """with clock(seconds) as step: what is started in it has a clock that is off; step(seconds): by so much from now on."""
    (tmp_path / "clock.c").write_text(CLOCK)
    so = str(tmp_path / "clock.so")
    subprocess.run(["cc", "-O1", "-w", "-shared", "-fPIC", "-o", so, str(tmp_path / "clock.c"), "-ldl"], check=True)

    count = itertools.count()

    @contextlib.contextmanager
    def off(seconds):
        file = tmp_path / f"off-{next(count)}"

        def step(by):
            (tmp_path / "next").write_text(str(by))
            os.replace(tmp_path / "next", file)     # nobody reads half of it
        step(seconds)
        with monkeypatch.context() as m:
            m.setenv("LD_PRELOAD", so)
            m.setenv("CLOCK_OFF", str(file))
            m.setenv("ASAN_OPTIONS", "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))
            yield step
    return off


def test_clock_of_a_signer_is_off(make_lab, clock):
    """Knot's clock is an hour ahead: its TSIG check refuses, and musicd says that it is the clock, and by how much."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("clock", ["bind", "knot"])
    with Trouble(lab, ["clock"]) as t:
        t.group("clock", ["bind"])
        with clock(3600):
            breaks.restart(lab, "knot")
        t.join("clock", "knot")
        t.says("clock", r"knot: .*our clock is off \(BADTIME\): its clock is 3[56]\d\d s ahead of ours")
        t.untouched("clock")
        breaks.restart(lab, "knot")
        t.done("clock", "ADD-SIGNER", "knot")
    t.judge(30)


@pytest.mark.parametrize("off,words", [(900, "s behind"), (-900, "s ahead of")])
def test_clock_of_musicd_is_off(make_lab, clock, off, words):
    """The signer refuses and says so; with the right clock musicd goes on, though its memory is of another time."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("clock", ["bind", "knot"])
    with Trouble(lab, ["clock"]) as t:
        t.group("clock", ["bind"])
        t.mc.stop()
        with clock(off):
            t.mc.start()
        t.join("clock", "knot")
        t.says("clock", rf"knot: .*our clock is off \(BADTIME\): its clock is (8|9)\d\d {words} ours")
        t.untouched("clock")
        t.mc.stop()
        t.mc.start()
        t.done("clock", "ADD-SIGNER", "knot")
        t.joined("clock", ["bind", "knot"])
    t.judge(30)


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def until(t, rule):
    """When this wait is over; None: it is not waited for, or nobody knows."""
    return next((instant(w["until"]) for w in t.waits("clock") if w["rule"] == rule and w.get("until")), None)


@pytest.mark.parametrize("stopped", [False, True])
def test_clock_of_musicd_steps(make_lab, clock, stopped):
    """Set forward by far more than the wait for the old DS set, in the middle of it, while musicd runs or not: that is waited for all the same."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("clock", ["bind", "knot"], ttl=20)
    with Trouble(lab, ["clock"]) as t:
        t.mc.stop()
        with clock(0) as step:
            t.mc.start()
        t.group("clock", ["bind"])
        t.join("clock", "knot")
        over = wait_until(lambda: until(t, "DS-Wait"), 120, "musicd waits for the old DS set", interval=0.2)
        if stopped:
            t.mc.stop()
            with clock(100):
                t.mc.start()
        else:
            step(100)
        t.done("clock", "ADD-SIGNER", "knot")
        t.joined("clock", ["bind", "knot"])
        said = re.search(r"the clock was set by ([\d.]+) s: waits last as long as they would have", t.mc.log())
        assert said and abs(float(said[1]) - 100) < 5, said          # two clocks are read, one after the other
        told = t.mc.json("zone", "history", lab.zone_name("clock"), "--limit", "300")["items"]
        at = next(e["at"] for e in told if e["text"].endswith(": nses-synced"))
        assert instant(at) >= over + datetime.timedelta(seconds=float(said[1]) - 0.1)
    t.judge(30)


def test_the_key_file_of_a_signer_is_wrong(make_lab):
    """No key file at first, then a wrong secret, then the right one; and the operator changes the signer under way."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("keyfile", ["bind", "knot"])
    with Trouble(lab, ["keyfile"]) as t:
        t.group("keyfile", ["bind"])
        path = lab.state["signers"]["knot"]["tsig"]["file"]
        with open(path, encoding="utf-8") as f:
            right = f.read()
        os.unlink(path)
        t.mc.stop()
        t.mc.start()
        t.join("keyfile", "knot")
        t.says("keyfile", r"knot.*ctl-knot\.key.*(?i:no such file)")
        t.untouched("keyfile")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), "w", encoding="utf-8") as f:
            f.write(right)
        t.says("keyfile", r"ctl-knot\.key: holds a secret and everybody may use it \(mode 0644\)")
        t.untouched("keyfile")
        os.chmod(path, 0o640)
        t.done("keyfile", "ADD-SIGNER", "knot")
        breaks.stop(lab, "knot")                    # a change is on its way to a silent server ...
        t.leave("keyfile", "bind")
        for i in range(12):                         # ... while the signer is changed again and again
            t.mc.cli("signer", "update", "knot", "--update-rate", str(100 + i))
        breaks.mend(lab)
        t.done("keyfile", "REMOVE-SIGNER", "bind")
        t.joined("keyfile", ["knot"])
        assert json.loads(t.mc.cli("-o", "json", "ping").stdout)
    t.judge(30, silent_ok=True)


def test_the_only_signer_is_silent(make_lab):
    """Nobody answers for the zone any more: musicd says so, who is silent and since when; and is content when it answers again."""
    lab = make_lab(signers=["bind"])
    lab.add_zone("silent", ["bind"])
    with Trouble(lab, ["silent"], settings={"schedule": {"idle": "1h", "recheck": "2s"}, "policy": {"gap": "2h"}}) as t:
        t.group("silent", ["bind"])
        stopped = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
        breaks.stop(lab, "bind")
        t.mc.cli("zone", "check", lab.zone_name("silent"))
        t.says("silent", r"VALID(-SO-FAR)? -> UNKNOWN: V[12]: 10\.53\.2\.1 \(bind\) gave no answer in time for \w+, since 20",
               r"rule=V6 .*signer=bind .*server=10\.53\.2\.1 ")
        v6 = [f for f in t.explain("silent")["findings"] if f["rule"] == "V6"]
        assert v6 and all(instant(f["seen_at"]) >= stopped for f in v6), v6
        assert t.row("silent")["state"] == "UNKNOWN"
        breaks.mend(lab)
        wait_until(lambda: t.row("silent")["state"].startswith("VALID"), 150, "it is looked at again long before the hour is over", interval=0.5)


def test_two_csync_records(make_lab):
    """RFC 7477 allows one CSYNC. Whoever put another one beside ours: musicd says where, takes that very record away, and goes on."""
    lab = make_lab(signers=["bind", "knot"])
    name = lab.add_zone("two", ["bind", "knot"])
    alien = {"3 3 A NS", "4 0 NS AAAA"}

    def csync():
        rr = lab.ex.rrset(lab.state["signers"]["bind"]["update"]["address"], name, "CSYNC")
        return {r.to_text() for r in rr} if rr else set()

    def put(rdatas):
        lab.update("bind", name, [f"add {name} 5 CSYNC {r}" for r in rdatas])

    with Trouble(lab, ["two"]) as t:
        t.group("two", ["bind"])
        # The parent follows CDS, and CSYNC not before it is allowed to: the join waits for it.
        scanner.stop(lab)
        scanner.start(lab, [name], policy_csync_approval=True)
        t.join("two", "knot")
        t.at_row("two", "parent-ns-synced")
        wait_until(lambda: len(csync()) == 1, 150, "our CSYNC at bind", interval=0.2)
        ours = csync()
        t.mc.cli("zone", "hold", name, "--reason", "to see the words")
        put(alien - {"4 0 NS AAAA"})
        assert len(csync()) == 2
        t.says("two", r"CSYNC of bind \(10\.53\.2\.1\) is not the set asked for: there are two CSYNC records")
        put(alien)
        t.says("two", r"CSYNC of bind .*: there are 3 CSYNC records, and one is allowed")
        t.mc.cli("zone", "resume", name)
        wait_until(lambda: csync() == ours, 150, "ours alone at bind", interval=0.2)
        told = t.history("two")
        assert "bind: delete CSYNC with serial 4 and flags 0; delete CSYNC with serial 3 and flags 3" in told, told
        # None of them is ours to keep: the one that is asked for comes in their place.
        lab.update("bind", name, [f"delete {name} CSYNC {r}" for r in ours] + [f"add {name} 5 CSYNC {r}" for r in alien])
        wait_until(lambda: csync() == ours, 150, "ours again, and alone", interval=0.2)
        scanner.stop(lab)
        scanner.start(lab, [name])
        t.done("two", "ADD-SIGNER", "knot")
        assert not csync()
        t.joined("two", ["bind", "knot"])
    t.judge()
