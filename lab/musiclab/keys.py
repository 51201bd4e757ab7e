"""Key files and secrets: TSIG keys for clients and servers, DNSSEC keys in the form that BIND and PowerDNS read.

The keys are made here and not by dnssec-keygen because that is quicker, lets us choose key tags, and lets us tell BIND that
a key of a new zone has been published long enough (its key manager would hold back the CDS for 12 seconds or more).
"""
import base64
import datetime
import os
import secrets

import dns.dnssec
import dns.name
import dns.rdtypes.ANY.DNSKEY
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives import serialization

from .paths import LabError

ALGORITHMS = {"rsasha256": 8, "ecdsap256sha256": 13, "ecdsap384sha384": 14, "ed25519": 15}
NAMES = {v: k for k, v in ALGORITHMS.items()}
KNOT_NAMES = NAMES


def write_private(path, text):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(text)


def make_tsig(path, name, algorithm="hmac-sha256"):
    """A new TSIG key in a file of BIND's form (nsupdate -k FILE, dig -k FILE)."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    write_private(path, f'key "{name}" {{\n\talgorithm {algorithm};\n\tsecret "{secret}";\n}};\n')
    return {"file": path, "name": name, "algorithm": algorithm}


def read_tsig(path):
    """{name, algorithm, secret} of a key file."""
    with open(path, encoding="utf-8") as f:
        words = f.read().replace("{", " ").replace(";", " ").replace("}", " ").replace('"', " ").split()
    return {"name": words[1], "algorithm": words[words.index("algorithm") + 1], "secret": words[words.index("secret") + 1]}


def _b64(n, size=None):
    return base64.b64encode(n.to_bytes(size or (n.bit_length() + 7) // 8, "big")).decode()


class Key:
    """A DNSSEC key pair."""

    def __init__(self, flags, algorithm, private=None):
        self.flags, self.algorithm = flags, algorithm
        if private is None:
            if algorithm == 13:
                private = ec.generate_private_key(ec.SECP256R1())
            elif algorithm == 14:
                private = ec.generate_private_key(ec.SECP384R1())
            elif algorithm == 15:
                private = ed25519.Ed25519PrivateKey.generate()
            elif algorithm == 8:
                private = rsa.generate_private_key(65537, 2048)
            else:
                raise LabError(f"algorithm {algorithm} is not one of {sorted(NAMES)}")
        self.private = private
        if algorithm in (13, 14):
            n, size = private.public_key().public_numbers(), 32 if algorithm == 13 else 48
            public = n.x.to_bytes(size, "big") + n.y.to_bytes(size, "big")
        elif algorithm == 15:
            public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        else:
            n = private.public_key().public_numbers()
            public = b"\x03\x01\x00\x01" + n.n.to_bytes(256, "big")
        self.rdata = dns.rdtypes.ANY.DNSKEY.DNSKEY(1, 48, flags, 3, algorithm, public)
        self.tag = dns.dnssec.key_id(self.rdata)

    def private_text(self):
        """BIND's private key file."""
        head = f"Private-key-format: v1.3\nAlgorithm: {self.algorithm} ({NAMES[self.algorithm].upper()})\n"
        if self.algorithm in (13, 14):
            size = 32 if self.algorithm == 13 else 48
            return head + f"PrivateKey: {_b64(self.private.private_numbers().private_value, size)}\n"
        if self.algorithm == 15:
            raw = self.private.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
            return head + f"PrivateKey: {base64.b64encode(raw).decode()}\n"
        n = self.private.private_numbers()
        return head + (f"Modulus: {_b64(n.public_numbers.n)}\nPublicExponent: {_b64(n.public_numbers.e)}\nPrivateExponent: {_b64(n.d)}\n"
                       f"Prime1: {_b64(n.p)}\nPrime2: {_b64(n.q)}\nExponent1: {_b64(n.dmp1)}\nExponent2: {_b64(n.dmq1)}\nCoefficient: {_b64(n.iqmp)}\n")

    def write_bind(self, folder, zone, ttl=5, ksk=None, zsk=None, ds="rumoured", managed=True):
        """K*.key, .private and (managed: for dnssec-policy) .state; returns the path without extension.

        The states say 'published long ago', so that named publishes the CDS at once.  ds: 'omnipresent' for a zone whose
        delegation has the DS already.
        """
        ksk = bool(self.flags & 1) if ksk is None else ksk
        zsk = not ksk if zsk is None else zsk
        zone = dns.name.from_text(zone)
        stem = os.path.join(folder, f"K{zone.to_text()}+{self.algorithm:03d}+{self.tag:05d}")
        then = (datetime.datetime.utcnow() - datetime.timedelta(days=1)).strftime("%Y%m%d%H%M%S")
        with open(stem + ".key", "w", encoding="utf-8") as f:
            f.write(f"; Created: {then}\n; Publish: {then}\n; Activate: {then}\n" + (f"; SyncPublish: {then}\n" if ksk else "") +
                    f"{zone} {ttl} IN DNSKEY {self.rdata.to_text()}\n")
        write_private(stem + ".private", self.private_text() + f"Created: {then}\nPublish: {then}\nActivate: {then}\n" +
                      (f"SyncPublish: {then}\n" if ksk else ""))
        if managed:
            length = {8: 2048, 13: 256, 14: 384, 15: 256}[self.algorithm]
            text = (f"; This is the state of key {self.tag}, for {zone}\nAlgorithm: {self.algorithm}\nLength: {length}\nLifetime: 0\n"
                    f"KSK: {'yes' if ksk else 'no'}\nZSK: {'yes' if zsk else 'no'}\nGenerated: {then}\nPublished: {then}\nActive: {then}\n")
            if ksk:
                text += f"PublishCDS: {then}\n"
            text += f"DNSKEYChange: {then}\n" + (f"ZRRSIGChange: {then}\n" if zsk else "") + \
                    (f"KRRSIGChange: {then}\nDSChange: {then}\n" if ksk else "") + \
                    "DNSKEYState: omnipresent\n" + ("ZRRSIGState: omnipresent\n" if zsk else "") + \
                    (f"KRRSIGState: omnipresent\nDSState: {ds}\n" if ksk else "") + "GoalState: omnipresent\n"
            write_private(stem + ".state", text)
        return stem

    def ds_text(self, zone):
        return dns.dnssec.make_ds(dns.name.from_text(zone), self.rdata, "SHA256").to_text()


def keys_of_equal_tag(flags, algorithm, count=2):
    """count different keys with one key tag: draw until the birthday comes (some hundred draws for two)."""
    seen = {}
    while True:
        key = Key(flags, algorithm)
        same = seen.setdefault(key.tag, [])
        same.append(key)
        if len(same) == count:
            return same


def make_wrong(secret):
    """Another secret of the same length (the fault 'wrong TSIG')."""
    return base64.b64encode(bytes(b ^ 0x5a for b in base64.b64decode(secret))).decode()


def tag_of(rdata):
    return dns.dnssec.key_id(rdata)
