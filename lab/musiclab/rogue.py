"""A name server that says just what it is told, right or wrong: for what no honest server would say.

    zone = Rogue(lab, "evil", "10.53.9.3")       # evil.lab. with two keys and one name server
    zone.delegate()
    zone.put("CDS", [...], by=[zone.zsk])        # signed by whom you like, when you like; by=[] unsigned
    zone.chain()                                 # prove what is not there, as an honest server does
    zone.serve()                                 # as often as it changes
"""
import json
import os
import socketserver
import sys
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class Rogue:
    def __init__(self, lab, name, *addresses):
        from .keys import Key
        self.lab, self.name, self.addresses = lab, lab.zone_name(name), addresses
        self.ksk, self.zsk = Key(257, 13), Key(256, 13)
        self.ns = [f"ns{i}.{self.name}" for i, _ in enumerate(addresses, 1)]
        self.said = {a: {"sets": {}, "mute": [], "rcode": {}, "proves": False} for a in addresses}
        self.serial = 1
        self.fill()

    # -- content ------------------------------------------------------------------------------------------------
    def put(self, rdtype, rdatas, by=None, name=None, at=None, age=3600, life=7 * 86400):
        """Say this RRset at one address or all; signed by keys (default: the KSK for what it signs, else the ZSK)."""
        name = name or self.name
        if by is None:
            by = [self.ksk] if rdtype in ("DNSKEY", "CDS", "CDNSKEY") else [self.zsk]
        rrs = dns.rrset.from_text(name, 5, "IN", rdtype, *rdatas) if rdatas else None
        now = int(time.time())
        sigs = [dns.dnssec.sign(rrs, k.private, dns.name.from_text(self.name), k.rdata, inception=now - age, expiration=now - age + life)
                for k in by] if rrs else []
        for a in [at] if at else self.addresses:
            self.said[a]["sets"][f"{name} {rdtype}"] = {"rrs": [r.to_text() for r in rrs or []], "sigs": [s.to_text() for s in sigs]}

    def drop(self, rdtype, at=None):
        for a in [at] if at else self.addresses:
            self.said[a]["sets"].pop(f"{self.name} {rdtype}", None)

    def mute(self, *rdtypes, at=None):
        for a in [at] if at else self.addresses:
            self.said[a]["mute"] = list(rdtypes)

    def rcode(self, at=None, **rcodes):
        for a in [at] if at else self.addresses:
            self.said[a]["rcode"] = rcodes

    def fill(self):
        self.put("SOA", [f"{self.ns[0]} hostmaster.{self.name} {self.serial} 3600 900 604800 5"])
        self.put("NS", self.ns)
        self.put("DNSKEY", [self.ksk.rdata.to_text(), self.zsk.rdata.to_text()])
        for n, a in zip(self.ns, self.addresses):
            self.put("AAAA" if ":" in a else "A", [a], name=n)

    def chain(self, proves=True):
        """NSEC over what is said now; proves: they come with every negative answer, and names that are not there do not exist."""
        for a in self.addresses:
            said = self.said[a]
            owners = {}
            for key in said["sets"]:
                owner, rdtype = key.split()
                owners.setdefault(dns.name.from_text(owner), set()).update({rdtype, "RRSIG", "NSEC"})
            names = sorted(owners)
            for name, after in zip(names, names[1:] + names[:1]):
                self.put("NSEC", [f"{after} {' '.join(sorted(owners[name]))}"], by=[self.zsk], name=name.to_text(), at=a)
            said["proves"] = proves

    def cds(self, *keys):
        return [k.ds_text(self.name) for k in keys]

    def cdnskey(self, *keys):
        return [k.rdata.to_text() for k in keys]

    # -- life ---------------------------------------------------------------------------------------------------
    def path(self, address):
        return os.path.join(self.lab.dir, f"rogue-{address.replace(':', '-')}.json")

    def serve(self):
        """Say it from now on."""
        for a in self.addresses:
            with open(self.path(a) + ".new", "w", encoding="utf-8") as f:
                json.dump(self.said[a], f)
            os.replace(self.path(a) + ".new", self.path(a))

    def delegate(self):
        from .space import wait_until
        self.serve()
        for i, a in enumerate(self.addresses):
            self.lab.daemon(f"rogue-{a.replace(':', '-')}", [sys.executable, os.path.abspath(__file__), a, self.path(a)])
            wait_until(lambda a=a: self.lab.ask(a, self.name, "SOA", timeout=1.0), 90, f"rogue server {i}")
        lines = [f"add {self.name} 5 DS {self.ksk.ds_text(self.name)}"] + [f"add {self.name} 5 NS {n}" for n in self.ns]
        lines += [f"add {n} 5 {'AAAA' if ':' in a else 'A'} {a}" for n, a in zip(self.ns, self.addresses)]
        self.lab.update("parent", "lab.", lines)
        self.lab.wait_parent()

    def end(self):
        from .space import PidFile
        self.lab.update("parent", "lab.", [f"delete {self.name}"] + [f"delete {n}" for n in self.ns], check=False)
        for a in self.addresses:
            PidFile(os.path.join(self.lab.dir, "pids", f"rogue-{a.replace(':', '-')}")).stop()


# ---- the server itself ----------------------------------------------------------------------------------------------
def answer(wire, said):
    """The reply to a question; None: silence."""
    q = dns.message.from_wire(wire)
    name, rdtype = q.question[0].name.to_text().lower(), dns.rdatatype.to_text(q.question[0].rdtype)
    if rdtype in said["mute"]:
        return None
    r = dns.message.make_response(q)
    r.flags |= dns.flags.AA
    if rdtype in said["rcode"]:
        r.set_rcode(dns.rcode.from_text(said["rcode"][rdtype]))
        return r.to_wire()

    def add(section, key):
        got = said["sets"].get(key)
        if got:
            owner, kind = key.split()
            if got["rrs"]:
                section.append(dns.rrset.from_text_list(owner, 5, "IN", kind, got["rrs"]))
            if got["sigs"]:
                section.append(dns.rrset.from_text_list(owner, 5, "IN", "RRSIG", got["sigs"]))
        return got
    if not add(r.answer, f"{name} {rdtype}"):
        for key in said["sets"]:
            if key.endswith(" SOA") or (said["proves"] and key.endswith(" NSEC")):
                add(r.authority, key)
        if said["proves"] and not any(key.startswith(name + " ") for key in said["sets"]):
            r.set_rcode(dns.rcode.NXDOMAIN)
    return r.to_wire(max_size=65535)


def main(address, path):
    def said():
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    class Udp(socketserver.BaseRequestHandler):
        def handle(self):
            wire, sock = self.request
            got = answer(wire, said())
            if got is not None:
                if len(got) > 1232:
                    q = dns.message.from_wire(wire)
                    r = dns.message.make_response(q)
                    r.flags |= dns.flags.TC | dns.flags.AA
                    got = r.to_wire()
                sock.sendto(got, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self):
            while True:
                head = self.rfile.read(2)
                if len(head) < 2:
                    return
                got = answer(self.rfile.read(int.from_bytes(head, "big")), said())
                if got is not None:
                    self.wfile.write(len(got).to_bytes(2, "big") + got)

    import socket
    import threading
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    servers = []
    for cls, handler in ((socketserver.ThreadingUDPServer, Udp), (socketserver.ThreadingTCPServer, Tcp)):
        kind = type(cls.__name__, (cls,), {"address_family": family, "allow_reuse_address": True, "daemon_threads": True})
        servers.append(kind((address, 53), handler))
    threading.Thread(target=servers[0].serve_forever, daemon=True).start()
    servers[1].serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
