"""What the tests of faults share: a laboratory under musicd, the parent's scanner and the judges, with zones that join side by side.

    with Trouble(lab, zones) as t:         # musicd, scanner, prober; the laboratory's signers (or signers=) are known to musicd
        t.group("ex", ["bind"])            # a group of its own for a zone
        t.join("ex", "knot")
        t.says("ex", r"knot.*refused")     # until musicd names the guilty
        t.untouched("ex")                  # and the parent has what it had
        breaks.mend(lab)
        t.done("ex", "ADD-SIGNER", "knot") # and it goes on by itself
    t.judge()

The limits are for what never comes; a machine with ten times as much to do takes its time.
"""
import os
import re

from musiclab import prober, scanner
from musiclab.controller import Controller
from musiclab.space import wait_until

SHORT = {"schedule": {"retry": "1500ms", "idle": "1500ms"}}


class Trouble:
    def __init__(self, lab, zones, settings=None, rate=None, binary=None, hooks="", signers=None):
        self.lab, self.zones = lab, [lab.zone_name(z) for z in zones]
        self.signers = list(lab.state["signers"]) if signers is None else signers
        self.rate = rate or max(2.0, 6.0 / len(self.zones))
        self.settings, self.binary, self.verdict, self.at_parent = settings or SHORT, binary, None, {}
        self.mc = Controller(lab, settings=self.settings, hooks=hooks)

    def __enter__(self):
        self.mc.start(self.binary)
        try:
            scanner.start(self.lab, self.zones)
            prober.start(self.lab, self.zones, rate=self.rate)
            for s in self.signers:
                self.mc.add_signer(s)
            self.at_parent = {z: self.parent(z) for z in self.zones}
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        if os.path.exists(os.path.join(self.lab.dir, "pids", "prober")):
            self.verdict = prober.stop(self.lab)
        scanner.stop(self.lab)
        self.mc.stop()

    # -- asking for things ------------------------------------------------------------------------------------------
    def group(self, zone, members, state="VALID", timeout=240):
        name = self.lab.zone_name(zone)
        self.mc.cli("signergroup", "add", "g-" + zone, *[w for m in members for w in ("--signer", m)])
        self.mc.add_zone(zone, "g-" + zone)
        wait_until(lambda: (self.row(name).get("state") or "").startswith(state), timeout, f"the first look at {name}", interval=0.3)

    def join(self, zone, signer):
        self.mc.cli("signer", "join", signer, "--group", "g-" + zone)

    def leave(self, zone, signer):
        self.mc.cli("signer", "leave", signer, "--group", "g-" + zone)

    # -- what musicd says -------------------------------------------------------------------------------------------
    def row(self, zone):
        return {z["name"]: z for z in self.mc.json("zone", "list")["items"]}.get(self.lab.zone_name(zone), {})

    def explain(self, zone):
        return self.mc.explain(zone)

    def reasons(self, zone):
        """Every wait and finding as one line of all it names; then the history, newest first."""
        e = self.explain(zone)
        lines = [" | ".join(f"{k}={v}" for k, v in f.items() if v not in (None, "", 0)) for f in e["waits"] + e["findings"]]
        return "\n".join(lines) + "\n" + self.history(zone)

    def history(self, zone):
        return self.mc.cli("zone", "history", self.lab.zone_name(zone), "--limit", "300").stdout

    def waits(self, zone):
        return self.explain(zone)["waits"]

    def says(self, zone, *patterns, timeout=200):
        """Until musicd names each: a regular expression found in what it waits for, what it finds, or its history."""
        seen = {}

        def named():
            seen["text"] = self.reasons(zone)
            return all(re.search(p, seen["text"]) for p in patterns)
        try:
            wait_until(named, timeout, f"{zone}: musicd says {patterns}", interval=0.5)
        except Exception as e:
            raise AssertionError(f"{e}\n{seen.get('text')}") from None

    def explains(self, zone, pattern, timeout=200):
        """Until zone explain says so, in the words that people read."""
        wait_until(lambda: re.search(pattern, self.mc.cli("zone", "explain", self.lab.zone_name(zone)).stdout), timeout,
                   f"{zone}: zone explain says {pattern}", interval=0.5)

    def processes(self, zone):
        return self.mc.json("process", "list", "--zone", self.lab.zone_name(zone))["items"][::-1]

    def ended(self, zone, kind, signer):
        return any(p["kind"] == kind and p["signer"] == signer and p["outcome"] == "done" for p in self.processes(zone))

    def done(self, zone, kind, signer, timeout=400):
        try:
            wait_until(lambda: self.ended(zone, kind, signer), timeout, f"{zone}: {kind} {signer} is done", interval=0.5)
        except Exception as e:
            raise AssertionError(f"{e}\n{self.reasons(zone)}\n{self.mc.log()[-3000:]}") from None

    def at_row(self, zone, row, timeout=240):
        try:
            wait_until(lambda: self.row(zone).get("row") == row, timeout, f"{zone} is at {row}", interval=0.1)
        except Exception as e:
            raise AssertionError(f"{e}\n{self.reasons(zone)}") from None

    # -- the world --------------------------------------------------------------------------------------------------
    def parent(self, zone):
        """DS and NS of a zone at the parent's primary."""
        out = set()
        for rdtype in ("DS", "NS"):
            m = self.lab.ask("10.53.1.1", zone, rdtype)
            out |= {(rr.rdtype, r.to_text()) for rr in m.answer + m.authority for r in rr if rr.rdtype in (43, 2) and rr.name.to_text() == zone}
        return out

    def untouched(self, zone):
        zone = self.lab.zone_name(zone)
        assert self.parent(zone) == self.at_parent[zone], f"{zone}: the parent has been led to something new"

    def joined(self, zone, signers):
        """DS and NS at the parent are those of the signers, and each of them serves all their name servers."""
        zone = self.lab.zone_name(zone)
        names = {n["name"] for s in signers for n in self.lab.state["zones"][zone]["ns"][s]}
        ds = {line.split(" DS ", 1)[1].lower() for line in self.lab.ds_lines(zone, signers=signers)}
        now = self.parent(zone)
        assert {t for k, t in now if k == 2} == names, f"{zone}: NS at the parent"
        assert {t.lower() for k, t in now if k == 43} >= ds, f"{zone}: DS at the parent"
        for s in signers:
            rr = self.lab.ex.rrset(self.lab.state["signers"][s]["update"]["address"], zone, "NS")
            assert {r.to_text() for r in rr} == names, f"{zone}: NS at {s}"

    def judge(self, enough=30, silent_ok=False, insecure=()):
        """insecure: zones that are so on purpose.  silent_ok: servers were made silent, so some answers may have failed."""
        v = self.verdict
        assert v["answers"] >= enough and v["pair_checks"] > 3, v
        planned = sum(v["per_zone"][self.lab.zone_name(z)].get("insecure", 0) for z in insecure)
        bad = (v["bogus"], v["insecure"] - planned, v["pair_violations"], 0 if silent_ok else v["failed"])
        assert bad == (0, 0, 0, 0), prober.human(v) + "\n" + "\n".join(map(str, v.get("witness", [])[:10]))
        well(self.mc)


def well(mc):
    assert not mc.lab.faults()
