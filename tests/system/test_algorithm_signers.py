"""Another algorithm at one signer: the commands of its guide are typed, and every version of its zone that is seen is looked at.

The tables of the guides' sections "Algorithm roll-over" are the written form of what is asserted here.  o is the old algorithm, n the new
one.  A view of the zone is (algorithms of which the signer's own KSK and ZSK are published, those that sign DNSKEY and CDS, those that sign
all else, those of its own CDS); records of other signers are in the zone all the time.
"""
import re
import shlex
import threading

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.zone
import pytest

from conftest import _end, fetch_other, new_lab
from documents import commands, pieces, sections
from musiclab import zonetext
from musiclab.keys import ALGORITHMS, NAMES, Key
from musiclab.rolls import set_algorithms
from musiclab.space import wait_until

pytestmark = pytest.mark.long

GUIDES = {"bind": "bind", "knot": "knot", "pdns": "powerdns"}
GUIDE_OLD, GUIDE_NEW = 13, 15           # of which the guides speak
PDNS_NAMES = {13: "ecdsa256", 14: "ecdsa384", 15: "ed25519"}
TYPE65534 = 65534                       # BIND's notes of what it signs: the last octet is 1 when it has

# What a view becomes after each block of commands of the guide; None: it stays.
BLOCKS = {
    "bind": [("on", "on", "on", "on"), None, ("on", "on", "on", "n"), ("n", "n", "n", "n")],
    "knot": [None, ("o", "o", "on", "o"), ("on", "on", "on", "o"), ("on", "on", "on", "n"), ("n", "n", "on", "n"), ("n", "n", "n", "n"), None],
    "pdns": [("o", "on", "on", "o"), ("on", "on", "on", "on"), ("on", "on", "on", ""), ("n", "on", "on", "n"), ("n", "n", "n", "n"), None],
}


@pytest.fixture(scope="module", params=["here", "other"])
def lab(packages, request):
    """Servers of this machine's release of Debian, and those of the other one."""
    suites = dict.fromkeys(GUIDES, fetch_other()) if request.param == "other" else {}
    shared = new_lab("a")
    try:
        yield shared.up(suites=suites)
    finally:
        _end(shared, request.node)


class View:
    """One version of the zone at the signer, from a transfer."""

    def __init__(self, at, z):
        apex = dns.name.from_text(at.zone)
        keys = list(z.get_rdataset(apex, "DNSKEY"))
        at.learn(keys)
        self.foreign = {k.to_text() for k in keys} & at.alien_keys
        own = [k for k in keys if k.to_text() not in at.alien_keys]
        self.keys = "".join(x for x in "on" if {f for f in (256, 257) if (x, f) in {(at.letter(k), k.flags) for k in own}} == {256, 257})
        self.listed = at.letters(own)
        cds = list(z.get_rdataset(apex, "CDS") or [])
        self.own_cds = [c for c in cds if c.key_tag in at.tags]
        self.foreign |= {c.to_text() for c in cds if c.key_tag not in at.tags}
        seps = {dns.dnssec.key_id(k) for k in own if k.flags & 1}
        self.lost_cds = [c.to_text() for c in self.own_cds if c.key_tag not in seps]
        self.signed = {"DNSKEY": set(), "data": set()}
        for name, node in z.nodes.items():
            if name.is_subdomain(dns.name.from_text("sub." + at.zone)):
                continue                                            # an insecure delegation
            for t in {r.rdtype for r in node.rdatasets} - {dns.rdatatype.RRSIG}:
                what = "DNSKEY" if t in (dns.rdatatype.DNSKEY, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY) else "data"
                self.signed[what].add(at.letters(node.get_rdataset(1, dns.rdatatype.RRSIG, t) or []))
        self.complete = all(r.data[-1] for r in z.get_rdataset(apex, TYPE65534) or [])
        self.short = (self.keys, *("/".join(sorted(self.signed[w])) for w in ("DNSKEY", "data")), at.letters(self.own_cds))


class At:
    """A zone at a signer, which is watched to the end of the block."""

    def __init__(self, lab, signer, old, new, hint="g"):
        self.lab, self.signer, self.old, self.new = lab, signer, old, new
        self.zone = lab.add_zone(f"{hint}{old}to{new}-{signer}", [signer], algorithm=old)
        self.server = lab.server(signer)
        self.where = lab.state["signers"][signer]["update"]["address"]
        self.alien = {(x, f): Key(f, a) for x, a in (("o", old), ("n", new)) for f in (256, 257)}
        self.alien_keys = {k.rdata.to_text() for k in self.alien.values()}
        self.tags, self.known, self.views, self.wrong = set(), {}, [], []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.look()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def _watch(self):
        try:
            while not self.ended.wait(0.1):
                self.look()
        except Exception as e:          # told by view()
            self.wrong.append(e)

    def look(self):
        key = self.lab.state["signers"][self.signer]["tsig"]["file"]
        out = self.lab.call(["dig", "@" + self.where, "-k", key, "+noall", "+answer", "+onesoa", self.zone, "AXFR"]).stdout
        self.views.append(View(self, dns.zone.from_text(out, self.zone, relativize=False, check_origin=False)))

    # -- keys -----------------------------------------------------------------------------------------------------
    def letter(self, record):
        return {self.old: "o", self.new: "n"}[int(record.algorithm)]

    def letters(self, records):
        found = {self.letter(r) for r in records}
        return "".join(x for x in "on" if x in found)

    def learn(self, keys):
        for k in keys:
            if k.to_text() not in self.alien_keys:
                self.tags.add(dns.dnssec.key_id(k))
                self.known[self.letter(k), k.flags] = k

    def cds(self, key):
        """The two records for a key, as those that UPDATE is to bring or to take away."""
        return [("CDS", dns.dnssec.make_ds(dns.name.from_text(self.zone), key, "SHA256").to_text()), ("CDNSKEY", key.to_text())]

    def alien_cds(self, x):
        return self.cds(self.alien[x, 257].rdata)

    def alien_zsk(self, x):
        return [("DNSKEY", self.alien[x, 256].rdata.to_text())]

    # -- what is done -----------------------------------------------------------------------------------------------
    def update(self, add=(), delete=(), check=True):
        def ttl(rdtype):
            rrset = self.lab.ex.rrset(self.where, self.zone, rdtype)
            return rrset.ttl if rrset else 5
        lines = [f"delete {self.zone} {t} {r}" for t, r in delete] + [f"add {self.zone} {ttl(t)} {t} {r}" for t, r in add]
        return self.lab.update(self.signer, self.zone, lines, check=check)

    def move_ds(self):
        """The parent has the DS of n, and that of o no more."""
        lines = [f"delete {self.zone} DS", f"add {self.zone} 5 DS {self.cds(self.known['n', 257])[0][1]}"]
        self.lab.update("parent", "lab.", lines)
        self.lab.wait_parent()

    def secure(self):
        """A validator that remembers nothing finds answers and denials secure."""
        self.lab.flush(self.zone)
        for name in ("www.", "x.w.", "missing."):
            status, _, detail = self.lab.resolve(name + self.zone, "A")
            assert status == "secure", f"{name}{self.zone}: {status} {detail}\n{self.story()}"

    def policy(self, algorithms, manual=False):
        set_algorithms(self.lab, self.signer, self.zone, algorithms, manual)

    def type(self, line):
        """A command of a guide, with this zone, these algorithms and these keys."""
        line = line.replace("ex.lab", self.zone.rstrip("."))
        for stands, (x, flags) in {"12345": ("o", 257), "12346": ("o", 256), "23456": ("n", 257), "23457": ("n", 256), "OLD-KSK": ("o", 257),
                                   "OLD-ZSK": ("o", 256), "NEW-KSK": ("n", 257), "NEW-ZSK": ("n", 256)}.items():
            if stands in line:
                line = line.replace(stands, str(self.number(x, flags) if "-" in stands or self.signer == "knot" else dns.dnssec.key_id(self.known[x, flags])))
        program, *words = shlex.split(line.replace("SERVER", self.where))
        if program == "dig":
            return self.lab.call([program, *words]).stdout
        names = PDNS_NAMES if program == "pdnsutil" else NAMES
        words = [re.sub(rf"\b{names[GUIDE_NEW]}$", names[self.new], w) for w in words]
        said = getattr(self.server, program)(*words).stdout
        if program == "pdnsutil":
            self.ended.wait(1.5)            # PowerDNS looks at its keys once a second, and every step is to be seen
        return said

    def number(self, x, flags):
        """By which Knot (tag) or PowerDNS (number in its list) knows a key that may not be published yet."""
        algorithm = {"o": self.old, "n": self.new}[x]
        if self.signer == "knot":
            listed = [line.split() for line in self.server.keymgr(self.zone, "list").stdout.splitlines()]
            return next(w[1] for w in listed if (w[2], w[3].split("/")[0]) == ("KSK" if flags == 257 else "ZSK", NAMES[algorithm].upper()))
        db = self.server.db()
        try:
            rows = db.execute("SELECT k.id, k.content FROM cryptokeys k JOIN domains d ON d.id=k.domain_id WHERE d.name=? AND k.flags=?",
                              (self.zone.rstrip("."), flags)).fetchall()
        finally:
            db.close()
        return next(i for i, content in rows if f"Algorithm: {algorithm} " in content)

    # -- what is seen -----------------------------------------------------------------------------------------------
    def view(self):
        assert not self.wrong, self.wrong
        return self.views[-1].short

    def until(self, view, timeout=90):
        try:
            wait_until(lambda: self.view() == view, timeout, f"{view} at {self.signer}")
        except Exception as e:
            raise AssertionError(f"{e}\n{self.story()}") from None

    def stays(self, looks=12):
        """Nothing changes by itself."""
        before, n = self.view(), len(self.views)
        wait_until(lambda: self.view() != before or len(self.views) >= n + looks, 120, "some looks")
        assert self.view() == before, self.story()

    def story(self):
        """The views, each once in a row."""
        told = []
        for v in self.views:
            if not told or told[-1] != v.short:
                told.append(v.short)
        return told

    def sound(self):
        """What must hold of every version, whatever the order was."""
        for v in self.views:
            assert not v.lost_cds, f"CDS of keys that are no published SEP keys: {v.lost_cds}\n{self.story()}"
            for x in v.listed:
                assert all(x in s for s in v.signed["DNSKEY"]), self.story()
                if (x, self.signer) != ("n", "bind"):               # named signs a zone bit by bit
                    assert all(x in s for s in v.signed["data"]), self.story()


def before_the_roll(at):
    """Foreign records of o stay to the end; those of n are accepted before the signer has keys of n, but CDS at BIND."""
    at.update(at.alien_zsk("o") + at.alien_cds("o"))
    early = [at.update([r], check=False) for r in at.alien_cds("n")]
    assert early == ["REFUSED" if at.signer == "bind" else "NOERROR"] * 2
    at.update(at.alien_zsk("n"))
    at.update(at.alien_cds("n"))            # a foreign key of n is enough for BIND
    wait_until(lambda: len(at.views[-1].foreign) == 4, 60, "four foreign records")
    at.secure()
    last = at.update(delete=at.alien_zsk("n"), check=False)
    assert last == ("REFUSED" if at.signer == "bind" else "NOERROR")     # the last key of n goes after the last CDS of n
    at.update(delete=at.alien_cds("n"))
    at.update(delete=at.alien_zsk("n"))
    wait_until(lambda: len(at.views[-1].foreign) == 2, 60, "two foreign records")
    assert at.view() == ("o", "o", "o", "o")


@pytest.mark.parametrize("old,new", [(13, 15), (8, 13), (13, 14)])
@pytest.mark.parametrize("signer", GUIDES)
def test_commands_of_the_guides(lab, signer, old, new):
    _, section = sections(f"docs/signers/{GUIDES[signer]}.md")
    expected, moved = iter(BLOCKS[signer]), False
    with At(lab, signer, old, new) as at:
        before_the_roll(at)
        for kind, text in pieces(section=section):
            if kind in ("named", "knot"):
                named = re.findall(rf"algorithm:? ({'|'.join(ALGORITHMS)})", text)
                at.policy([{GUIDE_OLD: old, GUIDE_NEW: new}[ALGORITHMS[a]] for a in dict.fromkeys(named)], "manual: on" in text)
            elif kind == "console":
                said = [at.type(line) for line in commands(text, kind).splitlines()]
                view = next(expected)
                if view:
                    at.until(view)
                if "dig" in text:
                    assert said[-1].strip(), "BIND has no notes"
                    wait_until(lambda: at.views[-1].complete, 60, "BIND has signed all")
                if view == ("on", "on", "on", "on") or signer == "knot" and view == ("on", "on", "on", "o"):
                    at.update(at.alien_zsk("n") + at.alien_cds("n"))
                    at.stays()                                      # o is kept for ever
                if "unset-publish" in text:                         # CDS are ours now, those for its own keys too
                    at.update(at.cds(at.known["o", 257]))
                    at.until(("on", "on", "on", "o"))
                    at.update(at.cds(at.known["n", 257]), delete=at.alien_cds("o") + at.cds(at.known["o", 257]))
                    at.until(("on", "on", "on", "n"))
                elif view == ("on", "on", "on", "n"):
                    at.update(delete=at.alien_cds("o"))
                    at.stays()
                at.secure()
                if not moved and at.view() == ("on", "on", "on", "n"):
                    moved = True
                    at.move_ds()
                    at.secure()
        assert next(expected, "the end") == "the end"
        if signer == "pdns":
            at.update(delete=at.cds(at.known["n", 257]))
        at.stays(6)
        at.until(("n", "n", "n", "n"))
        wait_until(lambda: len(at.views[-1].foreign) == 3, 60, "the foreign ZSKs and CDS are left")
        at.update(delete=at.alien_zsk("o"))
        wait_until(lambda: len(at.views[-1].foreign) == 2, 60, "and go")
        at.secure()
        at.sound()
        told = [v for v in at.story() if "/" not in "".join(v)]
        assert told == list(dict.fromkeys(told)), f"it went back: {told}"


# ---- what is not to be done -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("signer", ["bind", "knot"])
def test_by_itself_the_cds_changes_when_it_likes(lab, signer):
    """A policy of n alone: the own CDS changes some seconds later; that of o cannot be held; o's keys wait to be dropped."""
    with At(lab, signer, 13, 15, "self") as at:
        at.policy([15])
        lab.server(signer).reload()
        at.until(("on", "on", "on", "n"))
        assert ("on", "on", "on", "o") in at.story()
        before = [v for v in at.story() if v[0] == "o"]
        assert (("o", "o", "on", "o") in before) == (signer == "knot")
        lost = at.cds(at.known["o", 257])
        at.update(lost, check=False)
        if signer == "bind":
            at.server.rndc("loadkeys", at.zone)
        at.until(("on", "on", "on", "n"))
        at.stays()
        if signer == "knot":
            at.server.knotc("zone-ksk-submitted", at.zone)
        else:                               # also when nobody has said that the parent has the new DS
            at.server.rndc("dnssec", "-checkds", "-key", str(dns.dnssec.key_id(at.known["o", 257])), "withdrawn", at.zone)
        at.until(("n", "n", "n", "n"))
        assert (("n", "n", "on", "n") in at.story()) == (signer == "knot")
        at.sound()


def test_knot_publishes_cds_of_both(lab):
    with At(lab, "knot", 13, 15, "both") as at:
        at.policy([13], manual=True)
        lab.server("knot").reload()
        for line in ("keymgr ex.lab set 12345 active=+0", "keymgr ex.lab generate algorithm=ed25519 ksk=yes", "keymgr ex.lab generate algorithm=ed25519 zsk=yes",
                     "knotc zone-keys-load ex.lab"):
            at.type(line)
        at.until(("on", "on", "on", "on"))
        at.update(delete=at.cds(at.known["o", 257]))
        at.stays()
        at.type("keymgr ex.lab set 12345 retire_active=+0")
        at.type("knotc zone-keys-load ex.lab")
        at.until(("on", "on", "on", "n"))
        at.stays()
        at.sound()


def test_powerdns_takes_a_zsk_alone_for_a_csk(lab):
    with At(lab, "pdns", 13, 15, "csk") as at:
        at.type("pdnsutil add-zone-key ex.lab zsk active published ed25519")
        wait_until(lambda: at.views[-1].lost_cds, 60, "a CDS for a ZSK")


def test_bind_signs_a_large_zone_bit_by_bit(lab, monkeypatch):
    """Its own CDS of n does not wait for that, and o goes when it is told to: then a part of the zone is bogus."""
    child = zonetext.child
    monkeypatch.setattr(zonetext, "child", lambda zone, z: child(zone, z) + "".join(f"h{i:04}.{zone} 5 A 192.0.2.1\n" for i in range(3000)))
    zone = lab.add_zone("large", ["bind"])
    s, where = lab.server("bind"), lab.state["signers"]["bind"]["update"]["address"]

    def signers(name, rdtype):
        m = lab.ask(where, name, rdtype)
        return {r.algorithm for rr in m.answer if rr.rdtype == dns.rdatatype.RRSIG for r in rr}

    def notes():
        """Those of the KSK and the ZSK of 15."""
        return [r.data[-1] for r in lab.ex.rrset(where, zone, TYPE65534) or [] if r.data[0] == 15]
    last = f"h2999.{zone}"
    old = next(k for k in lab.ex.rrset(where, zone, "DNSKEY") if k.flags == 257)
    set_algorithms(lab, "bind", zone, [13, 15])
    s.rndc("reconfig")
    wait_until(lambda: signers(zone, "SOA") == {13, 15}, 60, "SOA is signed by both")
    assert signers(last, "A") == {13} and not all(notes())
    wait_until(lambda: {c.algorithm for c in lab.ex.rrset(where, zone, "CDS")} == {13, 15}, 60, "CDS of both")
    set_algorithms(lab, "bind", zone, [15])
    s.rndc("reconfig")
    s.rndc("dnssec", "-checkds", "-key", str(dns.dnssec.key_id(old)), "withdrawn", zone)
    wait_until(lambda: {k.algorithm for k in lab.ex.rrset(where, zone, "DNSKEY")} == {15}, 120, "DNSKEY of 15 alone")
    bogus = signers(last, "A") == {13}
    assert not (bogus and all(notes()))
    wait_until(lambda: signers(last, "A") == {15}, 180, "signatures of 15 alone")
    assert all(notes())
