"""The documentation says what is so: its commands run, its tables are those of the programs, its lists are complete.

Fenced blocks marked sh are run in a laboratory, in order; blocks marked console are for a real machine (apt, systemctl, git) and
are only looked at.  /etc/music and /var/lib/music stand for folders of the test.
"""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

import pytest

from conftest import new_lab
from musiclab import breaks
from musiclab.controller import DEFAULTS, Controller, program
from musiclab.lab import Lab
from musiclab.space import wait_until

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def text_of(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as f:
        return f.read()


def pieces(path):
    """(kind, text) of what stands in a document: ("sh", commands), ("test", what a comment asks of us), ..."""
    for m in re.finditer(r"^```([\w-]*)\n(.*?)^```$|^<!-- test: (.*?) -->$", text_of(path), re.M | re.S):
        yield ("test", m[3]) if m[3] else (m[1], m[2])


def commands(block):
    """The lines of a block without comments; a line that ends with a backslash goes on."""
    lines = [line.split(" # ")[0].rstrip() for line in block.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("#"))


class Reader:
    """Somebody who types what a document says, inside a laboratory."""

    def __init__(self, lab, tmp):
        self.lab, self.tmp, self.ran = lab, str(tmp), 0
        self.env = {"MUSIC_CLI_CONFIG": "", "LAB": lab.name}
        for folder in ("etc/keys", "var", "bin"):
            os.makedirs(os.path.join(self.tmp, folder), exist_ok=True)
        for s in lab.state["signers"].values():
            shutil.copy(s["tsig"]["file"], os.path.join(self.tmp, "etc/keys", s["name"] + ".key"))
        for name in ("musicd", "music-cli"):
            self.tool(name, program(name))
        self.tool("lab", os.path.join(TOP, "lab", "lab"))
        for name, signer, argv in (("rndc", "bind", ["-c", "rndc.conf"]), ("knotc", "knot", ["-c", "knot.conf", "-s", "run/c.sock"]),
                                   ("keymgr", "knot", ["-c", "knot.conf"]), ("pdnsutil", "pdns", ["--config-dir=."])):
            if signer in lab.state["signers"]:
                self.tool(name, lab.pk.program(name), argv, lab.server(signer).dir, lab.pk.lib_dirs())

    def tool(self, name, path, argv=(), folder=None, libs=()):
        file = os.path.join(self.tmp, "bin", name)
        with open(file, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + (f"cd '{folder}' || exit 1\n" if folder else "") +
                    (f"export LD_LIBRARY_PATH='{':'.join(libs)}'\n" if libs else "") + f'exec {path} {" ".join(argv)} "$@"\n')
        os.chmod(file, 0o755)

    def real(self, text):
        return text.replace("/etc/music", self.tmp + "/etc").replace("/var/lib/music", self.tmp + "/var")

    def run(self, block):
        script = self.real(commands(block))
        env = {**self.lab.tool_env(), **self.env}
        env["PATH"] = os.path.join(self.tmp, "bin") + ":" + env.get("PATH", os.environ["PATH"])
        r = self.lab.space.call(["bash", "-euo", "pipefail", "-c", script], env=env, check=False, timeout=240)
        assert r.returncode == 0, f"{script}\n-> exit status {r.returncode}\n{r.stdout}{r.stderr}"
        for m in re.finditer(r"^export (\w+)=(\S+)$", script, re.M):
            self.env[m[1]] = m[2]
        self.ran += len(script.splitlines())
        return r.stdout

    def configure(self):
        """The example with the laboratory's root and short times; tokens as the guide's install command leaves them."""
        more = {k: v for k, v in DEFAULTS.items() if k != "log"}
        more["resolver"] = {"root-hints": self.lab.state["root"]["hints"], "trust-anchor": self.lab.state["root"]["trust_anchor"]}
        with open(os.path.join(self.tmp, "etc", "musicd.yaml"), "w", encoding="utf-8") as f:
            f.write(self.real(text_of("packaging", "musicd.yaml")))
            for section, values in more.items():
                f.write(f"{section}:\n" + "".join(f"  {k}: {v}\n" for k, v in values.items()))
        os.close(os.open(os.path.join(self.tmp, "etc", "tokens"), os.O_WRONLY | os.O_CREAT, 0o640))

    def start_musicd(self):
        conf = os.path.join(self.tmp, "etc", "musicd.yaml")
        pid = self.lab.daemon("musicd", [program("musicd"), "-c", conf])
        cert = os.path.join(self.tmp, "var", "musicd.db.cert.pem")
        wait_until(lambda: pid.pid() is None or os.path.exists(cert), 20, "musicd starts")
        assert pid.pid() is not None, text_of(self.lab.dir, "log", "musicd.log")


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
    from musiclab import scanner
    r = reader(["ex", "move"])
    scanner.start(r.lab, ["ex", "move"])
    r.configure()
    for kind, text in pieces("docs/operators-guide.md"):
        if kind == "sh":
            r.run(text)
        elif (kind, text) == ("test", "start musicd"):
            r.start_musicd()
    assert r.ran > 50
    page = processes_page(r.run)
    if os.environ.get("MUSIC_DOCS_WRITE"):
        with open(os.path.join(TOP, "docs", "processes.md"), "w", encoding="utf-8") as f:
            f.write(page)
    assert page == text_of("docs", "processes.md"), "docs/processes.md is old: run this test with MUSIC_DOCS_WRITE=1"
    done = json.loads(r.run("music-cli -o json process list --zone move.lab"))["items"]
    assert {p["kind"] for p in done} == {"ADD-SIGNER", "REMOVE-SIGNER"} and all(p["outcome"] == "done" for p in done), done


@pytest.mark.parametrize("software", ["bind", "knot", "powerdns"])
def test_commands_of_the_signer_guides(reader, software):
    r = reader(["ex"], signers=[{"powerdns": "pdns"}.get(software, software)])
    for kind, text in pieces(f"docs/signers/{software}.md"):
        if kind == "sh":
            r.run(text)
    assert r.ran > 0


def test_commands_of_the_readme(packages):
    demo = new_lab("doc")
    env = {**os.environ, "LAB": demo.name}
    try:
        demo.up(signers=["bind", "knot"])
        demo.add_zone("demo", signers=["bind", "knot"], active=["bind"])
        ran = 0
        for kind, text in pieces("README.md"):
            for line in commands(text).splitlines() if kind == "sh" else []:
                p = subprocess.run(line, shell=True, cwd=TOP, env=env, capture_output=True, text=True, timeout=60, check=False)
                assert p.returncode == 0, f"{line}\n{p.stdout}{p.stderr}"
                ran += 1
        assert ran == 3
    finally:
        Lab(demo.name).down(keep=False)


# What a block for a real machine may hold: everything else belongs into a block that is run.
CONSOLE = ("make ", "music-cli signer leave", "music-cli zone migrate demo.lab.", "music-cli zone force", "music-cli zone lost", "systemd-sysusers ",
           "install ", "systemctl ", "sqlite3 ", "cp -a ", "rndc ", "knotc ", "pdnsutil ", "pdns_control ", "apt-get ", "git ", "dig ",
           "tsig-keygen ", "chown ", "chmod ", "dnssec-", "music-cli ", "journalctl ", "delv ", "ls ")


def test_every_command_for_a_real_machine_is_known():
    for path in documents():
        for kind, text in pieces(path):
            assert kind in ("", "sh", "console", "test", "yaml", "yaml-cli", "mermaid", "named", "knot", "pdns", "json", "python", "c"), (path, kind)
            for line in text.splitlines() if kind == "console" else []:
                if line.startswith(("$ ", "# ")):
                    assert line[2:].startswith(CONSOLE), (path, line)


# ---- what the guide promises -----------------------------------------------------------------------------------------------

def test_backup_and_restore(make_lab):
    """The guide: a copy made by SQLite while musicd runs is enough; put in place, the new musicd knows all and goes on."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("back", signers=["bind", "knot"], active=["bind"])
    mc = Controller(lab).start()
    for s in ("bind", "knot"):
        mc.add_signer(s)
    mc.cli("signergroup", "add", "g", "--signer", "bind")
    mc.add_zone("back", "g")
    wait_until(lambda: mc.status("back")["state"].startswith("VALID"), 30, "a first look")
    mc.cli("zone", "hold", zone, "--reason", "backup")
    again = Controller(lab, name="again", address="10.53.9.2")
    os.makedirs(again.dir)
    with contextlib.closing(sqlite3.connect(mc.store)) as old, contextlib.closing(sqlite3.connect(again.store)) as new:
        old.backup(new)
    before = {what: mc.json(what, "list")["items"] if isinstance(mc.json(what, "list"), dict) else mc.json(what, "list")
              for what in ("signer", "signergroup")}
    mc.stop()
    again.start()
    for what, items in before.items():
        now = again.json(what, "list")
        assert (now["items"] if isinstance(now, dict) else now) == items
    assert again.status("back")["held"]
    again.cli("zone", "resume", zone)
    wait_until(lambda: again.status("back")["state"].startswith("VALID"), 30, "the state after a restore")
    assert "backup" in again.cli("zone", "history", zone).stdout


# ---- configurations ---------------------------------------------------------------------------------------------------------

def test_configurations_of_musicd_are_accepted(tmp_path):
    tokens, out = tmp_path / "tokens", tmp_path / "musicd.yaml"
    tokens.write_text("")
    tokens.chmod(0o600)
    (tmp_path / "root.key").write_text(ROOT_KEY)
    blocks = [text_of("packaging", "musicd.yaml")] + [t for k, t in pieces("docs/operators-guide.md") if k == "yaml"]
    assert len(blocks) >= 3
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
        p = subprocess.run([program("music-cli"), "--config", str(file), "ping"], capture_output=True, text=True, timeout=60, check=False)
        assert p.returncode != 0 and (str(file) in p.stderr) == wrong, p.stderr


def test_configurations_of_signers_are_accepted(tmp_path, packages):
    """named-checkconf and knotc conf-check take what the guides show."""
    secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    seen = 0
    for path in documents():
        for i, (kind, text) in enumerate(pieces(path)):
            if kind not in ("named", "knot"):
                continue
            file = tmp_path / f"{os.path.basename(path)}-{i}.conf"
            for folder in ("/var/lib/knot", "/var/cache/bind", "/etc/bind/keys", "/run/knot"):
                (tmp_path / folder.strip("/")).mkdir(parents=True, exist_ok=True)
                text = text.replace(folder, str(tmp_path) + folder)
            file.write_text(text.replace("BASE64", secret))
            argv = [packages.program("named-checkconf"), str(file)] if kind == "named" else \
                [packages.program("knotc"), "-c", str(file), "conf-check"]
            p = subprocess.run(argv, env=packages.env(), capture_output=True, text=True, check=False)
            assert p.returncode == 0, f"{path}:\n{p.stdout}{p.stderr}\n{text}"
            seen += 1
    assert seen >= 2


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
    for kind in ("ADD-SIGNER", "REMOVE-SIGNER"):
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


def test_metrics_are_listed():
    shown = set(re.findall(r'"(musicd_\w+)"', text_of("programs", "musicd", "routes_metrics.c"))) | {"music_metrics_series_dropped_total"}
    guide = text_of("docs", "operators-guide.md")
    assert len(shown) > 20 and not [m for m in shown if f"`{m}" not in guide]


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

def documents():
    found = ["README.md", "CONTRIBUTING.md"]
    for folder, _, files in os.walk(os.path.join(TOP, "docs")):
        found += [os.path.relpath(os.path.join(folder, f), TOP) for f in sorted(files) if f.endswith(".md")]
    return found


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
        report = mc.json("signer", "probe", s, "--zone", zone)["report"]
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
