"""The deterministic judge: can any cache in the world hold a combination of old and new RRsets that does not validate?

A random probe finds a broken moment only by luck (which server supplied the cached DNSKEY?).  This judge asks every
authoritative server, remembers every version it saw together with the last instant at which it was served by a server that
resolvers could reach, and checks every pair of versions that may still be in a cache:

    V1  every DS version x every DNSKEY version     (DS names a key that signs the DNSKEY RRset)
    V2  every DNSKEY version x every other RRset    (some signature of the RRset verifies with some key)

A version's life ends at (last instant it was seen) + TTL, or when its last signature expires.  'Seen' is never later than
the truth, so what is reported really could happen.  A server is reachable while a live NS version leads to it: versions at
the parent, and apex versions served by a server that was itself reachable at that instant (child-centric resolvers).

No sockets and no clock here: prober.py feeds it.
"""
import dns.dnssec
import dns.flags
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

DS, DNSKEY, NS, SOA, RRSIG = (dns.rdatatype.DS, dns.rdatatype.DNSKEY, dns.rdatatype.NS, dns.rdatatype.SOA, dns.rdatatype.RRSIG)
UNJUDGED = {DNSKEY, DS, RRSIG, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY}    # CDS sets are signed with the SEP key only


class Version:
    """One content of an RRset with its signatures."""
    count = 0

    def __init__(self, owner, rdtype, rdatas, sigs, ttl):
        Version.count += 1
        self.id = Version.count
        self.owner, self.rdtype, self.rdatas, self.sigs, self.ttl = owner, rdtype, rdatas, sigs, ttl
        self.expires = max((s.expiration for s in sigs), default=float("inf"))
        self.first = self.last = 0.0
        self.servers = set()
        self.rrset = dns.rrset.from_rdata_list(owner, ttl, list(rdatas)) if rdatas else None

    def end(self):
        return min(self.last + self.ttl, self.expires)

    def text(self):
        what = f"{self.owner} {dns.rdatatype.to_text(self.rdtype)}"
        if self.rdtype == DS:
            tags = " ".join(str(r.key_tag) for r in self.rdatas) or "none"
        elif self.rdtype == DNSKEY:
            tags = " ".join(str(dns.dnssec.key_id(r)) for r in self.rdatas) + " signed by " + self.signers()
        else:
            tags = "signed by " + self.signers()
        return f"{what} [{tags}] from {', '.join(sorted(self.servers))}"

    def signers(self):
        return " ".join(sorted({str(s.key_tag) for s in self.sigs})) or "nobody"


def versions_of(message, sections=("answer", "authority")):
    """[(owner, type, rdatas, sigs, ttl)] of the RRsets in an answer."""
    found = {}
    for section in sections:
        for rr in getattr(message, section):
            if rr.rdtype == RRSIG:
                for s in rr:
                    found.setdefault((rr.name, s.type_covered), [set(), set(), rr.ttl])[1].add(s)
            else:
                entry = found.setdefault((rr.name, rr.rdtype), [set(), set(), rr.ttl])
                entry[0].update(rr)
                entry[2] = rr.ttl
    return [(o, t, frozenset(r), frozenset(s), ttl) for (o, t), (r, s, ttl) in found.items() if r]


class Judge:
    """The judge of one zone."""

    def __init__(self, zone):
        self.zone = dns.name.from_text(zone)
        self.versions = {}          # (owner, type, rdatas, sigs, ttl) -> Version
        self.reach = {}             # NS name -> instant until which resolvers may go there
        self.verified = {}          # (key, signature, rdatas) -> bool
        self.pairs = {}             # (kind, id, id) -> bool
        self.violations = {}        # (kind, id, id) -> record
        self.checks = 0
        self.unsigned = True        # no DS seen yet

    # -- feeding ------------------------------------------------------------------------------------------------
    def see(self, key, server, t):
        v = self.versions.get(key)
        if v is None:
            v = self.versions[key] = Version(*key)
            v.first = t
        v.last = max(v.last, t)
        v.servers.add(server)
        return v

    def parent_answer(self, server, t, message):
        """An answer of a parent server to DS or NS of the zone."""
        if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return
        qtype = message.question[0].rdtype
        found = versions_of(message)
        if qtype == DS:
            mine = [f for f in found if f[0] == self.zone and f[1] == DS]
            if mine:
                self.unsigned = False
                self.see(mine[0], server, t)
            elif message.flags & dns.flags.AA:
                soa = [(f[4], list(f[2])[0].minimum) for f in found if f[1] == SOA]
                self.see((self.zone, DS, frozenset(), frozenset(), min(soa[0]) if soa else 0), server, t)
        for owner, rdtype, rdatas, _, ttl in found:
            if owner == self.zone and rdtype == NS:
                self._reachable(rdatas, t + ttl)

    def _reachable(self, rdatas, until):
        for r in rdatas:
            name = r.target.to_text().lower()
            self.reach[name] = max(self.reach.get(name, 0), until)

    def is_reachable(self, names, t):
        return any(self.reach.get(n, 0) >= t for n in names)

    def child_answer(self, server, names, t, message, found=None):
        """An answer of a server of the zone that has these NS names.  Does nothing while it is not reachable."""
        if not self.is_reachable(names, t) or not message.flags & dns.flags.AA:
            return
        for f in found if found is not None else versions_of(message):
            owner, rdtype, rdatas, _, ttl = f
            if not owner.is_subdomain(self.zone):
                continue
            if rdtype == NS and owner == self.zone:
                self._reachable(rdatas, t + ttl)
            elif rdtype == NS:
                continue                        # a delegation below is not signed
            if rdtype not in UNJUDGED or rdtype == DNSKEY:
                self.see(f, server, t)

    # -- judging ------------------------------------------------------------------------------------------------
    def _verifies(self, version, key):
        """Does some signature of the version verify with this key?  (Time is part of the version's life.)"""
        for sig in version.sigs:
            if sig.algorithm != key.algorithm or sig.key_tag != dns.dnssec.key_id(key) or sig.signer != self.zone:
                continue
            ident = (key, sig, version.rdatas, version.owner)
            good = self.verified.get(ident)
            if good is None:
                ring = {self.zone: dns.rrset.from_rdata_list(self.zone, 0, [key])}
                try:
                    dns.dnssec.validate_rrsig(version.rrset, sig, ring, now=sig.inception + 1)
                    good = True
                except dns.exception.DNSException:
                    good = False
                self.verified[ident] = good
            if good:
                return True
        return False

    def _v1(self, ds, dnskey):
        for key in dnskey.rdatas:
            if not key.flags & 0x100 or key.flags & 0x80 or key.protocol != 3:
                continue
            for d in ds.rdatas:
                if d.key_tag != dns.dnssec.key_id(key) or d.algorithm != key.algorithm or d.digest_type not in (2, 4):
                    continue
                if dns.dnssec.make_ds(self.zone, key, "SHA256" if d.digest_type == 2 else "SHA384").digest == d.digest and \
                        self._verifies(dnskey, key):
                    return True
        return False

    def _v2(self, dnskey, data):
        return any(self._verifies(data, key) for key in dnskey.rdatas if key.flags & 0x100 and not key.flags & 0x80)

    def check(self, t):
        """Judge all pairs alive at t.  Returns the violations that are new."""
        self.checks += 1
        alive = []
        for ident, v in list(self.versions.items()):
            if v.end() >= t:
                alive.append(v)
            elif v.end() < t - 120:
                del self.versions[ident]
        ds = [v for v in alive if v.rdtype == DS]
        secure = [v for v in ds if v.rdatas]
        if not secure:
            return []
        dnskeys = [v for v in alive if v.rdtype == DNSKEY]
        data = [v for v in alive if v.rdtype not in UNJUDGED]
        new = []
        for kind, left, right, rule in (("V1", secure, dnskeys, self._v1), ("V2", dnskeys, data, self._v2)):
            for a in left:
                for b in right:
                    ident = (kind, a.id, b.id)
                    good = self.pairs.get(ident)
                    if good is None:
                        good = self.pairs[ident] = rule(a, b)
                    if not good:
                        hit = self.violations.get(ident)
                        if hit is None:
                            hit = self.violations[ident] = {"rule": kind, "zone": self.zone.to_text(), "first": t, "left": a.text(), "right": b.text(),
                                                            "left_until": a.end(), "right_until": b.end()}
                            new.append(hit)
                        hit["last"] = t
        if len(self.pairs) > 100000:
            self.pairs.clear()
        if len(self.verified) > 50000:
            self.verified.clear()
        return new
