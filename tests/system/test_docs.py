"""The documentation says what is so: its commands run, its tables are those of the programs, its lists are complete.

Fenced blocks marked sh and console are typed into a laboratory, in order, as they stand.  Console blocks are those for the machine
that musicd or a signer runs on.  That machine is a folder (/etc/music is a folder in it, and so on), where make install has installed; its
systemctl does what the unit file says (tests/lib/systemctl.py); install -o and -g only want the account to be there, for
a user namespace has but one; apt-get only says what it would do.  tests/system/test_docs_commands.py knows what runs where.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess

import dns.dnssec
import pytest
import yaml

from conftest import new_lab
from documents import OBJECTS, TOP, commands, documents, pieces, sections, spans, text_of
from musiclab import breaks
from musiclab.controller import DEFAULTS, Controller, program
from musiclab.lab import Lab
from musiclab.paths import LabError
from musiclab.space import wait_until

FOLDERS = re.compile(r"(?<![\w.])(/etc/music|/etc/prometheus|/var/lib/music|/var/backups|/usr/local|/home/me)\b")

INSTALL = """#!/usr/bin/python3
import os, sys
argv, words = ["install"], iter(sys.argv[1:])
for w in words:
    if w not in ("-o", "-g"):
        argv.append(w)
        continue
    name = next(words)
    with open({machine!r} + ("/etc/passwd" if w == "-o" else "/etc/group")) as f:
        if name not in [line.split(":")[0] for line in f]:
            sys.exit(f"install: there is no {{name}}")
os.execv("/usr/bin/install", argv)
"""


class Reader:
    """Somebody who types what a document says, inside a laboratory."""

    def __init__(self, lab, tmp):
        self.lab, self.tmp, self.ran, self.said = lab, str(tmp), 0, ""
        self.jobs, self.scraped, self.alerts = [], "", []
        self.machine = os.path.join(self.tmp, "machine")
        self.env = {"MUSIC_CLI_CONFIG": "", "LAB": lab.name}
        for folder in ("etc", "var/lib", "var/backups", "home/me", "usr/local"):
            os.makedirs(os.path.join(self.machine, folder))
        os.makedirs(os.path.join(self.tmp, "bin"))
        self.tool("lab", os.path.join(TOP, "lab", "lab"))
        for name, signer, argv in (("rndc", "bind", ["-c", "rndc.conf"]), ("knotc", "knot", ["-c", "knot.conf", "-s", "run/c.sock"]),
                                   ("keymgr", "knot", ["-c", "knot.conf"]), ("pdnsutil", "pdns", ["--config-dir=."]),
                                   ("pdns_control", "pdns", ["--config-dir=."])):
            if signer in lab.state["signers"]:
                self.tool(name, lab.pk.program(name), argv, lab.server(signer).dir, lab.pk.lib_dirs())

    def script(self, name, text):
        file = os.path.join(self.tmp, "bin", name)
        with open(file, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(file, 0o755)

    def tool(self, name, path, argv=(), folder=None, libs=()):
        self.script(name, "#!/bin/sh\n" + (f"cd '{folder}' || exit 1\n" if folder else "") +
                    (f"export LD_LIBRARY_PATH='{':'.join(libs)}'\n" if libs else "") + f'exec {path} {" ".join(argv)} "$@"\n')

    def installs(self):
        """The tools of a fresh machine; make install brings ours."""
        for file, lines in (("passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nprometheus:x:1001:1001::/:/bin/sh\n"), ("group", "root:x:0:\nme:x:1000:\n")):
            with open(os.path.join(self.machine, "etc", file), "w", encoding="utf-8") as f:
                f.write(lines)
        path = f"export PATH='{os.environ['PATH']}'"
        # build-release is shared with other tests, and the Makefile is the lock
        self.script("make", f"#!/bin/sh\n{path}\ncd '{TOP}' && exec flock Makefile make DEPS=no DESTDIR='{self.machine}' \"$@\"\n")
        self.script("install", INSTALL.format(machine=self.machine))
        self.script("systemd-sysusers", f"#!/bin/sh\n{path}\nexec systemd-sysusers --root='{self.machine}' \"$@\"\n")
        self.script("apt-get", "#!/bin/sh\nexec /usr/bin/apt-get --simulate \"$@\"\n")
        self.script("systemctl", f"#!/bin/sh\nexport MACHINE='{self.machine}' RUN_IN='{self.lab.dir}'\n"
                    f"exec {TOP}/tests/lib/systemctl.py \"$@\"\n")
        for name in ("sbin/musicd", "bin/music-cli"):
            self.tool(os.path.basename(name), os.path.join(self.machine, "usr/local", name))

    def real(self, text):
        return FOLDERS.sub(lambda m: self.machine + m[1], text)

    def run(self, block, how="sh"):
        return self.typed(self.real(commands(block, how)))

    def call(self, script):
        env = {**self.lab.tool_env(), **self.env}
        env["PATH"] = os.path.join(self.tmp, "bin") + ":" + env.get("PATH", os.environ["PATH"])
        return self.lab.space.call(["bash", "-euo", "pipefail", "-c", script], env=env, check=False, timeout=600)

    def typed(self, script):
        r = self.call(script)
        assert r.returncode == 0, f"{script}\n-> exit status {r.returncode}\n{r.stdout}{r.stderr}"
        for m in re.finditer(r"^export (\w+)=(\S+)$", script, re.M):
            self.env[m[1]] = m[2]
        self.ran += len(script.splitlines())
        self.said = r.stdout
        return r.stdout

    def settings(self):
        """The installed configuration goes on with the laboratory's root and short times; the signers' keys are there."""
        more = {k: v for k, v in DEFAULTS.items() if k != "log"}
        more["resolver"] = {"root-hints": self.lab.state["root"]["hints"], "trust-anchor": self.lab.state["root"]["trust_anchor"]}
        conf = os.path.join(self.machine, "etc/music/musicd.yaml")
        with open(conf, encoding="utf-8") as f:
            text = self.real(f.read())
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text)
            for section, values in more.items():
                f.write(f"{section}:\n" + "".join(f"  {k}: {v}\n" for k, v in values.items()))
        for s in self.lab.state["signers"].values():
            shutil.copy(s["tsig"]["file"], os.path.join(self.machine, "etc/music/keys", s["name"] + ".key"))

    def daily_use(self, text):
        """music-cli of the user me, with nothing but this file."""
        home = os.path.join(self.machine, "home/me")
        with open(os.path.join(home, ".config/music/cli.yaml"), "w", encoding="utf-8") as f:
            f.write(self.real(text))
        return self.typed(f"env -u MUSIC_SERVER -u MUSIC_CACERT -u MUSIC_TOKEN_FILE -u MUSIC_CLI_CONFIG HOME={home} music-cli zone list")

    def prometheus(self, text):
        """What Prometheus would do with a file: scrape musicd as it says; find in what it got all that the rules ask for."""
        conf = yaml.safe_load(text)
        for job in conf.get("scrape_configs", []):
            auth, tls = job["authorization"], job["tls_config"]
            assert (auth["type"], set(tls)) == ("Bearer", {"ca_file"}), job
            self.jobs.append(job["job_name"])
            for target in [t for s in job["static_configs"] for t in s["targets"]]:
                self.scraped += self.typed(self.real(f'curl --silent --fail --cacert {tls["ca_file"]} {job["scheme"]}://{target}/metrics '
                                                     f'-H "Authorization: Bearer $(cat {auth["credentials_file"]})"'))
        for rule in [r for g in conf.get("groups", []) for r in g["rules"]]:
            assert {"alert", "expr", "labels", "annotations"} <= set(rule) <= {"alert", "expr", "labels", "annotations", "for"}, rule
            self.alerts.append(rule["alert"])
            expr = re.sub(r"\[\d+[mh]\]", "", rule["expr"])
            series = re.findall(r"([a-z_]+)(?:\{(\w+)=~?\"([^\"]+)\"\})?(?![a-z_(])", expr)
            for name, label, values in [s for s in series if s[0] not in ("or", "and")]:
                for value in values.split("|"):
                    want = rf'^{name}\{{{label}="{value}"\}} ' if label else rf"^{name}[ {{]"
                    assert (name, label, value) in [("up", "job", j) for j in self.jobs] or re.search(want, self.scraped, re.M), (rule, want)

    def until_says(self, words, *command):
        def said():
            self.said = self.call("music-cli " + " ".join(command)).stdout
            return words.replace("_", " ") in self.said
        try:
            wait_until(said, 60, words, interval=0.2)
        except LabError as e:
            raise AssertionError(f"{e}\n{self.said}") from None

    def until(self, rule, zone):
        wait_until(lambda: rule in [w["rule"] for w in json.loads(self.typed(f"music-cli -o json zone explain {zone}"))["waits"]], 180,
                   f"{zone} waits for {rule}", interval=0.1)


def check_said(path, shown, said):
    """A block that repeats what the command before it says: the same but for instants, which are those of another run."""
    def timeless(text):
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT", text)
    if os.environ.get("MUSIC_DOCS_WRITE") and timeless(shown) != timeless(said):
        text = text_of(path)
        assert text.count(f"```\n{shown}```") == 1, shown
        with open(os.path.join(TOP, path), "w", encoding="utf-8") as f:
            f.write(text.replace(f"```\n{shown}```", f"```\n{said}```"))
        shown = said
    assert timeless(shown) == timeless(said), f"{path} is old: run this test with MUSIC_DOCS_WRITE=1"


ROOT_KEY = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"


@pytest.fixture
def reader(tmp_path, packages):
    labs = []

    def make(zones, signers=("bind", "knot")):
        lab = new_lab("d")
        labs.append(lab)
        lab.up(signers=list(signers))
        for z in zones:
            lab.add_zone(z, signers=list(signers), active=[signers[0]])
        return Reader(lab, tmp_path)
    yield make
    for lab in labs:
        lab.down(keep=False)


# ---- commands ---------------------------------------------------------------------------------------------------------------

def test_commands_of_the_operators_guide(reader):
    """From make install to restoring a backup, on one machine."""
    from musiclab import scanner
    r = reader(["ex", "move"])
    scanner.start(r.lab, ["ex", "move"])
    r.installs()
    objects, mark = [], ""
    for kind, text in pieces("docs/operators-guide.md"):
        if (mark, kind) == ("said", ""):
            check_said("docs/operators-guide.md", text, r.said)
        mark = text if kind == "test" else ""
        if kind in ("sh", "console"):
            r.run(text, kind)
        elif kind == "yaml-cli":
            r.daily_use(text)
        elif kind == "yaml-prometheus":
            r.prometheus(text)
        elif kind == "test":
            verb, *words = text.split()
            {"settings": r.settings, "until": r.until, "until-says": r.until_says,
             # whoever types it has 20 s for what waits for old DS sets
             "slow-ds": lambda zone: breaks.ttl(r.lab, "parent", zone, "DS", 20), "later": lambda: r.typed("music-cli signergroup add later --signer bind"),
             "said": lambda: None, "objects": lambda: objects.append(known_objects(r))}[verb](*words)
    assert r.ran > 70 and len(r.alerts) > 3, r.alerts
    before, after = objects
    assert before["zone"] and len(before["history"]) > 20
    assert after == {**before, "history": after["history"]} and after["history"][:len(before["history"])] == before["history"]
    page = processes_page(r.typed)
    if os.environ.get("MUSIC_DOCS_WRITE"):
        with open(os.path.join(TOP, "docs", "processes.md"), "w", encoding="utf-8") as f:
            f.write(page)
    assert page == text_of("docs", "processes.md"), "docs/processes.md is old: run this test with MUSIC_DOCS_WRITE=1"
    done = json.loads(r.typed("music-cli -o json process list --zone move.lab"))["items"]
    assert [(p["kind"], p["signer"]) for p in done[::-1]][:2] == [("ADD-SIGNER", "knot"), ("REMOVE-SIGNER", "bind")], done
    assert [p["outcome"] for p in done] == ["done"] * 3, done
    assert "DS-Wait" in "".join(h["text"] for h in json.loads(r.typed("music-cli -o json zone history move.lab --limit 1000"))["items"] if h["kind"] == "forced")


def known_objects(r):
    """What an operator has told musicd, and what has happened to a zone, from its beginning."""
    def items(words):
        return json.loads(r.typed("music-cli -o json " + words))["items"]
    lists = {what: [i["name"] for i in items(what + " list")] for what in ("signer", "signergroup", "zone")}
    return {**lists, "history": items("zone history ex.lab --limit 1000")}


class SignerGuide:
    """The commands of a signer's page, at one signer of that software; what stands for something is put in."""

    def __init__(self, r, software):
        self.r, self.lab, self.software = r, r.lab, software
        self.signer = {"powerdns": "pdns"}.get(software, software)
        self.old_ksks = self.ksks()
        self.role = 256
        with open(self.lab.state["signers"][self.signer]["tsig"]["file"], encoding="utf-8") as f:
            self.secret = re.search(r'secret "(.*?)"', f.read())[1]
        self.mc = Controller(self.lab).start()
        if software == "powerdns":      # the page makes a key of this name
            with open(self.lab.state["signers"]["pdns"]["tsig"]["file"], "w", encoding="utf-8") as f:
                f.write(f'key "music" {{ algorithm hmac-sha256; secret "{self.secret}"; }};\n')
        self.mc.add_signer(self.signer)
        self.mc.cli("zone", "add", "ex.lab")
        r.env.update(self.mc.env())
        r.tool("music-cli", program("music-cli"))

    def ksks(self):
        where = self.lab.state["signers"][self.signer]["update"]["address"]
        return {dns.dnssec.key_id(k) for k in self.lab.ex.rrset(where, "ex.lab.", "DNSKEY") if k.flags == 257}

    def pdns_keys(self):
        """Numbers of the keys of the kind that was added last, the oldest first."""
        if "add-zone-key" in self.line:
            self.role = 256 if " zsk " in self.line else 257
        with contextlib.closing(self.lab.server("pdns").db()) as db:
            return [str(i) for i, in db.execute("SELECT id FROM cryptokeys WHERE flags=? ORDER BY id", (self.role,))]

    def here(self, line):
        self.line = line
        for stands, means in (("BASE64", lambda: self.secret), ("192.0.2.10/32", lambda: "10.53.0.0/16"), ("192.0.2.10", lambda: "10.53.9.1"),
                              ("12345", lambda: str(min(self.old_ksks))), ("23456", lambda: str(self.new_ksk())), ("ZONE", lambda: "ex.lab"),
                              ("NEW", lambda: self.pdns_keys()[-1]), ("OLD", lambda: self.pdns_keys()[0])):
            if re.search(rf"\b{re.escape(stands)}\b", line):
                line = line.replace(stands, means())
        if self.software == "powerdns":
            self.pdns_keys()
        return line

    def new_ksk(self):
        return min(wait_until(lambda: self.ksks() - self.old_ksks, 120, "the new KSK"))

    def run(self, line):
        line = self.here(line)
        if "zone-ksk-submitted" in line:        # Knot waits until the new key is known everywhere
            wait_until(lambda: self.r.call(line).returncode == 0, 180, line, interval=0.5)
        elif "rndc reload" in line:
            r = self.r.call(line)
            assert r.returncode != 0 and "dynamic zone" in r.stdout + r.stderr, r
        else:
            said = self.r.typed(line)
            assert "signer probe" not in line or said.count(" yes ") >= 5, said


@pytest.mark.parametrize("software", ["bind", "knot", "powerdns"])
def test_commands_of_the_signer_guides(reader, software):
    guide = SignerGuide(reader(["ex"], signers=[{"powerdns": "pdns"}.get(software, software)]), software)
    path, done = f"docs/signers/{software}.md", set()
    for line in [line for kind, text in pieces(section=sections(path)[0]) if kind in ("sh", "console") for line in commands(text, kind).splitlines()] + \
            [s for s in spans(path) if s.split()[0] not in OBJECTS]:
        if line not in done:
            done.add(line)
            guide.run(line)
    assert len(done) > 5


def test_commands_of_the_readme(packages):
    demo = new_lab("doc")
    env = {**os.environ, "LAB": demo.name}
    try:
        demo.up(signers=["bind", "knot"])
        demo.add_zone("demo", signers=["bind", "knot"], active=["bind"])
        ran = 0
        for kind, text in pieces("README.md"):
            for line in commands(text).splitlines() if kind == "sh" else []:
                p = subprocess.run(line, shell=True, cwd=TOP, env=env, capture_output=True, text=True, timeout=150, check=False)
                assert p.returncode == 0, f"{line}\n{p.stdout}{p.stderr}"
                ran += 1
        assert ran == 3
    finally:
        Lab(demo.name).down(keep=False)


# ---- configurations ---------------------------------------------------------------------------------------------------------

def test_configurations_of_musicd_are_accepted(tmp_path):
    tokens, out = tmp_path / "tokens", tmp_path / "musicd.yaml"
    tokens.write_text("")
    tokens.chmod(0o600)
    (tmp_path / "root.key").write_text(ROOT_KEY)
    blocks = [text_of("packaging", "musicd.yaml")] + [t for k, t in pieces("docs/operators-guide.md") if k == "yaml"]
    blocks += re.findall(r"^\.Sh EXAMPLES\n\.Bd.*?\n(.*?)^\.Ed", text_of("docs", "man", "musicd.yaml.5"), re.M | re.S)
    assert len(blocks) >= 4
    for b in blocks:
        b += "" if "store:" in b else "store:\n  file: /var/lib/music/musicd.db\n"
        out.write_text(b.replace("/etc/music/tokens", str(tokens)).replace("/var/lib/music", str(tmp_path)) +
                       f"\nresolver:\n  trust-anchor: {tmp_path}/root.key\n")
        p = subprocess.run([program("musicd"), "--check", "-c", str(out)], capture_output=True, text=True, check=False)
        assert p.returncode == 0, p.stderr + b


def test_configuration_of_music_cli_is_accepted(tmp_path):
    block, = [t for k, t in pieces("docs/operators-guide.md") if k == "yaml-cli"]
    file = tmp_path / "cli.yaml"
    for text, wrong in ((block, False), (block + "servr: x\n", True)):
        file.write_text(text)
        p = subprocess.run([program("music-cli"), "--config", str(file), "ping"], capture_output=True, text=True, timeout=150, check=False)
        assert p.returncode != 0 and (str(file) in p.stderr) == wrong, p.stderr


def test_configurations_of_signers_are_accepted(tmp_path, packages):
    """named-checkconf, knotc conf-check and pdns_server --config=check take what the guides show."""
    secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    seen, modules = 0, os.path.dirname(packages.find("usr/lib/@T@/pdns/libgsqlite3backend.so"))
    for path in documents():
        for i, (kind, text) in enumerate(pieces(path)):
            if kind not in ("named", "knot", "pdns"):
                continue
            (tmp_path / str(i)).mkdir(exist_ok=True)
            file = tmp_path / str(i) / "pdns.conf"
            for folder in ("/var/lib/knot", "/var/cache/bind", "/etc/bind/keys", "/run/knot"):
                (tmp_path / folder.strip("/")).mkdir(parents=True, exist_ok=True)
                text = text.replace(folder, str(tmp_path) + folder)
            file.write_text(text.replace("BASE64", secret))
            argv = {"named": ["named-checkconf", str(file)], "knot": ["knotc", "-c", str(file), "conf-check"],
                    "pdns": ["pdns_server", f"--config-dir={file.parent}", f"--module-dir={modules}", "--config=check"]}[kind]
            argv[0] = packages.program(argv[0])
            p = subprocess.run(argv, env=packages.env(), capture_output=True, text=True, check=False)
            assert p.returncode == 0, f"{path}:\n{p.stdout}{p.stderr}\n{text}"
            seen += 1
    assert seen >= 3


# ---- what is made from the programs ------------------------------------------------------------------------------------------

def generated(path, by):
    m = re.search(r"^(?:<!--|\.\\\") generated by: " + re.escape(by) + r"(?: -->)?\n(.*?)^(?:<!--|\.\\\") end of generated", text_of(path), re.M | re.S)
    assert m, f"{path}: nothing that is generated by {by}"
    return m[1].strip()


def output(*argv):
    return subprocess.run([program(argv[0]), *argv[1:]], capture_output=True, text=True, check=True).stdout.strip()


def processes_page(show):
    """docs/processes.md, from what music-cli says of the tables of a running musicd."""
    text = text_of("docs", "processes.md").split("<!-- from here on generated")[0]
    text += "<!-- from here on generated by tests/system/test_docs.py from the tables of a running musicd -->\n"
    for kind in ("ADD-SIGNER", "REMOVE-SIGNER", "ZSK-ROLLOVER", "KSK-ROLLOVER", "CSK-ROLLOVER"):
        text += f"\n## {kind}\n\n| row | state reached | needs | is done | then holds | guard |\n|---|---|---|---|---|---|\n"
        table = json.loads(show(f"music-cli -o json process show {kind}"))
        rules = {}
        for row in table["rows"]:
            text += f"| {row['number']} | `{row['name']}` | " + " | ".join(
                [", ".join(r["rule"] for r in row["pre"]) or "-", row["action"] or "-",
                 ", ".join(r["rule"] for r in row["post"]) or "-", row["guard"] or "-"]) + " |\n"
            rules |= {r["rule"]: r["sentence"] for r in row["pre"] + row["post"]}
            rules |= {row["guard"]: row["guard_sentence"]} if row["guard"] else {}
        text += "\n" + "".join(f"- **{r}**: {s}\n" for r, s in sorted(rules.items()))
        text += "\n```mermaid\n" + show(f"music-cli process graph {kind}") + "```\n"
    return text


def test_configuration_tables_are_current():
    assert generated("docs/operators-guide.md", "musicd --manual=markdown") == output("musicd", "--manual=markdown")
    # in the page each sentence has a line of its own, as mdoc wants it
    assert generated("docs/man/musicd.yaml.5", "musicd --manual").split() == output("musicd", "--manual").split()


def test_types_of_keys_and_what_a_reload_takes_are_explained():
    text = text_of("docs/man/musicd.yaml.5").split(".Sh KEYS")[0]
    types = {t for line in re.findall(r"^\.It Ar (.*)$", text, re.M) for t in line.split(" , ")}
    items = output("musicd", "--manual").split(".It Ic ")[1:]
    used = [re.match(r"\S+ : Ar (.+)", i)[1] for i in items + output("music-scanner", "--manual").split(".It Ic ")[1:]]
    assert len(used) > 60 and set(used) == types
    reload = {re.match(r"log|hooks|[\w.]+", i)[0] for i in items if "Takes effect at reload" in i}
    assert reload == set(re.findall(r"^\.Ic ([\w.]+)", text[text.index("A change takes effect at restart"):], re.M))
    assert not [k for k in reload if not re.search(rf"^\.Ic {k}\b", text_of("docs/man/musicd.8"), re.M)]


def test_metrics_are_listed():
    shown = set(re.findall(r'"(musicd_\w+)"', text_of("programs", "musicd", "routes_metrics.c"))) | {"music_metrics_series_dropped_total"}
    guide = text_of("docs", "operators-guide.md")
    assert len(shown) > 20 and not [m for m in shown if f"`{m}" not in guide]


def row_of(guide, begins):
    """The line of the guide's table that begins so."""
    row, = re.findall(rf"^\| `{re.escape(begins)}.*$", guide, re.M)
    return row


def test_every_state_of_a_zone_has_an_alarm():
    """But for those in which all is well; and each word of the label is told."""
    source, guide = text_of("programs", "musicd", "routes_metrics.c"), text_of("docs", "operators-guide.md")
    states = set(re.findall(r'"(\w+)"', re.search(r"const state\[\] = \{(.*?)\}", source, re.S)[1]))
    rules = "".join(text for kind, text in pieces("docs/operators-guide.md") if kind == "yaml-prometheus")
    alarmed = {s for words in re.findall(r'musicd_zones_state\{state=~?"([\w|]+)"\}', rules) for s in words.split("|")}
    assert len(states) == 6 and states - alarmed == {"valid", "so_far"}
    assert states == set(re.findall(r"`(\w+)`", row_of(guide, "musicd_zones_state{").split("|")[3]))


def test_every_kind_of_event_is_explained():
    """Those that the engine writes into the history."""
    source = "".join(text_of("src", "engine", f) for f in sorted(os.listdir(os.path.join(TOP, "src", "engine"))) if f.endswith(".c"))
    told = re.findall(r'eng_event\([^;]*?"([\w-]+)", (?:"musicd"|[\w>-]+), (?:LOG_\w+|level)', source)
    told += re.findall(r'eng_ctl_note\([^;]*?"([\w-]+)", actor', source)
    assert len(told) >= len(re.findall(r"^\s.*\beng_event\(", source, re.M)) > 20, "a call that is written in another way"
    table = text_of("docs", "operators-guide.md").split("| kind | means |\n|---|---|\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([\w-]+)` \|", table, re.M)
    assert sorted(rows) == sorted(set(told)), set(rows) ^ set(told)


PLAIN = set("""ACTOR AT BUSY CHECK CREATED DRIVER ENDED FIELD FIT GROUP HELD ID INSECURE INVALID KIND MODE OUTCOME PROCESS RECORD REFUSED RESULT ROW RULE SAYS SENT
    SERVER SIGNER SIGNERS STARTED STATE TEXT UNKNOWN UNTIL UPDATE VALID WHAT WHY ZONE ZONES""".split()) | {
    "GIVEN BY", "GUARD", "KEY FILE", "NAME SERVERS", "NEEDS", "PROBED", "STATE REACHED", "THEN HOLDS", "WAITING FOR", "WHAT IS DONE", "WHAT WAS SEEN", "WHY NOT"}


def test_every_column_is_explained():
    """Those whose name does not say all; and none that music-cli has no more."""
    folder = os.path.join(TOP, "programs", "music-cli")
    source = "".join(text_of(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".c"))
    columns = set(re.findall(r'\{"([A-Z][A-Z ]*)",\s*"[\w.]+",\s*CLI_S_', source))
    table = text_of("docs", "operators-guide.md").split("| column | of | means |\n|---|---|---|\n")[1].split("\n\n")[0]
    told = {w for row in re.findall(r"^\| (.*?) \|", table, re.M) for w in re.findall(r"`([^`]+)`", row)}
    assert len(columns) > 40 and not PLAIN - columns, PLAIN - columns
    assert {w for w in told if w.isupper()} == columns - PLAIN, {w for w in told if w.isupper()} ^ (columns - PLAIN)
    assert all(f'"{w}"' in source for w in told), told


def test_every_rule_has_a_runbook():
    rules = re.findall(r'\tX\(\w+, "([\w-]+)", "((?:[^"\\]|\\.)*)"\)', text_of("src", "model", "plan.h"))
    assert len(rules) > 40
    books = {f: text_of("docs", "runbooks", f) for f in sorted(os.listdir(os.path.join(TOP, "docs", "runbooks")))}
    heads = [h for text in books.values() for h in re.findall(r"^## (\S+)", text, re.M)]
    rules = {r: s for r, s in rules if r != "none"}
    assert sorted(heads) == sorted(rules), set(heads) ^ set(rules)
    for rule, sentence in rules.items():
        assert any(f"## {rule}\n\n*{sentence}*" in t for t in books.values()), f"{rule}: its sentence is \"{sentence}\""
        assert f"`{rule}`" in books["README.md"], f"{rule} is not in the list of runbooks"


# ---- lists ------------------------------------------------------------------------------------------------------------------

def anchors(text):
    """The anchors that headings get: lower case, blanks to dashes, everything else dropped."""
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}


def test_links_lead_somewhere():
    for path in documents():
        text = re.sub(r"^```.*?^```", "", text_of(path), flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = os.path.normpath(os.path.join(TOP, os.path.dirname(path), file)) if file else os.path.join(TOP, path)
            assert os.path.exists(target), f"{path}: {link}"
            if anchor and target.endswith(".md"):
                assert anchor in anchors(text_of(target)), f"{path}: {link}"


def known_tests():
    """Every test as documents name it: file::function, for cmocka and pytest alike."""
    found = set()
    for folder, _, files in os.walk(os.path.join(TOP, "tests")):
        for f in files:
            path = os.path.relpath(os.path.join(folder, f), TOP)
            if re.fullmatch(r"\w+\.(c|py)", f):
                names = re.findall(r"^(?:static void\n|def )(\w+)\((?:void \*\*|\w*[,)])", text_of(path), re.M)
                found |= {f"{path}::{n}" for n in names} | {path}
    return found


def test_requirements_name_tests_that_exist():
    text, known = text_of("docs", "requirements.md"), known_tests()
    named = set(re.findall(r"`(tests/[\w/.]+(?:::\w+)?)`", text))
    assert len(named) > 30 and named <= known, sorted(named - known)


def test_every_requirement_is_there_once():
    ids = re.findall(r"^\| ((?:S[0-4]-\d\d)|F\d+|SN-\w+) \|", text_of("docs", "requirements.md"), re.M)
    assert len(ids) == len(set(ids))
    want = {f"S0-{i:02}" for i in range(1, 20)} | {f"S1-{i:02}" for i in range(1, 42)} | {f"S2-{i:02}" for i in range(1, 13)} | \
        {f"S3-{i:02}" for i in range(1, 47)} | {f"S4-{i:02}" for i in range(1, 15)} | {f"F{i}" for i in range(1, 24)}
    assert not want - set(ids), sorted(want - set(ids))


def test_requirements_are_counted_and_what_is_met_names_its_tests():
    text = text_of("docs", "requirements.md")
    rows = re.findall(r"^\| (?:S\d-\d\d|F\d+) \|.*?\| ((?:met|partly|open)[^|]*) \| ([^|]*) \|$", text, re.M)
    count = {k: sum(state.startswith(k) for state, _ in rows) for k in ("met", "partly", "open")}
    assert f"\n{count['met']} met, {count['partly']} partly, {count['open']} open.\n" in text, count
    assert not [r for r in rows if r[0].startswith(("met", "partly")) and "`tests/" not in r[1] and r[1] != "no code"]
    assert not [r for r in rows if r[0] == "partly"], "what is missing must be named"


def test_every_predicate_has_a_fault():
    """Those that plan.h names; V3s is about strictness and turns nothing invalid."""
    rules = set(re.findall(r"X\(\w+, \"(V\d+c?)\"", text_of("src", "model", "plan.h")))
    rows = re.findall(r"^\| (V\d+c?) \|.*`tests/system/test_predicates\.py::test_\w+` \|$", text_of("docs", "requirements.md"), re.M)
    assert len(rules) > 14 and sorted(rows) == sorted(rules), sorted(rules ^ set(rows))


MODES = (("bind", "bind", "primary, dnssec-policy, update-policy, inline-signing no"),
         ("knot", "knot", "primary, dnskey-management incremental, zonefile-sync 0, zonefile-load whole"),
         ("knot2", "knot", "primary, dnskey-management full (the default)"),
         ("pdns", "powerdns", "gsqlite3, direct-dnskey yes"),
         ("pdns2", "powerdns", "gsqlite3, direct-dnskey no (the default)"))


def version_of(lab, signer):
    program_, option = {"bind": ("named", "-v"), "knot": ("knotd", "-V"), "pdns": ("pdns_server", "--version")}[signer.rstrip("2")]
    r = lab.server(signer).call(program_, option, check=False)
    return re.search(r"\d+\.\d+\.\d+", r.stdout + r.stderr)[0]


def test_capabilities_are_what_probe_finds(make_lab):
    """docs/capabilities/signers.json, filled by "music-cli signer probe" with a TSIG key of the zone alone."""
    names = [m[0] for m in MODES]
    lab = make_lab(signers=names)
    zone = lab.add_zone("caps", signers=names, active=["bind"], knot_full=["knot2"], zone_key=True)
    breaks.swallow(lab, "pdns2")
    mc = Controller(lab).start()
    for s in names:
        mc.add_signer(s)
    mc.cli("signergroup", "add", "g", "--signer", "bind")
    mc.add_zone("caps", "g")
    found = []
    for s, software, mode in MODES:
        report = mc.json("signer", "probe", s, "--zone", zone, check=False)["report"]
        found.append({"software": software, "version": version_of(lab, s), "mode": mode, "probe": report["capabilities"]})
    text = json.dumps({"format": 1, "zone": "KSK and ZSK, algorithm 13, NSEC", "signers": found}, indent=2) + "\n"
    path = os.path.join(TOP, "docs", "capabilities", "signers.json")
    if os.environ.get("MUSIC_DOCS_WRITE"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(path, encoding="utf-8") as f:
        told = json.load(f)
    for t, f in zip(told["signers"], found):
        same = t["mode"] == f["mode"] and all(t["probe"][k]["change"] == f["probe"][k]["change"] and
                                              f["probe"][k]["undo"] in (t["probe"][k]["undo"], "yes") for k in f["probe"])
        assert same and len(told["signers"]) == len(found), f"{f['mode']}: found {f['probe']}; run this with MUSIC_DOCS_WRITE=1"
