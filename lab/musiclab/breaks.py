"""Faults on demand, and their repair."""
import json
import os
import signal
import sys

import dns.dnssec
import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype

from .ask import checked_type
from .paths import LAB_DIR, LabError
from .space import PidFile, wait_until

FLAGS = ("stopped", "killed", "updates_refused", "transfers_refused", "tsig_wrong", "drops_foreign", "relay")


def _set(lab, server, **flags):
    """Write flags into the description and make the running server follow."""
    with lab.changing() as state:
        if server not in state["servers"]:
            raise LabError(f"no server {server!r}; there are: {', '.join(state['servers'])}")
        for k, v in flags.items():
            if v is None:
                state["servers"][server].pop(k, None)
            else:
                state["servers"][server][k] = v


def stop(lab, server):
    """SIGSTOP: the server is there and says nothing."""
    _set(lab, server, stopped=True)
    pid = lab.server(server).pidfile.pid()
    for p in _family(pid):
        os.kill(p, signal.SIGSTOP)
        wait_until(lambda p=p: _all_stopped(p), 60, f"{server} is stopped")


def cont(lab, server):
    for p in _family(lab.server(server).pidfile.pid()):
        os.kill(p, signal.SIGCONT)
    _set(lab, server, stopped=None)


def _all_stopped(pid):
    """A stopped process has threads that still finish something: look at each."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8", errors="replace") as f:
            if f.read().rpartition(")")[2].split()[0] not in "Tt":
                return False
    return True


def _family(pid):
    """A process and its children: NSD answers from a child."""
    if pid is None:
        raise LabError("that server does not run")
    found = [pid]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent in found:
                found.append(int(entry))
    return found


def kill(lab, server):
    """SIGKILL: its port refuses."""
    s = lab.server(server)
    children = _family(s.pidfile.pid())
    _set(lab, server, killed=True)
    for p in children:
        try:
            os.kill(p, signal.SIGKILL)
        except ProcessLookupError:
            pass
    s.pidfile.wait_gone(30)


def start(lab, server):
    _set(lab, server, killed=None, stopped=None)
    s = lab.server(server)
    s.start()
    s.wait_ready()


def restart(lab, server):
    s = lab.server(server)
    s.stop()
    start(lab, server)


def drop(lab, signer, zone, rdtype, tag=None):
    """Delete records by exact rdata at one signer: all of a type, or those with a key tag (or name) in their text."""
    zone = lab.zone_name(zone)
    lab.zone(zone)
    where = lab.signer(signer)["update"]["address"]
    rr = lab.ex.rrset(where, zone, rdtype)
    lines = []
    for r in rr or []:
        t = dns.dnssec.key_id(r) if r.rdtype in (dns.rdatatype.DNSKEY, dns.rdatatype.CDNSKEY) else getattr(r, "key_tag", None)
        if tag is None or str(t) == str(tag) or str(tag) in r.to_text():
            lines.append(f"delete {zone} {rdtype} {r.to_text()}")
    if not lines:
        raise LabError(f"{signer} has no such {rdtype} in {zone}")
    lab.update(signer, zone, lines)
    return len(lines)


def ttl(lab, target, zone, rdtype, value):
    """Give an RRset another TTL: at 'parent' (DS, NS) or at a signer."""
    zone = lab.zone_name(zone)
    lab.zone(zone)
    place = lab.state["parent"] if target == "parent" else lab.signer(target)
    m = lab.ask(place["update"]["address"], zone, rdtype)
    found = [rr for rr in (m.answer + m.authority if m else []) if rr.name == dns.name.from_text(zone) and rr.rdtype == dns.rdatatype.from_text(rdtype)]
    if not found:
        raise LabError(f"{target} has no {rdtype} of {zone}")
    lines = [f"delete {zone} {rdtype}"] if target == "parent" else []
    lines += [f"add {zone} {value} {rdtype} {r.to_text()}" for r in found[0]]
    lab.update(target, "lab." if target == "parent" else zone, lines)


def freeze(lab, server):
    """'parent': its primary refuses updates.  'parent2': its secondary no longer gets the zone and serves the old one."""
    if server == "parent":
        _set(lab, "parent", updates_refused=True)
    elif server == "parent2":
        _set(lab, "parent", transfers_refused=True)
    else:
        raise LabError("freeze parent (updates are refused) or parent2 (the secondary keeps the old zone)")
    lab.server("parent").reload()


def flag(lab, server, name, value=True):
    _set(lab, server, **{name: value})
    lab.server(server).reload()


def rcode_number(text):
    try:
        return int(dns.rcode.from_text(text))
    except (dns.exception.DNSException, ValueError) as e:
        raise LabError(f"{text!r} is no rcode (SERVFAIL, REFUSED ...)") from e


def relay(lab, server, delay=0, loss=0, truncate=False, no_tcp=False, rcode=None, no_updates=False, hold_updates=False):
    """Put a relay in front of a server, or change what an existing one does."""
    path = os.path.join(lab.dir, f"relay-{server}.json")
    number = None if rcode is None else rcode_number(rcode)
    lab.server(server)
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump({"delay": delay, "loss": loss, "truncate": truncate, "no_tcp": no_tcp, "no_updates": no_updates, "hold_updates": hold_updates,
                   "rcode": number}, f)
    os.replace(path + ".new", path)
    d = lab.state["servers"].get(server)
    if d is None or d["role"] not in ("signer", "secondary", "parent"):
        raise LabError("a relay can stand before a signer, its secondary, parent or parent2")
    if d.get("relay"):
        return
    public = d["listen"]

    def behind(address):        # the server's place behind the relay: host 9 for 1, 10 for 2
        head, sep, host = address.rpartition(":" if ":" in address else ".")
        return head + sep + str(int(host) + 8)
    lab.server(server).stop()
    _set(lab, server, relay=True, listen=[behind(a) for a in public], public=public)
    s = lab.server(server)
    s.start()
    s.wait_ready()
    pairs = [f"{a}={behind(a)}" for a in public]
    lab.space.daemon("relay-" + server, [sys.executable, os.path.join(LAB_DIR, "musiclab", "relay.py"), path, *pairs])
    # it may be told to lose everything, so look for its socket instead of an answer
    wait_until(lambda: _listens(lab, public[0]), 60, "the relay listens")


def updates(lab, server):
    """What came through the relay: (seconds, zone) of every UPDATE, in order."""
    try:
        with open(os.path.join(lab.dir, f"relay-{server}.updates"), encoding="utf-8") as f:
            return [(float(a), b) for a, b in (line.split() for line in f if line.endswith("\n"))]
    except FileNotFoundError:
        return []


def _listens(lab, address):
    r = lab.space.call([sys.executable, "-c", "import socket,sys; s=socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET); "
                        "sys.exit(s.connect_ex((sys.argv[1], 53)))", address], check=False)
    return r.returncode == 0


def unrelay(lab, server):
    PidFile(os.path.join(lab.dir, "pids", "relay-" + server)).stop()
    lab.server(server).stop()
    d = lab.state["servers"][server]
    _set(lab, server, relay=None, listen=d["public"], public=None)
    s = lab.server(server)
    s.start()
    s.wait_ready()


def mend(lab, *only):
    """Repair everything that break did (but not dropped records and changed TTLs).  Returns what was repaired."""
    done = []
    lab.refresh()
    for name in list(only or lab.state["servers"]):
        d = lab.state["servers"].get(name)
        if d is None:
            raise LabError(f"no server {name!r}")
        done += [f"{name}: {f}" for f in FLAGS if d.get(f)]
        if d.get("stopped"):
            cont(lab, name)
        if d.get("relay"):
            unrelay(lab, name)
        flags = {f: None for f in ("updates_refused", "transfers_refused", "tsig_wrong", "drops_foreign") if d.get(f)}
        if flags:
            _set(lab, name, **flags)
        if d.get("killed") or lab.server(name).pidfile.pid() is None:
            start(lab, name)
        elif flags:
            lab.server(name).reload()
        if "transfers_refused" in flags:
            lab.server("parent2").nsd_control("transfer", "lab.")
            lab.wait_parent()
    return done


# -- command line -----------------------------------------------------------------------------------------------------
def add_commands(sub, add):
    from .cli import inside
    from .lab import Lab
    kinds = sub.add_parser("break", help="break something").add_subparsers(dest="kind", required=True, metavar="KIND")

    def kind(name, text, func, *arguments):
        def run(a):
            lab = Lab.load(a.name)
            inside(lab)
            func(lab, a)
        c = add(name, run, text, kinds)
        for flags, options in arguments:
            c.add_argument(*flags, **options)

    server = (["server"], {"help": "a name from 'lab status'"})
    signer = (["signer"], {})
    kind("stop", "freeze a server (SIGSTOP): it is there and says nothing", lambda lab, a: stop(lab, a.server), server)
    kind("cont", "let it go on", lambda lab, a: cont(lab, a.server), server)
    kind("kill", "kill a server: its port refuses", lambda lab, a: kill(lab, a.server), server)
    kind("restart", "restart a server", lambda lab, a: restart(lab, a.server), server)
    kind("drop", "delete records by exact rdata at a signer", lambda lab, a: drop(lab, a.signer, a.zone, checked_type(a.type), a.tag), signer,
         (["zone"], {}), (["type"], {}), (["tag"], {"nargs": "?", "help": "only with this key tag or text"}))
    kind("ttl", "give an RRset of a zone's apex another TTL", lambda lab, a: ttl(lab, a.target, a.zone, checked_type(a.type), a.ttl),
         (["target"], {"help": "parent or a signer"}), (["zone"], {}), (["type"], {}), (["ttl"], {"type": int}))
    kind("freeze", "parent: refuses updates; parent2: serves the old zone for ever", lambda lab, a: freeze(lab, a.server), server)
    kind("refuse", "a signer refuses updates", lambda lab, a: flag(lab, a.server, "updates_refused"), server)
    kind("tsig", "a signer gets another TSIG secret than the key files say", lambda lab, a: flag(lab, a.server, "tsig_wrong"), server)
    kind("swallow", "Knot or PowerDNS answers NOERROR and drops foreign keys", lambda lab, a: swallow(lab, a.server), server)
    kind("relay", "put a relay before a server, or change it", lambda lab, a: relay(lab, a.server, a.delay, a.loss, a.truncate, a.no_tcp, a.rcode, a.no_updates), server,
         (["--delay"], {"type": float, "default": 0, "help": "milliseconds each way"}), (["--loss"], {"type": float, "default": 0, "help": "per cent each way"}),
         (["--truncate"], {"action": "store_true", "help": "TC on every UDP answer"}), (["--no-tcp"], {"action": "store_true"}),
         (["--no-updates"], {"action": "store_true", "help": "UPDATEs are lost, questions are not"}),
         (["--rcode"], {"help": "answer everything with this rcode, e.g. SERVFAIL"}))

    def run_mend(a):
        lab = Lab.load(a.name)
        inside(lab)
        for line in mend(lab, *a.server) or ["nothing is broken"]:
            print(line)
    c = add("mend", run_mend, "repair what break did (not dropped records and TTLs)")
    c.add_argument("server", nargs="*")


def swallow(lab, server):
    if lab.state["servers"].get(server, {}).get("software") not in ("knot", "pdns"):
        raise LabError("only Knot and PowerDNS drop foreign keys silently")
    flag(lab, server, "drops_foreign")
