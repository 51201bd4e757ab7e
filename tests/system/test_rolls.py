"""Signers of permanent groups roll their keys on their own timetable; musicd follows each roll-over as a process of its own.

Each of the three softwares is the one that rolls.  PowerDNS does nothing by itself: there the operator acts when musicd says
that the new key is ready.
"""
import dns.dnssec

from musiclab import rolls
from musiclab.paths import LabError
from musiclab.space import wait_until
from trouble import Trouble

TTL = 3
LEAD = 30
ROWS = {"zsk": ["new-key-seen", "dnskeys-synced", "new-key-ready", "new-key-in-use", "old-key-unused", "old-data-expired", "old-key-gone", "stop"],
        "ksk": ["new-key-seen", "signed-by-both", "cds-added", "parent-ds-synced", "new-key-ready", "old-key-gone", "cds-removed", "stop"]}
GROUPS = {"bind": ["bind", "knot"], "knot": ["knot", "pdns"], "pdns": ["pdns", "bind"]}     # the first one rolls


class Rolling:
    def __init__(self, t, role, signer, zone=None, other=None):
        self.t, self.lab, self.role, self.signer = t, t.lab, role, signer
        self.zone = self.lab.zone_name(zone or f"{role}-{signer}")
        self.kind = f"{role.upper()}-ROLLOVER"
        self.other = other or GROUPS[signer][1]
        self.old = self.own()

    def own(self):
        return {dns.dnssec.key_id(k) for k in self.lab.dnskeys(self.signer, self.zone)[1 if self.role == "zsk" else 0]}

    def shown_at(self, signer):
        where = self.lab.state["signers"][signer]["update"]["address"]
        return {dns.dnssec.key_id(k) for k in self.lab.ex.rrset(where, self.zone, "DNSKEY") or []}

    def now(self):
        """The roll-over as zone status shows it; {}: none."""
        rolling = self.t.mc.json("zone", "status", self.zone)["rollovers"]
        assert len(rolling) < 2, rolling
        return rolling[0] if rolling else {}

    def until(self, row, timeout=200):
        order = ROWS[self.role]
        try:
            wait_until(lambda: self.now() and order.index(self.now()["row"]) >= order.index(row), timeout, f"{self.zone} is at {row}", interval=0.3)
        except Exception as e:
            raise AssertionError(f"{e}\n{self.now()}\n{self.t.reasons(self.zone)}") from None

    def step(self, step):
        rolls.roll(self.lab, self.signer, self.zone, self.role, step)

    def step_when_due(self, step):
        """BIND publishes a new KSK for longer than musicd finds necessary before it has anybody look for its DS."""
        def is_done():
            try:
                self.step(step)
            except LabError:
                return False
            return True
        wait_until(is_done, LEAD + 90, f"{self.signer} takes {step} for {self.zone}", interval=1)

    def over(self):
        self.t.done(self.zone, self.kind, self.signer)
        for s in (self.signer, self.other):
            assert not self.shown_at(s) & self.old, f"{self.zone}: the old key is gone at {s}"
        assert not self.now()
        self.t.joined(self.zone, [self.signer, self.other])


def scene(make_lab, role):
    lab = make_lab(signers=["bind", "knot", "pdns"])
    for s, members in GROUPS.items():
        lab.add_zone(f"{role}-{s}", members, active=members, ttl=TTL, short_signatures=True, lead=LEAD)
        lab.exchange_keys(f"{role}-{s}")
    return lab


def begin(t, role):
    for s, members in GROUPS.items():
        t.group(f"{role}-{s}", members)
    out = {s: Rolling(t, role, s) for s in GROUPS}
    for r in out.values():
        assert not r.now()
        r.step("start")
    for r in out.values():
        wait_until(r.now, 60, f"musicd sees that {r.zone} rolls")
        seen = r.now()
        assert (seen["kind"], seen["signer"], set(seen["old_keys"])) == (r.kind, r.signer, {str(k) for k in r.old}), seen
        assert not set(seen["new_keys"]) & set(seen["old_keys"]) and len(seen["new_keys"]) == 1, seen
    return out


def ended(t, rolling):
    for r in rolling.values():
        r.over()
        [p] = t.processes(r.zone)
        assert (p["kind"], p["signer"], p["outcome"], p["row"]) == (r.kind, r.signer, "done", "stop"), p
        assert "too early" not in t.history(r.zone), t.history(r.zone)


def test_each_rolls_its_zsk(make_lab):
    lab = scene(make_lab, "zsk")
    with Trouble(lab, [f"zsk-{s}" for s in GROUPS]) as t:
        rolling = begin(t, "zsk")
        rolling["pdns"].until("new-key-in-use")         # it may be used: PowerDNS is told by its operator
        rolling["pdns"].step("activate")
        rolling["pdns"].until("old-key-gone")           # nothing is signed with the old key any more, nor in a cache
        rolling["pdns"].step("finish")
        ended(t, rolling)
    t.judge(60)


def test_each_rolls_its_ksk(make_lab):
    lab = scene(make_lab, "ksk")
    with Trouble(lab, [f"ksk-{s}" for s in GROUPS]) as t:
        rolling = begin(t, "ksk")
        for s, r in rolling.items():
            r.until("old-key-gone")                     # the parent has the DS, and old ones have left the caches
            r.step_when_due("finish" if s == "pdns" else "ds-seen")
        ended(t, rolling)
    t.judge(60)
