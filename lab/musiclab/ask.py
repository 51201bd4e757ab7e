"""DNS messages to and from servers of a laboratory.

Questions go straight to a socket when we are inside the namespace, and through a small resident agent (agent.py) when we
are outside: a test asks thousands of questions, and starting a program for each would cost more than the question.
"""
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update

from .paths import LAB_DIR, LabError


def checked_name(text):
    """A domain name as people write it."""
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as e:
        raise LabError(f"{text!r} is no domain name: {e}") from e
    return text


def checked_type(text):
    """A type of records as people write it, in capitals."""
    try:
        dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError) as e:
        raise LabError(f"{text!r} is no type of records (A, NS, DS, TYPE65534 ...)") from e
    return text.upper()


def raw_exchange(wire, address, port=53, timeout=2.0, tcp=False):
    """Send one message and return the answer's wire form, None after the time-out or a refusal of the network."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end = time.monotonic() + timeout
    try:
        if tcp:
            with socket.create_connection((address, port), timeout) as s:
                s.sendall(struct.pack("!H", len(wire)) + wire)
                data = b""
                while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
                    s.settimeout(max(0.01, end - time.monotonic()))
                    more = s.recv(65537)
                    if not more:
                        return None
                    data += more
                return data[2:]
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.connect((address, port))
            s.send(wire)
            while True:
                s.settimeout(max(0.01, end - time.monotonic()))
                data = s.recv(65535)
                if data[:2] == wire[:2]:
                    return data
    except OSError:
        return None


def make_query(name, rdtype, rd=False, cd=False, dnssec=True):
    q = dns.message.make_query(name, rdtype, use_edns=0, want_dnssec=dnssec, payload=1232)
    q.flags = (q.flags | dns.flags.RD) if rd else (q.flags & ~dns.flags.RD)
    if cd:
        q.flags |= dns.flags.CD
    return q


class Exchanger:
    """exchange(wire, address) -> wire or None, from wherever we are."""

    def __init__(self, space):
        self.space = space
        self._agent = None
        self._lock = threading.Lock()

    def exchange(self, wire, address, port=53, timeout=2.0, tcp=False):
        if self.space.inside():
            return raw_exchange(wire, address, port, timeout, tcp)
        with self._lock:
            if self._agent is None or self._agent.poll() is not None:
                self._agent = self.space.spawn(
                    [sys.executable, os.path.join(LAB_DIR, "musiclab", "agent.py")],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
            job = [base64.b64encode(wire).decode(), address, port, timeout, tcp]
            try:
                self._agent.stdin.write(json.dumps(job).encode() + b"\n")
                self._agent.stdin.flush()
                line = self._agent.stdout.readline()
            except OSError:
                line = b""
            if not line:
                raise LabError("the question agent of the laboratory ended")
            reply = json.loads(line)
            return base64.b64decode(reply) if reply else None

    def close(self):
        with self._lock:
            if self._agent is not None:
                self._agent.stdin.close()
                self._agent.stdout.close()
                try:
                    self._agent.wait(2)
                except subprocess.TimeoutExpired:
                    self._agent.kill()
                    self._agent.wait()
                self._agent = None

    # -- questions ----------------------------------------------------------------------------------------------
    def ask(self, address, name, rdtype, rd=False, cd=False, timeout=3.0, tries=3, tcp=False):
        """A dns.message answer, by TCP when it was truncated; None when nobody answered: by then it is not the machine that is slow."""
        q = make_query(name, rdtype, rd, cd)
        wire = q.to_wire()
        for _ in range(tries):
            got = self.exchange(wire, address, timeout=timeout, tcp=tcp)
            if got is None:
                continue
            m = dns.message.from_wire(got, ignore_trailing=True)
            if m.flags & dns.flags.TC and not tcp:
                got = self.exchange(wire, address, timeout=timeout, tcp=True)
                if got is None:
                    continue
                m = dns.message.from_wire(got)
            return m
        return None

    def rrset(self, address, name, rdtype, **kw):
        """The RRset of that name and type in an answer, None when it is not there or nobody answered."""
        m = self.ask(address, name, rdtype, **kw)
        if m is None or m.rcode() != dns.rcode.NOERROR:
            return None
        return m.get_rrset(m.answer, dns.name.from_text(str(name)), dns.rdataclass.IN, dns.rdatatype.from_text(rdtype)
                           if isinstance(rdtype, str) else rdtype)

    def update(self, address, zone, lines, key, timeout=30.0, check=True):
        """Send an UPDATE by TCP, signed with key = {name, algorithm, secret}; return the rcode's name.

        lines: 'add NAME TTL TYPE RDATA', 'delete NAME TYPE RDATA', 'delete NAME TYPE', 'delete NAME'.
        """
        u = dns.update.UpdateMessage(zone)
        for line in lines:
            words = line.split(None, 4 if line.startswith("add") else 3)
            if words[0] == "add":
                u.add(dns.name.from_text(words[1]), int(words[2]), words[3], words[4] if len(words) > 4 else "")
            elif words[0] == "delete":
                u.delete(dns.name.from_text(words[1]), *words[2:])
            else:
                raise LabError(f"update: do not understand {line!r}")
        if key:
            ring = dns.tsigkeyring.from_text({key["name"]: (key["algorithm"], key["secret"])})
            u.use_tsig(ring, dns.name.from_text(key["name"]), algorithm=dns.name.from_text(key["algorithm"] + "."))
        got = self.exchange(u.to_wire(), address, timeout=timeout, tcp=True)
        if got is None:
            raise LabError(f"UPDATE of {zone} at {address}: no answer")
        rcode = dns.rcode.to_text(got[3] & 15)
        if check and rcode != "NOERROR":
            raise LabError(f"UPDATE of {zone} at {address}: {rcode}\n  " + "\n  ".join(lines))
        return rcode
