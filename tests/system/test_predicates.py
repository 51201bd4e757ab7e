"""Each predicate V1 to V14 has a fault that turns it false, with a witness, and that leaves it true again when it is gone.

One laboratory and one musicd for all; every test has a zone of its own.  The zones are held, so that musicd looks and judges and
does not repair what a test breaks.  "crook" is served by one server that says what it is told.  The table of all predicates is in
docs/requirements.md.
"""
import re

import dns.dnssec
import dns.name
import pytest

from musiclab import breaks, rolls
from musiclab.controller import Controller
from musiclab.rogue import Rogue
from musiclab.space import wait_until
from test_faults import load_at

DUO = ["chain", "keys", "digest", "insecure", "lame", "signal", "delegation", "stranger", "content"]
CROOK = "10.53.9.3"


BIND, KNOT = r"^(10\.53\.2\.1|fd53:2::1) \(bind\)$", r"^(10\.53\.3\.1|fd53:3::1) \(knot\)$"
PARENT, AT_CROOK = r"^(10\.53\.1\.[12]|fd53:1::[12]) \(parent lab\.\)$", r"^10\.53\.9\.3 \(crook\)$"


class World:
    """musicd's judgement of zones."""

    def __init__(self, lab, mc, crook):
        self.lab, self.mc, self.crook = lab, mc, crook

    def zone(self, name):
        return self.lab.zone_name(name)

    def explain(self, zone):
        return self.mc.explain(zone)

    def parent(self, zone, rdtype, lines):
        """The parent's records of a type are these from now on; lines as "add" lines."""
        self.lab.update("parent", "lab.", [f"delete {self.zone(zone)} {rdtype}", *lines])

    def ds(self, zone, *signers):
        return self.lab.ds_lines(self.zone(zone), signers=signers or None)

    def honest(self):
        """What crook says when nothing is wrong."""
        self.crook.fill()
        self.crook.put("CDS", self.crook.cds(self.crook.ksk))
        self.crook.put("CDNSKEY", self.crook.cdnskey(self.crook.ksk))
        self.crook.put("A", ["192.0.2.80"], name="www." + self.crook.name)
        self.crook.rcode()
        self.crook.chain()

    def await_(self, zone, what, condition, timeout=150):
        seen = {}

        def now():
            seen["e"] = self.explain(zone)
            return condition({r["rule"]: r["result"] for r in seen["e"]["rules"]}, seen["e"]["findings"])
        try:
            return wait_until(now, timeout, f"{zone}: {what}", interval=0.3)
        except Exception as e:
            print(self.mc.log()[-1500:], self.mc.cli("zone", "status", self.zone(zone)).stdout)
            raise AssertionError(f"{e}\n" + "\n".join(f["text"] for f in seen["e"]["findings"])) from None

    def false(self, zone, rule, result, **witness):
        """Until the rule is false, as a finding that names what must be named (patterns by member); musicd's words on it."""
        def found(rules, findings):
            assert rules[rule] in ("holds", "unknown", "warning", "fails"), rules
            f = rules[rule] == result and next(
                (f for f in findings if f["rule"] == rule and f["result"] == result and
                 all(re.search(p, str(f[k] or "")) for k, p in witness.items())), None)
            said = self.mc.cli("zone", "explain", self.zone(zone)).stdout if f else ""
            # what is said of times goes on between the two
            return f if re.search(rf"^{rule} +{result}\b", said, re.M) and f["text"].removeprefix(f"{rule}: ") in said else None
        f = self.await_(zone, f"{rule} {result} with {witness}, in both forms", found)
        print(f["text"])
        return f["text"]

    def true(self, zone, *rules):
        self.await_(zone, f"{rules} hold", lambda r, _: all(r[x] == "holds" for x in rules))


@pytest.fixture(scope="module")
def world(packages):
    from conftest import new_lab
    lab = new_lab("pred")
    try:
        lab.up(signers=["bind", "knot"])
        lab.add_zones(DUO, ["bind", "knot"])
        lab.add_zone("tags", ["bind", "knot"], same_tags="zsk")
        lab.add_zone("algorithm", ["bind"])
        load_at(lab, "knot", "algorithm", algorithm=15)
        for z in [*DUO, "tags"]:
            lab.exchange_keys(z)
        crook = Rogue(lab, "crook", CROOK)
        mc = Controller(lab, settings={"schedule": {"idle": "1s", "retry": "1s", "copy": "1s"}})
        w = World(lab, mc, crook)
        w.honest()
        crook.delegate()
        mc.start()
        for s in ("bind", "knot"):
            mc.add_signer(s)
        mc.cli("signer", "add", "crook", "--driver", "ddns", "--update", CROOK, "--ns", f"{crook.ns[0]}={CROOK}",
               "--key-file", lab.state["parent"]["tsig"]["file"])
        mc.cli("signergroup", "add", "duo", "--signer", "bind", "--signer", "knot")
        mc.cli("signergroup", "add", "crook", "--signer", "crook")
        for z in [*DUO, "tags", "algorithm"]:
            mc.add_zone(z, "duo")
        mc.cli("zone", "add", crook.name, "--group", "crook", "--sample", "www")
        for z in DUO:
            w.await_(z, "both signers take part", lambda r, _, z=z: set(r[x] for x in r if x.startswith("V")) == {"holds"} and
                     not w.mc.status(z)["process"], 240)
            mc.cli("zone", "hold", w.zone(z), "--reason", "a test breaks it")
        mc.cli("zone", "hold", w.zone("algorithm"), "--reason", "its signers differ")
        yield w
        mc.stop()
        log = mc.log()
        assert "Sanitizer" not in log and "runtime error:" not in log, log[-3000:]
    finally:
        lab.down()


def test_v1_a_ds_is_gone_too_early(world):
    world.parent("chain", "DS", world.ds("chain", "knot"))
    world.false("chain", "V1", "fails", server=PARENT, record="DS", other_signer="bind")
    world.parent("chain", "DS", world.ds("chain"))
    world.true("chain", "V1")


def test_v2_v7_a_key_is_taken_away_that_still_signs(world):
    name = world.zone("keys")
    [zsk] = world.lab.dnskeys("bind", name)[1]
    breaks.drop(world.lab, "knot", name, "DNSKEY", zsk.to_text())
    world.false("keys", "V2", "fails", server=KNOT, record="DNSKEY", other_signer="bind")
    world.false("keys", "V7", "fails", server=KNOT, record="DNSKEY", text="lacks key .* of bind")
    world.lab.update("knot", name, [f"add {name} 5 DNSKEY {zsk.to_text()}"])
    world.true("keys", "V2", "V7")


def test_v2c_cds_is_signed_by_the_wrong_key(world):
    crook = world.crook
    crook.put("CDS", crook.cds(crook.ksk), by=[crook.zsk])
    crook.serve()
    world.false("crook", "V2c", "fails", server=AT_CROOK, record="^CDS$")
    world.honest()
    crook.put("CDNSKEY", crook.cdnskey(crook.ksk), by=[crook.zsk])
    crook.serve()
    world.false("crook", "V2c", "fails", server=AT_CROOK, record="^CDNSKEY$")
    world.honest()
    crook.serve()
    world.true("crook", "V2c")


def test_v3_a_signer_of_another_algorithm_is_let_in(world):
    name = world.zone("algorithm")
    both, first = world.ds("algorithm", "bind", "knot"), world.ds("algorithm", "bind")
    world.parent("algorithm", "DS", both)
    world.lab.update("bind", name, [f"add {name} 5 NS ns1.knot.net."])
    world.false("algorithm", "V3", "fails", record="DS", server=PARENT, other_signer="knot", text="algorithm 13 alone")
    world.lab.update("bind", name, [f"delete {name} NS ns1.knot.net."])
    world.parent("algorithm", "DS", first)
    world.true("algorithm", "V3")


@pytest.mark.parametrize("fault,age,life", [("expired", 20000, 10000), ("about to expire", 86395, 86400), ("not valid yet", -86400, 7 * 86400)])
def test_v4_a_signature_that_does_not_hold(world, fault, age, life):
    crook = world.crook
    crook.put("SOA", [f"{crook.ns[0]} hostmaster.{crook.name} {crook.serial} 3600 900 604800 5"], age=age, life=life)
    crook.serve()
    world.false("crook", "V4", "fails", server=AT_CROOK, record="SOA", text=f"by key {crook.zsk.tag} is valid until")
    world.honest()
    crook.serve()
    world.true("crook", "V4", "V2")


def test_v5_the_ds_set_is_gone(world):
    world.parent("insecure", "DS", [])
    world.false("insecure", "V5", "fails", server=PARENT, record="DS", text="insecure")
    world.parent("insecure", "DS", world.ds("insecure"))
    world.true("insecure", "V5")


def test_v6_a_server_does_not_know_the_zone(world):
    """named forgets the zone (as after a slip in its configuration) and gets it back."""
    name, bind = world.zone("lame"), world.lab.server("bind")
    del bind.d["zones"][name]
    bind.reload()
    world.false("lame", "V6", "fails", server=BIND, record="SOA", text="REFUSED")
    world.lab.server("bind").reload()
    world.true("lame", "V6")


def test_v6_v9_the_parent_lists_a_name_that_nobody_asks(world):
    """Somebody adds a name server at the parent by hand: what it serves is not known, so nothing is called valid."""
    name = world.zone("stranger")
    world.lab.update("parent", "lab.", [f"add {name} 5 NS ns2.stranger.net."])
    world.false("stranger", "V6", "unknown", server=PARENT, record="NS", text=r"lists ns2\.stranger\.net\.: nobody asks it")
    world.false("stranger", "V9", "warning", server=PARENT, record="NS", text=r"ns2\.stranger\.net\. should be gone")
    assert world.mc.status("stranger")["state"] == "UNKNOWN"
    world.lab.update("parent", "lab.", [f"delete {name} NS ns2.stranger.net."])
    world.true("stranger", "V6", "V9")


def test_v8_a_signer_lacks_a_cds(world):
    name = world.zone("signal")
    [ksk] = world.lab.dnskeys("bind", name)[0]
    [line] = [x.split(" DS ")[1] for x in world.ds("signal", "bind")]
    breaks.drop(world.lab, "knot", name, "CDS", line.split()[0])
    world.false("signal", "V8", "warning", server=KNOT, record="^CDS$", text="of bind is missing")
    world.lab.update("knot", name, [f"add {name} 0 CDS {line}"])
    world.true("signal", "V8")


def test_v8_a_signer_shows_records_of_no_key(world):
    """One CDS and one CDNSKEY that name keys nobody has: which signer, and which record, is said."""
    name = world.zone("signal")
    cds, cdnskey = "4711 13 2 " + "ab" * 32, "257 3 13 " + "q6ur" * 21 + "qw=="
    world.lab.update("knot", name, [f"add {name} 0 CDS {cds}"])
    world.false("signal", "V8", "warning", signer="^knot$", server=KNOT, record="^CDS$", key_tag="^4711$",
                text="a record for key 4711, which no signer shows, should be gone")
    breaks.drop(world.lab, "knot", name, "CDS", "4711")
    world.true("signal", "V8")
    world.lab.update("bind", name, [f"add {name} 0 CDNSKEY {cdnskey}"])
    world.false("signal", "V8", "warning", signer="^bind$", server=BIND, record="^CDNSKEY$",
                text=r"a record for key \d+, which no signer shows, should be gone")
    world.lab.update("bind", name, [f"delete {name} CDNSKEY {cdnskey}"])
    world.true("signal", "V8")


def test_v9_the_parent_lacks_a_name_server(world):
    name = world.zone("delegation")
    world.lab.update("parent", "lab.", [f"delete {name} NS ns1.knot.net."])
    world.false("delegation", "V9", "warning", server=PARENT, record="NS", text=r"ns1\.knot\.net\. is missing")
    world.lab.update("parent", "lab.", [f"add {name} 5 NS ns1.knot.net."])
    world.true("delegation", "V9")


def test_v10_a_name_server_that_is_nobodys(world):
    name = world.zone("stranger")
    world.lab.update("bind", name, [f"add {name} 5 NS ns1.stranger.net."])
    world.false("stranger", "V10", "warning", record="NS", text=r"ns1\.stranger\.net\.")
    world.lab.update("bind", name, [f"delete {name} NS ns1.stranger.net."])
    world.true("stranger", "V10")


def test_v11_two_keys_have_one_tag(world):
    tag = dns.dnssec.key_id(world.lab.dnskeys("bind", world.zone("tags"))[1][0])
    world.false("tags", "V11", "warning", signer="knot|bind", other_signer="knot|bind", record="DNSKEY", key_tag=f"^{tag}$")
    rolls.roll(world.lab, "knot", "tags", "zsk")
    world.true("tags", "V11")


def test_v12_nothing_proves_what_is_not_there(world):
    world.crook.chain(proves=False)
    world.crook.serve()
    world.false("crook", "V12", "fails", server=AT_CROOK, record="denial|NSEC")
    world.honest()
    world.crook.serve()
    world.true("crook", "V12")


def test_v13_one_signer_has_other_data(world):
    name = world.zone("content")
    world.lab.update("knot", name, [f"add only.{name} 5 TXT here"])
    world.false("content", "V13", "warning", signer="knot", other_signer="bind")
    world.lab.update("knot", name, [f"delete only.{name} TXT"])
    world.true("content", "V13")


def test_a_sample_that_is_not_there(world):
    zone = world.zone("digest")
    for sample in ("wwww", "www", "wwww", ""):
        world.mc.cli("zone", "update", zone, "--sample", sample)
        who = {"bind", "knot"} if sample == "wwww" else set()
        world.await_("digest", f"the sample {sample!r}",
                     lambda _, found: {f["signer"] for f in found if (f["rule"], f["result"]) == ("sample", "warning")} == who)
        said = world.mc.cli("zone", "explain", zone).stdout
        assert ("knot" in who) == bool(re.search(r"has no address \(A\), and no alias, at the sample name \"wwww\"", said)), said
        assert ("see \"zone explain" in world.mc.cli("zone", "status", zone).stdout) or not who
        fit = world.mc.cli("zone", "preflight", zone, "--signer", "knot", "-o", "json").stdout
        assert bool(who) == ('"rule":"sample"' in fit), fit
    world.mc.cli("zone", "update", zone, "--sample", "www")


def test_a_sample_that_is_no_name_of_the_zone(world):
    """Below a delegation every server refers elsewhere: that is told as such, and neither waited for nor taken for unsigned data.
    What leads to an address is as good as one."""
    zone = world.zone("digest")
    update = {s: [f"add tree.{zone} 5 DNAME other.{zone}", f"add out.{zone} 5 CNAME www.example.net.",
                  f"add gone.{zone} 5 CNAME nothere.{zone}", f"add tosub.{zone} 5 CNAME www.sub.{zone}"] for s in ("bind", "knot")}
    for s, lines in update.items():
        world.lab.update(s, zone, lines)
    for sample in ("sub", "alias", "www.sub", "out", "ns.sub", "gone", "tosub", "x.tree", "any.w"):
        world.mc.cli("zone", "update", zone, "--sample", sample)
        who = {"bind", "knot"} if sample.endswith("sub") and sample != "tosub" else set()

        def looked(rules, found):
            assert not [f for f in found if f["rule"] == "V2"], found
            return {f["signer"] for f in found if (f["rule"], f["result"]) == ("sample", "warning")} == who and \
                {rules[r] for r in rules if r.startswith("V")} == {"holds"}
        world.await_("digest", f"the sample {sample!r}", looked)
        said = world.mc.cli("zone", "explain", zone).stdout
        assert said.count(f'has a delegation at or above the sample name "{sample}"') == len(who), said
    world.mc.cli("zone", "update", zone, "--sample", "www")
    for s, lines in update.items():
        world.lab.update(s, zone, [line.replace("add", "delete", 1).replace(" 5 ", " ") for line in lines])
    world.true("digest", "V13")


def test_a_sample_in_an_unsigned_zone_below(world):
    """The signer's server has the zone below too, and answers out of it without a referral and without a signature."""
    zone = world.zone("chain")
    name = f"sub.{zone}"
    world.mc.cli("zone", "update", zone, "--sample", "www")
    world.lab.add_zone(name, ["bind", "knot"], unsigned=True, delegate=False)
    world.mc.cli("zone", "update", zone, "--sample", "www.sub")
    world.await_("chain", "the sample below", lambda rules, found: rules["V2"] == "holds" and
                 {f["signer"] for f in found if f["rule"] == "sample"} == {"bind", "knot"})
    world.mc.cli("zone", "update", zone, "--sample", "www")
    world.true("chain", "V2")


def test_v14_one_signer_alone_has_the_stronger_digest(world):
    name = world.zone("digest")
    [ksk] = world.lab.dnskeys("knot", name)[0]
    ds = dns.dnssec.make_ds(dns.name.from_text(name), ksk, "SHA384").to_text()
    world.lab.update("parent", "lab.", [f"add {name} 5 DS {ds}"])
    world.false("digest", "V14", "fails", record="DS", server=PARENT, other_signer="bind", text="digest type 4 alone")
    world.lab.update("parent", "lab.", [f"delete {name} DS {ds}"])
    world.true("digest", "V14")
