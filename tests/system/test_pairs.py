"""Each ordered pair of signers: the second joins, then the first leaves, while validators ask all the time.

The zones of a laboratory move side by side, each in a group of its own, under one musicd.
"""
import pytest

from musiclab.space import wait_until
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


PAIRS = [(a, b) for a in ("bind", "knot", "pdns") for b in ("bind", "knot", "pdns") if a != b]


def only_ipv6(lab, signer):
    """Nothing of it, neither where it is changed nor what resolvers ask, has an IPv4 address."""
    s = lab.state["signers"][signer]
    found = [s["update"]["address"]] + [a for server in s["servers"] for a in server["addresses"]]
    found += [a for z in lab.state["zones"].values() for n in z.get("ns", {}).get(signer, []) for a in n["addresses"]]
    return all(":" in a for a in found)


def pairs_by_one_road(lab):
    """{zone: (from, to)} of the six ordered pairs; one of each two is reached by IPv6 only: three times who joins, three times who leaves."""
    moves = {z: tuple(lab.state["zones"][lab.zone_name(z)]["signers"]) for z in ("bk", "kb", "bp", "pb", "kp", "pk")}
    assert sorted(tuple(s.rstrip("2") for s in pair) for pair in moves.values()) == sorted(PAIRS)
    reached = [(only_ipv6(lab, a), only_ipv6(lab, b)) for a, b in moves.values()]
    assert reached.count((True, False)) == reached.count((False, True)) == 3, reached
    return moves


def test_quick_pairs(make_lab):
    """The six ordered pairs, one of each two by IPv6 only; glue below the zone, NSEC3, keys per zone, CSKs, another algorithm mixed in."""
    lab = make_lab(signers=["bind", "knot", "pdns", "bind2"], v6only=["knot", "bind2"])
    lab.add_zone("bk", ["bind", "knot"], denial="nsec3", inbailiwick=True, zone_key=True)
    lab.add_zone("kb", ["knot", "bind"])
    lab.add_zone("bp", ["bind2", "pdns"], csk=["bind2"], inbailiwick=True)
    lab.add_zone("pb", ["pdns", "bind2"], csk=["pdns", "bind2"], algorithm=15)
    lab.add_zone("kp", ["knot", "pdns"], zone_key=True)
    lab.add_zone("pk", ["pdns", "knot"], denial="nsec3")
    move(lab, pairs_by_one_road(lab))


def test_a_third_below_the_zone(make_lab):
    """Name servers below the zone: the third joins two that list two names of three; and one whose address a signer lacks does not."""
    lab = make_lab(signers=["bind", "knot", "pdns"])
    three, lacks = lab.add_zone("three", ["bind", "knot", "pdns"], inbailiwick=True), lab.add_zone("lacks", ["bind", "knot"], inbailiwick=True)
    with Stage(lab, ["three", "lacks"]) as st:
        st.group("g-three", ["bind"], ["three"])
        for s in ("knot", "pdns"):
            st.mc.cli("signer", "join", s, "--group", "g-three")
            st.settled(["three"], timeout=200)
        assert [(p["kind"], p["signer"], p["outcome"]) for p in st.processes("three")] == [("ADD-SIGNER", s, "done") for s in ("knot", "pdns")]
        assert len(lab.ex.rrset("10.53.1.1", three, "NS") or lab.ask("10.53.1.1", three, "NS").authority[0]) == 3

        st.mc.cli("signer", "update", "knot", "--declared-content")
        st.group("g-lacks", ["bind"], ["lacks"])
        lab.update("bind", lacks, [f"delete ns1.knot.{lacks} A", f"delete ns1.knot.{lacks} AAAA"])
        st.mc.cli("signer", "join", "knot", "--group", "g-lacks")
        wait_until(lambda: any(w["rule"] == "addresses" and f"has no address record of the in-domain name server ns1.knot.{lacks}" in w["text"]
                               for w in st.mc.explain("lacks")["waits"]), 120, "what bind lacks is said")
    st.judge(enough=50)


@pytest.mark.long
def test_all_pairs(make_lab):
    """The six ordered pairs with KSK and ZSK, name servers in another zone, all reached by both roads; Knot has a public secondary."""
    lab = make_lab(signers=["bind", "knot", "pdns"], secondaries=["knot"])
    for a, b in PAIRS:
        lab.add_zone(f"{a}-{b}", [a, b])
    move(lab, {f"{a}-{b}": (a, b) for a, b in PAIRS})


@pytest.mark.long
def test_all_pairs_with_properties(make_lab):
    """As the quick one, with CSKs, NSEC3, glue, keys per zone and other algorithms at other pairs."""
    lab = make_lab(signers=["bind", "knot", "pdns", "bind2"], v6only=["knot", "bind2"])
    lab.add_zone("bk", ["bind", "knot"], csk=["bind"], denial="nsec3")
    lab.add_zone("kb", ["knot", "bind"], inbailiwick=True, algorithm=8)
    lab.add_zone("bp", ["bind2", "pdns"], csk=["pdns"], inbailiwick=True, zone_key=True)
    lab.add_zone("pb", ["pdns", "bind2"], csk=["pdns", "bind2"], denial="nsec3", algorithm=14)
    lab.add_zone("kp", ["knot", "pdns"], zone_key=True, denial="nsec3")
    lab.add_zone("pk", ["pdns", "knot"], csk=["pdns"], algorithm=15)
    move(lab, pairs_by_one_road(lab))


@pytest.mark.long
def test_tokens_and_ipv6_only(make_lab):
    """Keys in one SoftHSM to keys in another; BIND and PowerDNS by IPv6 only, with another of their own kind."""
    lab = make_lab(signers=["knot", "knot2", "bind", "pdns"], hsm=["knot", "knot2"], v6only=["bind", "pdns"])
    lab.add_zone("hsm", ["knot", "knot2"], hsm=["knot", "knot2"])
    lab.add_zone("bk6", ["bind", "knot"], inbailiwick=True)
    lab.add_zone("pk6", ["pdns", "knot2"], denial="nsec3")
    move(lab, {"hsm": ("knot", "knot2"), "bk6": ("bind", "knot"), "pk6": ("pdns", "knot2")})
