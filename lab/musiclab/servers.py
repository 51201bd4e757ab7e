"""The name servers of a laboratory: their configuration files, and how they start, reload and stop.

Every class writes its files from the laboratory's description (lab.json) each time, so that a change, a fault and its
repair are all 'change the description, write, reload'.  The settings come from docs/signers-verified.md; what looks odd
there is odd on purpose.
"""
import os
import sqlite3

from . import keys
from .paths import LabError, Packages
from .space import PidFile, wait_until


def put(path, text):
    """Write a file that may hold secrets."""
    keys.write_private(path, text)


class Server:
    """One server process.  d: its description {name, dir, listen: [addresses]}, and suite when it is of another release of Debian."""

    def __init__(self, lab, d):
        self.lab, self.d = lab, d
        self.pk = Packages(d.get("suite"))
        self.name = d["name"]
        self.dir = os.path.join(lab.dir, d["name"])
        self.listen = d["listen"]
        self.pidfile = PidFile(os.path.join(lab.dir, "pids", self.name))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def v4(self):
        return [a for a in self.listen if ":" not in a]

    def v6(self):
        return [a for a in self.listen if ":" in a]

    def prepare(self):
        os.makedirs(self.dir, exist_ok=True)

    def env(self):
        return self.pk.env()

    def argv(self):
        raise NotImplementedError

    def start(self):
        self.prepare()
        self.write()
        self.lab.space.daemon(self.name, self.argv(), env=self.env(), cwd=self.dir)

    def stop(self, sig=15):
        return self.pidfile.stop(sig=sig)

    def algorithms(self, z):
        """What this signer's policy for a zone names, the new one last while the algorithm is rolled (rolls.set_algorithms)."""
        return z.get("algorithms", {}).get(self.name, [z["algorithm"]])

    def answers(self):
        """True when it answers on its first address; LabError when it died."""
        if self.pidfile.pid() is None:
            raise LabError(f"{self.name} did not start; see {os.path.join(self.lab.dir, 'log', self.name + '.log')}")
        return self.lab.ex.ask(self.listen[0], ".", "SOA", timeout=0.3, tries=1) is not None

    def wait_ready(self, timeout=90):
        wait_until(self.answers, timeout, f"{self.name} answers")
        for zone in list(self.d.get("zones", {}))[:50]:     # named answers before it has loaded its zones
            wait_until(lambda z=zone: self.serves(z), timeout, f"{self.name} serves {zone}")

    def serves(self, zone):
        m = self.lab.ex.ask(self.listen[0], zone, "SOA", timeout=0.3, tries=1)
        return m is not None and bool(m.answer)

    def call(self, *argv, **kw):
        argv = list(argv)
        argv[0] = self.pk.program(argv[0])
        return self.lab.space.call(argv, env=self.env(), cwd=self.dir, **kw)

    def write(self):
        raise NotImplementedError

    def reload(self):
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------------------
class Bind(Server):
    """named as signer or as primary of the parent zone.

    d also has: tsig [paths of key files], zones {name: description}, notify [addresses with port], transfers_refused,
    updates_refused, tsig_wrong.
    """

    versions = {}       # of each release

    def prepare(self):
        os.makedirs(self.path("keys"), exist_ok=True)
        os.makedirs(self.path("zones"), exist_ok=True)

    def argv(self):
        return [self.pk.program("named"), "-f", "-n", "2", "-c", self.path("named.conf")]

    def version(self):
        if self.pk.suite not in Bind.versions:
            out = self.call("named", "-v").stdout       # BIND 9.18.49-...
            Bind.versions[self.pk.suite] = tuple(int(x) for x in out.split()[1].split("-")[0].split(".")[:2])
        return Bind.versions[self.pk.suite]

    def policy(self, z):
        """(name, text) of the dnssec-policy that a zone needs."""
        csk = self.name in z.get("csk", [])
        short = z.get("short_signatures")
        lead = z.get("lead", 1)
        algorithms = self.algorithms(z)
        name = f"p{'and'.join(map(str, algorithms))}{'csk' if csk else ''}{z['denial']}t{z['ttl']}m{z.get('max_ttl', 0)}l{lead}{'short' if short else ''}"
        algs = [keys.NAMES[a] + (" 2048" if a == 8 else "") for a in algorithms]
        roles = ["csk"] if csk else ["ksk", "zsk"]
        text = f'dnssec-policy "{name}" {{\n  keys {{ ' + \
               " ".join(f"{r} lifetime unlimited algorithm {a};" for a in algs for r in roles) + " };\n" + \
               f"  dnskey-ttl {z['ttl']}; max-zone-ttl {z.get('max_ttl', 2 * z['ttl'])}; publish-safety {lead}s; retire-safety 1s;\n" \
               f"  zone-propagation-delay 1s; parent-ds-ttl {z['ttl']}; parent-propagation-delay 1s;\n" + \
               ("  signatures-validity PT100S; signatures-validity-dnskey PT100S; signatures-refresh PT89S; signatures-jitter PT0S;\n" if short else "") + \
               ("  nsec3param iterations 0 optout no salt-length 0;\n" if z["denial"] == "nsec3" else "") + "};\n"
        return name, text

    def zone_text(self, name, z):
        # without an update-policy the zone would not be dynamic, and named would refuse a dnssec-policy without inline-signing
        who, what = ["nobody"] if self.d.get("updates_refused") else self.grants(z), self.d.get("type_refused")
        grants = " ".join((f"deny {k} zonesub {what}; " if what else "") + f"grant {k} zonesub ANY;" for k in who)     # the first that fits counts
        text = f'zone "{name}" {{ type primary; file "zones/{name}db";\n'
        if not z.get("unsigned"):
            text += f'  dnssec-policy {self.policy(z)[0]}; inline-signing no;\n'
            if self.version() >= (9, 20):
                text += "  checkds no;\n"
        text += f"  update-policy {{ {grants} }};\n"
        notify = self.d.get("notify", [])
        text += "  also-notify { " + " ".join(f"{a} port {p};" for a, p in notify) + " };\n" if notify else ""
        if self.d.get("transfers_refused"):
            text += "  allow-transfer { none; };\n"
        return text + "};\n"

    def grants(self, z):
        own = z.get("tsig", {}).get(self.name)
        return [own["name"] if own else keys.read_tsig(self.d["tsig"][0])["name"]]

    def write(self):
        d, rndc = self.d, os.path.join(self.dir, "rndc.key")
        if not os.path.exists(rndc):
            keys.make_tsig(rndc, "rndc")
            put(self.path("rndc.conf"), f'include "{rndc}"; options {{ default-key "rndc"; default-server {self.d["control"]}; }};\n')
        control = self.d["control"]
        tsig = [keys.read_tsig(p) for p in self.all_tsig()]
        names = " ".join(f"key {t['name']};" for t in tsig if t["name"])
        text = f'include "{rndc}";\n'
        text += "".join(f'key "{t["name"]}" {{ algorithm {t["algorithm"]}; secret "{self.secret(t)}"; }};\n' for t in tsig)
        text += f'''controls {{ inet {control} port 953 allow {{ any; }} keys {{ "rndc"; }}; }};
options {{
  directory "{self.dir}"; pid-file "{self.dir}/named.pid"; session-keyfile "{self.dir}/session.key";
  managed-keys-directory "{self.dir}"; key-directory "{self.dir}/keys"; {"" if self.version() >= (9, 20) else "lock-file none;"}
  listen-on {{ {" ".join(a + ";" for a in self.v4()) or "none;"} }}; listen-on-v6 {{ {" ".join(a + ";" for a in self.v6()) or "none;"} }};
  recursion no; dnssec-validation no; empty-zones-enable no;
  notify explicit; notify-delay 0; notify-rate 1000; startup-notify-rate 1000; serial-query-rate 1000;
  allow-transfer {{ {names} }}; allow-query {{ any; }}; max-journal-size 10m; tcp-clients 500;
}};
logging {{ channel f {{ stderr; severity info; print-time yes; print-category yes; print-severity yes; }};
  category default {{ f; }}; category update-security {{ f; }}; category lame-servers {{ null; }}; }};
'''
        policies = dict(self.policy(z) for z in d["zones"].values() if not z.get("unsigned"))
        text += "".join(policies.values())
        text += "".join(self.zone_text(n, z) for n, z in d["zones"].items())
        put(self.path("named.conf"), text)

    def all_tsig(self):
        paths = list(self.d["tsig"])
        for z in self.d["zones"].values():
            if self.name in z.get("tsig", {}):
                paths.append(z["tsig"][self.name]["file"])
        return paths

    def secret(self, tsig):
        return keys.make_wrong(tsig["secret"]) if self.d.get("tsig_wrong") else tsig["secret"]

    def rndc(self, *words, check=True):
        return self.call("rndc", "-c", self.path("rndc.conf"), *words, check=check)

    def reload(self):
        self.write()
        self.rndc("reconfig")

    def add_zone(self, name, z, text):
        put(self.path("zones", name + "db"), text)
        if not z.get("unsigned"):
            both = self.name in z.get("csk", [])
            for k in self.lab.zone_keys(self.name, name, z):
                key = k["key"]
                key.write_bind(self.path("keys"), name, z["ttl"], ksk=both or None, zsk=both or None,
                               ds="omnipresent" if self.name in z["active"] else "rumoured")

    def drop_zone(self, name):
        for folder, prefix in (("zones", name + "db"), ("keys", f"K{name}+")):
            for f in os.listdir(self.path(folder)):
                if f.startswith(prefix):
                    os.unlink(self.path(folder, f))


# ---------------------------------------------------------------------------------------------------------------------
class Knot(Server):
    """knotd as signer."""

    def prepare(self):
        for sub in ("run", "db", "zones"):
            os.makedirs(self.path(sub), exist_ok=True)

    def env(self):
        return self.pk.env(**(self.lab.hsm_env(self.name) if self.d.get("hsm") else {}))

    def argv(self):
        return [self.pk.program("knotd"), "-c", self.path("knot.conf")]

    def policy(self, z):
        csk = self.name in z.get("csk", [])
        full = self.name in z.get("knot_full", []) or self.d.get("drops_foreign")
        hsm = self.name in z.get("hsm", [])
        lead = z.get("lead", 1)
        manual = self.name in z.get("manual", [])
        algorithm = self.algorithms(z)[-1]
        name = f"p{algorithm}{'csk' if csk else ''}{z['denial']}t{z['ttl']}l{lead}{'full' if full else ''}{'hsm' if hsm else ''}{'manual' if manual else ''}"
        text = f"  - id: {name}\n    algorithm: {keys.NAMES[algorithm]}\n"
        if manual:
            text += "    manual: on\n"
        if hsm:
            text += "    keystore: hsm\n"
        if csk:
            text += "    single-type-signing: on\n"
        if z["denial"] == "nsec3":
            text += f"    nsec3: on\n    nsec3-iterations: {self.d.get('nsec3_iterations', 0)}\n    nsec3-salt-length: 0\n"
        text += (f"    ksk-lifetime: 0\n    zsk-lifetime: 0\n    dnskey-ttl: {z['ttl']}\n    zone-max-ttl: {z['ttl']}\n"
                 f"    propagation-delay: {lead}\n    rrsig-lifetime: 14d\n    rrsig-refresh: 7d\n    cds-cdnskey-publish: always\n")
        text += "" if full else "    dnskey-management: incremental\n    delete-delay: 1h\n"
        return name, text

    def write(self):
        d = self.d
        shared = keys.read_tsig(d["tsig"][0])
        tsig = [shared]
        zones, acls, policies = "", "", {}
        notify = "".join(f"  - id: n{i}\n    address: {a}@{p}\n" for i, (a, p) in enumerate(d.get("notify", [])))
        ids = ", ".join(f"n{i}" for i in range(len(d.get("notify", []))))
        for name, z in d["zones"].items():
            acl = "refuse" if d.get("updates_refused") else "upd"
            own = z.get("tsig", {}).get(self.name)
            if own:
                t = keys.read_tsig(own["file"])
                tsig.append(t)
                acl = "upd-" + name
                acls += f"  - id: {acl}\n    key: {t['name']}\n    action: [update, transfer]\n"
            zones += f'  - domain: {name}\n    storage: "{self.path("zones")}"\n    file: "{name}db"\n'
            if z.get("unsigned"):
                zones += "    dnssec-signing: off\n"
            else:
                pname, ptext = self.policy(z)
                policies[pname] = ptext
                zones += f"    dnssec-signing: on\n    dnssec-policy: {pname}\n"
            zones += f"    zonefile-sync: 0\n    zonefile-load: whole\n    journal-content: changes\n    acl: [{acl}, xfr]\n"
            zones += f"    notify: [{ids}]\n" if ids else ""
        text = f'''server:
    rundir: "{self.path("run")}"
    user: root:root
    udp-workers: 2
    tcp-workers: 2
    background-workers: 2
    listen: [{", ".join(a + "@53" for a in self.listen)}]
control:
    listen: "{self.path("run", "c.sock")}"
log:
  - target: stderr
    any: info
database:
    storage: "{self.path("db")}"
    journal-db-max-size: 200M
    kasp-db-max-size: 200M
    timer-db-max-size: 50M
key:
''' + "".join(f"  - id: {t['name']}\n    algorithm: {t['algorithm']}\n    secret: {keys.make_wrong(t['secret']) if d.get('tsig_wrong') else t['secret']}\n" for t in tsig)
        if d.get("hsm"):
            text += f'keystore:\n  - id: hsm\n    backend: pkcs11\n    config: "pkcs11:token={self.name};pin-value=1234 {self.lab.softhsm_module(self.pk)}"\n'
        text += ("remote:\n" + notify) if notify else ""
        text += f"acl:\n  - id: upd\n    key: {shared['name']}\n    action: [update, transfer]\n" \
                f"  - id: xfr\n    key: {shared['name']}\n    action: transfer\n" \
                "  - id: refuse\n    deny: on\n    action: update\n" + acls
        text += ("policy:\n" + "".join(policies.values())) if policies else ""
        text += ("zone:\n" + zones) if zones else ""
        put(self.path("knot.conf"), text)

    def knotc(self, *words, check=True):
        return self.call("knotc", "-c", self.path("knot.conf"), "-s", self.path("run", "c.sock"), *words, check=check)

    def reload(self):
        self.write()
        self.knotc("reload")

    def add_zone(self, name, z, text):
        put(self.path("zones", name + "db"), text)
        if (self.name, name) in self.lab.chosen:     # only keys that were asked for: knotd makes its own otherwise
            for k in self.lab.zone_keys(self.name, name, z):
                folder = self.path("import")
                os.makedirs(folder, exist_ok=True)
                stem = k["key"].write_bind(folder, name, z["ttl"], managed=False)
                self.lab.space.call([self.pk.program("keymgr"), "-c", self.path("knot.conf"), name, "import-bind", stem + ".key"],
                                    env=self.env())

    def drop_zone(self, name):
        self.knotc("-f", "zone-purge", name, check=False)
        try:
            os.unlink(self.path("zones", name + "db"))
        except FileNotFoundError:
            pass

    def keymgr(self, *words, check=True):
        return self.call("keymgr", "-c", self.path("knot.conf"), *words, check=check)


# ---------------------------------------------------------------------------------------------------------------------
class Pdns(Server):
    """PowerDNS with the gsqlite3 backend.  Zones and keys are put into its database; there is nothing to reload."""

    def prepare(self):
        os.makedirs(self.path("run"), exist_ok=True)
        if not os.path.exists(self.db_path()):
            schema = self.pk.find("usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql",
                                      "usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
            db = self.db()
            with open(schema, encoding="utf-8") as f:
                db.executescript("PRAGMA journal_mode=WAL;" + f.read())
            db.commit()
            db.close()

    def db_path(self):
        return self.path("pdns.sqlite3")

    def db(self):
        db = sqlite3.connect(self.db_path(), timeout=10)
        db.execute("PRAGMA foreign_keys=ON")
        return db

    def argv(self):
        return [self.pk.program("pdns_server"), "--config-dir=" + self.dir]

    def write(self):
        modules = os.path.dirname(self.pk.find("usr/lib/@T@/pdns/libgsqlite3backend.so"))
        notify = sorted({a for a, _ in self.d.get("notify", [])})
        put(self.path("pdns.conf"), f'''launch=gsqlite3
module-dir={modules}
gsqlite3-database={self.db_path()}
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=0
local-address={", ".join(self.listen)}
local-port=53
query-local-address={self.v4()[0] if self.v4() else ""} {self.v6()[0] if self.v6() else ""}
socket-dir={self.path("run")}
daemon=no
guardian=no
disable-syslog=yes
log-timestamp=yes
write-pid=no
setuid=
setgid=
chroot=
security-poll-suffix=
primary=yes
secondary=no
dnsupdate={"no" if self.d.get("updates_refused") else "yes"}
allow-dnsupdate-from=0.0.0.0/0,::/0
allow-axfr-ips=
allow-notify-from=
only-notify={", ".join(notify) if notify else "127.0.0.1/32"}
direct-dnskey={"no" if self.d.get("drops_foreign") else "yes"}
receiver-threads=1
retrieval-threads=1
signing-threads=1
distributor-threads=2
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
zone-metadata-cache-ttl=0
dnssec-key-cache-ttl=1
domain-metadata-cache-ttl=1
xfr-cycle-interval=2
''')
        db = self.db()
        with db:
            db.execute("DELETE FROM tsigkeys")
            paths = list(self.d["tsig"]) + [z["tsig"][self.name]["file"] for z in self.d["zones"].values() if self.name in z.get("tsig", {})]
            for p in paths:
                t = keys.read_tsig(p)
                secret = keys.make_wrong(t["secret"]) if self.d.get("tsig_wrong") else t["secret"]
                db.execute("INSERT INTO tsigkeys(name,algorithm,secret) VALUES(?,?,?)", (t["name"], t["algorithm"], secret))
        db.close()

    def reload(self):
        """Keys and zones are in the database; switches of the configuration need a new process."""
        with open(self.path("pdns.conf"), encoding="utf-8") as f:
            before = f.read()
        self.write()
        with open(self.path("pdns.conf"), encoding="utf-8") as f:
            if f.read() != before and self.pidfile.pid():
                self.stop()
                self.lab.space.daemon(self.name, self.argv(), env=self.env(), cwd=self.dir)
                self.wait_ready()

    def pdnsutil(self, *words, check=True):
        return self.call("pdnsutil", "--config-dir=" + self.dir, *words, check=check)

    def add_zone(self, name, z, text):
        bare = name.rstrip(".")
        path = self.path("import.zone")
        put(path, text)
        self.pdnsutil("load-zone", bare, path)
        db = self.db()
        with db:
            ident = db.execute("SELECT id FROM domains WHERE name=?", (bare,)).fetchone()[0]
            db.execute("UPDATE domains SET type='MASTER' WHERE id=?", (ident,))
            own = z.get("tsig", {}).get(self.name)
            shared = keys.read_tsig(self.d["tsig"][0])["name"]
            meta = [("TSIG-ALLOW-DNSUPDATE", own["name"] if own else shared), ("ALLOW-DNSUPDATE-FROM", "0.0.0.0/0"), ("ALLOW-DNSUPDATE-FROM", "::/0"),
                    ("TSIG-ALLOW-AXFR", shared), ("SOA-EDIT-DNSUPDATE", "INCREASE"), ("NOTIFY-DNSUPDATE", "1")]
            meta += [("TSIG-ALLOW-AXFR", own["name"])] if own else []
            meta += [("ALSO-NOTIFY", f"[{a}]:{p}" if ":" in a else f"{a}:{p}") for a, p in self.d.get("notify", [])]
            if not z.get("unsigned"):
                meta += [("PUBLISH-CDS", "2"), ("PUBLISH-CDNSKEY", "1")]
                if z["denial"] == "nsec3":
                    meta += [("NSEC3PARAM", "1 0 0 -")]
                for k in self.lab.zone_keys(self.name, name, z):
                    db.execute("INSERT INTO cryptokeys(domain_id,flags,active,published,content) VALUES(?,?,1,1,?)",
                               (ident, k["key"].flags, k["key"].private_text().replace("v1.3", "v1.2")))
            db.executemany("INSERT INTO domainmetadata(domain_id,kind,content) VALUES(?,?,?)", [(ident, k, v) for k, v in meta])
        db.close()
        self.pdnsutil("rectify-zone", bare)

    def drop_zone(self, name):
        self.pdnsutil("delete-zone", name.rstrip("."), check=False)


# ---------------------------------------------------------------------------------------------------------------------
class Nsd(Server):
    """NSD: static primaries (root and net.), or public secondaries of a signer or of the parent.

    d: zones {name: {} or {primary, tsig}}, primary: address to transfer from, tsig: [key file].
    """

    def argv(self):
        return [self.pk.program("nsd"), "-d", "-c", self.path("nsd.conf")]

    def prepare(self):
        os.makedirs(self.path("zones"), exist_ok=True)

    def write(self):
        d = self.d
        text = "server:\n" + "".join(f"  ip-address: {a}\n" for a in self.listen) + f'''  port: 53
  username: ""
  chroot: ""
  zonesdir: "{self.path("zones")}"
  pidfile: "{self.path("nsd.pid")}"
  xfrdfile: "{self.path("xfrd.state")}"
  xfrdir: "{self.dir}"
  zonelistfile: "{self.path("zone.list")}"
  server-count: 1
  xfrd-reload-timeout: 1
  hide-version: yes
'''
        if self.pk.suite == "bookworm":     # NSD 4.12 knows no database any more
            text += '  database: ""\n'
        text += f'remote-control:\n  control-enable: yes\n  control-interface: "{self.path("c.sock")}"\n'
        for p in d.get("tsig", []) + [z["tsig"] for z in d["zones"].values() if "primary" in z]:
            t = keys.read_tsig(p)
            text += f'key:\n  name: "{t["name"]}"\n  algorithm: {t["algorithm"]}\n  secret: "{t["secret"]}"\n'
        for name, z in d["zones"].items():
            text += f'zone:\n  name: "{name}"\n  zonefile: "{self.zone_file(name)}"\n'
            if "primary" in d:
                own = "primary" in z
                t = keys.read_tsig(z["tsig"] if own else d["tsig"][0])["name"]
                text += f'  request-xfr: {z["primary"] if own else d["primary"]}@53 {t}\n  allow-notify: 0.0.0.0/0 NOKEY\n  allow-notify: ::/0 NOKEY\n' \
                        "  min-retry-time: 1\n  max-retry-time: 5\n  min-refresh-time: 1\n  max-refresh-time: 60\n"
        put(self.path("nsd.conf"), text)

    @staticmethod
    def zone_file(name):
        return ("root" if name == "." else name.rstrip(".")) + ".zone"

    def nsd_control(self, *words, check=True):
        return self.call("nsd-control", "-c", self.path("nsd.conf"), *words, check=check)

    def reload(self):
        self.write()
        self.nsd_control("reconfig")

    def add_zone(self, name, z, text):
        pass

    def drop_zone(self, name):
        pass


# ---------------------------------------------------------------------------------------------------------------------
class Unbound(Server):
    """A judge: it validates from the laboratory's root and forgives nothing (val-max-restart 0, see signers-verified.md)."""

    def argv(self):
        return [self.pk.program("unbound"), "-d", "-c", self.path("unbound.conf")]

    def write(self):
        d = self.d
        put(self.path("unbound.conf"), f'''server:
  directory: "{self.dir}"
  chroot: ""
  username: ""
  pidfile: "{self.path("unbound.pid")}"
  use-syslog: no
  log-time-ascii: yes
  val-log-level: 2
  log-servfail: yes
  ede: yes
  num-threads: 1
''' + "".join(f"  interface: {a}\n  outgoing-interface: {a}\n" for a in self.listen) + f'''  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  do-ip4: yes
  do-ip6: yes
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: "{self.lab.dir}/root.key"
  root-hints: "{self.lab.dir}/root.hints"
  cache-max-ttl: 3600
  cache-max-negative-ttl: 1
  val-bogus-ttl: 1
  infra-host-ttl: {900 if d.get("remembers_silence") else 1}
  val-max-restart: 0
  qname-minimisation: no
  aggressive-nsec: no
  prefetch: no
  serve-expired: no
  msg-cache-size: 8m
  rrset-cache-size: 16m
  outgoing-range: 512
  num-queries-per-thread: 256
  so-sndbuf: 0
  edns-buffer-size: 1232
remote-control:
  control-enable: yes
  control-interface: {d["control"]}
  control-port: 8953
  control-use-cert: no
''')

    def control(self, *words, check=True):
        return self.call("unbound-control", "-c", self.path("unbound.conf"), *words, check=check)

    def reload(self):
        self.write()
        self.control("reload")
