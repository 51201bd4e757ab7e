"""music-scanner and a primary whose transfer of the parent zone does not end: given up at each bound, which is named."""
import select
import socket
import subprocess
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import pytest

from musiclab import scanner
from musiclab.space import wait_until

KEY = "c2VjcmV0IG9mIHRoZSBwYXJlbnQ="
SOA = "ns.lab. hostmaster.lab. 1 3600 600 86400 5"


class Primary:
    """Of lab., by UDP and TCP on one port of 127.0.0.1, each answer with TSIG.  A transfer is what `stream` gives: (pause
    before, RRsets) for each message, for ever when it does not end."""

    def __init__(self, stream):
        self.stream, self.asked, self.stopped = stream, 0, threading.Event()
        self.keys = dns.tsigkeyring.from_text({"parent": KEY})
        self.udp, self.tcp = self.bind()
        self.tcp.listen(8)
        self.port = self.udp.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def bind():
        for _ in range(20):
            udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()
        raise AssertionError("no port is free by UDP and TCP")

    def run(self):
        while not self.stopped.is_set():
            for s in select.select([self.udp, self.tcp], [], [], 0.1)[0]:
                if s is self.udp:
                    wire, peer = s.recvfrom(4096)
                    s.sendto(self.reply(dns.message.from_wire(wire, keyring=self.keys)).to_wire(), peer)
                else:
                    self.talk(s.accept()[0])

    def reply(self, q):
        r = dns.message.make_response(q)
        r.flags |= dns.flags.AA
        if q.question[0].rdtype == dns.rdatatype.SOA:
            r.answer.append(dns.rrset.from_text("lab.", 5, "IN", "SOA", SOA))
        else:
            r.set_rcode(dns.rcode.REFUSED)
        return r

    def talk(self, c):
        with c:
            c.settimeout(60)
            q, _ = dns.query.receive_tcp(c, keyring=self.keys)
            self.asked += 1
            try:
                self.transfer(c, q)
            except OSError:
                pass                    # given up: what is tested

    def transfer(self, c, q):
        ctx = None
        for pause, rrsets in self.stream():
            if self.stopped.wait(pause):
                return
            r = dns.message.make_response(q)
            r.answer += rrsets
            wire = r.to_wire(multi=True, tsig_ctx=ctx, max_size=65535)
            ctx = r.tsig_ctx
            c.sendall(len(wire).to_bytes(2, "big") + wire)

    def end(self):
        self.stopped.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.udp.close()
        self.tcp.close()


def soa():
    return dns.rrset.from_text("lab.", 5, "IN", "SOA", SOA)


def names(first, count):
    return [dns.rrset.from_text(f"z{i}.lab.", 5, "IN", "NS", "ns.elsewhere.", "ns2.elsewhere.") for i in range(first, first + count)]


def flood():
    """As fast as it is taken: texts, no delegation."""
    text = '"' + "x" * 250 + '"'
    yield 0, [soa()]
    while True:
        yield 0, [dns.rrset.from_text("t.lab.", 5, "IN", "TXT", " ".join([text] * 100))]


def drip():
    yield 0, [soa()]
    i = 0
    while True:
        yield 0.1, names(i, 1)
        i += 1


def many(count):
    """A transfer that ends."""
    yield 0, [soa()] + names(0, count) + [soa()]


def conf_of(tmp_path, primary, parent):
    key, conf = tmp_path / "key", tmp_path / "scanner.yaml"
    key.write_text(f'key "parent" {{ algorithm hmac-sha256; secret "{KEY}"; }};\n')
    key.chmod(0o600)
    lines = "".join(f"  transfer-{k}: {v}\n" for k, v in parent.items())
    conf.write_text(f"parent:\n  zone: lab\n  primary: 127.0.0.1@{primary.port}\n  key: {key}\n{lines}"
                    f"resolver:\n  root-hints: {hints(tmp_path)}\n  trust-anchor: {anchor(tmp_path)}\n"
                    f"query:\n  timeout: 1s\nstate: {tmp_path}/state\n")
    return conf


def run(tmp_path, stream, **parent):
    primary = Primary(stream)
    try:
        p = subprocess.run([scanner.program(), "-c", conf_of(tmp_path, primary, parent), "--once"], capture_output=True,
                           text=True, timeout=100 if "rate" in parent else 90, check=False)
        return p.returncode, p.stderr, primary.asked
    finally:
        primary.end()


def hints(tmp_path):
    (tmp_path / "hints").write_text(". 5 NS ns.root.\nns.root. 5 A 127.0.0.1\n")
    return tmp_path / "hints"


def anchor(tmp_path):
    (tmp_path / "anchor").write_text(". 5 IN DS 1 13 2 " + "00" * 32 + "\n")
    return tmp_path / "anchor"


@pytest.mark.parametrize("stream,bounds,words", [
    (flood, {"size": "64k"}, "more than 64 KiB; parent.transfer-size sets the bound"),
    (drip, {"time": "1s"}, "no end after 1s; parent.transfer-time sets the bound"),
    (drip, {"children": 5}, "more than 5 delegations; parent.transfer-children sets the bound"),
    (lambda: many(6), {"children": 5}, "more than 5 delegations; parent.transfer-children sets the bound"),
    pytest.param(drip, {"rate": 1000000}, "fewer than 1000000 bytes a second; parent.transfer-rate sets the bound",
                 marks=pytest.mark.long),
], ids=["size", "time", "children", "children-at-the-end", "rate"])
def test_a_transfer_is_bounded(tmp_path, stream, bounds, words):
    status, said, asked = run(tmp_path, stream, **bounds)
    assert asked == 1 and status == 1, (asked, status, said)
    assert words in said and "lab: cannot be transferred" in said, said
    assert "z0.lab" not in said, f"something was taken of it: {said}"


def test_as_many_as_may_be(tmp_path):
    """At the bound all are taken (and fail here: the primary tells nothing about them)."""
    status, said, asked = run(tmp_path, lambda: many(5), children=5)
    assert asked == 1 and status == 1, (asked, status, said)
    assert "cannot be transferred" not in said, said
    assert all(f"z{i}.lab: failed" in said for i in range(5)), said


def test_stopped_meanwhile(tmp_path):
    primary = Primary(drip)
    try:
        with subprocess.Popen([scanner.program(), "-c", conf_of(tmp_path, primary, {})], stderr=subprocess.PIPE, text=True) as p:
            try:
                wait_until(lambda: primary.asked, 90)
                p.terminate()
                _, said = p.communicate(timeout=90)
            finally:
                p.kill()
        assert p.returncode == 0 and "stops" in said, said
    finally:
        primary.end()
