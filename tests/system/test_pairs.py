"""Each ordered pair of signers: the second joins, then the first leaves, while validators ask all the time.

The zones of a laboratory move side by side, each in a group of its own, under one musicd.
"""
import pytest

from scene import Stage


def move(lab, moves, **options):
    """moves: {zone: (from, to)}.  Migrates all at once, each with one command; judges the answers and every copy."""
    zones = list(moves)
    with Stage(lab, zones, **options) as st:
        for z, (old, _) in moves.items():
            st.group("g-" + z, [old], [z])
        for z, (old, new) in moves.items():
            st.mc.cli("zone", "migrate", lab.zone_name(z), "--from", old, "--to", new)
        st.settled(timeout=120 + 15 * len(zones))
        spans = {}
        for z, (old, new) in moves.items():
            assert [(p["kind"], p["signer"], p["outcome"]) for p in st.processes(z)] == [
                ("ADD-SIGNER", new, "done"), ("REMOVE-SIGNER", old, "done")]
            members = st.mc.json("signergroup", "show", "g-" + z)["signers"]
            assert [m["name"] for m in members] == [new], members
            st.unchanged(z)
            st.alone(z, new)
            spans[z] = (st.processes(z)[0]["started_at"], st.processes(z)[1]["ended_at"])
    st.judge(enough=100)
    print(st.verdict["answers"], "answers;", spans)
    return st


def test_quick_pairs(make_lab):
    """Name servers below the zone with glue, NSEC3, a key per zone, IPv6 only; CSK to CSK with another algorithm."""
    lab = make_lab(v6only=["knot"])
    lab.add_zone("bk", ["bind", "knot"], denial="nsec3", inbailiwick=True, zone_key=True)
    lab.add_zone("pb", ["pdns", "bind"], csk=["pdns", "bind"], algorithm=15)
    move(lab, {"bk": ("bind", "knot"), "pb": ("pdns", "bind")})


@pytest.mark.long
def test_all_pairs(make_lab):
    """The six ordered pairs, out of bailiwick, KSK and ZSK, and once more with every property that can differ."""
    lab = make_lab(signers=["bind", "knot", "pdns"], secondaries=["knot"])
    pairs = [(a, b) for a in ("bind", "knot", "pdns") for b in ("bind", "knot", "pdns") if a != b]
    for a, b in pairs:
        lab.add_zone(f"{a}-{b}", [a, b])
    move(lab, {f"{a}-{b}": (a, b) for a, b in pairs})


@pytest.mark.long
def test_all_pairs_with_properties(make_lab):
    """The six ordered pairs with CSKs, NSEC3, glue, keys per zone and other algorithms; Knot is reached by IPv6 only."""
    lab = make_lab(v6only=["knot"])
    lab.add_zone("bk", ["bind", "knot"], csk=["bind"], denial="nsec3")
    lab.add_zone("kb", ["knot", "bind"], inbailiwick=True, algorithm=8)
    lab.add_zone("bp", ["bind", "pdns"], csk=["pdns"], inbailiwick=True, zone_key=True)
    lab.add_zone("pb", ["pdns", "bind"], csk=["pdns", "bind"], denial="nsec3", algorithm=14)
    lab.add_zone("kp", ["knot", "pdns"], zone_key=True, denial="nsec3")
    lab.add_zone("pk", ["pdns", "knot"], csk=["pdns"], algorithm=15)
    move(lab, {z: tuple({"b": "bind", "k": "knot", "p": "pdns"}[c] for c in z) for z in ("bk", "kb", "bp", "pb", "kp", "pk")})


@pytest.mark.long
def test_tokens_and_ipv6_only(make_lab):
    """Keys in one SoftHSM to keys in another; BIND and PowerDNS by IPv6 only, with another of their own kind."""
    lab = make_lab(signers=["knot", "knot2", "bind", "pdns"], hsm=["knot", "knot2"], v6only=["bind", "pdns"])
    lab.add_zone("hsm", ["knot", "knot2"], hsm=["knot", "knot2"])
    lab.add_zone("bk6", ["bind", "knot"], inbailiwick=True)
    lab.add_zone("pk6", ["pdns", "knot2"], denial="nsec3")
    move(lab, {"hsm": ("knot", "knot2"), "bk6": ("bind", "knot"), "pk6": ("pdns", "knot2")})
