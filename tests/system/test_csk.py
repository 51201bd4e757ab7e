"""A signer with one combined key (CSK) rolls it when it likes: before a join, in the middle of one, and in a group that is idle.

A CSK that is published before its use looks like a KSK.  It must be at all others before it signs data.
"""
import time

import dns.dnssec
import pytest

from musiclab import rolls
from musiclab.space import wait_until
from trouble import Trouble

TTL = 3
LEAD = 30       # so long, and TTL and propagation, BIND publishes a new key before it signs data with it


def tags(keys):
    return {dns.dnssec.key_id(k) for k in keys}


class Roll:
    """The roll-over of the CSK of one signer, step by step as docs/signers say."""

    def __init__(self, t, signer, zone, other):
        self.t, self.lab, self.signer, self.other, self.zone = t, t.lab, signer, other, t.lab.zone_name(zone)
        before = self.shown_at(signer)
        self.old = tags(self.lab.dnskeys(signer, self.zone)[0])
        rolls.roll(self.lab, signer, self.zone, "csk")
        wait_until(lambda: self.shown_at(signer) - before, 120, f"{signer} publishes a new CSK in {self.zone}")
        [self.new] = self.shown_at(signer) - before

    def shown_at(self, signer):
        return tags(self.lab.ex.rrset(self.lab.state["signers"][signer]["update"]["address"], self.zone, "DNSKEY") or [])

    def signing(self):
        return tags(self.lab.dnskeys(self.signer, self.zone)[1])

    def ds(self, where):
        return {r.key_tag for r in self.lab.ex.rrset(where, self.zone, "DS") or []}

    def spread(self):
        """The new key is at the other signer, and has not signed data before it was there."""
        try:
            wait_until(lambda: self.new in self.shown_at(self.other), 120, f"the new CSK of {self.zone} is at {self.other}")
        except Exception as e:
            raise AssertionError(f"{e}\n{self.t.reasons(self.zone)}") from None
        assert self.signing() == self.old, f"{self.zone}: the new CSK is in use already: its lead was too short"
        return time.monotonic()

    def in_use(self):
        """The new key signs data, and each server of the parent has its DS: old DS sets may be in caches from here on."""
        wait_until(lambda: self.new in self.signing(), LEAD + 60, f"the new CSK of {self.zone} signs data")
        for p in self.lab.state["parent"]["servers"]:
            wait_until(lambda a=p["addresses"][0]: self.new in self.ds(a), 120, f"{p['name']} has the DS of the new CSK of {self.zone}")
        return time.monotonic()

    def over(self):
        """The old key is gone: at both signers, and its DS at the parent."""
        for s in (self.signer, self.other):
            wait_until(lambda s=s: not self.shown_at(s) & self.old, 120, f"the old CSK of {self.zone} is gone at {s}")
        wait_until(lambda: self.ds("10.53.1.1") and not self.ds("10.53.1.1") & self.old, 120, f"its DS in {self.zone}")
        self.t.joined(self.zone, [self.signer, self.other])
        assert not self.t.row(self.zone)["process"], self.t.row(self.zone)


def later(seconds, since):
    wait_until(lambda: time.monotonic() > since + seconds, seconds + 30, "what was served before is out of the caches")


def scenes(lab, signer):
    """Three zones of a signer with a CSK, and Knot.  In "middle" PowerDNS is who joins, BIND is who is joined."""
    both = {"alone": [signer, "knot"], "middle": ["knot", signer] if signer == "pdns" else [signer, "knot"], "idle": [signer, "knot"]}
    for z, signers in both.items():
        lab.add_zone(z, signers, ttl=TTL, csk=[signer], short_signatures=True, lead=LEAD)
    lab.exchange_keys("idle")
    return list(both)


def begin(t, signer):
    """All three roll; musicd exchanges the new keys in time, and the joins come to their end."""
    old, new = ("knot", signer) if signer == "pdns" else (signer, "knot")
    t.group("alone", [signer])
    t.group("middle", [old])
    t.group("idle", [signer, "knot"])
    rolling = {"alone": Roll(t, signer, "alone", "knot"), "idle": Roll(t, signer, "idle", "knot")}
    rolling["idle"].spread()
    t.join("alone", "knot")
    t.join("middle", new)
    rolling["alone"].spread()
    t.at_row("middle", "parent-ds-synced")
    rolling["middle"] = Roll(t, signer, "middle", "knot")
    at = rolling["middle"].spread()
    t.done("alone", "ADD-SIGNER", "knot")
    t.done("middle", "ADD-SIGNER", new)
    return rolling, at


def test_powerdns_rolls_its_csk(make_lab):
    lab = make_lab(signers=["knot", "pdns"])
    with Trouble(lab, scenes(lab, "pdns")) as t:
        rolling, at = begin(t, "pdns")
        later(TTL + 1, at)
        for z in rolling:
            rolls.roll(lab, "pdns", z, "csk", "activate")
        at = [r.in_use() for r in rolling.values()]
        later(TTL + 1, at[-1])
        for z in rolling:
            rolls.roll(lab, "pdns", z, "csk", "finish")
        for r in rolling.values():
            r.over()
    t.judge(60)


@pytest.mark.long
def test_bind_rolls_its_csk(make_lab):
    lab = make_lab(signers=["bind", "knot"])
    with Trouble(lab, scenes(lab, "bind")) as t:
        rolling, _ = begin(t, "bind")
        at = [r.in_use() for r in rolling.values()]
        later(TTL + 1, at[-1])
        for z in rolling:
            rolls.roll(lab, "bind", z, "csk", "ds-seen")
        for r in rolling.values():
            r.over()
    t.judge(100)
