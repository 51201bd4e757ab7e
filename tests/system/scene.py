"""What the scenario tests share: a laboratory with musicd, the parent's scanner and the judges, and the comparison of copies.

    with Stage(lab, zones) as st:          # musicd, scanner, prober; signers are known to musicd
        st.group("g", ["bind"], ["ex"])    # a group of its own for some zones
        st.mc.cli("zone", "migrate", ...)
        st.settled(["ex"])
    st.judge()                             # 0 bogus, 0 insecure, 0 failed, 0 pair violations
"""
import os
import re

from musiclab import prober, scanner
from musiclab.controller import Controller
from musiclab.space import wait_until

# What the controller coordinates (at the apex), and what a signer makes by itself.
COORDINATED = {"NS", "DNSKEY", "CDS", "CDNSKEY", "CSYNC"}
OWN = {"SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "TYPE65534"}


def transfer(lab, signer, zone):
    """A signer's whole zone, as the zone's own key may transfer it: a set of (owner, ttl, type, rdata)."""
    z, s = lab.state["zones"][zone], lab.state["signers"][signer]
    key = (z.get("tsig") or {}).get(signer) or s["tsig"]
    out = lab.call(["dig", "@" + s["update"]["address"], "-k", key["file"], "+noall", "+answer", "+onesoa", zone, "AXFR"]).stdout
    records = set()
    for line in out.splitlines():
        m = re.match(r"(\S+)\s+(\d+)\s+IN\s+(\S+)\s+(.*)", line)
        if m:
            records.add((m[1].lower(), int(m[2]), m[3], m[4]))
    assert any(r[2] == "SOA" for r in records), f"no transfer of {zone} from {signer}: {out[:500]}"
    return records


def content(records, zone):
    """What nobody but the zone's owner may change."""
    return {r for r in records if r[2] not in OWN and not (r[0] == zone and r[2] in COORDINATED)}


def ttls(records, zone):
    """The TTLs of the sets that were there before anybody joined."""
    return {(r[2], r[1]) for r in records if r[0] == zone and r[2] in ("NS", "DNSKEY")}


def apex(records, zone, rdtype):
    return {r[3] for r in records if r[0] == zone and r[2] == rdtype}


class Stage:
    def __init__(self, lab, zones, signers=None, settings=None, binary=None, rate=None):
        self.lab, self.settings, self.binary = lab, settings, binary
        self.zones = [lab.zone_name(z) for z in zones]
        self.signers = list(signers or lab.state["signers"])
        self.rate = rate or max(2.0, 6.0 / len(self.zones))
        self.mc, self.verdict, self.before = None, None, {}

    def __enter__(self):
        lab = self.lab
        self.before = {(s, z): transfer(lab, s, z) for z in self.zones for s in lab.state["zones"][z]["signers"]}
        self.mc = Controller(lab, settings=self.settings).start(self.binary)
        try:
            scanner.start(lab, self.zones)
            prober.start(lab, self.zones, rate=self.rate)
            for s in self.signers:
                self.mc.add_signer(s)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        if os.path.exists(os.path.join(self.lab.dir, "pids", "prober")):
            self.verdict = prober.stop(self.lab)
        scanner.stop(self.lab)
        self.stopped_well = self.mc.stop() is not False

    # -- musicd ---------------------------------------------------------------------------------------------------
    def group(self, name, members, zones, *options, timeout=180):
        """A signer group and its zones; returns when musicd has looked at them all and finds them valid."""
        words = [w for m in members for w in ("--signer", m)]
        self.mc.cli("signergroup", "add", name, *words)
        for z in zones:
            self.mc.add_zone(z, name, *options)
        names = [self.lab.zone_name(z) for z in zones]
        wait_until(lambda: all(self.state(z).get("state", "").startswith("VALID") for z in names), timeout,
                   f"the first complete look at {', '.join(names)}", interval=0.5)

    def list(self):
        return {z["name"]: z for z in self.mc.json("zone", "list")["items"]}

    def state(self, zone):
        return self.list().get(self.lab.zone_name(zone), {})

    def processes(self, zone):
        """Oldest first."""
        return self.mc.json("process", "list", "--zone", self.lab.zone_name(zone))["items"][::-1]

    def ended(self, zone, kind, signer):
        return any(p["kind"] == kind and p["signer"] == signer and p["outcome"].split(":")[0] == "done" for p in self.processes(zone))

    def wait(self, zone, what, condition, timeout=240):
        """Until condition(state of the zone); on time-out musicd's explanation comes with the error."""
        try:
            wait_until(lambda: condition(self.state(zone)), timeout, what, interval=0.4)
        except Exception as e:
            said = self.mc.cli("zone", "explain", self.lab.zone_name(zone), check=False).stdout
            raise AssertionError(f"{e}\n{self.state(zone)}\n{said}") from None

    def settled(self, zones=None, timeout=300):
        """Until no process runs at any of the zones and what was marked is done."""
        names = [self.lab.zone_name(z) for z in zones or self.zones]

        def idle():
            now = self.list()
            return all(not now[z].get("process") for z in names)
        try:
            wait_until(idle, timeout, "every process is over", interval=0.5)
        except Exception as e:
            busy = [z for z in names if self.state(z).get("process")]
            said = "\n".join(self.mc.cli("zone", "explain", z, check=False).stdout for z in busy)
            raise AssertionError(f"{e}: {busy}\n{said}") from None

    def row(self, zone):
        return self.state(zone).get("row") or ""

    def rows(self, zone, kind, signer):
        """The rows a process has come through, from the history."""
        return [m[1] for m in re.finditer(rf"{kind} {signer}: (\S+)", self.history(zone))]

    def history(self, zone):
        return self.mc.cli("zone", "history", self.lab.zone_name(zone)).stdout

    def daemon(self):
        return self.mc.json("status")

    # -- verdicts ---------------------------------------------------------------------------------------------------
    def judge(self, enough=50):
        v = self.verdict
        assert v["answers"] >= enough and v["pair_checks"] > 3, v
        assert (v["bogus"], v["insecure"], v["failed"], v["pair_violations"]) == (0, 0, 0, 0), prober.human(v) + "\n" + "\n".join(
            map(str, v.get("witness", [])[:10]))
        self.calm()

    def calm(self):
        """musicd itself had nothing to fear, and no sanitizer to complain."""
        bad = [line for line in self.mc.log().splitlines() if "-> INVALID" in line or "AddressSanitizer" in line or "runtime error:" in line]
        assert not bad, "\n".join(bad)

    def unchanged(self, zone, but=()):
        """Every signer's copy has, record by record, what it had before: but the coordinated sets and what signing makes.
        Those sets have the TTL that this signer gave them."""
        zone = self.lab.zone_name(zone)
        for s in self.lab.state["zones"][zone]["signers"]:
            if s in but:
                continue
            now = transfer(self.lab, s, zone)
            before, after = content(self.before[s, zone], zone), content(now, zone)
            assert before == after, f"{zone} at {s}: gone {sorted(before - after)}, new {sorted(after - before)}"
            assert ttls(self.before[s, zone], zone) == ttls(now, zone), f"{zone} at {s}"

    def alone(self, zone, signer):
        """The signer is the only one: its copy and the parent have no trace of any other."""
        zone = self.lab.zone_name(zone)
        self.signed_by(zone, [signer])
        after = transfer(self.lab, signer, zone)
        own = {k.to_text() for half in self.lab.dnskeys(signer, zone)[:2] for k in half}
        assert len(apex(after, zone, "DNSKEY")) == len(own), f"{zone} at {signer}: foreign keys stayed"

    def signed_by(self, zone, signers):
        """NS at each of the signers and at the parent are theirs; the DS set is that of their keys; no CSYNC is left."""
        zone = self.lab.zone_name(zone)
        z = self.lab.state["zones"][zone]
        names = {n["name"] for s in signers for n in z["ns"][s]}
        ds = set()
        for s in signers:
            copy = transfer(self.lab, s, zone)
            assert apex(copy, zone, "NS") == names, f"{zone} at {s}: NS"
            assert not apex(copy, zone, "CSYNC"), f"{zone} at {s}: CSYNC stayed"
            ds |= {line.split(" DS ", 1)[1].lower() for line in self.lab.ds_lines(zone, signers=[s])}
        for p in self.lab.state["parent"]["servers"]:
            for a in p["addresses"]:
                m = self.lab.ask(a, zone, "DS")
                assert {r.to_text().lower() for rr in m.answer if rr.rdtype == 43 for r in rr} == ds, f"{zone}: DS at {a}"
                m = self.lab.ask(a, zone, "NS")
                assert {r.to_text() for rr in m.authority + m.answer if rr.rdtype == 2 for r in rr} == names, f"{zone}: NS at {a}"
