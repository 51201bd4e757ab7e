"""musicd itself, with no name server in the world: what the engine answers, and how it names what is wrong."""
import http.client
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import threading

import pytest

from conftest import CLI, names_its_place, wait_until
from test_docs import MUSICD, Real
from test_objects import Stream


class Client:
    def __init__(self, real):
        self.port, self.real = real.port, real
        self.context = ssl.create_default_context(cafile=real.cert)
        with open(real.token) as f:
            self.token = f.read().strip()

    def call(self, method, path, body=None):
        conn = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        conn.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        r = conn.getresponse()
        text = r.read()
        conn.close()
        return r.status, json.loads(text) if text else None

    def cli(self, *words):
        return subprocess.run([CLI, "--server", self.real.url, "--cacert", self.real.cert, "--token-file", self.real.token, *words],
                              env={**os.environ, "MUSIC_CLI_CONFIG": ""}, capture_output=True, text=True, timeout=60)

    def ok(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        assert status in (200, 201, 204), (status, answer)
        return answer

    def fails(self, status, method, path, body=None, field=None, words=""):
        got, answer = self.call(method, path, body)
        assert got == status, (got, answer)
        assert answer["error"].get("field") == field and words in answer["error"]["message"], answer
        if status == 422:
            names_its_place(path, json.dumps(body), field)
        return answer["error"]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    d = Real(str(folder))
    c = Client(d)
    c.folder = folder
    for n, name in enumerate(("bind", "knot"), 2):
        c.ok("POST", "/signers", {"name": name, "driver": "ddns", "update": f"127.0.0.{n}",
                                  "name_servers": [{"name": f"ns1.{name}.test", "addresses": [f"127.0.0.{n}"]}]})
    c.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    c.ok("POST", "/zones", {"name": "z.test", "group": "g", "parent": "test", "parent_addresses": ["127.0.0.4"]})
    yield c
    d.stop()


NS = {"name": "ns.x.test", "addresses": ["127.0.0.5"]}


@pytest.mark.parametrize("change, field, words", [
    ({"driver": "nosuch"}, "/driver", "there are: ddns"),
    ({"update": None}, "/update", "needs the address"),
    ({"driver": "secondary"}, "/update", "changes nothing and reads no copies"),
    ({"key_file": "/nonexistent/key"}, "/key_file", "/nonexistent/key"),
    ({"name_servers": [NS, {"name": "a..b", "addresses": ["::1"]}]}, "/name_servers/1/name", ""),
    ({"name_servers": [NS, dict(NS, name="NS.x.test.")]}, "/name_servers/1/name", "twice"),
])
def test_a_bad_signer_names_its_field(real, change, field, words):
    body = {"name": "new", "driver": "ddns", "update": "127.0.0.5", **change}
    body = {k: v for k, v in body.items() if v is not None}
    real.fails(422, "POST", "/signers", body, field, words)
    if "update" in body:
        real.fails(422, "PATCH", "/signers/bind", {k: v for k, v in body.items() if k in change}, field, words)


def test_who_signs_does_not_become_a_secondary(real):
    """Zones know whose keys are whose."""
    ns = [{"name": "ns.hand.test", "addresses": ["127.0.0.6"]}]
    for before, after in (("manual", "secondary"), ("secondary", "manual")):
        real.ok("POST", "/signers", {"name": "hand", "driver": before, "name_servers": ns})
        real.fails(409, "PATCH", "/signers/hand", {"driver": after}, None, f"driver {before} cannot become {after}")
        real.ok("PATCH", "/signers/hand", {"driver": before})
        real.ok("DELETE", "/signers/hand")


def test_a_key_file_that_everybody_may_read_is_refused(real, tmp_path):
    key = tmp_path / "wide.key"
    key.write_text("hmac-sha256:wide:c2VjcmV0\n")
    new = {"name": "wide", "driver": "ddns", "update": "127.0.0.5", "key_file": str(key)}
    for mode, how in ((0o644, "everybody may use it"), (0o602, "everybody may use it"), (0o660, "may be used beyond 0640")):
        key.chmod(mode)
        told = f"key file: {key}: holds a secret and {how} (mode {mode:04o})"
        real.fails(422, "POST", "/signers", new, "/key_file", told)
        real.fails(422, "PATCH", "/signers/bind", {"key_file": str(key)}, "/key_file", told)
        real.fails(422, "POST", "/zones", {"name": "k.test", "signers": [{"signer": "bind", "key_file": str(key)}]},
                   "/signers/0/key_file", told)
    key.chmod(0o640)
    real.ok("POST", "/signers", new)
    real.ok("DELETE", "/signers/wide")


def test_a_stored_key_file_that_has_become_bad(real, tmp_path):
    """A change that does not name it is refused for it, and says what is wrong and whose it is."""
    key = tmp_path / "stale.key"
    key.write_text("hmac-sha256:stale:c2VjcmV0\n")
    key.chmod(0o600)
    real.ok("POST", "/signers", {"name": "stale", "driver": "ddns", "update": "127.0.0.5", "key_file": str(key)})
    real.ok("POST", "/zones", {"name": "k.test", "signers": [{"signer": "bind", "max_ttl_s": 60}, {"signer": "knot", "key_file": str(key)}]})
    key.write_text("rubbish\n")
    why = f"{key}:1: expected key"
    stored = f"is not given, and what is stored of signer stale cannot be used: {why}"
    in_zone = f"what is stored of signer knot in this zone cannot be used: {why}"
    try:
        real.fails(422, "PATCH", "/signers/stale", {"update_rate": 5}, "/key_file", stored)
        assert real.fails(422, "PATCH", "/signers/stale", {"key_file": str(key)}, "/key_file")["message"].startswith(why)
        real.fails(422, "PATCH", "/signers/stale", {"driver": "nosuch"}, "/driver", "no driver")
        real.fails(409, "PATCH", "/zones/k.test", {"mode": "manual"}, None, in_zone)
        real.fails(409, "PUT", "/zones/k.test/group", {"group": "g"}, None, in_zone)
        real.fails(409, "DELETE", "/zones/k.test/group", None, None, in_zone)
        given = {"signers": [{"signer": "knot", "key_file": str(key)}]}
        assert real.fails(422, "PATCH", "/zones/k.test", given, "/signers/0/key_file")["message"].startswith(why)
        said = real.cli("signer", "update", "stale", "--update-rate", "5")
        assert said.returncode == 65 and said.stderr.startswith(f"music-cli: --key-file: {stored}"), said
        said = real.cli("zone", "update", "k.test", "--mode", "manual")
        assert said.returncode != 0 and said.stderr.startswith(f"music-cli: {in_zone}"), said
    finally:
        key.write_text("hmac-sha256:stale:c2VjcmV0\n")
        real.ok("DELETE", "/zones/k.test?abandon=true")
        real.ok("DELETE", "/signers/stale")


@pytest.mark.parametrize("change, field, words", [
    ({"name": "."}, "/name", "no parent"),
    ({"name": "*"}, "/name", "*. is a wildcard"),
    ({"name": "*.Z.test."}, "/name", "*.z.test. is a wildcard, and no zone has such a name"),
    ({"name": "\\042.z.test"}, "/name", "*.z.test. is a wildcard"),
    ({"parent": "a..b"}, "/parent", ""),
    ({"parent_addresses": ["::1"]}, "/parent", "addresses of its servers"),
    ({"sample": "www."}, "/sample", "relative"),
    ({"sample": "a..b"}, "/sample", ""),
    ({"parent": "127.0.0.1"}, "/parent", "is an address; a name is wanted"),
    ({"signers": [{"signer": "bind", "name_servers": [dict(NS, name="::1")]}]}, "/signers/0/name_servers/0/name", "is an address"),
    ({"signers": [{"signer": "bind"}, {"signer": "knot", "key_file": "/nonexistent"}]}, "/signers/1/key_file", "/nonexistent"),
    ({"signers": [{"signer": "bind", "name_servers": [NS, NS]}]}, "/signers/0/name_servers/1/name", "twice"),
])
def test_a_bad_zone_names_its_field(real, change, field, words):
    body = {"name": "new.test", **change}
    real.fails(422, "POST", "/zones", body, field, words)
    if "name" not in change and "parent_addresses" not in change:
        real.fails(422, "PATCH", "/zones/z.test", change, field, words)
    item = real.ok("POST", "/zones:bulk", [{"name": "z.test"}, body])["items"][1]["error"]
    assert item["field"] == "/1" + field and words in item["message"], item


@pytest.mark.parametrize("sample, words", [
    ("www.Z.test", 'ends with the name of the zone: write "www"'),
    ("a.www.z.test.", 'write "a.www"'),
    ("z.test", "is the zone itself"),
    ("Z.test.", "is the zone itself"),
    ("@", '"@" is the zone itself'),
    ("*", '"*" is a wildcard, which nobody asks for'),
    ("*.w", '"*.w" is a wildcard'),
    ("\\042", "is a wildcard"),
])
def test_a_sample_that_nobody_would_ask_for_is_refused_with_what_to_write(real, sample, words):
    """of a whole name one label too many would be watched, a name that does not exist"""
    real.fails(422, "PATCH", "/zones/z.test", {"sample": sample}, "/sample", words)
    r = real.cli("zone", "update", "z.test", "--sample", sample)
    assert r.returncode == 65 and r.stderr.startswith("music-cli: --sample: ") and words in r.stderr, r.stderr


def test_a_name_that_only_looks_like_the_zone_or_an_address_is_a_sample(real):
    for sample in ("wwwz.test", "10.2.0.192", "a.*", "*a", "a@b", ""):
        assert real.ok("PATCH", "/zones/z.test", {"sample": sample})["sample"] == sample


@pytest.mark.parametrize("name", ["*", "*.example.test"])
def test_no_zone_is_a_wildcard(real, name):
    r = real.cli("zone", "add", name)
    assert r.returncode == 65 and f"music-cli: ZONE {name}: {name}. is a wildcard" in r.stderr, r.stderr


@pytest.mark.parametrize("words, told", [
    (["signer", "add", "new", "--driver", "ddns", "--update", "127.0.0.5", "--ns", "10.53.3.1"], "--ns 10.53.3.1"),
    (["signer", "update", "bind", "--ns", "fd53::1=fd53::1"], "--ns fd53::1=fd53::1"),
    (["zone", "add", "10.53.2.1"], "ZONE 10.53.2.1"),
    (["zone", "add", "10.53.2.1."], "ZONE 10.53.2.1."),
    (["zone", "update", "z.test", "--parent", "10.53.2.1"], "--parent"),
])
def test_an_address_is_no_name(real, words, told):
    r = real.cli(*words)
    assert (r.returncode, r.stderr) == (65, f"music-cli: {told}: is an address; a name is wanted\n"), r.stderr


def test_a_group_that_does_not_fit_is_named(real):
    """the zone's own name servers are told by the one field that was given"""
    real.ok("POST", "/groups", {"name": "both", "signers": ["bind", "knot"]})
    real.ok("POST", "/zones", {"name": "own.test", "signers": [{"signer": s, "name_servers": [NS]} for s in ("bind", "knot")]})
    real.fails(422, "PUT", "/zones/own.test/group", {"group": "both"}, "/group", "it belongs to one")
    real.fails(422, "PATCH", "/zones/own.test", {"group": "both"}, "/group", "it belongs to one")
    real.ok("DELETE", "/zones/own.test")
    owned = {"name": "own.test", "group": "both", "signers": [{"signer": s, "name_servers": [NS]} for s in ("bind", "knot")]}
    real.fails(422, "POST", "/zones", owned, "/signers", "it belongs to one")
    real.ok("DELETE", "/groups/both")


def test_other_refusals_name_their_field(real):
    real.fails(422, "POST", "/zones/z.test/force", {"rule": "held", "reason": "x"}, "/rule", "cannot be forced")
    real.fails(409, "POST", "/zones", {"name": "z.test"})
    real.fails(409, "POST", "/signers", {"name": "bind", "driver": "manual"})


class Secure(Stream):
    """an event stream of musicd itself, by the token of a file"""

    def __init__(self, client, token):
        self.c = http.client.HTTPSConnection("127.0.0.1", client.port, timeout=60, context=client.context)
        self.c.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
        self.r = self.c.getresponse()
        assert self.r.status == 200
        self.lines, self.ended = [], False
        threading.Thread(target=self.read, daemon=True).start()


def test_a_token_that_is_taken_out_loses_its_streams_and_connections(tmp_path):
    d = Real(str(tmp_path))
    boss, log, tokens, secrets = Client(d), tmp_path / "log", tmp_path / "tokens", {}

    def new(name, role="read"):
        file = tmp_path / f"{name}-token"
        file.unlink(missing_ok=True)
        line = subprocess.run([CLI, "token", "new", name, "--role", role, "--write", file], check=True, capture_output=True, text=True).stdout
        secrets[name] = file.read_text().strip()
        return line

    def reload(lines):
        tokens.write_text("".join(lines))
        seen = log.stat().st_size
        d.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "tokens read again" in log.read_text()[seen:])
        boss.ok("GET", "/ping")
        return log.read_text()[seen:]
    first = tokens.read_text()
    kept, gone, replaced, lowered = new("kept"), new("gone"), new("replaced"), new("lowered", "operate")
    assert "event streams ended" not in reload([first, kept, gone, replaced, lowered])
    streams = {name: Secure(boss, token) for name, token in secrets.items()}
    alive = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=60, context=boss.context)

    def ping():
        alive.request("GET", "/api/v1/ping", headers={"Authorization": f"Bearer {secrets['gone']}"})
        answer = alive.getresponse()
        answer.read()
        return answer.status
    assert ping() == 200 and alive.sock
    socket = alive.sock
    said = reload([first, kept, new("replaced"), lowered.replace(" operate ", " read ")])
    assert "2 event streams ended" in said, said
    wait_until(lambda: streams["gone"].ended and streams["replaced"].ended)
    boss.ok("POST", "/signers", {"name": "a", "driver": "manual"})
    boss.ok("POST", "/groups", {"name": "g", "signers": ["a"]})
    boss.ok("POST", "/zones", {"name": "late.test", "group": "g"})
    for name in ("kept", "lowered"):
        wait_until(lambda: any(e.get("zone") == "late.test." for e in streams[name].events()))
        assert not streams[name].ended
    for name in ("gone", "replaced"):
        assert not streams[name].events()
    assert ping() == 401 and alive.sock is socket
    assert boss.ok("GET", "/status")["streams"] == 2
    for s in streams.values():
        s.close()
    alive.close()
    d.stop()


def reloaded(d, file, text):
    """Written, and read again by the daemon: what its log has said since."""
    log = file.parent / "log"
    file.write_text(text)
    seen = log.stat().st_size
    d.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "tokens read again" in log.read_text()[seen:])
    return log.read_text()[seen:]


WARNED = "can make zones bogus that are shown as VALID"


@pytest.mark.parametrize("checks", [True, False])
def test_addresses_that_nobody_compares_are_warned_of(tmp_path, checks):
    """At the start, by doctor, in the status; and nothing waits for a look-up of what is given."""
    d = Real(str(tmp_path), resolver="" if checks else "  check-addresses: no\n")
    c = Client(d)
    assert (WARNED in (tmp_path / "log").read_text()) != checks
    assert c.ok("GET", "/status")["checks_addresses"] == checks
    told = [x for x in json.loads(c.cli("-o", "json", "doctor").stdout)["items"] if x["check"] == "addresses"]
    assert [(x["result"], WARNED in x["text"]) for x in told] == [("ok", False) if checks else ("warning", True)], told
    c.ok("POST", "/signers", {"name": "bind", "driver": "manual", "name_servers": [{"name": "ns1.bind.test", "addresses": ["127.0.0.2"]}]})
    c.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    c.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    wait_until(lambda: c.ok("GET", "/zones/z.test/status")["checked_at"])
    explain = c.ok("GET", "/zones/z.test/explain")
    said = [f["text"] for f in explain["waits"] + explain["findings"]]
    assert any("ns1.bind.test. (bind) " in text for text in said) == checks, said
    d.stop()


def test_a_reload_takes_what_it_can_and_names_the_rest(tmp_path):
    d = Real(str(tmp_path))
    conf, log = tmp_path / "musicd.yaml", tmp_path / "log"
    start = conf.read_text()
    other = tmp_path / "other-tokens"
    other.write_text((tmp_path / "tokens").read_text().replace("boss", "chief", 1))
    other.chmod(0o600)
    said = reloaded(d, conf, start.replace(f"tokens: {tmp_path}/tokens", f"tokens: {other}")
                    + "log:\n  format: json\n  level: debug\npolicy:\n  margin: 61s\nschedule:\n  idle: 59m\n")
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert any("tokens read again" in line.values() for line in lines), said
    for key in ("policy.margin", "schedule.idle"):
        assert f"{key} has changed; it takes effect at the next start" in said, said
    assert "log." not in said and "api.tokens" not in said, said
    assert Client(d).ok("GET", "/status")["caller"] == "chief"
    said = reloaded(d, conf, start.replace("resolver:", "resolvr:"))
    assert "the configuration stays as it was" in said and "resolvr" in said and said.startswith("{"), said
    assert Client(d).ok("GET", "/status")["caller"] == "chief"
    said = reloaded(d, conf, start)
    assert "has changed" not in said and "{" not in said, said
    assert Client(d).ok("GET", "/status")["caller"] == "boss"
    (tmp_path / "tokens").write_text("boss nosuchrole\n")
    d.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "tokens stay as they were" in log.read_text())
    assert Client(d).ok("GET", "/status")["caller"] == "boss"
    d.stop()


def test_a_check_says_what_is_wrong_with_the_database(tmp_path):
    d = Real(str(tmp_path))
    d.stop()
    conf, file = tmp_path / "musicd.yaml", tmp_path / "musicd.db"

    def check(*words):
        before = sorted(os.listdir(tmp_path))
        p = subprocess.run([MUSICD, "-c", str(conf), *words], capture_output=True, text=True, timeout=60)
        assert sorted(os.listdir(tmp_path)) == before
        return p
    assert check("--check").returncode == 0
    whole = file.read_bytes()
    newer = sqlite3.connect(file)
    [version] = newer.execute("PRAGMA user_version").fetchone()
    newer.execute(f"PRAGMA user_version = {version + 1}")
    newer.close()
    for content, words in ((None, f"has schema version {version + 1}, this program knows {version}; it was written by a newer one"),
                           (b"listen: 127.0.0.1\n", "is no SQLite database, by how it begins"), (whole[:50], "is no SQLite database"),
                           (b"x" + whole[1:], "is no SQLite database"),
                           (whole[:68] + b"\0\0\0\1" + whole[72:], "is the database of another program")):
        if content is not None:
            file.write_bytes(content)
        p = check("--check")
        assert p.returncode != 0 and re.search(rf"musicd\.yaml:\d+:\d+: store\.file: {re.escape(str(file))}: {words}", p.stderr), p.stderr
    for content in (whole, b""):
        file.write_bytes(content)
        assert check("--check").returncode == 0
    file.unlink()
    assert check("--check").returncode == 0


HOOK = """hooks:
  - signer: bind
    verb: roll
    role: zsk
    command: [/bin/echo, "{zone}", "{old-key-tag}"]
  - signer: later
    verb: go
    command: /bin/true
    timeout: 5s
"""


@pytest.mark.parametrize("change, place, words", [
    (("{zone}", "{zonne}"), "command", "no placeholder {zonne} (there are: {zone}, "),
    (("{old-key-tag}", "{new-key-tag}"), "command", "who is told to roll has no new key yet"),
    (("verb: roll", "verb: role"), "verb", "roll, go, withdraw"),
    (("role: zsk", "role: [zsk, dsk]"), "role", 'no role "dsk" (there are: zsk, ksk, csk)'),
    (("/bin/echo", "echo"), "command", '"echo" is no path that begins with /'),
    (("/bin/echo", "/nonexistent/echo"), "command", "cannot run /nonexistent/echo: No such file or directory"),
    (("signer: later\n    verb: go", "signer: bind\n    verb: roll"), "verb", "signer bind has a command for roll above already"),
    (("signer: bind\n    ", ""), "signer", ""),
    (("signer: bind", "signer: ''"), "signer", "its length"),
    (("signer: bind", "signer: Bind 9"), "signer", '"Bind 9" is no name of a signer: must be letters a-z'),
    (("/bin/echo", "/tmp"), "command", "cannot run /tmp: is no regular file"),
    (("/bin/echo", "/etc/passwd"), "command", "cannot run /etc/passwd: Permission denied"),
    (("{old-key-tag}", "x" * 65536), "command", "too long: all its words"),
    (("{old-key-tag}", "{zone}" * 64), "command", "too long: all its words"),
    (("verb: go", "verb: go\n    role: ksk"), "role", 'no roll-over of a ksk waits for "go": the command would never be run'),
    (("verb: go", "verb: go\n    role: [zsk, ksk]"), "role", 'no roll-over of a ksk waits for "go"'),
    (("timeout: 5s", "timeout: 10ms"), "timeout", "from 1s"),
    (("role: zsk", "roles: zsk"), "roles", "role"),
])
def test_a_bad_command_is_refused_at_its_place(real, tmp_path, change, place, words):
    good = (real.folder / "musicd.yaml").read_text()
    conf = tmp_path / "musicd.yaml"
    for text in (HOOK, HOOK.replace(*change)):
        conf.write_text(good + text)
        p = subprocess.run([MUSICD, "--check", "-c", str(conf)], capture_output=True, text=True, timeout=60)
        if text == HOOK:
            assert p.returncode == 0, p.stderr
    assert p.returncode != 0 and words in p.stderr and place in p.stderr, p.stderr
    assert p.stderr.startswith(f"musicd: {conf}:") and "hooks[" in p.stderr, p.stderr


def test_commands_are_read_again_and_a_signer_that_is_not_there_is_told(tmp_path):
    d = Real(str(tmp_path))
    conf = tmp_path / "musicd.yaml"
    start = conf.read_text()
    said = reloaded(d, conf, start + HOOK)
    assert 'hooks[0].signer: there is no signer "bind" yet' in said and 'there is no signer "later" yet' in said, said
    assert "takes effect at the next start" not in said, said
    Client(d).ok("POST", "/signers", {"name": "bind", "driver": "manual"})
    said = reloaded(d, conf, start + HOOK)
    assert '"bind"' not in said and 'there is no signer "later" yet' in said, said
    said = reloaded(d, conf, start + HOOK.replace("{zone}", "{zonne}"))
    assert "the configuration stays as it was" in said and "{zonne}" in said, said
    d.stop()


def test_a_roll_that_would_be_unwise_is_refused(real):
    real.fails(409, "POST", "/zones/z.test/roll", {"signer": "bind", "role": "zsk"}, words="signer bind does not sign zone z.test.")
    p = real.cli("zone", "roll", "z.test", "nosuch", "--role", "zsk")
    assert p.returncode == 65 and "SIGNER nosuch" in p.stderr, p
    p = real.cli("zone", "roll", "z.test", "bind", "--role", "dsk")
    assert p.returncode == 64 and "dsk" in p.stderr, p
