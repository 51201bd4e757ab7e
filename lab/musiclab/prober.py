"""The prober: asks validators all the time, and feeds the deterministic judge (pairs.py).  Runs inside the namespace.

Its folder run/NAME/prober/ holds report.json (rewritten every second) and events.jsonl (one line per answer that was not
secure and per violation).
"""
import argparse
import json
import os
import random
import signal
import socket
import string
import sys
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from .ask import make_query, raw_exchange
from .pairs import Judge, versions_of
from .paths import LAB_DIR, LabError
from .space import wait_until


class _Direct:
    def exchange(self, wire, address, port=53, timeout=2.0, tcp=False):
        return raw_exchange(wire, address, port, timeout, tcp)


def _ede(message):
    return "; ".join(f"EDE {int(o.code)} {o.text or ''}".strip() for o in message.options if isinstance(o, dns.edns.EDEOption))


def judge(ex, address, name, rdtype, timeout=12.0, tries=2):
    """Ask a validator: (status, message or None, detail).  SERVFAIL is bogus when the same question with CD is answered.

    The time-out is longer than a validator on a busy machine takes: late is not wrong.  What failed is asked once
    more, as stub resolvers do: a validator gives up when a server of the zone is stopped in the middle of a question.
    """
    for _ in range(tries):
        answer = _judge_once(ex, address, name, rdtype, timeout)
        if answer[0] != "failed":
            break
    return answer


def _judge_once(ex, address, name, rdtype, timeout):
    def ask(cd):
        wire = ex.exchange(make_query(name, rdtype, rd=True, cd=cd).to_wire(), address, timeout=timeout)
        return None if wire is None else dns.message.from_wire(wire, ignore_trailing=True)
    m = ask(False)
    if m is None:
        return "failed", None, "no answer"
    rcode = m.rcode()
    if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return ("secure" if m.flags & dns.flags.AD else "insecure"), m, dns.rcode.to_text(rcode)
    detail = f"{dns.rcode.to_text(rcode)} {_ede(m)}".strip()
    if rcode == dns.rcode.SERVFAIL:
        again = ask(True)
        if again is not None and again.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return "bogus", m, detail
    return "failed", m, detail


class Prober:
    def __init__(self, run, zones, rate, pair_interval):
        self.run, self.zones, self.rate, self.pair_interval = run, zones, rate, pair_interval
        self.dir = os.path.join(run, "prober")
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.began = time.time()
        self.count = {k: 0 for k in ("secure", "bogus", "insecure", "failed")}
        self.first, self.last, self.detail = {}, {}, {}
        self.per_zone = {z: {k: 0 for k in self.count} for z in zones}
        self.silent = {}
        self.judges = {z: Judge(z) for z in zones}
        self.violations = []
        self.rounds = 0
        self.stamp, self.lab = None, {}
        self.events = open(os.path.join(self.dir, "events.jsonl"), "a", encoding="utf-8")

    # -- results ------------------------------------------------------------------------------------------------
    def event(self, **what):
        with self.lock:
            self.events.write(json.dumps({"t": round(time.time(), 3), **what}) + "\n")
            self.events.flush()

    def answer(self, zone, status, **detail):
        now = time.time()
        with self.lock:
            self.count[status] += 1
            self.per_zone[zone][status] += 1
            self.first.setdefault(status, now)
            self.last[status] = now
            self.detail[status] = f"{detail['validator']}: {detail['name']}: {detail['detail']}"
        if status != "secure":
            self.event(kind=status, zone=zone, **detail)

    def report(self, done=False):
        with self.lock:
            violations = [v for j in self.judges.values() for v in j.violations.values()]
            r = {"zones": self.zones, "began": round(self.began, 3), "now": round(time.time(), 3), "done": done,
                 "answers": sum(self.count.values()), **self.count,
                 "pair_checks": sum(j.checks for j in self.judges.values()), "pair_violations": len(violations),
                 "first_violation": min((v["first"] for v in violations), default=None),
                 "last_violation": max((v["last"] for v in violations), default=None),
                 "witness": [dict(v) for rule in ("V1", "V2") for v in [w for w in violations if w["rule"] == rule][:4]],
                 "first": dict(self.first), "last": dict(self.last), "detail": dict(self.detail), "silent": dict(self.silent),
                 "per_zone": {z: dict(c, pair_violations=len(self.judges[z].violations)) for z, c in self.per_zone.items()}}
        path = os.path.join(self.dir, "report.json")
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(r, f, indent=1)
        os.replace(path + ".new", path)

    # -- validators ---------------------------------------------------------------------------------------------
    def ask_validator(self, v, cold):
        ex, turn, flushed = _Direct(), 0, 0.0
        address = v["addresses"][0]
        rnd = random.Random()
        pause = 1.0 / self.rate
        due = time.monotonic() + rnd.random() * pause
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + pause, time.monotonic() - 1)
            zone = self.zones[turn % len(self.zones)]
            label = "".join(rnd.choices(string.ascii_lowercase + string.digits, k=12))
            kinds = [("existing", f"www.{zone}", "A"), ("wildcard", f"{label}.w.{zone}", "A"), ("missing", f"{label}.{zone}", "A"),
                     ("soa", zone, "SOA"), ("ns", zone, "NS"), ("nodata", f"www.{zone}", "TXT")]
            kind, name, rdtype = kinds[turn // len(self.zones) % len(kinds)]
            turn += 1
            if cold and time.monotonic() - flushed > 0.7:
                flushed = time.monotonic()
                self.flush(v["control"], zone)
            status, _, detail = judge(ex, address, name, rdtype)
            self.answer(zone, status, validator=v["name"], what=kind, name=name, detail=detail)

    @staticmethod
    def flush(control, zone):
        host, _, port = control.rpartition("@")
        try:
            with socket.create_connection((host, int(port)), 1.0) as s:
                s.sendall(f"UBCT1 flush_zone {zone}\n".encode())
                while s.recv(4096):
                    pass
        except OSError:
            pass

    # -- the pair check -----------------------------------------------------------------------------------------
    def load(self):
        path = os.path.join(self.run, "lab.json")
        stamp = os.stat(path).st_mtime_ns
        if stamp != self.stamp:
            with open(path, encoding="utf-8") as f:
                self.lab = json.load(f)
            self.stamp = stamp

    def servers_of(self, zone, unknown):
        """{address: (server name, {NS names})} of everything that may serve the zone."""
        out = {}
        z = self.lab["zones"].get(zone, {"ns": {}})
        lists = [s["servers"] for s in self.lab["signers"].values()] + list(z["ns"].values())
        known = set()
        for servers in lists:
            for s in servers:
                known.add(s["name"])
                for a in s["addresses"]:
                    out.setdefault(a, (s["name"], set()))[1].add(s["name"])
        for name in self.judges[zone].reach:
            if name not in known:
                for a in unknown(name):
                    out.setdefault(a, (name, set()))[1].add(name)
        return out

    def pair_rounds(self):
        sock = {socket.AF_INET: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.AF_INET6: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)}
        for s in sock.values():
            s.bind(("", 0))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        seen, resolved, templates = {}, {}, {}
        cursor = 0

        def unknown(name):
            entry = resolved.get(name)
            if entry is None or entry[0] < time.monotonic():
                found = []
                for t in ("A", "AAAA"):
                    _, m, _ = judge(_Direct(), self.lab["validators"][0]["addresses"][0], name, t, timeout=1.0, tries=1)
                    if m:
                        found += [r.address for rr in m.answer if rr.rdtype in (1, 28) for r in rr]
                entry = resolved[name] = (time.monotonic() + 5, found)
            return entry[1]

        def query(name, rdtype):
            wire = templates.get((name, rdtype))
            if wire is None:
                q = make_query(name, rdtype)
                q.id = 0
                wire = templates[name, rdtype] = q.to_wire()
            return wire

        def gather(questions):
            """[(address, name, type)] -> {question: (sent at, wire)}; UDP first, TCP when truncated."""
            waiting, got = {}, {}
            ident = random.randrange(65536)
            for tries in range(2):
                todo = questions if tries == 0 else list(waiting.values())
                waiting = {}
                if not todo:
                    break
                t = time.time()
                for q in todo:
                    ident = (ident + 1) % 65536
                    waiting[ident] = q
                    family = socket.AF_INET6 if ":" in q[0] else socket.AF_INET
                    try:
                        sock[family].sendto(ident.to_bytes(2, "big") + query(q[1], q[2])[2:], (q[0], 53))
                    except OSError:
                        pass
                end = time.monotonic() + 0.4
                for family, s in sock.items():
                    while any((":" in q[0]) == (family == socket.AF_INET6) for q in waiting.values()):
                        s.settimeout(max(0.001, end - time.monotonic()))
                        try:
                            data, peer = s.recvfrom(65535)
                        except OSError:
                            break
                        q = waiting.get(int.from_bytes(data[:2], "big"))
                        if q is not None and q[0] == peer[0]:
                            del waiting[int.from_bytes(data[:2], "big")]
                            got[q] = (t, data[2:])
            for q, (t, data) in list(got.items()):
                if data[0] & 2:
                    t = time.time()
                    full = raw_exchange(b"\0\0" + query(q[1], q[2])[2:], q[0], timeout=1.0, tcp=True)
                    if full:
                        got[q] = (t, full[2:])
                    else:
                        del got[q]
            return got

        def parsed(q, data):
            old = seen.get(q)
            if old is None or old[0] != data:
                m = dns.message.from_wire(b"\0\0" + data, ignore_trailing=True)
                old = seen[q] = (data, m, versions_of(m))
            return old[1], old[2]

        due = time.monotonic()
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.pair_interval, time.monotonic())
            self.load()
            batch = [self.zones[(cursor + i) % len(self.zones)] for i in range(min(len(self.zones), 12))]
            cursor += len(batch)
            questions, plan = [], {}
            for zone in batch:
                j, servers = self.judges[zone], self.servers_of(zone, unknown)
                for p in self.lab["parent"]["servers"]:
                    for a in p["addresses"]:
                        for t in ("DS", "NS"):
                            plan[a, zone, t] = ("parent", zone, p["name"], None)
                for a, (name, names) in servers.items():
                    for n, t in ((zone, "DNSKEY"), (zone, "SOA"), (zone, "NS"), (f"www.{zone}", "A"), (f"pair.w.{zone}", "A"), (f"missing.{zone}", "A")):
                        plan[a, n, t] = ("child", zone, name, names)
            questions = list(plan)
            got = gather(questions)
            order = sorted(got, key=lambda q: (plan[q][0] != "parent", q[2] != "NS"))
            for q in order:
                kind, zone, server, names = plan[q]
                sent, data = got[q]
                try:
                    m, found = parsed(q, data)
                except (dns.exception.DNSException, ValueError, IndexError):
                    continue
                with self.lock:
                    if kind == "parent":
                        self.judges[zone].parent_answer(server, sent, m)
                    else:
                        self.judges[zone].child_answer(server, names, sent, m, found)
            now = time.time()
            for q in set(questions) - set(got):
                kind, zone, server, names = plan[q]
                if kind == "parent" or self.judges[zone].is_reachable(names, now):
                    with self.lock:
                        self.silent[f"{server} {q[0]}"] = round(now, 3)
            for zone in batch:
                with self.lock:
                    new = self.judges[zone].check(now)
                for v in new:
                    self.event(kind="violation", **v)
            self.rounds += 1

    def main(self):
        self.load()
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, lambda *_: self.stop.set())

        def guarded(f, *args):
            try:
                f(*args)
            except Exception as e:      # a dead judge must not look like a happy one
                import traceback
                traceback.print_exc()
                self.event(kind="failed", detail=f"prober: {e!r}")
                with self.lock:
                    self.count["failed"] += 1
        threads = [threading.Thread(target=guarded, args=(self.ask_validator, v, i > 0)) for i, v in enumerate(self.lab["validators"])]
        threads.append(threading.Thread(target=guarded, args=(self.pair_rounds,)))
        for t in threads:
            t.start()
        while not self.stop.wait(1.0):
            self.report()
        for t in threads:
            t.join(8)
        self.report(done=True)


def human(r):
    """The verdict in one line."""
    wrong = "".join(f"; last {k}: {v}" for k, v in r["detail"].items() if k != "secure")
    return (f"prober: {r['answers']} answers, {r['secure']} secure, {r['bogus']} bogus, {r['insecure']} insecure, {r['failed']} failed; "
            f"{r['pair_violations']} pair violations in {r['pair_checks']} checks, {r['now'] - r['began']:.1f} s{wrong}")


def start(lab, zones, rate=4.0, pair_interval=0.7):
    """Start the prober of a laboratory; returns when its first report is there."""
    folder = os.path.join(lab.dir, "prober")
    os.makedirs(folder, exist_ok=True)
    for name in ("report.json", "events.jsonl"):
        try:
            os.unlink(os.path.join(folder, name))
        except FileNotFoundError:
            pass
    env = dict(os.environ)
    env["PYTHONPATH"] = LAB_DIR + (":" + env["PYTHONPATH"] if env.get("PYTHONPATH") else "")
    lab.space.daemon("prober", [sys.executable, "-m", "musiclab.prober", "--run", lab.dir, "--rate", str(rate), "--pairs", str(pair_interval),
                                *[lab.zone_name(z) for z in zones]], env=env)
    wait_until(lambda: os.path.exists(os.path.join(folder, "report.json")), 90, "first report of the prober")


def report(lab):
    try:
        with open(os.path.join(lab.dir, "prober", "report.json"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError as e:
        raise LabError(f"no prober has watched laboratory {lab.name}") from e


def stop(lab):
    """End the prober; its last report."""
    from .space import PidFile
    pid = PidFile(os.path.join(lab.dir, "pids", "prober"))
    pid.stop(timeout=12)
    return report(lab)


def _main():
    p = argparse.ArgumentParser()
    p.add_argument("--run", required=True)
    p.add_argument("--rate", type=float, default=4)
    p.add_argument("--pairs", type=float, default=0.7)
    p.add_argument("zones", nargs="+")
    a = p.parse_args()
    Prober(a.run, a.zones, a.rate, a.pairs).main()


if __name__ == "__main__":
    _main()
