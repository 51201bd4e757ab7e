"""Many zones of one group: Knot joins BIND with one command, and nobody touches a zone (the laboratory of bench/bench_add_signer.py)."""
import os
import sys

import dns.dnssec
import pytest

from conftest import _end, new_lab
from musiclab import prober, scanner

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import bench_add_signer as bench  # noqa: E402


@pytest.fixture
def lab(request, packages):
    """Not up yet."""
    one = new_lab("many")
    try:
        yield one
    finally:
        _end(one, request.node)


def has_equal_tags(lab, zone):
    ours, theirs = ({dns.dnssec.key_id(k) for half in lab.dnskeys(s, zone)[:2] for k in half} for s in ("bind", "knot"))
    return bool(ours & theirs)


@pytest.mark.parametrize("count", [60, pytest.param(5000, marks=pytest.mark.long)])
def test_every_zone_joins_by_itself(lab, count):
    """All end VALID, each with one process that is done; who asks some of them all the time sees nothing of it.

    Among thousands there may be a zone where two keys have one tag by chance: that one must not join, and stays VALID.
    """
    mc = bench.prepare(lab, count)
    asked = list(lab.state["zones"])[::max(1, count // 20)]
    prober.start(lab, asked)
    bench.join(mc, count)
    seen = prober.stop(lab)
    unfit = bench.clashing(mc)
    print(count, "zones,", len(unfit), "with equal tags;", prober.human(seen))
    assert len(unfit) <= count // 1000 and all(has_equal_tags(lab, z) for z in unfit), unfit
    assert bench.query(mc, "SELECT count(*) FROM process WHERE kind='ADD-SIGNER' AND outcome='done'") == [count - len(unfit)]
    assert bench.query(mc, "SELECT name FROM zone WHERE state NOT LIKE 'VALID%'") == []
    assert bench.query(mc, "SELECT count(*) FROM event WHERE kind IN ('refused', 'dropped', 'silent', 'failed')") == [0]
    for z in asked:
        if z not in unfit:
            assert {r.to_text() for r in lab.ex.rrset("10.53.1.1", z, "DS")} == {line.split(" DS ", 1)[1].lower() for line in lab.ds_lines(z, signers=["bind", "knot"])}
    assert seen["answers"] > 50 and (seen["bogus"], seen["insecure"], seen["failed"], seen["pair_violations"]) == (0, 0, 0, 0), prober.human(seen)
    scanner.stop(lab)
    mc.stop()
    assert not lab.faults()
