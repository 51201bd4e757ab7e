"""A laboratory: its description, its life, its zones.

    with Lab("name") as lab:            # up ... down
        lab.add_zone("ex", signers=["bind", "knot"], active=["bind"])
        lab.ask("10.53.2.1", "ex.lab.", "DNSKEY")

The description lab.json is the only state.  A second program (the command line, a test, musicd's configuration maker) may
load it with Lab.load(name) while the laboratory runs.
"""
import contextlib
import fcntl
import glob
import json
import os
import re
import shutil

import dns.dnssec
import dns.flags
import dns.inet
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from . import keys, servers, zonetext
from .ask import Exchanger
from .fetch import fetch
from .paths import LabError, Packages, run_base, run_dir
from .space import PidFile, Space, wait_until

SOFTWARE = {"bind": (2, servers.Bind), "knot": (3, servers.Knot), "pdns": (4, servers.Pdns)}
CLASSES = {"bind": servers.Bind, "knot": servers.Knot, "pdns": servers.Pdns, "nsd": servers.Nsd, "unbound": servers.Unbound}
DEFAULT_SIGNERS = ("bind", "knot", "pdns")


def split_signer(name):
    """'bind2' -> ('bind', number of its address)."""
    for soft, (base, _) in SOFTWARE.items():
        rest = name[len(soft):]
        if name.startswith(soft) and (rest == "" or (rest.isdigit() and 2 <= int(rest) <= 9)):
            return soft, base + 10 * (int(rest or 1) - 1)
    raise LabError(f"{name!r} is no signer: use bind, knot, pdns, or these with a number 2 to 9 (bind2)")


def check_plan(signers, secondaries, v6only, hsm, notify, suites):
    """What Lab.up is asked for is refused here, before anything is made; gives the listeners of NOTIFY."""
    for s in signers:
        split_signer(s)
        if list(signers).count(s) > 1:
            raise LabError(f"signer {s} is named twice")
    for option, named in (("secondaries", secondaries), ("v6only", v6only), ("hsm", hsm), ("suites", suites)):
        for s in named:
            if s not in signers:
                raise LabError(f"{option}: {s} is no signer of this laboratory; there are: {', '.join(signers) or 'none'}")
    for s in hsm:
        if split_signer(s)[0] != "knot":
            raise LabError(f"{s}: only Knot can keep keys in SoftHSM here (docs/signers-verified.md says why the others cannot)")
    if not notify:
        return []
    address, _, port = notify.partition("@")
    if not dns.inet.is_address(address) or not (port or "53").isdigit() or int(port or 53) not in range(1, 65536):
        raise LabError(f"notify: {notify!r} is not ADDRESS@PORT")
    return [[address, int(port or 53)]]


def both(net, host):
    return [f"10.53.{net}.{host}", f"fd53:{net}::{host}" if net else f"fd53::{host}"]


class Lab:
    def __init__(self, name="demo"):
        self.name = name
        self.dir = run_dir(name)
        self.pk = Packages()
        self.space = Space(self.dir)
        self.ex = Exchanger(self.space)
        self.state = {}
        self.chosen = {}        # (signer, zone) -> [Key] for zones being added; private keys stay out of lab.json

    # -- description --------------------------------------------------------------------------------------------
    @property
    def json_path(self):
        return os.path.join(self.dir, "lab.json")

    @classmethod
    def load(cls, name="demo"):
        lab = cls(name)
        lab.refresh()
        if not lab.space.alive():
            raise LabError(f"laboratory {name} is not up")
        return lab

    def refresh(self):
        try:
            with open(self.json_path, encoding="utf-8") as f:
                self.state = json.load(f)
        except FileNotFoundError as e:
            raise LabError(f"there is no laboratory {self.name} (start one: lab/lab up --name {self.name})") from e

    def save(self):
        tmp = self.json_path + ".new"
        with open(tmp, "w", encoding="utf-8") as f:
            json.dump(self.state, f, indent=1)
            f.write("\n")
        os.replace(tmp, self.json_path)

    @contextlib.contextmanager
    def changing(self):
        """Hold the laboratory's lock, with the newest description; save it at the end."""
        with open(os.path.join(self.dir, "lock"), "a", encoding="utf-8") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.refresh()
            try:
                yield self.state
            finally:
                self.save()

    def signer(self, name):
        """What the description says of a signer."""
        return self._known("signers", name)

    def zone(self, name):
        """What the description says of a zone."""
        return self._known("zones", self.zone_name(name))

    def _known(self, kind, name):
        if name not in self.state[kind]:
            there = ", ".join(self.state[kind]) or "none"
            raise LabError(f"no {kind[:-1]} {name} in laboratory {self.name}; there are: {there}")
        return self.state[kind][name]

    def server(self, name):
        """The Server object of one name server of the laboratory."""
        try:
            d = dict(self.state["servers"][name])
        except KeyError as e:
            raise LabError(f"no server {name!r}; there are: {', '.join(self.state['servers'])}") from e
        d["name"] = name
        if d["role"] in ("signer", "secondary"):
            d["zones"] = {n: z for n, z in self.state["zones"].items() if d["signer"] in z["signers"]}
        return CLASSES[d["software"]](self, d)

    # -- life ---------------------------------------------------------------------------------------------------
    def __enter__(self):
        if not self.space.alive():
            self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def up(self, signers=DEFAULT_SIGNERS, secondaries=(), v6only=(), hsm=(), notify="10.53.9.1@5301", suites=None, say=lambda *_: None):
        """Start everything.  Returns self.  suites: {signer: "trixie"}: its server is that of another release of Debian."""
        if self.space.alive():
            raise LabError(f"laboratory {self.name} is up already")
        suites, listeners = suites or {}, check_plan(signers, secondaries, v6only, hsm, notify, suites or {})
        for suite in [None, *sorted(set(suites.values()))]:
            fetch(suite, say=say)
        self.clean()
        for sub in ("", "pids", "log", "keys"):
            os.makedirs(os.path.join(self.dir, sub), mode=0o700 if sub == "keys" else 0o755, exist_ok=True)
        try:
            self._plan(signers, secondaries, v6only, hsm, listeners, suites)
            self.state["holder_pid"] = self.space.create(self.state["addresses"])
            self.save()
            self._make_tree()
            for name in hsm:
                self._make_token(name)
            todo = [self.server(n) for n in self.state["servers"]]
            for s in todo:
                s.start()
            for s in todo:
                s.wait_ready()
            self.save()
        except BaseException:
            self.space.destroy()
            raise
        return self

    def down(self, keep=True):
        """End all processes.  Files (logs!) stay until the next up unless keep is false, or a program of ours has shown a fault,
        at its end at the latest: then LabError says which."""
        self.ex.close()
        self.space.destroy()
        found = self.faults()
        if found:
            raise LabError("\n".join(found))
        if not keep:
            self.clean()

    def faults(self):
        """What ASan, LSan, UBSan and MUS_ASSERT have written into the logs: of each log its lines from there on."""
        found = []
        for path in sorted(glob.glob(os.path.join(glob.escape(self.dir), "log", "*.log"))):
            with open(path, encoding="utf-8", errors="replace") as f:
                text = f.read()
            m = re.search(r"^.*(?:Sanitizer:|runtime error:|: assertion failed:)", text, re.M)
            if m:
                found.append(f"{path}: {text[m.start():][:4000]}")
        return found

    def clean(self):
        if os.path.isdir(self.dir):
            shutil.rmtree(self.dir)

    def _plan(self, signers, secondaries, v6only, hsm, listeners, suites):
        addresses = both(0, 1) + both(0, 2) + both(1, 1) + both(1, 2) + both(1, 9) + both(1, 10) + both(5, 1) + both(5, 2)
        clients = [a for h in range(1, 7) for a in both(9, h)]
        addresses += clients
        parent_key = keys.make_tsig(os.path.join(self.dir, "keys", "parent.key"), "parent")
        srv = {
            "root": {"software": "nsd", "role": "root", "listen": both(0, 1) + both(0, 2), "zones": {".": {}, "net.": {}}},
            "parent": {"software": "bind", "role": "parent", "listen": both(1, 1), "control": "10.53.1.1", "tsig": [parent_key["file"]],
                       "zones": {"lab.": {"signers": ["parent"], "active": ["parent"], "csk": ["parent"], "algorithm": 13,
                                          "denial": "nsec", "ttl": 5, "max_ttl": 86400}},
                       "notify": [["10.53.1.2", 53]]},
            "parent2": {"software": "nsd", "role": "parent", "listen": both(1, 2), "zones": {"lab.": {}}, "primary": "10.53.1.1",
                        "tsig": [parent_key["file"]]},
        }
        public = {}
        for s in signers:
            soft, net = split_signer(s)
            own = both(net, 1)
            if s in v6only:
                own = own[1:]
            key = keys.make_tsig(os.path.join(self.dir, "keys", f"ctl-{s}.key"), f"ctl-{s}")
            addresses += both(net, 1) + both(net, 2) + both(net, 9) + both(net, 10)      # 9, 10: servers behind a relay
            notify = list(listeners)
            names = [{"name": f"ns1.{s}.net.", "addresses": own}]
            if s in secondaries:
                second = both(net, 2)[1:] if s in v6only else both(net, 2)
                names.append({"name": f"ns2.{s}.net.", "addresses": second})
                notify.append([second[0], 53])
                srv[s + "-nsd"] = {"software": "nsd", "role": "secondary", "signer": s, "listen": second, "primary": own[0], "tsig": [key["file"]]}
            srv[s] = {"software": soft, "role": "signer", "signer": s, "listen": own, "control": own[0], "tsig": [key["file"]], "notify": notify}
            if s in hsm:
                srv[s]["hsm"] = True
            if s in suites:
                srv[s]["suite"] = suites[s]
            public[s] = {"name": s, "software": soft, "update": {"address": own[0], "addresses": own, "port": 53}, "servers": names,
                         "tsig": key, "hsm": s in hsm}
        for i in (1, 2):
            srv[f"res{i}"] = {"software": "unbound", "role": "validator", "listen": both(5, i), "control": both(5, i)[0]}
        self.state = {
            "format": 1, "name": self.name, "dir": self.dir, "path": self.pk.bin, "holder_pid": 0, "addresses": addresses, "clients": clients,
            "root": {"hints": os.path.join(self.dir, "root.hints"), "trust_anchor": os.path.join(self.dir, "root.key"),
                     "servers": [{"name": "a.root-servers.net.", "addresses": both(0, 1)}]},
            "parent": {"zone": "lab.", "update": {"address": "10.53.1.1", "addresses": both(1, 1), "port": 53}, "tsig": parent_key,
                       "servers": [{"name": "a.nic.lab.", "addresses": both(1, 1)}, {"name": "b.nic.lab.", "addresses": both(1, 2)}]},
            "signers": public,
            "validators": [{"name": f"res{i}", "addresses": both(5, i), "control": f"{both(5, i)[0]}@8953"} for i in (1, 2)],
            "notify": [f"{a}@{p}" for a, p in listeners],
            "servers": srv, "zones": {},
        }

    def _make_tree(self):
        """Root, net. and the parent zone: keys, delegations, signatures."""
        work = os.path.join(self.dir, "root")
        os.makedirs(os.path.join(work, "zones"), exist_ok=True)
        k = {n: keys.Key(257, 13) for n in (".", "net.", "lab.")}
        parent = self.server("parent")
        parent.prepare()
        k["lab."].write_bind(parent.path("keys"), "lab.", 5, ksk=True, zsk=True, ds="omnipresent")
        with open(parent.path("zones", "lab.db"), "w", encoding="utf-8") as f:
            f.write(zonetext.parent())
        texts = {".": zonetext.root(k["net."].ds_text("net."), k["lab."].ds_text("lab.")), "net.": zonetext.net(self.state["signers"].values())}
        for name, text in texts.items():
            stem = k[name].write_bind(work, name, 3600, managed=False)
            self._sign_static(name, text + f"{name} 3600 DNSKEY {k[name].rdata.to_text()}\n", stem)
        anchor = f". 3600 IN DNSKEY {k['.'].rdata.to_text()}\n"
        for path, text in ((self.state["root"]["trust_anchor"], anchor), (self.state["root"]["hints"], zonetext.hints()),
                           (os.path.join(self.dir, "delv.keys"), zonetext.delv_anchor(k["."]))):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def _sign_static(self, name, text, stem):
        work = os.path.join(self.dir, "root")
        base = os.path.join(work, "zones", servers.Nsd.zone_file(name))
        with open(base + ".in", "w", encoding="utf-8") as f:
            f.write(text)
        self.space.call([self.pk.program("dnssec-signzone"), "-z", "-P", "-o", name, "-f", base, "-e", "+3000000", base + ".in", stem],
                        env=self.pk.env(), cwd=work)

    def anchor_parent(self, dnskeys):
        """The root's DS records of lab. are those of these keys, from now on."""
        work = os.path.join(self.dir, "root")
        with open(os.path.join(work, "zones", servers.Nsd.zone_file(".") + ".in"), encoding="utf-8") as f:
            text = re.sub(r"^lab\. \d+ DS .*\n", "", f.read(), flags=re.M)
        ds = [dns.dnssec.make_ds(dns.name.from_text("lab."), k, "SHA256") for k in dnskeys]
        [private] = glob.glob(os.path.join(glob.escape(work), "K.+*.private"))
        self._sign_static(".", text + zonetext.parent_ds(d.to_text() for d in ds), private.removesuffix(".private"))
        self.server("root").nsd_control("reload")
        root = self.state["root"]["servers"][0]["addresses"][0]
        wait_until(lambda: set(self.ex.rrset(root, "lab.", "DS") or []) == set(ds), 90, "the root has the DS of lab.")

    # -- programs inside ----------------------------------------------------------------------------------------
    def tool_env(self):
        """Environment for programs inside: the private dig, nsupdate ... come first in PATH."""
        e = dict(os.environ)
        e["PATH"] = self.pk.bin + ":" + e.get("PATH", "")
        e["LAB"], e["LAB_DIR"] = self.name, self.dir
        return self.space.env(e)

    def call(self, argv, **kw):
        """Run a program inside to its end: CompletedProcess (text); LabError when it fails, unless check=False."""
        return self.space.call(argv, env=self.tool_env(), **kw)

    def spawn(self, argv, **kw):
        """subprocess.Popen inside; the pid is the program's own.  It ends with the laboratory at the latest."""
        return self.space.spawn(argv, env=self.tool_env(), **kw)

    def daemon(self, name, argv, **kw):
        """Start a program of your own (musicd ...) that logs to log/NAME.log; returns its PidFile (pid(), stop())."""
        return self.space.daemon(name, argv, env=self.tool_env(), **kw)

    # -- SoftHSM ------------------------------------------------------------------------------------------------
    @staticmethod
    def softhsm_module(pk):
        return pk.find("usr/lib/softhsm/libsofthsm2.so", "usr/lib/@T@/softhsm/libsofthsm2.so")

    def hsm_env(self, signer):
        base = os.path.join(self.dir, "hsm", signer)
        return {"SOFTHSM2_CONF": os.path.join(base, "softhsm2.conf")}

    def _make_token(self, signer):
        base = os.path.join(self.dir, "hsm", signer)
        os.makedirs(os.path.join(base, "tokens"), exist_ok=True)
        with open(os.path.join(base, "softhsm2.conf"), "w", encoding="utf-8") as f:
            f.write(f"directories.tokendir = {base}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        pk = self.server(signer).pk
        self.space.call([pk.program("softhsm2-util"), "--module", self.softhsm_module(pk), "--init-token", "--free", "--label", signer, "--so-pin", "1234", "--pin", "1234"],
                        env=pk.env(**self.hsm_env(signer)))

    # -- questions ----------------------------------------------------------------------------------------------
    def ask(self, address, name, rdtype, **kw):
        """A dns.message from one server, None when it is silent."""
        return self.ex.ask(address, name, rdtype, **kw)

    def resolve(self, name, rdtype, validator=0, **kw):
        """Ask a validator: (status, message); status is secure, insecure, bogus or failed."""
        from .prober import judge
        return judge(self.ex, self.state["validators"][validator]["addresses"][0], name, rdtype, **kw)

    def update(self, target, zone, lines, check=True):
        """UPDATE to 'parent' or a signer, with the TSIG key it accepts for that zone."""
        if target == "parent":
            where, tsig = self.state["parent"]["update"], self.state["parent"]["tsig"]
        else:
            where = self.state["signers"][target]["update"]
            tsig = self.state["zones"].get(zone, {}).get("tsig", {}).get(target) or self.state["signers"][target]["tsig"]
        return self.ex.update(where["address"], zone, lines, keys.read_tsig(tsig["file"]), check=check)

    def flush(self, zone, validator=None):
        for i, v in enumerate(self.state["validators"]):
            if validator in (None, i):
                self.server(v["name"]).control("flush_zone", zone)

    def dnskeys(self, signer, zone):
        """(own KSK rdatas, own ZSK rdatas, foreign rdatas) at a signer; own are those whose signatures it serves."""
        where = self.state["signers"][signer]["update"]["address"]
        return own_keys(self.ask(where, zone, "DNSKEY"), self.ask(where, zone, "SOA"), signer, zone)

    # -- zones --------------------------------------------------------------------------------------------------
    def zone_keys(self, signer, name, z):
        """[{key}] that a signer which does not make its own keys gets for a new zone."""
        if (signer, name) in self.chosen:
            return [{"key": k} for k in self.chosen[signer, name]]
        flags = [257] if signer in z.get("csk", []) else [257, 256]
        return [{"key": keys.Key(f, z["algorithm"])} for f in flags]

    def zone_name(self, name):
        """As the description has it: ex means ex.lab.  Letters, digits, hyphens: it is in files and commands of every server."""
        full = name.lower().rstrip(".")
        full = full + "." if full.endswith(".lab") else full + ".lab."
        if not re.fullmatch(r"([a-z0-9_-]{1,63}\.)+", full) or len(full) > 200:
            raise LabError(f"{name!r} is no good name for a zone: use a-z, 0-9, '-' and '_' in labels of at most 63")
        return full

    def add_zone(self, name, signers=None, active=None, **options):
        """Load one zone at its signers and delegate it; returns its name.  Options: see add_zones."""
        return self.add_zones([name], signers, active, **options)[0]

    def add_zones(self, names, signers=None, active=None, *, ttl=5, algorithm=13, denial="nsec", csk=(), unsigned=False, inbailiwick=False,
                  knot_full=(), hsm=(), zone_key=False, same_tags=None, delegate=True, wait=True, max_ttl=None,
                  short_signatures=False, lead=None):
        """Load zones with the same content at every signer, delegated to the active ones (default: the first).

        csk, knot_full, hsm: signers with a single key, with dnskey-management full, with keys in SoftHSM.
        same_tags: 'zsk' or 'ksk': that key has one tag at all signers.  zone_key: a TSIG key of its own for every zone and signer.
        short_signatures: BIND's last 100 s, so that a ZSK roll-over ends in seconds and not in days.
        lead: BIND and Knot publish a new key that many seconds longer than its TTL before they sign data with it (default: 1).
        delegate: False (no NS at the parent), 'insecure' (NS without DS) or True.
        """
        with self.changing() as state:
            signers = list(signers or list(state["signers"])[:1])
            active = list(active or signers[:1])
            for s in signers:
                self.signer(s)
            for option, named in (("active", active), ("csk", csk), ("knot-full", knot_full), ("hsm", hsm)):
                for s in named:
                    if s not in signers:
                        raise LabError(f"{option}: {s} is none of the zone's signers: {', '.join(signers)}")
            names = [self.zone_name(n) for n in names]
            for name in names:
                if name in state["zones"]:
                    raise LabError(f"zone {name} exists")
            texts = {}
            for name in names:
                z = {"signers": signers, "active": active, "ttl": ttl, "algorithm": algorithm, "denial": denial, "csk": list(csk),
                     "unsigned": unsigned, "inbailiwick": inbailiwick, "knot_full": list(knot_full), "hsm": list(hsm)}
                if short_signatures:
                    z["short_signatures"] = True
                if lead:
                    z["lead"] = lead
                if max_ttl:
                    z["max_ttl"] = max_ttl
                z["ns"] = {s: zonetext.child_ns(name, state["signers"][s], inbailiwick) for s in signers}
                z["samples"] = {"existing": f"www.{name}", "wildcard": f"*.w.{name}", "missing": f"missing.{name}"}
                if zone_key:
                    z["tsig"] = {s: keys.make_tsig(os.path.join(self.dir, "keys", f"{name}{s}.key"), f"{name.replace('.', '-')}{s}") for s in signers}
                if same_tags:
                    self._choose_equal_tags(name, z, same_tags)
                state["zones"][name] = z
                texts[name] = zonetext.child(name, z)
            for s in signers:
                self._load(s, names, texts)
            if wait:
                for name in names:
                    self.wait_served(name, timeout=90 + len(names) / 5, quick=len(names) > 20)
            if delegate:
                for i in range(0, len(names), 50):
                    self._delegate(names[i:i + 50], secure=delegate != "insecure" and not unsigned)
                if wait:
                    self.wait_parent()
            self.chosen.clear()
        return names

    def _choose_equal_tags(self, name, z, role):
        flags = {"zsk": 256, "ksk": 257}[role]
        same = keys.keys_of_equal_tag(flags, z["algorithm"], len(z["signers"]))
        for s, k in zip(z["signers"], same):
            self.chosen[s, name] = sorted([k, keys.Key(513 - flags, z["algorithm"])], key=lambda x: -x.flags)

    def _load(self, signer, names, texts):
        s = self.server(signer)
        if isinstance(s, servers.Knot) and any((signer, n) in self.chosen for n in names):
            s.write()                       # keymgr reads the zone's policy from the configuration
        for name in names:
            s.add_zone(name, self.state["zones"][name], texts[name])
        s.reload()
        if signer + "-nsd" in self.state["servers"]:
            self.server(signer + "-nsd").reload()

    def wait_served(self, name, timeout=90, quick=False):
        """Until every public server of every signer serves the whole zone (signed, unless it is an unsigned one).

        named signs a new zone in small steps and transfers what it has, so the last things to come are asked for: denial and
        CDS.  quick: look at the SOA only.
        """
        z = self.state["zones"][name]
        unsigned = z["unsigned"]
        want = [("SOA", name, "answer")]
        if not quick:
            want += [("A", f"www.{name}", "answer"), ("A", f"missing.{name}", "authority")]
            want += [] if unsigned else [("DNSKEY", name, "answer"), ("CDS", name, "answer"), ("A", f"wait.w.{name}", "authority")]

        def right(address, rdtype, owner, section):
            m = self.ask(address, owner, rdtype, timeout=0.5, tries=1)
            if m is None or not m.flags & dns.flags.AA:
                return False
            types = {rr.rdtype for rr in getattr(m, section)}
            if unsigned:
                return bool(types)
            denial = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
            return dns.rdatatype.RRSIG in types and (section == "answer" or types & denial)
        for s in z["signers"]:
            for server in self.state["signers"][s]["servers"]:
                for rdtype, owner, section in want:
                    wait_until(lambda a=server["addresses"][0]: right(a, rdtype, owner, section), timeout, f"{server['name']} serves {owner} {rdtype}")
            if not quick:
                self.wait_secondaries(s, name)

    def wait_secondaries(self, signer, name, timeout=90):
        """Until all public servers of a signer show its serial."""
        first, *others = (s["addresses"][0] for s in self.state["signers"][signer]["servers"])
        for o in others:
            wait_until(lambda o=o: self.serial(first, name) == self.serial(o, name), timeout, f"{o} has the {name} of {signer}")

    def ds_lines(self, name, ttl=None, signers=None):
        """'add' lines of the DS records for the SEP keys of the active signers."""
        z = self.state["zones"][name]
        lines = []
        for s in signers or z["active"]:
            for k in self.dnskeys(s, name)[0]:
                ds = dns.dnssec.make_ds(dns.name.from_text(name), k, "SHA256")
                lines.append(f"add {name} {ttl or z['ttl']} DS {ds.to_text()}")
        return lines

    def _delegate(self, names, secure=True):
        lines = []
        for name in names:
            z = self.state["zones"][name]
            for s in z["active"]:
                for ns in z["ns"][s]:
                    lines.append(f"add {name} {z['ttl']} NS {ns['name']}")
                    if z["inbailiwick"]:
                        lines += [f"add {ns['name']} {z['ttl']} {'AAAA' if ':' in a else 'A'} {a}" for a in ns["addresses"]]
            if secure:
                lines += self.ds_lines(name)
        self.update("parent", "lab.", lines)

    def serial(self, address, zone):
        rr = self.ex.rrset(address, zone, "SOA")
        return rr[0].serial if rr else None

    def wait_parent(self, timeout=90):
        """Until the parent's secondary has what its primary has."""
        first, second = (s["addresses"][0] for s in self.state["parent"]["servers"])
        wait_until(lambda: self.serial(first, "lab.") == self.serial(second, "lab."), timeout, "both parent servers have one serial")

    def serve_at_parent(self, name, signer):
        """The parent's secondary serves the zone too, from now on, as a secondary of a signer that no NS set lists."""
        name = self.zone_name(name)
        with self.changing() as state:
            s, at = state["signers"][signer], state["servers"]["parent2"]["listen"][0]
            state["servers"]["parent2"]["zones"][name] = {"primary": s["update"]["address"], "tsig": s["tsig"]["file"]}
            state["servers"][signer]["notify"] = state["servers"][signer].get("notify", []) + [[at, 53]]
        self.server(signer).reload()
        self.server("parent2").reload()
        wait_until(lambda: self.serial(at, name) == self.serial(s["update"]["address"], name), 90, f"parent2 serves {name}")

    def end_at_parent(self, name):
        """The parent's secondary serves the zone no more, and shows the delegation again."""
        with self.changing() as state:
            del state["servers"]["parent2"]["zones"][self.zone_name(name)]
        self.server("parent2").reload()

    def drop_zone(self, name):
        """Take a zone away everywhere."""
        name = self.zone_name(name)
        with self.changing() as state:
            self.zone(name)
            z = state["zones"].pop(name)
            lines = [f"delete {name}"]
            if z["inbailiwick"]:
                lines += [f"delete {ns['name']}" for s in z["signers"] for ns in z["ns"][s]]
            self.update("parent", "lab.", lines, check=False)
            self.wait_parent()
            for s in z["signers"]:
                srv = self.server(s)
                if isinstance(srv, servers.Bind):
                    srv.reload()
                srv.drop_zone(name)
                if not isinstance(srv, servers.Bind):
                    srv.reload()
                if s + "-nsd" in state["servers"]:
                    self.server(s + "-nsd").reload()
        self.flush(name)

    def exchange_keys(self, name, signers=None, parent=True):
        """Make a finished multi-signer zone by hand: keys, CDS, NS of the given signers everywhere, then DS and NS at the parent.

        Everything at once and in no safe order: only for zones that nobody is asking yet.
        """
        name = self.zone_name(name)
        z = self.zone(name)
        signers = list(signers or z["signers"])
        for s in signers:
            if s not in z["signers"]:
                raise LabError(f"{s} does not sign {name}; its signers are: {', '.join(z['signers'])}")
        data = {s: self.dnskeys(s, name)[1] for s in signers}
        for s in signers:
            ttl = z["ttl"]
            lines = [f"add {name} {ttl} DNSKEY {k.to_text()}" for o in signers if o != s for k in data[o]]
            lines += [f"add {name} {ttl} NS {ns['name']}" for o in signers for ns in z["ns"][o]]
            lines += [f"delete {name} NS {ns['name']}" for o in z["signers"] if o not in signers for ns in z["ns"][o]]
            self.update(s, name, lines)
        for s in signers:
            self.wait_secondaries(s, name)
        with self.changing() as state:
            state["zones"][name]["active"] = signers
            if parent:
                self.update("parent", "lab.", [f"delete {name} DS", f"delete {name} NS"])
                self._delegate([name])
                self.wait_parent()
        self.flush(name)


def own_keys(dnskey, soa, signer, zone):
    """Tell the keys of a server from imported ones: it signs DNSKEY with its KSKs and data with its ZSKs."""
    name = dns.name.from_text(zone)
    got = {}
    for rdtype, m in ((dns.rdatatype.DNSKEY, dnskey), (dns.rdatatype.SOA, soa)):
        if m is None:
            raise LabError(f"{signer} does not answer {zone} {dns.rdatatype.to_text(rdtype)}")
        try:
            got[rdtype] = (m.find_rrset(m.answer, name, dns.rdataclass.IN, rdtype),
                           list(m.find_rrset(m.answer, name, dns.rdataclass.IN, dns.rdatatype.RRSIG, rdtype)))
        except KeyError as e:
            raise LabError(f"{signer} serves {zone} without signed {dns.rdatatype.to_text(rdtype)}") from e

    def signs(key, rdtype):
        rrset, sigs = got[rdtype]
        for sig in sigs:
            if sig.key_tag == dns.dnssec.key_id(key) and sig.algorithm == key.algorithm:
                try:
                    dns.dnssec.validate_rrsig(rrset, sig, {name: dns.rrset.from_rdata(name, 0, key)}, now=sig.inception + 1)
                    return True
                except dns.dnssec.ValidationFailure:
                    pass
        return False
    rdatas = list(got[dns.rdatatype.DNSKEY][0])
    ksk = [r for r in rdatas if r.flags & 1 and signs(r, dns.rdatatype.DNSKEY)]
    zsk = [r for r in rdatas if signs(r, dns.rdatatype.SOA)]
    return ksk, zsk, [r for r in rdatas if r not in ksk and r not in zsk]


def running():
    """Names of the laboratories that are up."""
    if not os.path.isdir(run_base()):
        return []
    return [n for n in sorted(os.listdir(run_base()))
            if PidFile(os.path.join(run_base(), n, "pids", "holder")).pid() is not None]
