"""The judge does not cry wolf: a join and a leave in the right order, with the right waits, show no violation at all.

And it notices each hurried step.  (The controller's own tests play the same game with musicd; here a script does it.)
"""
import time

import pytest

from musiclab import prober
from musiclab.space import wait_until

TTL, MARGIN = 5, 2


class Script:
    def __init__(self, lab, zone, hurry=()):
        self.lab, self.zone, self.hurry = lab, zone, hurry

    def wait(self, what):
        """Let TTL + margin pass, unless this wait is to be left out."""
        if what in self.hurry:
            return
        end = time.monotonic() + TTL + MARGIN
        wait_until(lambda: time.monotonic() >= end, TTL + MARGIN + 5, what)

    def ns(self, verb, signer):
        return [f"{verb} {self.zone} {'5 ' if verb == 'add' else ''}NS {s['name']}" for s in self.lab.state["signers"][signer]["servers"]]

    def at_all(self, signers, lines):
        for s in signers:
            self.lab.update(s, self.zone, lines)
            self.lab.wait_secondaries(s, self.zone)

    def parent(self, lines):
        self.lab.update("parent", "lab.", lines)
        self.lab.wait_parent()

    def add(self, new, old):
        zsk = {s: self.lab.dnskeys(s, self.zone)[1] for s in [new, *old]}
        for s in [new, *old]:
            self.lab.update(s, self.zone, [f"add {self.zone} 5 DNSKEY {k.to_text()}" for o in zsk if o != s for k in zsk[o]])
        self.wait("dnskey")
        self.parent(self.lab.ds_lines(self.zone, signers=[new]))
        self.wait("ds")
        self.at_all([new], [line for o in old for line in self.ns("add", o)])
        self.at_all([new, *old], self.ns("add", new))
        self.parent(self.ns("add", new))
        self.wait("ns")

    def remove(self, gone, rest):
        ds = self.lab.ds_lines(self.zone, signers=[gone])
        zsk = self.lab.dnskeys(gone, self.zone)[1]
        self.at_all([gone, *rest], self.ns("delete", gone))
        self.parent(self.ns("delete", gone))
        self.wait("ns")
        self.wait("data")
        self.parent([line.replace("add", "delete", 1).replace(" 5 DS", " DS") for line in ds])
        self.wait("ds")
        self.at_all(rest, [f"delete {self.zone} DNSKEY {k.to_text()}" for k in zsk])
        self.wait("dnskey")


def play(lab, name, signers, hurry=()):
    zone = lab.add_zone(name, signers)
    script = Script(lab, zone, hurry)
    prober.start(lab, [zone], rate=8)
    script.wait("start")
    script.add(signers[1], signers[:1])
    script.remove(signers[0], signers[1:])
    return prober.stop(lab)


@pytest.mark.long
@pytest.mark.parametrize("signers", [["bind", "knot"], ["knot", "pdns"], ["pdns", "bind"]])
def test_right_order_is_clean(lab, signers):
    v = play(lab, "right-" + "-".join(signers), signers)
    assert v["answers"] > 100 and v["secure"] == v["answers"], v
    assert v["pair_violations"] == 0, v


@pytest.mark.long
@pytest.mark.parametrize("hurry", ["dnskey", "ds", "ns"])
def test_each_left_out_wait_is_seen(lab, hurry):
    # these waits cover each other: after the wait for the DS no old DNSKEY set is left either
    left_out = {"ns": ("ns", "data"), "dnskey": ("dnskey", "ds")}.get(hurry, (hurry,))
    v = play(lab, "hurry-" + hurry, ["bind", "pdns"], left_out)
    assert v["pair_violations"] > 0, v
