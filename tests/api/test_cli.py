"""music-cli against a fake daemon: what it prints, word for word, and how it ends."""
import csv
import fcntl
import io
import json
import os
import pty
import re
import socket
import ssl
import struct
import subprocess
import termios
import threading

import pytest

from conftest import CLI, TOP, Daemon, certificate, free_port, wait_until


class Shell:
    """runs music-cli with the settings of one user"""

    def __init__(self, folder, daemon, token="admin-token"):
        self.token_file = os.path.join(str(folder), f"{token}.file")
        with open(os.open(self.token_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(token + "\n")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": "UTC", "LC_ALL": "C.UTF-8",
                    "MUSIC_SERVER": daemon.url, "MUSIC_CACERT": daemon.cert, "MUSIC_TOKEN_FILE": self.token_file}

    def run(self, *words, env=None, stdin=None, timeout=60):
        e = dict(self.env, **(env or {}))
        return subprocess.run([CLI] + list(words), env={k: v for k, v in e.items() if v is not None}, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                              timeout=timeout)

    def ok(self, *words, **kw):
        r = self.run(*words, **kw)
        assert r.returncode == 0 and r.stderr == "", (words, r)
        return r.stdout

    def fails(self, code, *words, says="", **kw):
        r = self.run(*words, **kw)
        assert r.returncode == code, (words, r)
        assert r.stderr.startswith("music-cli: ") and says in r.stderr, (words, r)
        return r.stderr


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """The one of conftest.py, with TLS: music-cli speaks nothing else."""
    folder = tmp_path_factory.mktemp("fake")
    d = Daemon(folder, tls=certificate(folder))
    yield d
    d.stop()


@pytest.fixture(scope="module")
def cli(filled, tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("home"), filled)


def squeeze(text):
    """without the length of columns, and with times replaced"""
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    return [re.sub(r" +", " ", line).rstrip() for line in text.splitlines()]


# --- golden output ---

def test_signers(cli):
    assert cli.ok("signer", "list").splitlines() == [
        "SIGNER DRIVER UPDATE         KEY FILE NAME SERVERS             PROBED WAITING SENT REFUSED PAUSED",
        "bind   ddns   192.0.2.1@5353 -        ns1.bind.test.=192.0.2.1 -            0    0       0 -",
        "knot   ddns   192.0.2.1@5353 -        ns1.knot.test.=192.0.2.1 -            0    0       0 -",
        "pdns   ddns   192.0.2.1@5353 -        ns1.pdns.test.=192.0.2.1 -            0    0       0 -"]
    out = cli.ok("signer", "add", "extra", "--driver", "ddns", "--update", "2001:db8::1", "--ns", "NS1.x=192.0.2.9,::1",
                 "--ns=ns3.x=192.0.2.10", "--max-ttl", "1h", "--update-rate", "9",
                 "--key-file", "/etc/k", "--no-transfer")
    assert squeeze(out) == [
        "signer extra", "driver ddns", "update 2001:db8::1", "key file /etc/k",
        "name servers ns1.x.=192.0.2.9,::1 ns3.x.=192.0.2.10", "no transfer yes", "max TTL 3600",
        "declared content no", "update rate 9", "may change DNSKEY unknown", "may change CDS unknown",
        "may change CDNSKEY unknown", "may change CSYNC unknown", "may change NS unknown", "probed -",
        "changes waiting 0", "changes unanswered 0", "changes sent 0", "changes refused 0", "changes dropped 0", "changes never answered 0", "paused until -",
        "last failure -", "trouble -", "created TIME", "changed TIME"]
    assert "no transfer no" in squeeze(cli.ok("signer", "update", "extra", "--transfer", "--max-ttl", "0"))
    assert json.loads(cli.ok("signer", "show", "extra", "-o", "json"))["max_ttl_s"] == 0
    probe = cli.run("signer", "probe", "bind", "--zone", "one.test")
    assert (probe.returncode, probe.stderr) == (1, "") and squeeze(probe.stdout) == [
        "bind on one.test.", "", "RECORD MAY CHANGE PUT BACK WHAT WAS SEEN", "DNSKEY yes yes taken, and shown",
        "CDS no yes UPDATE refused: REFUSED", "CSYNC unknown no no answer in time"]
    assert cli.ok("signer", "probe", "pdns", "--zone", "one.test").splitlines()[3].split()[:3] == ["DNSKEY", "yes", "yes"]
    for signer in ("liar", "gone"):
        cli.ok("signer", "add", signer, "--driver", "ddns", "--update", "192.0.2.1")
        says = "signature check failed" if signer == "liar" else "network error"
        assert cli.fails(75, "signer", "probe", signer, "--zone", "one.test") == f"music-cli: signer {signer}, zone one.test: {says}\n"
        assert cli.ok("signer", "delete", signer, "--yes") == ""
    report = json.loads(cli.run("signer", "probe", "bind", "--zone", "one.test", "-o", "json").stdout)["report"]
    assert report["capabilities"]["csync"] == {"change": "unknown", "undo": "no", "ttl": 5, "detail": "no answer in time"}
    rows = list(csv.reader(io.StringIO(cli.run("signer", "probe", "bind", "--zone", "one.test", "-o", "csv").stdout)))
    assert rows[:2] == [["record", "change", "undo", "detail"], ["DNSKEY", "yes", "yes", "taken, and shown"]]
    cli.ok("signer", "add", "slow", "--driver", "ddns", "--update", "192.0.2.1")
    slow = squeeze(cli.ok("signer", "show", "slow"))
    assert [line for line in slow if "change" in line and "may" not in line and "TIME" not in line] == [
        "changes waiting 1", "changes unanswered 0", "changes sent 3", "changes refused 0", "changes dropped 2", "changes never answered 1"]
    assert "paused until TIME" in slow and 'last failure no "answer" in 5 s' in slow
    assert re.search(r" 1 +3 +0 +(59s|1m)$", [line for line in cli.ok("signer", "list").splitlines() if line.startswith("slow")][0])
    assert cli.ok("signer", "delete", "slow", "--yes") == ""
    assert cli.ok("signer", "delete", "extra", "--yes") == ""
    cli.fails(66, "signer", "show", "extra", says='there is no signer "extra"')


def test_what_a_signer_lacks_is_said_at_once(cli):
    """And, when a zone waits for it, what it is and what to type."""
    told = cli.ok("signer", "add", "hand", "--driver", "manual")
    assert "no address to read whole copies from" in told and '"signer update hand --update ADDRESS"' in told, told
    assert cli.ok("signer", "add", "hand2", "--driver", "manual", "--max-ttl", "1h", "--declared-content").endswith("Z\n")
    assert json.loads(cli.ok("signer", "update", "hand2", "--compared-content", "-o", "json"))["declared_content"] is False
    assert "no address to read" in cli.ok("signer", "update", "hand2", "--max-ttl", "2h")
    cli.ok("signergroup", "add", "hands", "--signer", "hand")
    cli.ok("zone", "add", "uncopied.test", "--group", "hands")
    wait_until(lambda: "waiting for" in cli.ok("zone", "plan", "uncopied.test"))
    plan = cli.ok("zone", "plan", "uncopied.test")
    assert "; there is no address to read it from\n" in plan and "read first" not in plan, plan
    assert "give the address that its copy is read from (signer update --update)" in cli.ok("zone", "explain", "uncopied.test")
    waits = [x for x in json.loads(cli.run("doctor", "-o", "json").stdout)["items"] if x["check"] == "wait"]
    assert len(waits) == 1 and waits[0]["text"].startswith("uncopied.test. stands still: V13: ") and "no address to read it from" in waits[0]["text"]
    assert cli.ok("signer", "update", "hand", "--update", "192.0.2.9").endswith("Z\n")
    plan = cli.ok("zone", "plan", "uncopied.test")
    assert "no address" not in plan and "read first: the whole copy of hand\n" in plan, plan
    assert "sent unsigned" in cli.ok("signer", "add", "open", "--driver", "ddns", "--update", "192.0.2.1")
    assert "sent unsigned" not in cli.ok("signer", "update", "open", "--key-file", "/etc/k")
    cli.ok("zone", "delete", "uncopied.test", "--yes")
    cli.ok("signergroup", "delete", "hands", "--yes")
    for signer in ("hand", "hand2", "open"):
        cli.ok("signer", "delete", signer, "--yes")


def test_groups(cli):
    assert squeeze(cli.ok("signergroup", "add", "pair", "--signer", "bind", "--signer", "knot"))[:3] == [
        "group pair", "signers bind,knot", "zones 0"]
    assert cli.ok("signergroup", "list").splitlines() == [
        "GROUP  SIGNERS   ZONES BUSY", "first  bind          1    0", "pair   bind,knot     0    0",
        "second bind          1    0"]
    joined = cli.ok("signer", "join", "pdns", "--group", "pair")
    assert "bind,knot,pdns" in joined and joined.endswith('\nthe group has no zones yet: "zone add ZONE --group pair"\n'), joined
    assert "pdns" not in squeeze(cli.ok("signer", "leave", "pdns", "--group", "pair"))[1]
    assert cli.ok("signer", "join", "knot", "--group", "second").endswith(
        "\nADD-SIGNER knot begins in the 1 zone of the group, in each as soon as it is safe there\n"
        'follow one with "zone watch two.test.", all with "zone list --group second"\n')
    assert "\nREMOVE-SIGNER knot begins in the 1 zone of" in cli.ok("signer", "leave", "knot", "--group", "second")
    assert cli.ok("signergroup", "delete", "pair", "--yes") == ""
    cli.fails(75, "signergroup", "delete", "first", "--yes")
    cli.fails(75, "signer", "leave", "bind", "--group", "first", says="last")


def test_zones(cli):
    assert cli.ok("zone", "list").splitlines() == [
        "ZONE      STATE GROUP  HELD PROCESS WAITING FOR LEFT", "one.test. VALID first  no   -       -           -",
        "two.test. VALID second no   -       -           -"]
    assert cli.ok("zone", "list", "-o", "wide").splitlines() == [
        "ZONE      STATE GROUP  MODE   HELD PROCESS ROW WAITING FOR LEFT",
        "one.test. VALID first  auto   no   -       -   -           -",
        "two.test. VALID second manual no   -       -   -           -"]
    out = cli.ok("zone", "add", "new.test", "--group", "first", "--mode", "manual", "--sample", "www", "--parent", "test",
                 "--parent-address", "192.0.2.53", "--parent-address", "::1", "--signer-ns", "bind:ns.new.test=192.0.2.7",
                 "--signer-key", "bind:/etc/k", "--signer-max-ttl", "knot:5m")
    lines = squeeze(out)
    assert lines[:5] == ["zone new.test.", "state VALID", "group first", "mode manual", "held no"]
    assert "parent addresses 192.0.2.53,::1" in lines
    assert lines[-3:] == ["SIGNER NAME SERVERS KEY FILE MAX TTL LOST KEPT OUT KEPT IN",
                          "bind ns.new.test.=192.0.2.7 /etc/k not declared no no no", "knot - - 300 no no no"]
    idle = 'next nothing is to be done\nfollow it with "zone watch new.test"'.splitlines()
    left, joined = (squeeze(cli.ok("zone", *words)) for words in (["leave", "new.test"], ["join", "new.test", "--group", "second"]))
    assert "group -" in left and left[-3:] == ["", *idle] and "group second" in joined and joined[-3:] == ["", *idle]
    auto, manual = (squeeze(cli.ok("zone", "update", "new.test", "--mode", mode)) for mode in ("auto", "manual"))
    assert "mode auto" in auto and auto[-4:] == ["automatic mode is in force: each step is taken as soon as it is safe", "", *idle], auto
    assert manual[-4:-2] == ['manual mode is in force: each step waits for "zone step new.test"; "zone plan new.test" shows it', ""], manual
    assert "in force" not in cli.ok("zone", "update", "new.test", "--sample", "www") and json.loads(cli.ok("zone", "update", "new.test", "--mode", "auto", "-o", "json"))
    assert "held because      broken" in cli.ok("zone", "hold", "new.test", "--reason", "broken")
    assert "held because      broken" in cli.ok("zone", "hold", "new.test")         # nothing to add
    assert "held because      mended" in cli.ok("zone", "hold", "new.test", "--reason", "mended")
    resumed = cli.ok("zone", "resume", "new.test")
    assert "held              no" in resumed and "held because      -" in resumed
    assert "waiting for" not in resumed and "until" not in resumed and "waiting for" in cli.ok("zone", "show", "new.test")
    cli.ok("zone", "check", "new.test")
    cli.fails(75, "zone", "step", "new.test")
    assert cli.ok("zone", "step", "two.test").endswith('\nfollow it with "zone watch two.test"\n')
    cli.fails(73, "zone", "add", "new.test")
    assert cli.ok("zone", "delete", "new.test", "--yes") == ""
    cli.fails(66, "zone", "delete", "new.test", "--yes")


def test_many_zones(cli, tmp_path):
    out = cli.run("zone", "add", "m1.test", "m2.test", "one.test", "a..b", "--group", "first")
    assert out.returncode == 65 and out.stdout.splitlines()[0] == "2 created, 2 refused"
    assert squeeze(out.stdout)[1] == "ZONE GIVEN BY WHY NOT" and squeeze(out.stdout)[2].startswith("one.test ZONE ")
    names = tmp_path / "names"
    names.write_text("m3.test\n# a comment\n\n  m4.test  # another\n")
    assert cli.ok("zone", "add", "--file", str(names)) == "2 created, 0 refused\n"
    assert cli.ok("zone", "add", "--file", "-", stdin="m5.test\n") == "1 created, 0 refused\n"
    for line, word in (("m9.test manual", "manual"), ("m9.test\tgroup=x # c", "group=x"), ("m9.test m10.test\r", "m10.test")):
        names.write_text(f"m8.test\n\n{line}\n")
        told = cli.fails(65, "zone", "add", "--file", str(names))
        assert told == f'music-cli: {names}:3: "{word}" after the name: a line holds one name and nothing else\n', told
    cli.fails(65, "zone", "add", "--file", "-", stdin="m8.test\0.test\n", says="standard input:1: a zero byte")
    cli.fails(66, "zone", "show", "m8.test")                   # nothing of such a file was done
    names.write_text("# these\nm8.test\na..b\none.test\n")
    out = cli.run("zone", "add", "--file", str(names))
    assert out.returncode == 65 and out.stdout.splitlines()[0] == "1 created, 2 refused"
    assert [x.split()[:2] for x in out.stdout.splitlines()[2:]] == [["a..b", f"{names}:3"], ["one.test", f"{names}:4"]], out
    out = cli.run("zone", "add", "m9.test", "--file", str(names), "--group", "nosuch")
    assert [x.split()[1] for x in out.stdout.splitlines()[2:]] == ["--group", "--group", f"{names}:3", "--group"], out
    items = json.loads(cli.run("zone", "add", "m9.test", "m10.test", "--group", "nosuch", "-o", "json").stdout)["items"]
    assert [x["error"]["field"] for x in items] == ["/0/group", "/1/group"]
    assert json.loads(cli.ok("zone", "add", "m6.test", "m7.test", "-o", "json"))["created"] == 2
    cli.fails(64, "zone", "add", says="no zone")
    cli.fails(66, "zone", "add", "--file", "/nonexistent")
    for i in range(1, 9):
        cli.ok("zone", "delete", f"m{i}.test", "--yes")


def test_views(cli):
    assert squeeze(re.sub(r"\b(\d+s|1m)\b", "Ns", cli.ok("zone", "status", "one.test"))) == [
        "one.test. VALID group first", "process none", "parent test., 0 of 1 servers reached", "checked Ns ago, next in Ns", "",
        "SIGNER MEMBER KEYS DS NS KEY TAGS SERVERS REACHED LOST", "bind yes yes yes yes 1001 1 1 no"]
    cli.ok("zone", "add", "broken.test", "--group", "first")
    status = cli.ok("zone", "status", "broken.test")
    assert re.search(r"waiting for\n  V6  (?!V6)", status) and '\n1 finding; see "zone explain broken.test."' in status
    explain = squeeze(cli.ok("zone", "explain", "broken.test"))
    at = explain.index("what it waits for")
    assert explain[at + 1] == " V6 unknown every reachable server answers for the zone over UDP and TCP"
    body = explain[at + 2:]
    assert any(line.startswith(" is ") for line in body) and " record DS" in body
    assert any(line.startswith(" server ") for line in body)
    assert " cause no answer in time" in body and " seen TIME" in body
    assert any(line.startswith(" hint look whether the server runs") for line in body)
    assert " is DS of the parent test. is not signed by a key of its own that the DS set names" in explain, explain
    cli.ok("zone", "add", "brokentwice.test", "--group", "first")
    explain = squeeze(cli.ok("zone", "explain", "brokentwice.test"))
    at = explain.index("what it waits for")
    assert explain[at + 1:] == [" V6 unknown every reachable server answers for the zone over UDP and TCP", " is what V8 above says"]
    assert len([line for line in explain if "gave no answer in time for DS" in line]) == 1, explain
    assert '\n2 findings; see "zone explain brokentwice.test."' in cli.ok("zone", "status", "brokentwice.test")
    cli.ok("zone", "delete", "brokentwice.test", "--yes")
    cli.fails(75, "zone", "migrate", "one.test", "--from", "bind", "--to", "knot", says="migrate the group (music-cli zone migrate --group first, or")
    assert cli.ok("zone", "plan", "one.test").splitlines()[-1] == "nothing to do now"
    cli.ok("zone", "add", "typed.test", "--group", "first")
    wait_until(lambda: "by hand" in cli.ok("zone", "plan", "typed.test"))
    assert cli.ok("zone", "plan", "typed.test").splitlines()[-2:] == [
        "at bind add: typed.test. 60 IN NS ns.x.test.", "at bind remove: typed.test. 60 IN NS ns.y.test."]
    assert "nothing to do" not in cli.ok("zone", "plan", "typed.test")
    assert json.loads(cli.ok("zone", "plan", "typed.test", "-o", "json"))["by_hand"] == [
        {"signer": "bind", "add": ["typed.test. 60 IN NS ns.x.test."], "remove": ["typed.test. 60 IN NS ns.y.test."]}]
    rows = list(csv.DictReader(io.StringIO(cli.ok("zone", "plan", "typed.test", "-o", "csv"))))
    assert rows == [{"kind": f"by-hand-{verb}", "signer": "bind", "record": "NS", "why": "capability", "text": f"typed.test. 60 IN NS {ns}"}
                    for verb, ns in (("add", "ns.x.test."), ("remove", "ns.y.test."))], rows
    cli.ok("zone", "delete", "typed.test", "--yes")
    assert cli.ok("zone", "preflight", "one.test", "--signer", "knot") == "knot is fit to join one.test.\n"
    assert cli.ok("zone", "preflight", "one.test", "--signer", "bind") == (
        "bind is a member already; it would be fit to join one.test.\n")
    cli.ok("signer", "add", "dumb", "--driver", "manual")
    assert squeeze(cli.ok("signer", "join", "knot", "--group", "first", "--dry-run"))[0] == "ZONE FIT RULE WHY NOT"
    member = cli.run("signer", "join", "bind", "--group", "first", "--dry-run")
    assert member.returncode == 75 and "bind is a member already" in member.stderr and member.stdout == "", member
    refused = cli.run("signer", "join", "dumb", "--group", "first", "--preflight")
    assert refused.returncode == 1, refused
    # each reason why not, and no warning; the name of the rule stands once
    assert [line for line in squeeze(refused.stdout) if not line.startswith("broken.test.")] == [
        "ZONE FIT RULE WHY NOT", "one.test. no capability bind does not let us change its records: change what is asked for there by hand",
        "one.test. no serves bind is declared lost in this zone, until it joins"], refused.stdout
    assert "dumb" not in cli.ok("signergroup", "show", "first")
    # what the join refuses in any case is said before zone after zone is looked at
    cli.ok("signergroup", "add", "dumbs", "--signer", "dumb")
    cli.ok("zone", "add", "dumb.test", "--group", "dumbs")
    member = cli.run("signer", "join", "dumb", "--group", "dumbs", "--preflight")
    assert member.returncode == 75 and "dumb is a member already" in member.stderr and member.stdout == "", member
    cli.ok("zone", "delete", "dumb.test", "--yes")
    cli.ok("signergroup", "delete", "dumbs", "--yes")
    unfit = cli.run("zone", "preflight", "one.test", "--signer", "dumb")
    assert unfit.returncode == 1 and unfit.stdout.startswith("dumb is not fit to join one.test.\n  capability  fails  ")
    history = squeeze(cli.ok("zone", "history", "one.test", "--limit", "50"))
    assert history[0] == "AT ACTOR KIND WHAT" and history[1] == "TIME boss operator zone added"
    cli.ok("zone", "delete", "broken.test", "--yes")
    cli.ok("signer", "delete", "dumb", "--yes")


def test_what_came_back_is_told(cli):
    """Not only that something is missing: what the server said when it was sent; what a sentence says already is not said again."""
    cli.ok("zone", "add", "locked.test", "--group", "first")
    said = "lacks keys of other signers; UPDATE refused: NOTAUTH (BADKEY)"
    assert f"  V7  DNSKEY of the parent test. {said}\n" in cli.ok("zone", "status", "locked.test"), cli.ok("zone", "status", "locked.test")
    watched = cli.run("zone", "watch", "locked.test", "--plain", "--timeout", "1s").stdout
    assert f"  waits: V7: DNSKEY of the parent test. {said}\n" in watched, watched
    cli.ok("zone", "delete", "locked.test", "--yes")
    cli.ok("zone", "add", "broken.test", "--group", "first")
    assert cli.ok("zone", "status", "broken.test").count("no answer in time") == 1
    cli.ok("zone", "delete", "broken.test", "--yes")


def test_no_name_stands_twice(cli):
    for words in (["signer", "join", "nosuch", "--group", "first"], ["signer", "leave", "nosuch", "--group", "first"],
                  ["signer", "join", "bind", "--group", "nosuch"], ["zone", "status", "nosuch.test"], ["signer", "delete", "bind", "--yes"],
                  ["signer", "probe", "dumb", "--zone", "nosuch.test"], ["signer", "probe", "nosuch", "--zone", "one.test"]):
        r = cli.run(*words)
        assert r.returncode and not re.search(r"\b(nosuch|bind|one\.test)\b.*\b\1\b", r.stderr), r.stderr


def test_processes(cli, filled):
    rows = squeeze(cli.ok("process", "show", "add-signer"))
    assert rows[0] == "ROW STATE REACHED NEEDS THEN HOLDS GUARD WHAT IS DONE" and len(rows) == 10
    graph = cli.ok("process", "graph", "ADD-SIGNER")
    assert graph.startswith("%% ADD-SIGNER")
    assert json.loads(cli.ok("-o", "json", "process", "graph", "ADD-SIGNER")) == {"format": "mermaid", "graph": graph}
    assert cli.ok("process", "graph", "remove-signer", "--format", "dot").startswith("// REMOVE-SIGNER")
    assert len(cli.ok("process", "list").splitlines()) == 1  # its head
    assert json.loads(cli.ok("process", "list", "-o", "json")) == {"items": []}
    kinds = [t["kind"] for t in filled.ok("GET", "/process-tables")["items"]]
    for words in (["show", "nosuch"], ["graph", "nosuch"], ["graph", "nosuch", "--format", "dot"]):
        cli.fails(66, "process", *words, says=f'there is no process "nosuch" (there are: {", ".join(kinds)})\n')


def test_the_daemon_as_a_whole(cli):
    assert re.fullmatch(r"musicd \S+ answers, \d+ ms\n", cli.ok("ping"))
    assert "you are          boss" in cli.ok("status")
    shown = cli.ok("show")
    assert [x for x in shown.splitlines() if x in ("signers", "groups", "zones")] == ["signers", "groups", "zones"]
    assert set(json.loads(cli.ok("show", "-o", "json"))) == {"signers", "groups", "zones"}


def test_csv_and_json_are_for_programs(cli):
    cli.ok("zone", "hold", "one.test", "--reason", 'a "b", c')
    rows = list(csv.reader(io.StringIO(cli.ok("zone", "list", "-o", "csv"))))
    assert rows[0] == ["name", "state", "group", "mode", "held", "process", "row", "waiting", "waiting_until"]
    assert rows[1][:5] == ["one.test.", "VALID", "first", "auto", "yes"]
    shown = list(csv.DictReader(io.StringIO(cli.ok("zone", "show", "one.test", "-o", "csv"))))
    assert shown[0]["held_reason"] == 'a "b", c'
    zones = json.loads(cli.ok("zone", "list", "-o", "json"))["items"]
    assert zones[0]["held_reason"] == 'a "b", c'
    for words in (["signer", "list"], ["zone", "status", "one.test"], ["zone", "plan", "one.test"],
                  ["zone", "explain", "one.test"], ["zone", "history", "one.test"], ["signergroup", "list"], ["status"],
                  ["ping"], ["doctor"], ["process", "show", "ADD-SIGNER"], ["zone", "preflight", "one.test", "--signer", "knot"]):
        r = cli.run(*words, "--output", "json")
        json.loads(r.stdout)
        assert "," in cli.run(*words, "--output=csv").stdout.splitlines()[0]
    cli.ok("zone", "resume", "one.test")


def test_nothing_from_outside_reaches_the_terminal_raw(cli, filled):
    filled.ok("POST", "/zones", {"name": "\\027[31m.test"})
    filled.ok("POST", "/zones/one.test/force", {"rule": "V1", "reason": "caf\u00e9 \u009b31m"})
    filled.ok("POST", "/zones/one.test/hold", {"reason": "caf\u00e9 \u009b31m"})
    assert "caf\u00e9 ?31m" in cli.ok("zone", "show", "one.test")
    turned = "\u200e\u200f\u061c\u202a\u202e\u2066\u2069\u2028"
    filled.ok("POST", "/zones/one.test/hold", {"reason": f"a{turned}b \u202f\u2065\u061b"})
    assert f"a{'?' * len(turned)}b \u202f\u2065\u061b" in cli.ok("zone", "show", "one.test"), cli.ok("zone", "show", "one.test")
    filled.ok("POST", "/zones/one.test/force", {"rule": "V1", "reason": f"a{turned}b"})
    history = on_a_terminal(cli, b"", "zone", "history", "one.test", columns=70)[1]
    assert not any(x in history for x in turned) and "a????????b" in history, history
    filled.ok("POST", "/zones/one.test/resume")
    for words in (["zone", "list"], ["zone", "show", "\\027[31m.test"], ["zone", "history", "one.test"], ["show"]):
        out = cli.ok(*words)
        assert "\x1b" not in out and "\x9b" not in out.encode("latin-1", "replace").decode("latin-1"), out
    filled.ok("DELETE", "/zones/%5C027%5B31m.test")


# --- asking first ---

def test_what_is_dangerous_asks(cli):
    cli.fails(75, "zone", "abort", "one.test", says="no process")
    dry = cli.ok("zone", "force", "one.test", "--rule", "V1", "--reason", "x", "--dry-run")
    assert dry == "resolvers that hold an old DS set may fail: every DS set that may be cached authenticates every DNSKEY set\n"
    r = cli.run("zone", "force", "one.test", "--rule", "V1", "--reason", "not done")
    assert r.returncode == 64 and r.stdout == dry and "--yes" in r.stderr
    assert "not done" not in cli.ok("zone", "history", "one.test")
    assert cli.ok("zone", "force", "one.test", "--rule", "V1", "--reason", "done it", "--yes") == dry
    for view in ("status", "explain"):
        assert "forced   the next step may pass V1, once: as asked\n" in cli.ok("zone", view, "one.test")
    assert "forced" not in cli.ok("zone", "status", "two.test")
    assert "done it" in cli.ok("zone", "history", "one.test")
    cli.fails(65, "zone", "force", "one.test", "--rule", "V77", "--reason", "x", "--yes", says="--rule: there is no rule")


def on_a_terminal(cli, answer, *words, columns=0):
    """(exit status, what stood on the terminal)"""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    p = subprocess.Popen([CLI] + list(words), env=cli.env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, answer)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:                 # the other side is closed
        pass
    os.close(master)
    return p.wait(60), text.decode()


def test_every_command_that_asks(cli, filled):
    """All alike: no terminal, no --yes: nothing is done; a terminal is asked, --yes is not."""
    asked = {"signer delete": ["going"], "signergroup delete": ["going"], "zone delete": ["going.test"],
             "zone join": ["going.test", "--group", "other"], "zone abort": ["going.test"],
             "zone force": ["going.test", "--rule", "V1", "--reason", "x"], "zone lost": ["going.test", "--signer", "bind", "--reason", "x"]}
    says = "Asks before it does it; without a terminal it does nothing unless --yes is given."
    names = re.findall(r"^  ((?:signer|signergroup|zone|process) [a-z]+) ", "".join(cli.ok("help", x) for x in (
        "signer", "signergroup", "zone", "process")), re.M)
    assert len(names) > 30 and [n for n in names if says in cli.ok("help", *n.split())] == list(asked) == \
        [n for n in names if "--yes" in cli.ok("help", *n.split())]
    cli.ok("signer", "add", "going", "--driver", "manual")
    cli.ok("signergroup", "add", "going")
    cli.ok("zone", "add", "going.test")
    before = filled.everything()
    for name, words in asked.items():
        command = name.split() + words
        if name not in ("zone abort", "zone join"):     # which have nothing to ask about here
            told = cli.fails(64, *command)
            assert told == f'music-cli: "{name}" asks first, and this is no terminal: --yes does it unasked\n', told
            for answer in (b"n\n", b"\n", b"\x04"):
                code, text = on_a_terminal(cli, answer, *command)
                assert code == 1 and f"{name} {words[0]}: " in text and "? [y/N] " in text and "nothing is done" in text, (code, text)
    assert filled.everything() == before and "forced" not in cli.ok("zone", "status", "going.test")
    code, text = on_a_terminal(cli, b"y\n", "zone", "lost", *asked["zone lost"])
    assert code == 0 and text.index("bind must be silent") < text.index("declare it lost? [y/N] "), text
    assert "\nWARN  bind is declared lost: resolvers that found the zone through it may fail" in cli.ok("zone", "status", "going.test")
    assert cli.ok("zone", "lost", *asked["zone lost"], "--dry-run") == "bind must be silent\n"
    cli.ok("zone", "add", "answers.test")
    words = ["zone", "lost", "answers.test", "--signer", "bind", "--reason", "x"]
    cli.fails(75, *words, "--yes", says="signer bind answers")
    cli.fails(75, *words, "--dry-run", says="signer bind answers")
    assert cli.ok(*words, "--force", "--dry-run") == cli.ok(*words, "--force", "--yes") == "bind must be silent\n"
    cli.ok("zone", "delete", "answers.test", "--yes")
    code, text = on_a_terminal(cli, b"", "zone", "delete", "going.test", "--yes")
    assert code == 0 and text == "", text
    for noun in ("signer", "signergroup"):
        assert on_a_terminal(cli, b"y\n", noun, "delete", "going")[0] == 0
        cli.fails(66, noun, "show", "going")


def test_a_move_that_a_signer_leaves_by(cli):
    """it is named, and nothing is done unless that was asked for; a move that nobody leaves by is none of that"""
    def group():
        return json.loads(cli.ok("zone", "show", "move.test", "-o", "json"))["group"]
    cli.ok("signergroup", "add", "other", "--signer", "knot")
    cli.ok("signergroup", "add", "same", "--signer", "bind")
    cli.ok("zone", "add", "move.test", "--group", "first")
    wait_until(lambda: [s["name"] for s in json.loads(cli.ok("zone", "status", "move.test", "-o", "json"))["signers"] if s["member"]] == ["bind"])
    move = ["zone", "join", "move.test", "--group", "other"]
    told = "bind does not sign the zones of group other: it leaves move.test. (REMOVE-SIGNER) when those that do have joined.\n"
    fit = told + "knot is fit to join move.test.\n"       # who joins is looked at
    assert cli.ok(*move, "--dry-run") == fit
    assert json.loads(cli.ok(*move, "--dry-run", "-o", "json")) == {"zone": "move.test", "dry_run": True, "consequence": fit}
    cli.ok("signer", "add", "dumb", "--driver", "manual")
    cli.ok("signer", "join", "dumb", "--group", "other")
    unfit = cli.run(*move, "--dry-run")                 # each reason why not, and no warning
    assert unfit.returncode == 1 and squeeze(unfit.stdout) == squeeze(fit) + [
        "dumb is not fit to join move.test.", " capability: bind does not let us change its records: change what is asked for there by hand",
        " serves: bind is declared lost in this zone, until it joins"], unfit
    assert json.loads(cli.run(*move, "--dry-run", "-o", "json").stdout)["consequence"].startswith(fit)
    cli.ok("signer", "leave", "dumb", "--group", "other")
    assert cli.ok(*move, "--dry-run") == fit            # who leaves the group does not join by it
    cli.ok("signergroup", "add", "crowded", "--signer", "knot")
    for more in (["--dry-run"], []):                    # nobody is asked about what would be refused
        refused = cli.run("zone", "join", "move.test", "--group", "crowded", *more)
        assert refused.returncode == 65 and "--group: two signers have this name server" in refused.stderr and refused.stdout == "", refused
    refused = cli.run(*move)
    assert refused.returncode == 64 and refused.stdout == told and "--yes does it unasked" in refused.stderr, refused
    code, text = on_a_terminal(cli, b"n\n", *move)
    assert code == 1 and told.strip() in " ".join(text.split()) and "signers leave the zone. Move it? [y/N] " in text and "nothing is done" in text, text
    cli.fails(64, "zone", "update", "move.test", "--group", "other", says='--group: a signer would leave the zone; "zone join move.test --group other" says which')
    assert group() == "first"
    assert cli.ok("zone", "join", "move.test", "--group", "same", "--dry-run") == "no signer leaves it\n"
    cli.fails(65, "zone", "join", "move.test", "--group", "nosuch", "--dry-run", says="nosuch")
    cli.ok("zone", "join", "move.test", "--group", "same")
    assert group() == "same"
    cli.ok("zone", "update", "move.test", "--group", "first")
    assert group() == "first"
    cli.ok(*move, "--yes")
    assert group() == "other"
    cli.ok("zone", "delete", "move.test", "--abandon", "--yes")
    for name in ("other", "same", "crowded"):
        cli.ok("signergroup", "delete", name, "--yes")
    cli.ok("signer", "delete", "dumb", "--yes")


def test_only_what_is_bad_is_red(cli, filled):
    """no is no fault of itself: of a column the table says which word is bad"""
    def red(*words):
        text = on_a_terminal(cli, b"", *words)[1]
        assert "\033[32m" in text or "VALID" not in text, text
        return re.findall(r"\033\[31m *([A-Za-z-]+)", text)
    assert red("zone", "list") == [] and red("zone", "status", "one.test") == []
    filled.ok("POST", "/zones/one.test/hold", {"reason": "x"})
    assert red("zone", "list") == ["yes"]
    filled.ok("POST", "/zones/one.test/resume")


# --- following ---

@pytest.fixture
def moving(tmp_path, request):
    """a zone that goes a row a tick; the default leaves time to see each process, and none is over in less than half a minute at SLOW"""
    d = Daemon(tmp_path, tick_ms=getattr(request, "param", 600), tls=certificate(tmp_path))
    for name in ("bind", "knot"):
        d.ok("POST", "/signers", {"name": name, "driver": "ddns"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    d.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    yield d
    d.stop()


SLOW = pytest.mark.parametrize("moving", [4000], indirect=True)


def test_lists_on_a_narrow_terminal(tmp_path):
    """Broken at words; what is too wide still stands below its row; and a list of nothing says so."""
    d = Daemon(tmp_path, tls=certificate(tmp_path))
    cli = Shell(tmp_path, d)
    assert on_a_terminal(cli, b"", "show") == (0, 'there is nothing yet; begin with "signer add" (see "music-cli help signer add")\r\n')
    assert json.loads(cli.ok("show", "-o", "json")) == {"signers": [], "groups": [], "zones": []}
    d.ok("POST", "/signers", {"name": "bind", "driver": "ddns", "update": "192.0.2.1", "key_file": "/etc/music/keys/a-name-of-thirty-characters.key",
                              "name_servers": [{"name": "ns1.bind.test", "addresses": ["192.0.2.1", "2001:db8::1"]}]})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})

    def shown(columns, *words):
        code, text = on_a_terminal(cli, b"", *words, columns=columns)
        lines = re.sub("\x1b\\[[0-9;]*m", "", text).replace("\r\n", "\n").splitlines()
        assert code == 0 and max(map(len, lines)) <= columns and not any(x.endswith(" ") for x in lines), (code, text)
        return lines
    for columns in (80, 60, 40):
        assert shown(columns, "process", "list")[-1] == "(none)" and shown(columns, "zone", "list")[-1] == "(none)"
    assert [x for x in shown(80, "show") if x not in ("signers", "groups")].count("(none)") == 1 and "none" not in shown(80, "show")
    assert len(shown(200, "signer", "list")) == 2
    assert [x.split() for x in shown(80, "signer", "list")[1:]] == [
        ["bind", "ddns", "192.0.2.1", "-", "0", "0", "0", "-"], ["KEY", "FILE", "/etc/music/keys/a-name-of-thirty-characters.key"],
        ["NAME", "SERVERS", "ns1.bind.test.=192.0.2.1,2001:db8::1"]]
    d.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    d.ok("POST", "/zones/z.test/force", {"rule": "V1", "reason": "somebody has to look at the caf\u00e9 first, and nobody has the time before next week"})
    history = shown(80, "zone", "history", "z.test")
    at = history[0].index("WHAT")
    assert all(len(x) <= at or x[at - 1] == " " for x in history), history
    said = " ".join(x[at:] for x in history[1:])
    assert "somebody has to look at the caf\u00e9 first, and nobody has the time before next week" in said, history
    rows = shown(80, "process", "show", "ADD-SIGNER")
    assert "    WHAT IS DONE  import every signer's keys into the others' DNSKEY sets" in rows
    assert len(shown(70, "process", "show", "ADD-SIGNER")) > len(shown(200, "process", "show", "ADD-SIGNER")) == 10

    def words_of(text):
        return sorted(re.sub(r"\S*\d\d:\d\d:\d\dZ|\b(\d+[smh])+\b", "", text).split())
    # prose is folded alike, below where it began, and only on a terminal
    d.ok("POST", "/signers", {"name": "hand", "driver": "manual"})
    d.ok("POST", "/groups", {"name": "hands", "signers": ["hand"]})
    d.ok("POST", "/zones", {"name": "uncopied-waits.test", "group": "hands"})
    zone = ["uncopied-waits.test"]
    wait_until(lambda: "waiting for" in cli.ok("zone", "plan", *zone))
    joined = [["zone", "explain"] + zone, ["zone", "status"] + zone, ["zone", "plan"] + zone, ["help", "zone", "join"], ["help", "zone"],
              ["help"], ["signer", "add", "--help"]]
    for words in joined:
        piped = words_of(cli.ok(*words))
        for columns in (80, 60):
            assert words_of("\n".join(shown(columns, *words))) == piped, (columns, words)
        assert max(map(len, cli.ok(*words).splitlines())) > 80, words
    lines = shown(80, "zone", "explain", *zone)
    at = next(i for i, x in enumerate(lines) if x.startswith("    hint     give the address"))
    assert re.match(r" {13}\S", lines[at + 1]), lines[at:at + 3]
    assert len(shown(80, "help", "zone", "join")) > len(cli.ok("help", "zone", "join").splitlines())
    # what is told of who is lost, too
    cli.ok("zone", "lost", "z.test", "--signer", "bind", "--reason", "x", "--yes", "--force")
    piped = cli.ok("zone", "status", "z.test")
    told = shown(60, "zone", "status", "z.test")
    at = next(i for i, x in enumerate(told) if x.startswith("WARN  bind is declared lost: "))
    assert re.match(r" {6}\S", told[at + 1]) and words_of("\n".join(told)) == words_of(piped), told
    assert '\nbind is lost and has yet to leave: "signer leave bind --group g"\n' in piped, piped
    d.stop()


@SLOW
def test_a_list_has_the_rule_and_the_wide_one_its_sentence(moving, tmp_path):
    cli = Shell(tmp_path, moving)
    cli.ok("signer", "join", "knot", "--group", "g")
    wait_until(lambda: "DS-Wait" in cli.ok("zone", "list"))
    assert max(map(len, cli.ok("zone", "list").splitlines())) < 100 and "old DS sets" not in cli.ok("zone", "list")
    for form in ("wide", "csv", "json"):
        assert "DS-Wait: old DS sets have left all caches" in cli.ok("zone", "list", "-o", form), form


def test_migrate_in_one_command(moving, tmp_path):
    cli = Shell(tmp_path, moving)
    dry, plan = ["zone", "migrate", "z.test", "--from", "bind", "--to", "knot", "--dry-run"], "knot joins 1 zone of group g; then bind leaves it\n"
    assert cli.ok(*dry) == plan + "knot is fit to join z.test.\n"
    told = json.loads(cli.ok(*dry, "-o", "json"))
    assert told["fit"] is True and told["fitness"] == "knot is fit to join z.test.\n" and told["text"] + "\n" == plan, told
    cli.ok("signer", "add", "dumb", "--driver", "manual")
    for words in (["z.test"], ["--group", "g"]):        # who is not fit is told now, and not by a join that waits
        unfit = cli.run("zone", "migrate", *words, "--from", "bind", "--to", "dumb", "--dry-run")
        assert unfit.returncode == 1 and "dumb is not fit to join z.test.\n  capability: " in unfit.stdout, unfit
    assert json.loads(cli.run(*dry[:-2], "dumb", "--dry-run", "-o", "json").stdout)["fit"] is False
    assert [s["name"] for s in json.loads(cli.ok("zone", "status", "z.test", "-o", "json"))["signers"]] == ["bind"]
    out = cli.ok("zone", "migrate", "z.test", "--from", "bind", "--to", "knot", "--watch", "--interval", "100ms",
                 "--timeout", "50s").splitlines()
    assert out[0] == "knot joins 1 zone of group g; then bind leaves it" and out[-1] == "done"
    assert any("ADD-SIGNER knot" in x and "waits: " in x and x.endswith("s left)") for x in out), out
    assert any("REMOVE-SIGNER bind" in x for x in out) and len(out) == len(set(out))
    status = cli.ok("zone", "status", "z.test")
    assert status.endswith("\n\nbind has left, and may be switched off for z.test.\n") and status.count("bind") == 1, status
    assert [x.split()[2:5] for x in cli.ok("process", "list").splitlines()[1:]] == [
        ["REMOVE-SIGNER", "bind", "stop"], ["ADD-SIGNER", "knot", "stop"]]
    # all is done already
    for words in (["--until-done"], ["--timeout", "50s"]):
        assert cli.ok("zone", "watch", "z.test", *words, timeout=30).splitlines()[1:] == ["done: nothing is under way"]
    cli.fails(75, "zone", "migrate", "z.test", "--from", "bind", "--to", "knot", says="--from: ")
    cli.fails(64, "zone", "migrate", "--from", "bind", "--to", "knot", says="either")
    group = cli.ok("zone", "migrate", "--group", "g", "--from", "knot", "--to", "bind", "--dry-run")
    assert "bind joins 1 zone of group g" in group
    cli.ok("signer", "join", "bind", "--group", "g")
    wait_until(lambda: "process  ADD-SIGNER bind" in cli.ok("zone", "status", "z.test"))
    assert "switched off" not in cli.ok("zone", "status", "z.test")


def outcomes(text):
    """of a watch in JSON, whose lines are all objects and of which one tells the end"""
    lines = [json.loads(x) for x in text.splitlines()]
    assert all("outcome" not in x and x["name"] == "z.test." for x in lines[:-1]), text
    return lines[-1]


def test_all_of_a_watch_is_json(moving, tmp_path):
    cli = Shell(tmp_path, moving)
    first, rest = cli.ok("zone", "migrate", "z.test", "--from", "bind", "--to", "knot", "--watch", "--interval", "100ms", "--timeout", "50s",
                         "-o", "json").split("\n", 1)
    assert json.loads(first)["text"].startswith("knot joins ") and outcomes(rest) == {"outcome": "done", "text": "done"}
    watched = cli.ok("zone", "watch", "z.test", "--until-done", "-o", "json")
    assert outcomes(watched) == {"outcome": "done", "text": "done: nothing is under way"}
    cli.ok("zone", "hold", "z.test", "--reason", "lunch")
    r = cli.run("zone", "watch", "z.test", "--until-done", "-o", "json")
    assert r.returncode == 75 and outcomes(r.stdout) == {"outcome": "held", "text": "z.test is held: lunch"} and "lunch" in r.stderr, r
    cli.ok("zone", "resume", "z.test")
    cli.ok("signer", "join", "bind", "--group", "g")
    r = cli.run("zone", "watch", "z.test", "--timeout", "100ms", "-o", "json")
    assert r.returncode == 75 and outcomes(r.stdout)["outcome"] == "timeout", r


def test_who_has_left_is_told_as_long_as_it_is_so(moving, tmp_path):
    """Of a zone that is well, until another process begins."""
    cli = Shell(tmp_path, moving)
    moving.ok("POST", "/zones", {"name": "broken.test", "group": "g"})

    def zone(name):
        return moving.ok("GET", f"/zones/{name}/status")

    def last(name):
        p = moving.ok("GET", f"/processes?zone={name}&limit=1")["items"][0]
        return p["kind"], p["outcome"]

    def told(name):
        return "has left" in cli.ok("zone", "status", name)
    cli.ok("signer", "join", "knot", "--group", "g")
    wait_until(lambda: zone("z.test")["process"])
    assert not told("z.test")
    wait_until(lambda: not any(zone(n)["process"] for n in ("z.test", "broken.test")))
    cli.ok("signer", "leave", "bind", "--group", "g")
    wait_until(lambda: all(last(n)[:2] == ("REMOVE-SIGNER", "done") for n in ("z.test", "broken.test")))
    assert told("z.test") and not told("broken.test")       # an INVALID zone is no place to switch servers off
    cli.ok("signer", "join", "bind", "--group", "g")
    wait_until(lambda: zone("z.test")["process"])
    assert not told("z.test")
    cli.ok("zone", "abort", "z.test", "--yes")
    wait_until(lambda: not zone("z.test")["process"])
    assert last("z.test") == ("ADD-SIGNER", "aborted by boss") and not told("z.test")   # who never came in has not left


@SLOW
def test_a_zone_that_is_held_is_not_done(moving, tmp_path):
    cli = Shell(tmp_path, moving)
    cli.ok("signer", "join", "knot", "--group", "g")
    wait_until(lambda: moving.ok("GET", "/zones/z.test/status")["process"])
    cli.ok("zone", "hold", "z.test", "--reason", "lunch")
    cli.fails(75, "zone", "watch", "z.test", "--until-done", says="lunch")
    r = cli.run("zone", "watch", "z.test", "--timeout", "2s", "--interval", "100ms")     # nothing moves: one line
    assert r.returncode == 75 and "ADD-SIGNER knot" in r.stdout and len(r.stdout.splitlines()) == 1, r.stdout


def test_a_zone_is_done_when_it_is_known_and_not_invalid(moving, tmp_path):
    cli = Shell(tmp_path, moving)
    moving.ok("POST", "/zones", {"name": "dark.test"})
    moving.ok("POST", "/zones", {"name": "broken.test"})
    r = cli.run("zone", "watch", "dark.test", "--until-done", "--timeout", "1s", "--interval", "100ms")
    assert r.returncode == 75 and "UNKNOWN" in r.stdout and "done" not in r.stdout.splitlines(), r
    assert "zone explain broken.test" in cli.fails(2, "zone", "watch", "broken.test", "--until-done", says="INVALID")
    cli.fails(65, "zone", "list", "--state", "FOO", says="is none of: UNKNOWN, VALID, ")
    assert "dark.test." in cli.ok("zone", "list", "--state", "unknown")


def test_invalid_ends_a_watch_when_nothing_runs(tmp_path):
    """Though not all is done; but not before the zone was looked at with what was asked for last."""
    d = Daemon(tmp_path, tick_ms=600000, tls=certificate(tmp_path))
    for name in ("bind", "knot", "pdns"):
        d.ok("POST", "/signers", {"name": name, "driver": "ddns"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind", "knot"]})
    d.ok("POST", "/zones", {"name": "halfbroken.test", "group": "g"})
    cli = Shell(tmp_path, d)
    cli.fails(2, "zone", "watch", "halfbroken.test", "--timeout", "30s", says="nothing runs that would change it")
    cli.ok("signer", "join", "pdns", "--group", "g")
    cli.fails(75, "zone", "watch", "halfbroken.test", "--timeout", "1s", says="not done after the time given")
    d.stop()


@SLOW
@pytest.mark.parametrize("words", [["watch", "z.test", "--until-done"], ["migrate", "z.test", "--from", "bind", "--to", "knot", "--watch"]],
                         ids=lambda w: w[0])
def test_a_process_that_was_aborted_is_not_done(moving, tmp_path, words):
    cli = Shell(tmp_path, moving)
    if words[0] == "watch":
        cli.ok("signer", "join", "knot", "--group", "g")
    p = subprocess.Popen([CLI, "zone", *words, "--interval", "100ms", "--timeout", "50s"],
                         env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = p.stdout.readline()
    wait_until(lambda: moving.ok("GET", "/zones/z.test/status")["process"])
    cli.ok("zone", "abort", "z.test", "--yes")
    out, err = p.communicate(timeout=90)
    assert p.returncode == 1 and "aborted by boss" in err, (first, out, err)


def test_watch_outlives_a_daemon_that_starts_again(tmp_path):
    first = Daemon(tmp_path, tick_ms=60000, tls=certificate(tmp_path))
    first.ok("POST", "/zones", {"name": "dark.test"})
    cli = Shell(tmp_path, first)
    p = subprocess.Popen([CLI, "zone", "watch", "dark.test", "--timeout", "15s", "--interval", "1s"], env=cli.env,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "dark.test." in p.stdout.readline()
    first.stop()
    _, err = p.communicate(timeout=90)
    assert p.returncode == 75 and err.count("music-cli: http") == 1, err
    cli.fails(69, "zone", "status", "dark.test")


def test_events(cli, filled):
    p = subprocess.Popen([CLI, "events", "--count", "2", "--zone", "one.test"], env=cli.env, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: filled.ok("GET", "/status")["streams"] == 1)
    cli.ok("zone", "check", "one.test")
    cli.ok("zone", "check", "two.test")
    cli.ok("zone", "hold", "one.test")
    out, _ = p.communicate(timeout=90)
    assert p.returncode == 0
    assert [re.sub(r"^\S+", "TIME", x) for x in out.splitlines()] == [
        "TIME  one.test.  operator  check  (boss)", "TIME  one.test.  operator  held  (boss)"]
    cli.ok("zone", "resume", "one.test")
    newest = filled.ok("GET", "/zones/one.test/history?limit=3")["items"]
    out = cli.ok("events", "--zone", "one.test", "--since", str(newest[-1]["id"]), "--count", "2", "-o", "json")
    assert [json.loads(x)["id"] for x in out.splitlines()] == [newest[1]["id"], newest[0]["id"]]
    cli.fails(65, "events", "--zone", "nosuch.test", says="nosuch.test")


# --- wrong words, wrong settings ---

@pytest.mark.parametrize("words,says", [
    (["zoen", "list"], 'did you mean "zone"'), (["zone"], "zone what?"), (["zone", "lst"], 'did you mean "zone list"'),
    (["zone", "frob"], 'unknown command "zone frob"; there are: add, update, delete, list, status, show, '),
    (["signergroup", "frob"], "there are: add, delete, list, show\n"), (["token", "frob"], "there is: new\n"),
    (["frobnicate"], 'unknown command "frobnicate"; there are: signer, signergroup, zone, process, show, status, '),
    (["zone", "list", "--grop", "x"], "did you mean --group"), (["zone", "list", "--group"], "needs GROUP"),
    (["zone", "list", "--busy=yes"], "takes no value"), (["zone", "show"], "ZONE is missing"),
    (["zone", "show", "a", "b"], "one word too many"), (["signer", "add", "x"], "--driver DRIVER is missing: how changes are made (ddns, manual or secondary)"),
    (["token", "new", "x"], "--role ROLE is missing: what it may do (read, operate or admin)"),
    (["zone", "roll", "one.test", "bind"], "--role ROLE is missing: which key (zsk, ksk or csk)"),
    (["zone", "update", "x", "--mode"], "--mode needs MODE (auto or manual)\n"), (["zone", "list", "-o"], "--output needs FORMAT (text, wide, "),
    (["zone", "list", "--state"], "--state needs STATE (UNKNOWN, "), (["completion"], "SHELL is missing: which shell (bash or zsh)"),
    (["zone", "list", "-o", "xml"], '--output must be text, wide, json or csv, and not "xml"'), (["zone", "list", "-x"], "unknown option -x"),
    (["zone", "add", "x", "--mode", "fast"], '--mode must be auto or manual, and not "fast"'), (["zone", "list", "--limit", "x"], "no number"),
    (["zone", "list", "--group", "a", "--group", "b"], "stands twice"), (["signer", "update", "bind", "--max-ttl", "1x"], "span"),
    (["signer", "update", "bind", "--transfer", "--no-transfer"], "exclude each other"),
    (["zone", "update", "x", "--signer-ns", "nocolon"], "SIGNER:"), (["completion", "fish"], 'SHELL must be bash or zsh, and not "fish"'),
    (["signer", "add", "x", "--driver", "axfr"], '--driver must be ddns, manual or secondary, and not "axfr"'),
    (["help", "nosuch"], "unknown command"), (["help", "zone", "migrat"], 'unknown command "zone migrat"; did you mean "zone migrate"?'),
    (["help", "zone", "frobnicate"], "there are: add, update, "), (["events", "--count", "0"], "number"),
    (["zone", "watch", "one.test", "--interval", "fast"], "span"), (["token", "new", "x", "--role", "root"], '--role must be read, operate or admin, and not "root"'),
    (["zone", "roll", "one.test", "bind", "--role", "dsk"], '--role must be zsk, ksk or csk, and not "dsk"'),
    (["zone", "list", "--insecure"], "unknown option"), (["zone", "list", "-k"], "unknown option"),
    (["zone", "list", "--token", "x"], "unknown option"),
])
def test_wrong_words_are_64(cli, words, says):
    cli.fails(64, *words, says=says)


def test_an_empty_name_is_a_variable_that_was_not_set(cli):
    nobody = {"MUSIC_SERVER": "https://127.0.0.1:1"}            # 69 when it were asked
    names = re.findall(r"^music-cli ([a-z]+(?: [a-z]+)?) \[?([A-Z]+)", "".join(
        cli.ok("help", *n.split()) for noun in ("signer", "signergroup", "zone", "process", "token")
        for n in re.findall(r"^  ([a-z]+ [a-z]+) ", cli.ok("help", noun), re.M)), re.M)
    names = [(name, word) for name, word in names if word != "OPTION"]
    assert len(names) > 25 and ("zone hold", "ZONE") in names
    for name, word in names:
        assert cli.fails(64, *name.split(), "", env=nobody).startswith(f"music-cli: {word} is empty: "), name
    cli.fails(64, "zone", "add", "a.test", "", env=nobody, says="ZONE is empty")
    for words in (["zone", "list", "--group", ""], ["zone", "preflight", "one.test", "--signer="], ["events", "--zone", ""]):
        cli.fails(64, *words, env=nobody, says=" is empty")
    for ns in ("ns1.x=", "ns1.x=192.0.2.1,", "ns1.x=,::1", "ns1.x=192.0.2.1,,::1"):
        for words in (ADD + ["--ns", ns], ["zone", "update", "one.test", "--signer-ns", "bind:" + ns]):
            cli.fails(64, *words, env=nobody, says=f"{words[-2]} {words[-1]}: an address is empty")


ADD = ["signer", "add", "new", "--driver", "ddns"]
KEYED = ["zone", "update", "one.test", "--signer-ns", "bind:ns.x", "--signer-ns", "nosuch:ns.y", "--signer-key", "bind:/etc/k"]


@pytest.mark.parametrize("words,typed,pointer", [
    (ADD + ["--update", "1.2.3"], "--update: not an IP address", "/update"),
    (ADD + ["--key-file", "keys/x"], "--key-file: must be an absolute path", "/key_file"),
    (ADD + ["--update-rate", "1000001"], "--update-rate: must be between", "/update_rate"),
    (ADD + ["--max-ttl", "100000d"], "--max-ttl: must be between", "/max_ttl_s"),
    (ADD + ["--ns", "a.x", "--ns", "b.x=::1,1.2", "--ns", "c.x"], "--ns b.x=::1,1.2: not an IP address", "/name_servers/1/addresses/1"),
    (ADD + ["--ns", "c.x", "--ns", "a..b"], "--ns a..b: not a domain name", "/name_servers/1/name"),
    (ADD + [x for i in range(9) for x in ("--ns", f"n{i}.x")], "--ns: too many: 9", "/name_servers"),
    (["signer", "add", "New", "--driver", "ddns"], "SIGNER New: must be letters", "/name"),
    (["signer", "update", "bind", "--update", "x"], "--update: not an IP address", "/update"),
    (["signer", "probe", "bind", "--zone", "no..such.test"], "--zone: ", "/zone"),
    (["signergroup", "add", "A b"], "GROUP A b: must be letters", "/name"),
    (["signergroup", "add", "new", "--signer", "bind", "--signer", "nosuch"], "--signer nosuch: there is no signer", "/signers/1"),
    (["zone", "add", "a..b"], "ZONE a..b: not a domain name", "/name"),
    (["zone", "add", "new.test", "--group", "nosuch"], "--group: there is no signer group", "/group"),
    (["zone", "add", "new.test", "--parent-address", "::1", "--parent-address", "x"], "--parent-address x: not an IP address", "/parent_addresses/1"),
    (["zone", "update", "one.test", "--parent", "a..b"], "--parent: not a domain name", "/parent"),
    (KEYED, "--signer-ns nosuch:ns.y: there is no signer", "/signers/1/signer"),
    (KEYED + ["--signer-max-ttl", "bind:100000d"], "--signer-max-ttl bind:100000d: must be between", "/signers/0/max_ttl_s"),
    (KEYED[:3] + ["--signer-key", "bind:k"], "--signer-key bind:k: must be an absolute path", "/signers/0/key_file"),
    (KEYED[:3] + ["--signer-ns", "knot:ns.x=1"], "--signer-ns knot:ns.x=1: not an IP address", "/signers/0/name_servers/0/addresses/0"),
    (["zone", "update", "one.test", "--sample", "crowded"], "ZONE one.test: two signers", "/signers"),
    (KEYED[:3] + ["--signer-key", "bind:/etc/k", "--sample", "crowded"], "--signer-key: two signers", "/signers"),
    (["zone", "join", "one.test", "--group", "nosuch"], "--group: there is no signer group", "/group"),
    (["zone", "hold", "one.test", "--reason", "x" * 2000], "--reason: too long", "/reason"),
    (["zone", "migrate", "one.test", "--from", "bind", "--to", "nosuch"], "--to: there is no signer", "/to"),
    (["zone", "migrate", "--group", "nosuch", "--from", "bind", "--to", "knot"], "--group: there is no signer group", "/group"),
    (["zone", "lost", "one.test", "--signer", "nosuch", "--reason", "x", "--yes"], "--signer: there is no signer", "/signer"),
    (["zone", "force", "one.test", "--rule", "V1", "--reason", "", "--yes"], "--reason: must not be empty", "/reason"),
    (["zone", "list", "--group", "nosuch"], "--group: there is no signer group", "group"),
    (["zone", "preflight", "one.test", "--signer", "nosuch"], "--signer: there is no signer", "signer"),
])
def test_errors_name_what_was_typed(cli, words, typed, pointer):
    assert cli.fails(65, *words).startswith(f"music-cli: {typed}")
    assert cli.fails(65, *words, "-o", "json").startswith(f"music-cli: {pointer}: ")


def test_every_option_that_goes_into_a_body_has_a_word(filled):
    """what the table above does not know: a field of a request that no option of music-cli is remembered for"""
    source = "".join(open(os.path.join(TOP, "programs", "music-cli", f), encoding="utf-8").read()
                     for f in ("requests.c", "cmd_signer.c", "cmd_zone.c"))
    known = set(re.findall(r'request_\w+\(c, &?r, "(\w+)"', source)) | set(re.findall(r'remember\([^;]*?"[^"]*/(\w+)(?:/%u)?"', source))
    schemas = filled.doc["components"]["schemas"]
    for name in ("SignerRequest", "ZoneRequest", "ZoneSignerRequest", "GroupRequest", "HoldRequest", "ForceRequest", "LostRequest",
                 "MigrateRequest", "ProbeRequest", "ZoneGroupRequest"):
        missing = set(schemas[name]["properties"]) - known - {"dry_run", "force", "signer"}
        assert not missing, (name, missing)


def test_help(cli):
    out = cli.ok()
    assert out.startswith("music-cli [OPTION...] COMMAND") and cli.ok("help") == cli.ok("--help") == cli.ok("-h") == out
    nouns = {line.split()[0] for line in out.splitlines() if re.match(r"  [a-z]+ ", line)}
    assert {"signer", "signergroup", "zone", "process", "show", "status", "ping", "doctor", "events", "token", "completion",
            "help"} <= nouns
    assert "__complete" not in out
    one = cli.ok("help", "zone", "migrate")
    assert one == cli.ok("zone", "migrate", "--help") and one.startswith("music-cli zone migrate [ZONE] --from SIGNER")
    assert cli.ok("--version") == cli.ok("version") and cli.ok("-V").startswith("music-cli ")
    assert cli.ok("help", "zone").count("\n  zone ") > 15
    with open(os.path.join(TOP, "src", "model", "object.h"), encoding="utf-8") as f:
        drivers = re.findall(r"X\((\w+)\)", re.search(r"define MUS_DRIVERS\(X\) (.*)", f.read())[1])
    may = f"how changes are made: {', '.join(drivers[:-1])} or {drivers[-1]}"
    assert len(drivers) > 1 and may in cli.ok("help", "signer", "add") and may in cli.ok("help", "--mdoc")
    assert complete(cli, "signer", "add", "x", "--driver", "") == drivers


def test_wrong_settings_are_78(cli, tmp_path):
    def config(text):
        path = tmp_path / "cli.yaml"
        path.write_text(text)
        return ["--config", str(path)]
    none = {"MUSIC_SERVER": None, "MUSIC_TOKEN_FILE": None}
    cli.fails(78, "ping", *config("sever: https://x\n"), says="server")
    cli.fails(78, "ping", *config("server: [a]\n"), says="cli.yaml:1")
    cli.fails(78, "ping", "--config", "/nonexistent", says="/nonexistent")
    for url in ("ftp://x", "https://", "https://:1", "https://a:", "https://a:b", "https://a:1@127.0.0.2", "https://a@127.0.0.2:1",
                "https://a/x", "https://a?b", "https://a#b", "https://[::1", "https://[]", "https://a b", "https://a\\b", "HTTPS//a"):
        cli.fails(78, "ping", "--server", url, says="https://HOST")
    cli.fails(78, "ping", "--pin", "deadbeef", says="sha256//")
    words = config(f"server: {cli.env['MUSIC_SERVER']}\ntoken-file: {cli.token_file}\n")
    assert "answers" in cli.ok("ping", *words, env=none)
    os.makedirs(tmp_path / ".config" / "music")
    os.rename(tmp_path / "cli.yaml", tmp_path / ".config" / "music" / "cli.yaml")
    assert "answers" in cli.ok("ping", env=dict(none, HOME=str(tmp_path)))
    assert "answers" in cli.ok("ping", env=dict(none, HOME="/nonexistent", XDG_CONFIG_HOME=str(tmp_path / ".config")))


@pytest.mark.parametrize("url", ["http://127.0.0.1:PORT", "http://localhost:PORT", "http://127.0.0.1:80@127.0.0.1:PORT",
                                 "http://192.0.2.1:PORT", "http://localhost.evil.test:PORT"])
def test_no_token_goes_out_in_clear(cli, url):
    with socket.create_server(("127.0.0.1", 0)) as s:
        cli.fails(78, "ping", "--server", url.replace("PORT", str(s.getsockname()[1])), says="https://HOST")
        s.setblocking(False)
        with pytest.raises(BlockingIOError):
            s.accept()


def test_first_contact_says_what_to_do(cli, filled, tmp_path):
    cli.fails(77, "ping", env={"MUSIC_TOKEN_FILE": None}, says="give the file of your token with --token-file FILE")
    cli.fails(76, "ping", env={"MUSIC_CACERT": None}, says="give it with --cacert FILE")
    stranger = Shell(tmp_path, filled, "unknown-token")
    stranger.fails(77, "ping", says="systemctl reload musicd")
    assert "systemctl reload musicd" in stranger.run("doctor").stdout
    nobody = f"https://127.0.0.1:{free_port()}"
    cli.fails(69, "ping", "--server", nobody, says="look whether musicd runs")
    assert "look whether musicd runs" in cli.run("doctor", "--server", nobody).stdout


def test_help_on_a_noun_is_no_error(cli):
    for words in (["zone", "--help"], ["signer", "-h"]):
        r = cli.run(*words)
        assert (r.returncode, r.stderr) == (0, "") and f"{words[0]} add" in r.stdout


def test_one_clock(cli):
    shown = cli.ok("zone", "show", "one.test", env={"TZ": "Europe/Berlin"})
    told = re.search(r"^created +(\S+)$", shown, re.M)[1]
    assert told == cli.ok("zone", "show", "one.test", env={"TZ": "UTC"}).split("created")[1].split()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)


def test_an_instant_is_one_text(cli, filled):
    """An end is rounded up wherever it is told: in the sentence, behind "until", in the table."""
    cli.ok("zone", "add", "waits.test", "--group", "first")
    wait_until(lambda: filled.ok("GET", "/zones/waits.test/explain")["waits"])
    shown = cli.ok("zone", "explain", "waits.test")
    told = [re.search(r"may be in caches until (\S+)", x)[1] for x in shown.splitlines() if "may be in caches until" in x]
    ends = re.findall(r"^ +until +(\S+) \(", shown, re.M)
    assert len(told) > 3 and told == ends and all(re.fullmatch(r"[\dT:-]{19}Z", x) for x in told), shown
    cli.ok("zone", "delete", "waits.test", "--yes")


def test_tokens_and_roles(cli, filled, tmp_path):
    reader = Shell(tmp_path, filled, "read-token")
    assert "your role        read" in reader.ok("status")
    reader.fails(77, "zone", "hold", "one.test", says="needs the role operate")
    reader.fails(77, "signer", "delete", "bind", "--yes")
    Shell(tmp_path, filled, "unknown-token").fails(77, "ping", says="not known")
    cli.fails(77, "ping", env={"MUSIC_TOKEN_FILE": None}, says="a token is needed")
    cli.fails(66, "ping", "--token-file", "/nonexistent", says="/nonexistent")
    open_file = tmp_path / "open"
    open_file.write_text("admin-token\n")
    open_file.chmod(0o644)
    cli.fails(65, "ping", "--token-file", str(open_file))


def test_new_tokens(cli, tmp_path):
    out = cli.ok("token", "new", "alice", "--role", "operate").splitlines()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", out[1]) and re.fullmatch(r"alice operate [0-9a-f]{64}", out[3])
    import hashlib
    assert hashlib.sha256(out[1].encode()).hexdigest() == out[3].split()[2]
    path = tmp_path / "token"
    line = cli.ok("token", "new", "bob", "--role", "read", "--write", str(path))
    assert line.startswith("bob read ") and path.stat().st_mode & 0o777 == 0o600
    assert hashlib.sha256(path.read_text().strip().encode()).hexdigest() == line.split()[2]
    kept = path.read_text()
    cli.fails(73, "token", "new", "bob", "--role", "read", "--write", str(path),
              says=f"{path} is there already, and is not written over: --write to another file, or move this one away first")
    assert path.read_text() == kept
    cli.fails(73, "token", "new", "bob", "--role", "read", "--write", str(tmp_path / "no" / "t"), says="No such file")
    cli.fails(65, "token", "new", "no name", "--role", "read")
    cli.fails(64, "token", "new", "x", "--role", "root")


# --- doctor ---

def test_doctor(cli, filled, tmp_path):
    def checks(*words, code, **kw):
        r = cli.run("doctor", "-o", "json", *words, **kw)
        assert r.returncode == code, r
        return {c["check"]: (c["result"], c["text"]) for c in json.loads(r.stdout)["items"]}
    found = checks(code=0)
    assert {k: v[0] for k, v in found.items()} == {"configuration": "ok", "token": "ok", "server": "ok", "certificate": "ok",
                                                   "access": "ok", "clock": "ok", "database": "ok", "version": "ok", "addresses": "ok",
                                                   "zones": "ok", "signers": "ok"}
    # what is INVALID is so though it is held, and who does not answer is named
    filled.ok("POST", "/zones", {"name": "broken.test"})
    filled.ok("POST", "/zones/broken.test/hold", {"reason": "x"})
    found = checks(code=1)
    assert found["zone"] == (
        "FAIL", 'broken.test. is INVALID: resolvers may fail; and it is held; see "zone explain broken.test."')
    assert found["wait"][0] == "warning" and found["wait"][1].startswith("broken.test. stands still: V6: ") and "zones" not in found
    filled.ok("DELETE", "/zones/broken.test")
    filled.ok("POST", "/zones", {"name": "deaf.test", "group": "first"})
    found = checks(code=1)
    assert found["servers"] == ("warning", "bind: 0 of its 1 servers for deaf.test. reached") and found["signers"][0] == "ok"
    filled.ok("DELETE", "/zones/deaf.test")
    # a zone that waits for time alone is well; refusals are told while a zone waits
    filled.ok("POST", "/signers", {"name": "badsig", "driver": "ddns", "update": "192.0.2.1"})
    assert checks(code=0)["signers"] == ("ok", "none of 4 refuses or drops changes, or is silent")
    filled.ok("POST", "/zones", {"name": "stuck.test"})
    found = checks(code=1)
    assert found["signer"] == (
        "warning", 'badsig: of 3 changes since the daemon started 2 were refused, 0 dropped and 0 not answered; last failure: BADSIG; '
        'see "signer probe badsig --zone ZONE"') and found["wait"][1].startswith("stuck.test. stands still: ")
    filled.ok("DELETE", "/zones/stuck.test")
    filled.ok("POST", "/zones", {"name": "patient.test"})
    found = checks(code=1)
    assert "wait" not in found and found["zones"][0] == "ok" and "badsig" in found["signer"][1]
    filled.ok("DELETE", "/zones/patient.test")
    filled.ok("DELETE", "/signers/badsig")
    filled.ok("POST", "/signers", {"name": "slow", "driver": "ddns", "update": "192.0.2.1"})
    assert checks(code=1)["signer"] == ("warning", 'slow does not answer, and 1 change waits; last failure: no "answer" in 5 s')
    filled.ok("DELETE", "/signers/slow")
    filled.ok("POST", "/zones", {"name": "risky.test"})
    assert checks(code=1)["zone"] == (
        "warning", 'risky.test. is AT-RISK: a signature does not hold, or will not outlive the caches; '
        'see "zone explain risky.test."')
    filled.ok("DELETE", "/zones/risky.test")
    filled.ok("POST", "/signers", {"name": "keyless", "driver": "ddns", "update": "192.0.2.1"})
    found = checks(code=1)
    assert found["signer"] == ("FAIL", "keyless: nothing can be sent to it: /etc/k.key: No such file or directory") and "signers" not in found
    assert re.search(r"trouble +/etc/k.key: No such file or directory", cli.ok("signer", "show", "keyless"))
    filled.ok("DELETE", "/signers/keyless")
    filled.ok("POST", "/zones", {"name": "nodisk.test"})
    found = checks(code=1)["database"]
    assert found[0] == "FAIL" and re.fullmatch("nothing can be stored, so nothing is sent, since 20.*Z: musicd.db: commit: database or disk is full", found[1])
    filled.ok("DELETE", "/zones/nodisk.test")
    assert checks("--server", "https://127.0.0.1:1", code=69)["server"][0] == "FAIL"
    assert checks(env={"MUSIC_TOKEN_FILE": None}, code=77)["access"][0] == "FAIL"
    bad = tmp_path / "bad.yaml"
    bad.write_text("x: y\n")
    assert checks("--config", str(bad), code=78)["configuration"][0] == "FAIL"


# --- TLS ---

@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")

    def make(name, san):
        cert, key = certificate(folder, name, san)
        der = subprocess.run(f"openssl x509 -in {cert} -pubkey -noout | openssl pkey -pubin -outform der | "
                             "openssl dgst -sha256 -binary | openssl enc -base64", shell=True, check=True, capture_output=True)
        return cert, key, "sha256//" + der.stdout.decode().strip()
    good, other, named = make("good", "IP:127.0.0.1"), make("other", "IP:127.0.0.1"), make("named", "DNS:elsewhere.test")
    daemons = {}
    for name, (cert, key, _) in (("good", good), ("named", named)):
        os.makedirs(folder / name)
        daemons[name] = Daemon(folder / name, tls=[cert, key])
    yield daemons, good, other, named
    for d in daemons.values():
        d.stop()


def test_certificates_are_always_checked(tls, tmp_path):
    daemons, good, other, named = tls
    cli = Shell(tmp_path, daemons["good"])
    del cli.env["MUSIC_CACERT"]
    assert "answers" in cli.ok("ping", "--cacert", good[0])
    assert "answers" in cli.ok("ping", "--cacert", good[0], "--pin", good[2])
    assert "answers" in cli.ok("ping", env={"MUSIC_CACERT": good[0], "MUSIC_PIN": good[2]})
    cli.fails(76, "ping", says="certificate")                                     # not known to the system
    cli.fails(76, "ping", "--cacert", other[0])                                   # of somebody else
    cli.fails(76, "ping", "--cacert", good[0], "--pin", other[2], says="public key")
    cli.fails(76, "ping", "--pin", good[2])                                       # a pin alone is not enough
    cli.fails(66, "ping", "--cacert", "/nonexistent")
    elsewhere = Shell(tmp_path, daemons["named"])
    elsewhere.fails(76, "ping", "--cacert", named[0], "--pin", named[2])          # the name does not fit
    for env in ({"CURL_INSECURE": "1"}, {"SSL_CERT_FILE": other[0]}, {"CURL_CA_BUNDLE": good[0]}):
        cli.fails(76, "ping", env=env)
    found = cli.run("doctor", "--cacert", good[0], "-o", "json")
    certificate = [c for c in json.loads(found.stdout)["items"] if c["check"] == "certificate"][0]
    assert certificate["result"] == "ok" and "ends" in certificate["text"] and found.returncode == 0
    found = cli.run("doctor", "-o", "json")
    assert found.returncode == 76 and json.loads(found.stdout)["items"][-1]["check"] == "certificate"
    p = subprocess.run([CLI, "zone", "watch", "z.test"], env=cli.env, capture_output=True, text=True, timeout=90)
    assert p.returncode == 76 and p.stderr.count("\n") == 1


def test_a_client_certificate_is_shown(tmp_path):
    """by options, and by the file; one without the other is a mistake"""
    server, client = certificate(tmp_path), certificate(tmp_path, "client", "DNS:client.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client[0])
    listener, seen = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as s:
                    s.recv(65536)
                    seen.append(s.getpeercert()["subjectAltName"])
                    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"
                              b'{"program":"fake","version":"0.0.0"}\n')
            except ssl.SSLError:
                continue
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = [CLI, "ping", "--server", f"https://127.0.0.1:{listener.getsockname()[1]}", "--cacert", server[0]]

    def ping(*more):
        return subprocess.run(words + list(more), env=env, capture_output=True, text=True, timeout=60)
    assert ping().returncode == 69 and seen == []
    r = ping("--cert", client[0], "--key", client[1])
    assert r.returncode == 0 and seen == [(("DNS", "client.test"),)], r
    conf = tmp_path / "cli.yaml"
    conf.write_text(f"cert: {client[0]}\nkey: {client[1]}\n")
    assert ping("--config", str(conf)).returncode == 0 and len(seen) == 2
    r = ping("--cert", client[0])
    assert r.returncode == 78 and "--cert and --key" in r.stderr, r
    assert ping("--cert", str(tmp_path / "nowhere"), "--key", client[1]).returncode == 66
    listener.close()


# --- completion and the manual ---

def complete(cli, *words):
    return cli.ok("__complete", *words).split("\n")[:-1]


def test_completion(cli):
    assert complete(cli, "z") == ["zone"]
    assert complete(cli, "zone", "st") == ["status", "step"]
    assert complete(cli, "zone", "status", "") == ["one.test.", "two.test."]
    assert complete(cli, "zone", "status", "t") == ["two.test."]
    assert complete(cli, "-o", "json", "zone", "status", "o") == ["one.test."]
    assert complete(cli, "zone", "migrate", "one.test", "--from", "") == ["bind", "knot", "pdns"]
    assert complete(cli, "zone", "list", "--group", "f") == ["first"]
    assert complete(cli, "zone", "add", "x.test", "--mo") == ["--mode"]
    assert complete(cli, "zone", "add", "x.test", "--mode", "") == ["auto", "manual"]
    assert complete(cli, "zone", "status", "one.test", "") == []
    assert complete(cli, "zone", "list", "--state", "V") == ["VALID", "VALID-SO-FAR"]
    assert complete(cli, "zone", "force", "one.test", "--rule", "DS") == ["DS-Wait"]
    assert complete(cli, "help", "z") == ["zone"] and complete(cli, "help", "zone", "st") == ["status", "step"]
    assert "signer" in complete(cli, "help", "") and complete(cli, "help", "ping", "") == []
    rules = complete(cli, "zone", "force", "one.test", "--rule", "")
    assert rules[0] == "V1" and "capability" in rules and not {"held", "manual", "queue", "probe", "last", "none"} & set(rules)
    assert complete(cli, "process", "graph", "A") == ["ADD-SIGNER"]
    assert complete(cli, "completion", "b") == ["bash"]
    assert complete(cli, "ping", "--cacert", "") == [":files"]
    assert complete(cli, "nosuch", "") == []
    assert "--server" in complete(cli, "zone", "list", "-")
    assert complete(cli, "zone", "status", "", ) == complete(cli, "zone", "show", "")


def test_completion_in_bash(cli):
    script = cli.ok("completion", "bash")
    run = subprocess.run(["bash", "-c", script + """
        COMP_WORDS=(music-cli zone status o); COMP_CWORD=3; _music_cli; echo "${COMPREPLY[@]}"
        COMP_WORDS=(music-cli zone mi); COMP_CWORD=2; _music_cli; echo "${COMPREPLY[@]}"
        complete -p music-cli"""], capture_output=True, text=True,
                         env=dict(cli.env, PATH=os.path.dirname(CLI) + ":" + os.environ["PATH"]))
    assert run.stdout.splitlines() == ["one.test.", "migrate", "complete -F _music_cli music-cli"], run
    assert cli.ok("completion", "zsh").startswith("#compdef music-cli")


def test_completion_without_a_daemon_is_silent(cli):
    r = cli.run("__complete", "zone", "status", "", env={"MUSIC_SERVER": "https://127.0.0.1:1"})
    assert (r.returncode, r.stdout) == (0, "")


def test_the_manual_is_what_the_tables_say(cli):
    with open(os.path.join(TOP, "docs", "man", "music-cli.1")) as f:
        assert f.read() == cli.ok("help", "--mdoc"), "make it anew: music-cli help --mdoc > docs/man/music-cli.1"
