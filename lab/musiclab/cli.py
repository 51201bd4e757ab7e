"""The command line of the laboratory."""
import argparse
import json
import os
import re
import signal
import sys

from . import breaks, prober, rolls, scanner
from .ask import checked_name, checked_type
from .controller import Controller, program
from .fetch import fetch
from .lab import DEFAULT_SIGNERS, Lab, running
from .paths import LAB_DIR, LabError
from .space import PidFile


def words(text):
    return [w for w in text.split(",") if w]


def inside(lab):
    """Run the rest of this command inside the namespace: it asks many questions."""
    if lab.space.inside():
        return
    argv = lab.space.enter_argv() + [sys.executable, os.path.join(LAB_DIR, "lab"), *sys.argv[1:]]
    os.execvpe(argv[0], argv, lab.space.env())


def cmd_fetch(a):
    pk = fetch(a.suite, force=a.force)
    with open(os.path.join(pk.dir, "complete"), encoding="utf-8") as f:
        print(f"{len(f.readlines()) - 1} packages unpacked in {pk.dir}")


def suites(text):
    """'bind2=trixie,knot2=trixie' as a dict."""
    pairs = [w.partition("=") for w in words(text)]
    for signer, _, suite in pairs:
        if not re.fullmatch(r"[a-z]+", suite):
            raise LabError(f"--suites {signer}=RELEASE, as bind2=trixie")
    return {signer: suite for signer, _, suite in pairs}


def cmd_up(a):
    lab = Lab(a.name)
    lab.up(signers=words(a.signers), secondaries=words(a.secondaries), v6only=words(a.v6only), hsm=words(a.hsm), suites=suites(a.suites),
           notify=None if a.notify == "none" else a.notify, say=print)
    print(f"laboratory {lab.name} is up: signers {', '.join(lab.state['signers'])}; description {lab.json_path}")


def cmd_down(a):
    for name in running() if a.all else [a.name]:
        lab = Lab(name)
        if not os.path.isdir(lab.dir):
            raise LabError(f"there is no laboratory {name}")
        try:
            lab.down()
        finally:
            if a.clean:
                lab.clean()
        print(f"laboratory {name} is down")


def cmd_list(_):
    for name in running():
        lab = Lab.load(name)
        print(f"{name}: signers {' '.join(lab.state['signers'])}; {len(lab.state['zones'])} zones")


def cmd_status(a):
    lab = Lab.load(a.name)
    print(f"laboratory {lab.name} in {lab.dir}, namespace of process {lab.space.holder.pid()}")
    print(f"{'server':<12} {'software':<14} {'pid':>8}  addresses")
    for name, d in lab.state["servers"].items():
        pid = PidFile(os.path.join(lab.dir, "pids", name)).pid()
        faults = [f for f in breaks.FLAGS if d.get(f)]
        software = d["software"] + (f" {d['suite']}" if d.get("suite") else "")
        print(f"{name:<12} {software:<14} {pid or 'stopped':>8}  {' '.join(d['listen'])}" + (f"  BROKEN: {' '.join(faults)}" if faults else ""))
    for name, z in lab.state["zones"].items():
        print(f"zone {name}: signers {' '.join(z['signers'])}; delegated at first to {' '.join(z['active'])}" +
              (f"; {z['denial']}" if z["denial"] != "nsec" else "") + ("; unsigned" if z["unsigned"] else ""))
    if PidFile(os.path.join(lab.dir, "pids", "prober")).pid():
        print(prober.human(prober.report(lab)))


def cmd_zone_add(a):
    lab = Lab.load(a.name)
    inside(lab)
    names = lab.add_zones(a.zone, words(a.signers) or None, words(a.active) or None, ttl=a.ttl, algorithm=a.algorithm,
                          denial="nsec3" if a.nsec3 else "nsec", csk=words(a.csk), unsigned=a.unsigned, inbailiwick=a.inbailiwick,
                          knot_full=words(a.knot_full), hsm=words(a.hsm), zone_key=a.zone_key, same_tags=a.same_tags, short_signatures=a.short_signatures, lead=a.lead,
                          delegate={"yes": True, "no": False, "insecure": "insecure"}[a.delegate])
    for n in names:
        z = lab.state["zones"][n]
        print(f"{n} loaded at {' '.join(z['signers'])}, delegated to {' '.join(z['active'])}" if a.delegate != "no" else f"{n} loaded")


def cmd_zone_drop(a):
    lab = Lab.load(a.name)
    inside(lab)
    for z in a.zone:
        lab.drop_zone(z)


def cmd_zone_exchange(a):
    lab = Lab.load(a.name)
    inside(lab)
    for z in a.zone:
        lab.exchange_keys(z, words(a.signers) or None)


def cmd_look(a):
    from .look import look
    lab = Lab.load(a.name)
    inside(lab)
    for z in a.zone or list(lab.state["zones"]):
        print(look(lab, lab.zone_name(z)))


def cmd_ask(a):
    lab = Lab.load(a.name)
    a.qname, a.qtype = checked_name(a.qname), checked_type(a.qtype)
    inside(lab)
    found = set()
    for i in range(len(lab.state["validators"])):
        status, m, detail = lab.resolve(a.qname, a.qtype, validator=i)
        found.add(status)
        print(f"{lab.state['validators'][i]['name']}: {status} ({detail})")
        for rr in (m.answer if m else []):
            if rr.rdtype != 46:
                print("  " + rr.to_text().replace("\n", "\n  "))
    return 0 if found <= {"secure", "insecure"} else 1


def shell_env(lab):
    """Private tools in PATH; where there is a musicd, music-cli too, and its URL, certificate and token in MUSIC_*."""
    env, mc = lab.tool_env(), Controller(lab)
    if os.path.exists(mc.store):
        env = {**env, **mc.env(), "PATH": os.path.dirname(program("music-cli")) + ":" + env["PATH"]}
    return env


def cmd_exec(a):
    lab = Lab.load(a.name)
    command = a.command[1:] if a.command[:1] == ["--"] else a.command
    if not command:
        raise LabError("exec: which command? (lab/lab exec -- dig @10.53.5.1 www.ex.lab)")
    argv = lab.space.enter_argv() + command
    os.execvpe(argv[0], argv, shell_env(lab))


def cmd_shell(a):
    lab = Lab.load(a.name)
    print(f"inside laboratory {lab.name}: dig, kdig, delv, nsupdate of the private packages are first in PATH,\n"
          "music-cli too, with its settings for musicd (when one runs, as after the demo); try\n"
          "  music-cli show      dig @10.53.5.1 www.ex.lab +dnssec      lab/lab look ex      exit", flush=True)
    argv = lab.space.enter_argv() + [os.environ.get("SHELL", "/bin/sh")]
    os.execvpe(argv[0], argv, shell_env(lab))


def cmd_prober(a):
    lab = Lab.load(a.name)
    if a.verb == "start":
        for z in a.zone:
            lab.zone(z)
        prober.start(lab, a.zone or list(lab.state["zones"]), a.rate, a.pairs)
        return 0
    r = prober.stop(lab) if a.verb == "stop" else prober.report(lab)
    if a.json:
        print(json.dumps(r))
    else:
        for w in r["witness"]:
            print(f"{w['rule']}: {w['left']} does not fit {w['right']}; {w['last'] - w['first']:.1f} s long")
        print(prober.human(r))
    return 0 if r["bogus"] == r["insecure"] == r["failed"] == r["pair_violations"] == 0 else 1


def cmd_scanner(a):
    lab = Lab.load(a.name)
    if a.verb == "start":
        for z in a.zone:
            if z != "*":
                lab.zone(z)
        scanner.start(lab, a.zone, a.interval)
        print(f"music-scanner follows {' '.join(a.zone) or 'all delegations'}; its log is {scanner.log_path(lab)}")
        return
    if a.verb == "stop":
        if not scanner.stop(lab):
            raise LabError("music-scanner was not running")
        print("music-scanner has ended")
        return
    if not scanner.has_reported(lab):
        raise LabError(f"music-scanner has not run in laboratory {lab.name}")
    if a.json:
        print(json.dumps(scanner.report(lab)))
    else:
        print(scanner.human(scanner.report(lab)))


def cmd_musicd(a):
    mc = Controller(Lab.load(a.name))
    if a.verb == "start":
        mc.start()
        print(f"musicd answers: lab/lab exec -- music-cli ...; its settings are {mc.conf}")
    elif not mc.stop():
        raise LabError("musicd was not running")


def parser():
    p = argparse.ArgumentParser(prog="lab/lab", description="The internet in a box: real name servers, real delegations, no root rights.")
    sub = p.add_subparsers(dest="cmd", required=True, metavar="COMMAND")

    def add(name, func, text, parent=sub, lab=True):
        c = parent.add_parser(name, help=text, description=text)
        if lab:
            c.add_argument("--name", default=os.environ.get("LAB", "demo"), help="which laboratory (default: demo)")
        c.set_defaults(func=func)
        return c

    c = add("fetch", cmd_fetch, "unpack private copies of the name servers", lab=False)
    c.add_argument("--suite", help="Debian release (default: this machine's)")
    c.add_argument("--force", action="store_true", help="unpack anew")
    c = add("up", cmd_up, "start a laboratory")
    c.add_argument("--signers", default=",".join(DEFAULT_SIGNERS), help="bind, knot, pdns, bind2 ... separated by commas")
    c.add_argument("--secondaries", default="", help="signers that also have a public NSD secondary")
    c.add_argument("--v6only", default="", help="signers that are reached by IPv6 only")
    c.add_argument("--hsm", default="", help="signers with a SoftHSM token (see zone add --hsm)")
    c.add_argument("--suites", default="", help="signers of another release of Debian: bind2=trixie,knot2=trixie")
    c.add_argument("--notify", default="10.53.9.1@5301", help="where signers send NOTIFY too, ADDRESS@PORT, or none")
    c = add("down", cmd_down, "end every process of a laboratory")
    c.add_argument("--clean", action="store_true", help="remove its folder as well")
    c.add_argument("--all", action="store_true", help="every laboratory of this folder")
    add("list", cmd_list, "laboratories that are up", lab=False)
    add("status", cmd_status, "servers, zones and faults")
    z = sub.add_parser("zone", help="add, drop, exchange").add_subparsers(dest="verb", required=True, metavar="VERB")
    c = add("add", cmd_zone_add, "load zones at signers and delegate them", z)
    c.add_argument("zone", nargs="+", help="ex means ex.lab.")
    c.add_argument("--signers", default="", help="who loads and signs it (default: the first)")
    c.add_argument("--active", default="", help="who is in NS and DS (default: the first of --signers)")
    c.add_argument("--ttl", type=int, default=5)
    c.add_argument("--algorithm", type=int, default=13, choices=[8, 13, 14, 15])
    c.add_argument("--nsec3", action="store_true")
    c.add_argument("--csk", default="", help="signers that use one combined key")
    c.add_argument("--knot-full", default="", help="Knot signers that silently drop foreign keys")
    c.add_argument("--hsm", default="", help="signers that keep the keys of this zone in SoftHSM")
    c.add_argument("--short-signatures", action="store_true", help="BIND signs for 100 s, so that a ZSK roll-over ends in seconds")
    c.add_argument("--lead", type=int, help="seconds that BIND and Knot wait, beyond the TTL, before a new key signs data")
    c.add_argument("--inbailiwick", action="store_true", help="name servers below the zone, with glue")
    c.add_argument("--unsigned", action="store_true")
    c.add_argument("--same-tags", choices=["ksk", "zsk"], help="give that key the same key tag at all signers")
    c.add_argument("--zone-key", action="store_true", help="a TSIG key of its own for every zone and signer")
    c.add_argument("--delegate", choices=["yes", "no", "insecure"], default="yes")
    c = add("drop", cmd_zone_drop, "take zones away everywhere", z)
    c.add_argument("zone", nargs="+")
    c = add("exchange", cmd_zone_exchange, "make finished multi-signer zones by hand, in no safe order", z)
    c.add_argument("zone", nargs="+")
    c.add_argument("--signers", default="")
    c = add("look", cmd_look, "DS, NS, DNSKEY, CDS of zones at every server")
    c.add_argument("zone", nargs="*")
    c = add("ask", cmd_ask, "ask the validators: secure, bogus, insecure or failed")
    c.add_argument("qname")
    c.add_argument("qtype", nargs="?", default="A")
    c = add("exec", cmd_exec, "run a command inside: lab/lab exec -- dig @10.53.5.1 www.ex.lab, or music-cli")
    c.add_argument("command", nargs=argparse.REMAINDER)
    add("shell", cmd_shell, "a shell inside")
    v = sub.add_parser("prober", help="start, stop, report").add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("start", "begin to ask and judge"), ("report", "the verdict so far"), ("stop", "end it; the verdict")):
        c = add(verb, cmd_prober, text, v)
        if verb == "start":
            c.add_argument("zone", nargs="*")
            c.add_argument("--rate", type=float, default=4, help="questions per second to each validator")
            c.add_argument("--pairs", type=float, default=0.7, help="seconds between pair checks")
        else:
            c.add_argument("--json", action="store_true")
    v = sub.add_parser("scanner", help="music-scanner at the parent: start, stop, report").add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("start", "the parent begins to follow CDS and CSYNC"), ("stop", "end it"), ("report", "its last verdict on each child")):
        c = add(verb, cmd_scanner, text, v)
        if verb == "start":
            c.add_argument("zone", nargs="*", help="which (default, or '*': all delegations)")
            c.add_argument("--interval", default="1s", help="between two looks at a zone")
        elif verb == "report":
            c.add_argument("--json", action="store_true")
    v = sub.add_parser("musicd", help="a controller of this laboratory: start, stop").add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("start", "musicd with times that fit TTLs of seconds; exec and shell know its music-cli"), ("stop", "end it")):
        add(verb, cmd_musicd, text, v)
    breaks.add_commands(sub, add)
    rolls.add_commands(add)
    return p


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    a = parser().parse_args()
    try:
        return a.func(a) or 0
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
