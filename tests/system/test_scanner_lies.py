"""music-scanner and children whose servers lie: what it does not follow, each with its reason."""
import pytest

from musiclab import scanner
from musiclab.keys import Key
from musiclab.rogue import Rogue
from musiclab.space import wait_until
from test_scanner import await_verdict, ds


@pytest.fixture(scope="module")
def lab(packages):
    from conftest import new_lab
    made = new_lab("lies")
    try:
        yield made.up(signers=["knot"])
    finally:
        made.down()


@pytest.fixture(scope="module")
def rogue(lab):
    zone = Rogue(lab, "rogue", "10.53.9.3", "10.53.9.4")
    zone.delegate()
    yield zone
    zone.end()


def good(z):
    """A request that is followed: a second key."""
    z.serial += 1
    z.fill()
    for a in z.addresses:
        z.said[a]["mute"], z.said[a]["rcode"] = [], {}
    z.drop("CSYNC")
    z.put("CDS", z.cds(z.ksk, z.second))
    z.put("CDNSKEY", z.cdnskey(z.ksk, z.second))
    z.chain()


A, B = "10.53.9.3", "10.53.9.4"
LIES = [
    ("good", lambda z: None, None),
    ("CDS unsigned", lambda z: z.put("CDS", z.cds(z.ksk, z.second), by=[]), "bogus"),
    ("CDS unsigned at one", lambda z: z.put("CDS", z.cds(z.ksk, z.second), by=[], at=B), "bogus"),
    ("CDS signed by the ZSK", lambda z: z.put("CDS", z.cds(z.ksk, z.second), by=[z.zsk]), "signer"),
    ("CDNSKEY signed by the ZSK", lambda z: z.put("CDNSKEY", z.cdnskey(z.ksk, z.second), by=[z.zsk], at=B), "signer"),
    ("CDS signed by a stranger", lambda z: z.put("CDS", z.cds(z.ksk, z.second), by=[z.second]), "bogus"),
    ("signature expired", lambda z: z.put("CDS", z.cds(z.ksk, z.second), age=20000, life=10000), "bogus"),
    ("signature of tomorrow", lambda z: z.put("CDS", z.cds(z.ksk, z.second), age=-86400), "bogus"),
    ("DNSKEY unsigned", lambda z: z.put("DNSKEY", z.cdnskey(z.ksk, z.zsk), by=[], at=B), "bogus"),
    ("DNSKEY signed by the ZSK", lambda z: z.put("DNSKEY", z.cdnskey(z.ksk, z.zsk), by=[z.zsk], at=A), "bogus"),
    ("nobody's DNSKEY has a chain, so no address", lambda z: z.put("DNSKEY", z.cdnskey(z.ksk, z.zsk), by=[z.zsk]), "reach"),
    ("DNSKEY without the KSK", lambda z: z.put("DNSKEY", z.cdnskey(z.zsk), by=[z.zsk], at=A), "bogus"),
    ("CDS at one only", lambda z: (z.drop("CDS", at=B), z.drop("CDNSKEY", at=B)), "consistency"),
    ("another CDS at one", lambda z: z.put("CDS", z.cds(z.ksk), at=B), "consistency"),
    ("CDNSKEY misses a key", lambda z: z.put("CDNSKEY", z.cdnskey(z.ksk)), "cds-cdnskey"),
    ("CDNSKEY of another key", lambda z: z.put("CDNSKEY", z.cdnskey(z.ksk, Key(257, 13))), "cds-cdnskey"),
    ("the new set leaves nobody", lambda z: (z.put("CDS", z.cds(z.second)), z.put("CDNSKEY", z.cdnskey(z.second))), "continuity"),
    ("delete beside a key", lambda z: z.put("CDS", z.cds(z.ksk) + ["0 0 0 00"]), "malformed"),
    ("delete that is none", lambda z: z.put("CDS", ["1 0 0 00"]), "malformed"),
    ("digest SHA-1", lambda z: (z.put("CDS", z.cds(z.ksk, z.second) + [f"{z.ksk.tag} 13 1 {'00' * 20}"])), "cds-cdnskey"),
    ("unknown digest", lambda z: z.put("CDS", z.cds(z.ksk, z.second) + [f"{z.ksk.tag} 13 99 0000"]), "digest-type"),
    ("CDS SERVFAIL", lambda z: z.rcode(CDS="SERVFAIL", at=B), "reach"),
    ("CDS REFUSED", lambda z: z.rcode(CDS="REFUSED", at=B), "reach"),
    ("CDS NXDOMAIN", lambda z: z.rcode(CDS="NXDOMAIN", at=B), "reach"),
    ("CDNSKEY silent", lambda z: z.mute("CDNSKEY", at=B), "reach"),
    ("DNSKEY SERVFAIL", lambda z: z.rcode(DNSKEY="SERVFAIL", at=A), "reach"),
    ("thirty records", lambda z: (z.put("CDS", z.cds(z.ksk, z.second, *(Key(257, 13) for _ in range(28)))), z.drop("CDNSKEY")), "count"),
    ("CDS and no CDNSKEY", lambda z: z.drop("CDNSKEY"), None),
    ("CDNSKEY and no CDS", lambda z: z.drop("CDS"), None),
]


def test_ds_lies(lab, rogue):
    """Judged in a dry run, so that one zone serves for all."""
    rogue.second = Key(257, 13)
    wrong = []
    for name, lie, rule in LIES:
        good(rogue)
        lie(rogue)
        rogue.serve()
        [v] = scanner.once(lab, [rogue.name], "--dry-run")
        got = v["ds"]["rule"] if v["outcome"] == "held" else None if v["outcome"] == "would-change" else v["outcome"]
        if got != rule:
            wrong.append((name, "wanted", rule, "got", got, v["words"]))
    assert not wrong, "\n".join(map(str, wrong))


def csync(z, text="7 1 NS", **kw):
    z.put("CSYNC", [text], **kw)


CSYNC_LIES = [
    ("good", lambda z: None, None),
    ("unsigned", lambda z: csync(z, by=[]), "bogus"),
    ("at one only", lambda z: z.drop("CSYNC", at=B), "consistency"),
    ("two records", lambda z: z.put("CSYNC", ["7 1 NS", "8 1 NS"]), "malformed"),
    ("unknown flag", lambda z: csync(z, "7 5 NS"), "csync-flags"),
    ("DS in the bitmap", lambda z: csync(z, "7 1 NS DS"), "csync-types"),
    ("not immediate", lambda z: csync(z, "7 0 NS"), "approval"),
    ("bitmaps differ", lambda z: csync(z, "7 1 NS A", at=B), "consistency"),
    ("soaminimum far away", lambda z: csync(z, "4000 3 NS"), "soaminimum"),
    ("NS unsigned", lambda z: z.put("NS", [z.ns[0]], by=[]), "bogus"),
    ("NS differ", lambda z: z.put("NS", [z.ns[1]], at=B), "consistency"),
    ("NS empty", lambda z: z.drop("NS"), "ns-empty"),
    ("NS is the root", lambda z: z.put("NS", ["."]), "malformed"),
    ("SOA unsigned", lambda z: z.put("SOA", [f"{z.ns[0]} h.{z.name} 9 1 1 1 1"], by=[], at=B), "bogus"),
    ("no address, proved", lambda z: csync(z, "7 1 NS A AAAA"), None),
    ("no address, not proved by one", lambda z: (csync(z, "7 1 NS A AAAA"), z.said[B].update(proves=False)), "bogus"),
    ("CSYNC silent", lambda z: z.mute("CSYNC", at=B), "reach"),
    ("NS SERVFAIL", lambda z: z.rcode(NS="SERVFAIL", at=B), "reach"),
    ("addresses differ", lambda z: (csync(z, "7 1 NS A"), z.put("A", [B], name=z.ns[0], at=B)), "consistency"),
    ("a new address that is nobody's", lambda z: (csync(z, "7 1 NS A"), z.put("A", [A, "10.53.9.5"], name=z.ns[0])), "reach"),
    ("a new name whose address is nobody's", lambda z: (csync(z, "7 1 NS A"), z.put("NS", [z.ns[0], "new." + z.name]), z.put("A", ["10.53.9.5"], name="new." + z.name)), "new-ns-lame"),
    ("a new name without bit for its address", lambda z: (z.put("NS", [z.ns[0], "new." + z.name]), z.put("A", [A], name="new." + z.name)), "no-address"),
    ("a new name at a known address", lambda z: (csync(z, "7 1 NS A"), z.put("NS", [z.ns[0], "new." + z.name]), z.put("A", [A], name="new." + z.name)), None),
]


def test_csync_lies(lab, rogue):
    rogue.second = Key(257, 13)
    wrong = []
    for name, lie, rule in CSYNC_LIES:
        good(rogue)
        rogue.drop("CDS")
        rogue.drop("CDNSKEY")
        rogue.put("NS", [rogue.ns[0]])
        csync(rogue)
        lie(rogue)
        rogue.serve()
        [v] = scanner.once(lab, [rogue.name], "--dry-run")
        got = v["csync"]["rule"] if v["outcome"] == "held" else None if v["outcome"] == "would-change" else v["outcome"]
        if got != rule:
            wrong.append((name, "wanted", rule, "got", got, v["words"]))
    assert not wrong, "\n".join(map(str, wrong))


def test_nothing_older_is_acted_upon(lab, rogue):
    """An old set, its signatures still good, is played again after a newer one was followed; also over a restart."""
    second = rogue.second = Key(257, 13)
    scanner.start(lab, [rogue.name])
    good(rogue)
    rogue.put("CDS", rogue.cds(rogue.ksk, second), age=1000)
    rogue.put("CDNSKEY", rogue.cdnskey(rogue.ksk, second), age=1000)
    rogue.serve()
    wait_until(lambda: second.tag in ds(lab, rogue.name), 90, "the second key")
    scanner.stop(lab)
    scanner.start(lab, [rogue.name])
    rogue.put("CDS", rogue.cds(rogue.ksk), age=2000)
    rogue.put("CDNSKEY", rogue.cdnskey(rogue.ksk), age=2000)
    rogue.serve()
    await_verdict(lab, rogue.name, outcome="held", ds_rule="freshness")
    assert second.tag in ds(lab, rogue.name)
    rogue.put("CDS", rogue.cds(rogue.ksk), age=1000)
    rogue.put("CDNSKEY", rogue.cdnskey(rogue.ksk), age=900)
    rogue.serve()
    wait_until(lambda: ds(lab, rogue.name) == {rogue.ksk.tag}, 90, "one key again")
    scanner.stop(lab)


def signed(z, signer, keys, age, at):
    """One server's copy as a signer makes it: DNSKEY, CDS and CDNSKEY signed by its key."""
    z.put("DNSKEY", z.cdnskey(z.ksk, z.second, z.zsk), by=[signer], at=at)
    z.put("CDS", z.cds(*keys), by=[signer], age=age, at=at)
    z.put("CDNSKEY", z.cdnskey(*keys), by=[signer], age=age, at=at)


def test_a_server_is_pointed_to_another_signer(lab):
    """The other signer dates further back: its signatures are followed, what it had signed before is not; also over a restart."""
    z = Rogue(lab, "pointed", "10.53.9.2", "10.53.9.6")
    one, two = z.addresses
    z.second, third, fourth = (Key(257, 13) for _ in range(3))
    second = z.second
    z.delegate()
    try:
        scanner.start(lab, [z.name])

        def request(keys, at_one, at_two):
            for at, (signer, age) in ((one, at_one), (two, at_two)):
                signed(z, signer, keys, age, at)
            z.chain()
            z.serve()

        def followed(*keys):
            wait_until(lambda: ds(lab, z.name) == {k.tag for k in keys}, 90, f"DS of {len(keys)} keys")
        request([z.ksk, second], (z.ksk, 1000), (z.ksk, 1000))
        followed(z.ksk, second)
        request([z.ksk, second, third], (z.ksk, 900), (second, 50000))
        followed(z.ksk, second, third)
        scanner.stop(lab)
        scanner.start(lab, [z.name])
        request([z.ksk, second], (second, 60000), (second, 40000))
        v = await_verdict(lab, z.name, outcome="held", ds_rule="freshness")
        assert one in v["words"], v
        request([z.ksk, second], (second, 40000), (z.ksk, 2000))
        v = await_verdict(lab, z.name, outcome="held", ds_rule="freshness", ds_server=f"{z.ns[1]} {two}")
        assert ds(lab, z.name) == {z.ksk.tag, second.tag, third.tag}
        request([z.ksk, second, fourth], (second, 40000), (z.ksk, 800))
        followed(z.ksk, second, fourth)
        # A state without keys, as it was once written, is read; nothing is compared with it.
        scanner.stop(lab)
        state = scanner.path(lab, "state")
        with open(state, encoding="utf-8") as f:
            lines = [line.rsplit(" ", 1)[0] if line.startswith("seen ") else line for line in f.read().splitlines()]
        assert sum(line.startswith(f"seen {z.name} ") for line in lines) == 4, lines
        with open(state, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        request([z.ksk, second], (second, 70000), (z.ksk, 2000))
        scanner.start(lab, [z.name])
        followed(z.ksk, second)
        scanner.stop(lab)
    finally:
        z.end()


# ---- addresses that are not known -------------------------------------------------------------------------------------
HERE4, HERE6, NOBODY6 = "10.53.9.6", "fd53:9::6", "fd53:9::5"


@pytest.fixture(scope="module")
def hosts(lab):
    """The zone in which name servers have their names."""
    zone = Rogue(lab, "half", "10.53.9.2")
    zone.delegate()
    yield zone
    zone.end()


@pytest.fixture(scope="module")
def victim(lab):
    """A zone with a copy behind each family."""
    zone = Rogue(lab, "victim", HERE4, HERE6)
    zone.second = Key(257, 13)
    zone.delegate()
    yield zone
    zone.end()


def names(zone, **sets):
    """These addresses and no others, answered and proved: names(zone, ns=(A, AAAA))."""
    for a in zone.addresses:
        zone.said[a].update(rcode={}, mute=[])
        for key in [k for k in zone.said[a]["sets"] if k.endswith((" A", " AAAA", " NSEC"))]:
            del zone.said[a]["sets"][key]
    for label, found in sets.items():
        for rdtype, addresses in zip(("A", "AAAA"), found):
            if addresses:
                zone.put(rdtype, addresses, name=f"{label}.{zone.name}")
    zone.chain()


def hosted(hosts, **sets):
    names(hosts, ns1=(hosts.addresses, []), **sets)


def delegated_to(lab, zone, *ns):
    """The delegation names these and no others; (name, address): with glue."""
    glue = [n for n in ns if isinstance(n, tuple)]
    zone.ns = [n[0] if n in glue else n for n in ns]
    gone = [f"delete ns{i}.{zone.name}" for i in (1, 2)]
    lab.update("parent", "lab.", [f"delete {zone.name} NS", *gone] + [f"add {zone.name} 5 NS {n}" for n in zone.ns] + [f"add {n} 5 A {a}" for n, a in glue])
    lab.wait_parent()
    zone.fill()


def held(v, part, rule, *says):
    """Is it, by this rule and with these words?  None: it would be followed."""
    if rule is None:
        return v["outcome"] == "would-change"
    return v["outcome"] == "held" and v[part]["rule"] == rule and all(s in v["words"] for s in says)


def copies_differ(z):
    """The copy behind IPv6 has a KSK of its own; the other asks for a DS set without it."""
    for at, keys, signer in ((HERE4, [z.ksk], z.ksk), (HERE6, [z.ksk, z.second], z.second)):
        z.put("DNSKEY", z.cdnskey(signer, z.zsk), by=[signer], at=at)
        z.put("CDS", z.cds(*keys), by=[signer], at=at)
        z.put("CDNSKEY", z.cdnskey(*keys), by=[signer], at=at)


def test_who_has_an_address_that_is_not_known_cannot_be_asked(lab, hosts, victim):
    """One family cannot be looked up: behind it may be the server that needs the DS which the other would drop."""
    z, ns = victim, f"ns.{hosts.name}"
    delegated_to(lab, z, ns)
    lab.update("parent", "lab.", [f"add {z.name} 5 DS {z.second.ds_text(z.name)}"])
    lab.wait_parent()
    copies_differ(z)
    z.serve()
    many = [f"fd53:9::{i:x}" for i in range(6, 23)]
    wrong = []
    for name, change, rule, *says in (
            ("all answered", lambda: None, "consistency"),
            ("AAAA SERVFAIL", lambda: hosts.rcode(AAAA="SERVFAIL"), "reach", f"{ns} (address not known)", f"look up {ns} AAAA: SERVFAIL"),
            ("A SERVFAIL", lambda: hosts.rcode(A="SERVFAIL"), "reach", f"look up {ns} A: SERVFAIL"),
            ("AAAA silent", lambda: hosts.mute("AAAA"), "reach", f"look up {ns} AAAA: "),
            ("AAAA not signed", lambda: hosts.put("AAAA", [HERE6], name=ns, by=[]), "reach", f"look up {ns} AAAA: bogus"),
            ("seventeen", lambda: hosts.put("AAAA", many, name=ns), "reach", "more than 16 addresses")):
        hosted(hosts, ns=([HERE4], [HERE6]))
        change()
        hosts.serve()
        [v] = scanner.once(lab, [z.name])
        if not held(v, "ds", rule, *says):
            wrong.append((name, v["outcome"], v["words"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert ds(lab, z.name) == {z.ksk.tag, z.second.tag}
    # Proved to have none, nobody is there.
    hosted(hosts, ns=([HERE4], []))
    hosts.serve()
    [v] = scanner.once(lab, [z.name], "--dry-run")
    assert v["outcome"] == "would-change" and f"-{z.second.tag}/" in v["words"], v


def test_glue_does_not_stand_for_what_the_zone_says(lab, victim):
    z = victim
    ns, third, wrong = f"ns1.{z.name}", Key(257, 13), []
    delegated_to(lab, z, (ns, HERE4))
    for name, rcode, rule, *says in (
            ("all answered", {}, "consistency", HERE6),
            ("AAAA SERVFAIL", {"AAAA": "SERVFAIL"}, "reach", f"look up {ns} AAAA: SERVFAIL"),
            ("both SERVFAIL", {"A": "SERVFAIL", "AAAA": "SERVFAIL"}, "reach", f"{ns} (address not known)", "SERVFAIL")):
        names(z, ns1=([HERE4], [HERE6]))
        z.put("CDS", z.cds(z.ksk, third), at=HERE4)
        z.put("CDNSKEY", z.cdnskey(z.ksk, third), at=HERE4)
        z.put("CDS", z.cds(z.ksk), at=HERE6)
        z.put("CDNSKEY", z.cdnskey(z.ksk), at=HERE6)
        z.rcode(**rcode)
        z.serve()
        [v] = scanner.once(lab, [z.name], "--dry-run")
        if not held(v, "ds", rule, *says):
            wrong.append((name, v["outcome"], v["words"]))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_newcomer_whose_addresses_are_not_known_or_not_asked(lab, hosts, victim):
    z, old = victim, f"ns1.{victim.name}"
    delegated_to(lab, z, (old, HERE4))
    z.drop("CDS")
    z.drop("CDNSKEY")
    out, inside, wrong = f"new.{hosts.name}", f"new.{z.name}", []
    for name, new, found, rcode, options, rule, *says in (
            ("IPv4 alone, proved", out, ([HERE4], []), {}, {}, None),
            ("AAAA is nobody's", out, ([HERE4], [NOBODY6]), {}, {}, "new-ns-lame"),
            ("AAAA SERVFAIL", out, ([HERE4], [NOBODY6]), {"AAAA": "SERVFAIL"}, {}, "new-ns", f"look up {out} AAAA: SERVFAIL"),
            ("no address", out, ([], []), {}, {}, "new-ns", "has no address"),
            ("IPv6 alone, IPv4 asked", out, ([], [NOBODY6]), {}, {"query_families": "ipv4"}, "new-ns", "query.families"),
            ("in the zone, nobody's", inside, ([], [NOBODY6]), {}, {}, "new-ns-lame"),
            ("in the zone, IPv6 alone, IPv4 asked", inside, ([], [NOBODY6]), {}, {"query_families": "ipv4"}, "new-ns", f"({inside})", "query.families"),
            ("in the zone, both, IPv4 asked", inside, ([HERE4], [NOBODY6]), {}, {"query_families": "ipv4"}, None)):
        hosted(hosts, **({"new": found} if new == out else {}))
        hosts.rcode(**rcode)
        hosts.serve()
        z.put("NS", [old, new])
        z.put("CSYNC", ["7 1 NS A AAAA" if new == inside else "7 1 NS"])
        names(z, ns1=([HERE4], []), **({"new": found} if new == inside else {}))
        z.serve()
        [v] = scanner.once(lab, [z.name], "--dry-run", **options)
        if not held(v, "csync", rule, *says):
            wrong.append((name, v["outcome"], v["words"]))
    assert not wrong, "\n".join(map(str, wrong))
