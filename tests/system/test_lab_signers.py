"""What each signer software does with foreign records, in every mode that the laboratory offers.

docs/signers-verified.md is the written form of what is asserted here.
"""
import dns.dnssec
import dns.flags
import dns.name
import dns.rdatatype
import pytest

from musiclab.keys import Key
from musiclab.space import wait_until

MODES = {
    "plain": {},
    "csk": {"csk": True},
    "nsec3": {"denial": "nsec3"},
    "csk-nsec3": {"csk": True, "denial": "nsec3"},
    "rsa": {"algorithm": 8},
    "p384": {"algorithm": 14},
    "ed25519": {"algorithm": 15},
    "v6only": {},
    "hsm": {},
    "inbailiwick": {"inbailiwick": True},
}


@pytest.fixture(scope="module", params=["here", pytest.param("other", marks=pytest.mark.long)])
def lab(packages, request):
    """Servers of this machine's release of Debian; at length, those of the other one as well."""
    from conftest import _end, fetch_other, new_lab
    signers = ["bind", "knot", "pdns", "bind2", "knot2", "pdns2", "knot3"]
    suites = dict.fromkeys(signers, fetch_other()) if request.param == "other" else {}
    shared = new_lab("s")
    try:
        yield shared.up(signers=signers, v6only=["bind2", "knot2", "pdns2"], hsm=["knot3"], suites=suites)
    finally:
        _end(shared, request.node)


def signer_of(software, mode):
    if mode == "v6only":
        return software + "2"
    return "knot3" if mode == "hsm" else software


class At:
    """One zone at one signer."""

    def __init__(self, lab, signer, zone):
        self.lab, self.signer, self.zone = lab, signer, zone
        self.where = lab.state["signers"][signer]["update"]["address"]

    def rdatas(self, rdtype):
        rr = self.lab.ex.rrset(self.where, self.zone, rdtype)
        return {r.to_text() for r in rr} if rr else set()

    def ttl(self, rdtype):
        return self.lab.ex.rrset(self.where, self.zone, rdtype).ttl

    def validates(self, rdtype):
        """Has the served RRset a signature by a key of this server's own DNSKEY RRset?"""
        name = dns.name.from_text(self.zone)
        keys = self.lab.ex.rrset(self.where, self.zone, "DNSKEY")
        m = self.lab.ask(self.where, self.zone, rdtype)
        try:
            rrset = m.find_rrset(m.answer, name, 1, dns.rdatatype.from_text(rdtype))
            sigs = m.find_rrset(m.answer, name, 1, dns.rdatatype.RRSIG, dns.rdatatype.from_text(rdtype))
            dns.dnssec.validate(rrset, sigs, {name: keys})
        except (KeyError, dns.dnssec.ValidationFailure):
            return False
        return True


# SoftHSM with Knot alone: docs/signers-verified.md says why
@pytest.mark.parametrize("software,mode", [(s, m) for s in ("bind", "knot", "pdns") for m in MODES if m != "hsm" or s == "knot"])
def test_foreign_records(lab, software, mode):
    signer = signer_of(software, mode)
    options = dict(MODES[mode])
    if options.pop("csk", False):
        options["csk"] = [signer]
    if mode == "hsm":
        options["hsm"] = [signer]
    zone = lab.add_zone(f"{mode}-{signer}", [signer], **options)
    at = At(lab, signer, zone)
    algorithm = options.get("algorithm", 13)

    ksk, zsk, foreign = lab.dnskeys(signer, zone)
    assert not foreign and len(at.rdatas("DNSKEY")) == (1 if mode.startswith("csk") else 2)
    assert (ksk == zsk) == mode.startswith("csk")
    assert len(at.rdatas("CDS")) == len(at.rdatas("CDNSKEY")) == 1
    denial = lab.ask(at.where, "missing." + zone, "A").authority
    kind = dns.rdatatype.NSEC3 if "nsec3" in mode else dns.rdatatype.NSEC
    assert any(rr.rdtype == kind for rr in denial)
    own = {t: at.rdatas(t) for t in ("DNSKEY", "CDS", "CDNSKEY", "NS")}

    a, b = Key(256, algorithm), Key(257, algorithm)
    alien = {"DNSKEY": [a.rdata.to_text(), b.rdata.to_text()], "CDS": [b.ds_text(zone)], "CDNSKEY": [b.rdata.to_text()],
             "NS": ["ns1.elsewhere.net."], "CSYNC": ["7 0 NS"]}
    for rdtype, rdatas in alien.items():
        ttl = at.ttl(rdtype) if rdtype != "CSYNC" else 5
        for r in rdatas:
            lab.update(signer, zone, [f"add {zone} {ttl} {rdtype} {r}"])
        now = at.rdatas(rdtype)
        assert len(now) == len(own.get(rdtype, ())) + len(rdatas), (rdtype, now)
        wait_until(lambda t=rdtype: at.validates(t), 60, f"{rdtype} validates")
    # a second time: nothing changes
    serial = lab.serial(at.where, zone)
    lab.update(signer, zone, [f"add {zone} {at.ttl('DNSKEY')} DNSKEY {alien['DNSKEY'][0]}"])
    assert lab.serial(at.where, zone) == serial
    # own records cannot be taken away
    for rdtype in ("DNSKEY", "CDS"):
        for r in own[rdtype]:
            lab.update(signer, zone, [f"delete {zone} {rdtype} {r}"], check=False)
        assert own[rdtype] <= at.rdatas(rdtype)
    for rdtype, rdatas in alien.items():
        for r in rdatas:
            lab.update(signer, zone, [f"delete {zone} {rdtype} {r}"])
        if rdtype == "CSYNC" and software == "pdns":
            assert at.rdatas(rdtype)        # NOERROR, and still there: only the deletion of the whole RRset works
            lab.update(signer, zone, [f"delete {zone} CSYNC"])
        assert at.rdatas(rdtype) == own.get(rdtype, set())
    status, _, detail = lab.resolve("x1.w." + zone, "A")
    assert status == "secure", detail
    status, _, detail = lab.resolve("x2." + zone, "A")
    assert status == "secure", detail


def test_key_per_zone(lab):
    one, other = (lab.add_zone(n, ["bind", "knot", "pdns"], zone_key=True) for n in ("zk1", "zk2"))
    from musiclab.keys import read_tsig
    for s in ("bind", "knot", "pdns"):
        key = read_tsig(lab.state["zones"][one]["tsig"][s]["file"])
        where = lab.state["signers"][s]["update"]["address"]
        assert lab.ex.update(where, one, [f"add t.{one} 5 A 192.0.2.1"], key) == "NOERROR"
        assert lab.ex.update(where, other, [f"add t.{other} 5 A 192.0.2.1"], key, check=False) in ("REFUSED", "NOTAUTH")
        shared = read_tsig(lab.state["signers"][s]["tsig"]["file"])
        assert lab.ex.update(where, one, [f"add u.{one} 5 A 192.0.2.1"], shared, check=False) in ("REFUSED", "NOTAUTH")


def test_mixed_denial_and_csk_are_one_secure_zone(lab):
    """A CSK signer, NSEC3 at all, three softwares: exchanged by hand, nothing bogus."""
    zone = lab.add_zone("mixed", ["bind", "knot", "pdns"], csk=["bind", "pdns"], denial="nsec3")
    lab.exchange_keys(zone)
    for i in range(12):
        lab.flush(zone)
        for name in (f"x{i}.w.{zone}", f"x{i}.{zone}"):
            status, _, detail = lab.resolve(name, "A")
            assert status == "secure", detail


@pytest.mark.parametrize("role", ["zsk", "ksk"])
def test_equal_key_tags(lab, role):
    zone = lab.add_zone(f"tags-{role}", ["bind", "knot", "pdns"], same_tags=role)
    keys = [lab.dnskeys(s, zone)[0 if role == "ksk" else 1][0] for s in ("bind", "knot", "pdns")]
    assert len({dns.dnssec.key_id(k) for k in keys}) == 1 and len({k.to_text() for k in keys}) == 3
