"""Every command of the documentation is run by a test.

RUN_BY says, for each document and each way to write a command, which test types them all; a command of a document that is not there
fails here.  Fenced blocks belong to the tests that go through a document from top to bottom.  What stands between the words of a text, and
the examples of the manual pages, is typed here, in one laboratory, with something real for SERVER, ZONE, SIGNER ...
A mention ("zone explain", without its zone) must be a command of music-cli, with options that it has, that a document shows in full.
"""
import fnmatch
import os
import re
import shlex
import signal
import subprocess

from conftest import new_lab
from documents import OBJECTS, PROGRAMS, TOP, Command, documents, every_command, pages, pieces, text_of
from musiclab import scanner
from musiclab.controller import Controller, program
from musiclab.lab import Lab
from musiclab.paths import LabError
from musiclab.space import wait_until
from test_docs import Reader, known_tests

HERE = "tests/system/test_docs_commands.py::"
DOCS = "tests/system/test_docs.py::"
IN_THE_TEXT, OF_THE_TREE = HERE + "test_commands_in_the_text", HERE + "test_commands_of_the_tree"

# the first line that fits: document, how it is written, what it begins with
RUN_BY = [
    ("README.md", "sh", "", DOCS + "test_commands_of_the_readme"),
    ("README.md", "console", "", "tests/system/test_demo.py::test_demo_ends_well_in_three_minutes"),
    ("docs/operators-guide.md", "console", "", DOCS + "test_commands_of_the_operators_guide"),
    ("docs/signers/*.md", "algorithm", "", "tests/system/test_algorithm_signers.py::test_commands_of_the_guides"),
    ("docs/signers/*.md", "console", "", DOCS + "test_commands_of_the_signer_guides"),
    ("docs/signers/*.md", "inline", "rndc|knotc|keymgr|pdns", DOCS + "test_commands_of_the_signer_guides"),
    ("docs/lab.md", "sh", "", "tests/system/test_lab_docs.py::test_commands_of_the_manual"),
    ("docs/scanner.md", "sh", "", "tests/system/test_scanner.py::test_commands_of_the_guide"),
    ("docs/runbooks/lost.md", "console", "", "tests/system/test_lost.py::test_a_signer_is_lost_for_good"),
    ("docs/operators-guide.md", "inline", "music-cli zone force ZONE --rule V13 ", "tests/system/test_group.py::test_a_signer_whose_content_may_differ_is_forced_in"),
    ("docs/api.md", "sh", "", "tests/api/test_docs.py::test_the_walk_through_works"),
    ("*", "inline", "make demo$", "tests/system/test_demo.py::test_demo_ends_well_in_three_minutes"),
    ("*", "inline", "make install$", DOCS + "test_commands_of_the_operators_guide"),
    ("docs/lab.md", "inline", "lab/lab shell$", "tests/system/test_demo.py::test_demo_ends_well_in_three_minutes"),
    ("docs/lab.md", "inline", "lab/lab fetch --suite trixie$", "tests/system/test_releases.py::test_zones_move_to_servers_of_another_release"),
    ("docs/signers-verified.md", "inline", "keymgr import-bind$", "tests/system/test_lab_signers.py::test_equal_key_tags"),
    ("docs/signers-verified.md", "inline", "knotc zone-key-rollover|rndc dnssec -rollover", "tests/system/test_lab_rolls.py::test_zsk_roll"),
    ("*", "*", "make|tools/|meson|build/|CC=", OF_THE_TREE),
    ("docs/capabilities/README.md", "console", "", IN_THE_TEXT),
    ("*", "inline", "", IN_THE_TEXT),
    ("docs/man/*", "man", "", IN_THE_TEXT),
]

# What no test can run, and why.
NOT_RUN = {
    "make check": "runs this test",
    "make check-long": "runs this test",
    "make lint": "make check runs what it runs, and both use build/check",
    "tools/check unit": "as make lint",
    "tools/check build lint unit": "as make lint",
    "tools/check sim": "as make lint",
    "tools/check coverage": "as make lint",
    "make sim HISTORIES=20000": "minutes; make sim with fewer is run",
    "make model": "the stage model of make check runs what it runs",
    "make model LONG=1": "make check-long runs what it runs",
    "make format": "changes the tree; tools/lint runs the same program with --check",
    "CC=clang make BUILD=build-clang": "minutes; the stage compilers of tools/check builds that folder with clang",
    "tools/debian-check [trixie|bookworm] [--fresh] [--ci | --demo | stage...]": "needs root, debootstrap and minutes; starts this test again",
    "tools/debian-check bookworm --fresh": "as above",
    "nm -D libdns-9.18*.so | grep ENGINE_": "proof of what one release lacks",
    "pdnsutil hsm assign": "proof of what does not work",
    "kill -9": "tests/system/test_crash.py sends it, by its number",
}


def runner(command):
    for path, how, begins, test in RUN_BY:
        if fnmatch.fnmatchcase(command.path, path) and fnmatch.fnmatchcase(command.how, how) and re.match(begins, command.text):
            return test
    return None


def mine(test):
    """The commands that a test of this file has to run, each once."""
    return list(dict.fromkeys(c.text for c in every_command() if runner(c) == test and c.text not in NOT_RUN and not mention(c.text)))


# ---- mentions -------------------------------------------------------------------------------------------------------------------

def usage():
    """{words of a command of music-cli: (arguments needed, options needed, {option: takes a value})}, from its manual page."""
    found = {}
    text = text_of("docs", "man", "music-cli.1").replace("\\-", "-")
    commands = text.split(".Sh COMMANDS\n")[1].split(".Sh ENVIRONMENT\n")[0]
    for m in re.finditer(r"^\.It Cm ((?:[a-z-]+ ?)+?)((?: (?:Op )?Ar [^\n]*)?)\n(.*?)(?=^\.It Cm |\Z)", commands, re.M | re.S):
        options = re.findall(r"^\.It Fl -([\w-]+)(.*)\n(.*)", m[3], re.M)
        found[m[1]] = (0 if " Op " in m[2] else len(re.findall(r"\b[A-Z]{2,}\b", m[2])), {o for o, _, what in options if "(needed)" in what},
                       {o: " Ar " in value for o, value, _ in options})
    return found


USAGE = usage()


def of_music_cli(text):
    """(command, words behind it) of a command line of music-cli, which may lack its first word."""
    if text.split()[0] not in OBJECTS | {"music-cli"}:
        return None
    words = shlex.split(text)
    if words[0] == "music-cli":
        words = words[3:] if words[1:2] == ["-o"] else words[1:]
    for n in (2, 1):
        if " ".join(words[:n]) in USAGE:
            return " ".join(words[:n]), words[n:]
    raise AssertionError(f"music-cli has no command \"{text}\"")


def mention(text):
    """A command of music-cli without what it needs."""
    found = of_music_cli(text)
    if not found:
        return False
    command, words = found
    needs, needed, options = USAGE[command]
    given = [w[2:] for w in words if w.startswith("--")]
    values = sum(options.get(o, False) for o in given)
    return len(words) - len(given) - values < needs or (words and options.get(words[-1][2:])) or not needed <= set(given) or (command == "zone add" and not words)


def test_every_command_has_a_test():
    tests, seen = known_tests(), set()
    commands = [c for c in every_command() if not mention(c.text)]
    assert len(commands) > 250
    for c in commands:
        if c.text in NOT_RUN:
            seen.add(c.text)
        else:
            assert runner(c) in tests, f"{c.path}: no test runs: {c.text}"
    assert seen == set(NOT_RUN), f"no document has them any more: {set(NOT_RUN) - seen}"
    assert runner(Command("docs/new.md", "sh", "true")) is None


def test_every_mention_is_a_command_that_is_shown():
    full = {found[0] for c in every_command() if not mention(c.text) and (found := of_music_cli(c.text))}
    for c in every_command():
        found = of_music_cli(c.text)
        if found:
            options = {w[2:] for w in found[1] if w.startswith("--")}
            assert options <= set(USAGE[found[0]][2]) | {"output"}, f"{c.path}: {c.text}"
            assert found[0] in full, f"{c.path}: {c.text}: no document shows it in full"


def test_commands_stand_where_they_are_seen():
    """In a fenced block that says what it is, not in one without a language, nor in one that is only indented."""
    kinds = {"", "sh", "console", "test", "yaml", "yaml-cli", "yaml-prometheus", "mermaid", "named", "knot", "pdns", "json", "python"}
    for path in documents():
        for kind, text in pieces(path):
            assert kind in kinds, (path, kind)
            if kind in ("", "console"):
                lines = [line for line in text.splitlines() if line.startswith(("$ ", "# "))]
                assert (kind == "console") == bool(lines), (path, text)
        bare = re.sub(r"^```.*?^```", "", text_of(path), flags=re.M | re.S)
        assert not [m[0] for m in re.finditer(r"^(?: {4}|\t)([\w/-]+).*$", bare, re.M) if m[1] in PROGRAMS], path


# What only root, or the user of a daemon, may read, write or do on the machine of musicd or of a signer.
FOR_ROOT = re.compile(r"(make install|apt-get|systemctl|systemd-sysusers|install|musicd|rndc|knotc|keymgr|pdnsutil|pdns_control) |"
                      r".*(/etc/music|/var/lib/music|/var/backups)\b")


def test_prompts_say_who_types():
    """# where root is needed, $ where not, on every line of the pages that are about a machine.  (A key file is musicd's to read.)"""
    seen = set()
    for path in ["docs/operators-guide.md"] + [os.path.join("docs", "signers", f) for f in sorted(os.listdir(os.path.join(TOP, "docs", "signers")))]:
        assert not [text for kind, text in pieces(path) if kind == "sh"], f"{path}: lines without a prompt"
        for kind, text in pieces(path):
            for line in re.findall(r"^[$#] .*", text, re.M) if kind == "console" else []:
                command = re.sub(r"--key-file \S+", "", line[2:].split(" # ")[0])
                assert line[0] == ("#" if FOR_ROOT.match(command + " ") else "$"), f"{path}: {line}"
                seen.add(line[0])
    assert seen == {"#", "$"}


# ---- commands of the tree -------------------------------------------------------------------------------------------------------------

def test_commands_of_the_tree(tmp_path):
    build = os.path.dirname(os.path.dirname(os.path.dirname(program("musicd"))))
    for text in mine(OF_THE_TREE):
        alternatives = re.search(r"\b\w+(?:\|\w+)+\b", text)
        for word in alternatives[0].split("|") if alternatives else [""]:
            line = text.replace(alternatives[0], word) if alternatives else text
            line = re.sub(r"\bbuild(?=/| core)", build, line)
            line = f"flock Makefile {line} DEPS=no DESTDIR={tmp_path}" if line.startswith("make") else line
            r = subprocess.run(line, shell=True, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
            assert r.returncode == 0, (line, r)


# ---- commands in the text ---------------------------------------------------------------------------------------------------------------

STANDS_FOR = [
    (r"@(SERVER|LEAVER|PRIMARY|UPDATE-ADDRESS)\b", "@10.53.2.1"), (r"@OTHER\b", "@10.53.3.1"), (r"@PARENT\b", "@10.53.1.1"),
    (r"--ns (\.\.\.|NAME=ADDRESS(,\.\.\.)?)", "--ns ns1.pdns.net=10.53.4.1,fd53:4::1"), (r"NAME=ADDRESS", "ns1.pdns.net=10.53.4.1,fd53:4::1"),
    (r"--reason (\.\.\.|TEXT)", "--reason why"), (r"\bexample\.org\b|\b(demo|ex)\.lab\.?(?!\w)|\bZONE\b|child\.example\b|example\.example\b", "ex.lab"),
    (r"\bTYPE\b", "SOA"), (r"\bRULE\b", "DS-Wait"), (r"\bROLE\b", "read"), (r"(?<=token new )NAME\b", "me"), (r"\bNAME\b", "ns1.bind.net"),
    (r"\bNEW\b", "new"), (r"--from A --to B\b", "--from bind --to pdns"),
    (r"^dig (?!@)", "dig @10.53.5.1 "),         # the resolver of that machine
    (r"^(nsenter .*)$", r"\1 true"),
    (r"^(.*\bzone (?:force|lost) .*)$", r"\1 --yes"),
]


class Typist:
    """Types commands where they belong.  Questions are answered by --yes, and what would run on is ended when it has begun."""

    def __init__(self, lab, tmp):
        self.lab, self.tmp = lab, str(tmp)
        self.reader = Reader(lab, tmp)
        self.mc = Controller(lab).start()
        scanner.start(lab, ["ex"])
        self.todo = mine(IN_THE_TEXT)
        self.names = {"KEYFILE": lab.state["signers"]["bind"]["tsig"]["file"], "GROUP": "g", "SIGNER": "pdns", "PID": str(lab.space.holder.pid()),
                      "FILE": os.path.join(self.tmp, "scanner.yaml"), "/etc/music/scanner.yaml": os.path.join(self.tmp, "scanner.yaml"),
                      "/etc/music/musicd.yaml": os.path.join(self.tmp, "musicd.yaml")}
        scanner.write_conf(lab, where=self.names["FILE"], state=os.path.join(self.tmp, "state"), report=os.path.join(self.tmp, "report"))
        with open(self.mc.conf, encoding="utf-8") as f, open(self.names["/etc/music/musicd.yaml"], "w", encoding="utf-8") as out:
            out.write(f.read().replace("10.53.9.1", "10.53.9.2").replace(self.mc.store, os.path.join(self.tmp, "musicd.db")))

    def real(self, text, **more):
        for name, value in {**self.names, **more}.items():
            text = re.sub(rf"(?<![\w.]){re.escape(name)}\b", value, text)
        for pattern, value in STANDS_FOR:
            text = re.sub(pattern, value, text)
        text = text if text.split()[0] not in OBJECTS else "music-cli " + text
        for name in ("music-cli", "musicd", "music-scanner"):
            text = re.sub(rf"^{name}\b", program(name), text)
        return text

    def env(self):
        env = {**self.lab.tool_env(), **self.mc.env()}
        return {**env, "PATH": os.path.join(self.tmp, "bin") + ":" + env["PATH"]}

    def type(self, text, good=(0,), lab=None, **more):
        line = self.real(text, **more)
        if line.startswith(("lab/lab", "nsenter")):         # from outside
            r = subprocess.run(line, shell=True, cwd=TOP, env={**os.environ, "LAB": lab or self.lab.name}, stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=120, check=False)
        else:
            r = self.lab.space.call(["bash", "-c", line], env=self.env(), check=False, timeout=120)
        assert r.returncode in good, f"{text}\n{line}\n{r}"
        if line.startswith("dig "):
            assert re.search(r"status: (NOERROR|NXDOMAIN)|XFR size", r.stdout), f"{line}\n{r.stdout}"

    def take(self, pattern, **kw):
        """Types those that fit, and no other way to write them is left."""
        now = [t for t in self.todo if re.match(pattern, t.removeprefix("music-cli "))]
        assert now, f"no document has a command like {pattern}"
        self.todo = [t for t in self.todo if t not in now]
        for text in now:
            self.type(text, **kw)

    def runs_on(self, pattern, began):
        """A program that stays: it is told to end when began(), and ends well."""
        text, = [t for t in self.todo if re.fullmatch(pattern, t)]
        self.todo.remove(text)
        with open(os.path.join(self.lab.dir, "log", "runs-on.log"), "ab") as log:
            p = self.lab.space.spawn(shlex.split(self.real(text)), env=self.env(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: p.poll() is not None or began(), 120, text)
        p.terminate()
        assert p.wait(60) == (-signal.SIGTERM if "music-cli" in text else 0), text_of(self.lab.dir, "log", "runs-on.log")


def test_commands_in_the_text(tmp_path, packages):
    lab = new_lab("w")
    other = f"{lab.name}b"
    try:
        lab.up(signers=["bind", "knot", "pdns"])
        lab.add_zone("ex", signers=["bind", "knot", "pdns"], active=["bind"])
        in_laboratory(Typist(lab, tmp_path), other)
    finally:
        if os.path.isdir(Lab(other).dir):
            Lab(other).down(keep=False)
        lab.down(keep=False)


def in_laboratory(t, other):
    for s in ("bind", "knot", "pdns"):
        t.mc.add_signer(s)
    t.mc.cli("signergroup", "add", "g", "--signer", "bind")
    t.mc.cli("signergroup", "add", "new", "--signer", "bind", "--signer", "knot")
    t.mc.add_zone("ex", "g")
    wait_until(lambda: t.mc.status("ex")["state"].startswith("VALID"), 120, "a first look")

    t.take("dig ")
    t.runs_on("music-scanner -c FILE", lambda: os.path.exists(os.path.join(t.tmp, "report")))
    t.runs_on("musicd -v -c .*", lambda: "ready and listens at" in text_of(t.lab.dir, "log", "runs-on.log"))
    t.runs_on("music-cli events", lambda: t.mc.json("status")["streams"])
    t.take("musicd |music-scanner |nsenter |rndc |knotc |pdnsutil ")
    t.take("lab/lab (up|zone)", lab=other)
    t.take("lab/lab ")
    t.take("zone preflight", SIGNER="knot", good=(0, 1))
    t.take("(-o json )?signer probe", SIGNER="knot")
    t.take("(zone (list|status|explain|plan|history|check)|signer (list|show)|signergroup show|process|token|show|status|help|events|completion)( |$)")
    t.take("signer update")
    t.take("zone update .*--signer-", **{"SIGNER": "bind", "NAME=ADDRESS": "ns1.bind.net=10.53.2.1,fd53:2::1"})
    t.take("zone update .*--sample")
    t.take("zone hold")
    assert t.mc.status("ex")["held"]
    t.take("zone resume")

    t.mc.cli("zone", "update", "ex.lab", "--mode", "manual")
    t.runs_on("music-cli zone migrate .*--watch", lambda: t.mc.status("ex")["process"])
    t.mc.cli("signer", "join", "bind", "--group", "g")      # so nobody leaves
    until(t, lambda: "manual" in waits(t), "the zone waits for a step")
    t.take("zone step", good=(0, 75))       # after the first, there is none to take for a while
    t.take("zone update .*--mode auto")
    until(t, lambda: "DS-Wait" in waits(t), "DS-Wait")
    t.take("zone force")
    until(t, lambda: not t.mc.status("ex")["process"], "knot has joined")
    t.take("zone join")
    t.take("zone migrate", GROUP="new")
    t.take("zone leave", good=(75,))
    t.take("zone lost", good=(0, 75), SIGNER="bind")     # who answers is not lost
    # test_lost.py goes this way to its end; here the processes are not over, and nobody answers the question
    t.take("signer leave", SIGNER="bind", good=(0, 66, 75))
    t.take("signer delete", SIGNER="bind", good=(75,))
    t.take("zone delete", good=(1, 64, 75))
    t.take("zone add", good=(73,))
    assert not t.todo, t.todo


def until(t, condition, what):
    try:
        wait_until(condition, 180, what, interval=0.1)
    except LabError as e:
        raise AssertionError(f"{e}\n{t.mc.cli('zone', 'explain', 'ex.lab').stdout}") from None


def waits(t):
    return [w["rule"] for w in t.mc.explain("ex")["waits"]]
