"""docs/api.md: its commands run and say what stands there; its table of paths is the daemon's."""
import glob
import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from conftest import BUILD, CLI, TOP, Daemon, free_port, wait_until

MUSICD = os.path.join(BUILD, "programs", "musicd", "musicd")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def text():
    with open(os.path.join(TOP, "docs", "api.md")) as f:
        return f.read()


def table(doc):
    rows = []
    for path, methods in doc["paths"].items():
        for method, op in methods.items():
            rows.append(f"| `{path}` | {method.upper()} | {op['x-role']} | {op['summary']} |")
    return "\n".join(rows) + "\n"


def test_every_path_is_described(daemon):
    has = text().split("| path | method | role | |\n|---|---|---|---|\n")[1]
    assert has == table(daemon.doc), "the table must be:\n" + table(daemon.doc)


SOURCES = ["src/engine/control_*.c", "src/engine/kept.c", "src/engine/probe.c", "src/engine/preflight.c", "src/store/signer.c", "src/store/sql.c",
           "programs/musicd/routes_job.c", "programs/musicd/routes_reply.c", "programs/musicd/routes_signer.c", "programs/musicd/routes_zone.c"]


def calls(source, names):
    """(name, arguments) of each call; parentheses in literals do not count"""
    for m in re.finditer(rf"\b({names})\(", source):
        depth, at = 1, m.end()
        while depth:
            token = re.compile(r'"(?:\\.|[^"\\])*"|.', re.S).match(source, at)
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            at = token.end()
        yield m[1], source[m.end():at - 1]


def refusals():
    """(status, field or "", words) of what the sources say; a format is ..., words without a letter are somebody else's"""
    for path in (p for s in SOURCES for p in sorted(glob.glob(os.path.join(TOP, s)))):
        with open(path, encoding="utf-8") as f:
            source = f.read()
        for name, args in calls(source, "mus_errf|mus_err_wrap|refuse"):
            literals = re.findall(r'((?:"(?:\\.|[^"\\])*"\s*)+)', args)
            kind = re.search(r"MUS_ERR_(CONFLICT|EXISTS|INVAL)\b", args)
            if not literals or not (name == "refuse" or kind):
                continue
            field = literals.pop(0).strip()[1:-1] if name == "refuse" and literals[0].startswith('"/') else ""
            words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', literals[0])).replace('\\"', '"')
            words = re.sub(r"%[-.\d]*(?:ll|l|z)?[a-z]", "\u2026", words).replace("\u2026\u2026", "\u2026")
            if re.search("[a-z]", words) and words != "it was changed meanwhile; get it again":     # which is 412
                yield 422 if name == "refuse" or kind[1] == "INVAL" else 409, field, words


def test_every_refusal_is_described():
    part = text().split("## Refusals, one by one")[1].split("\n## ")[0]
    listed = {}
    for status, rows in zip((409, 422), part.split("| field | message | asked |\n|---|---|---|\n")[1:]):
        for field, words in re.findall(r"^\| (.*?) ?\| (.*?) \| .*? \|$", rows, re.M):
            listed.setdefault((status, words), field)
    said = set(refusals())
    assert len(said) > 40
    missing = {r for r in said if (r[0], r[2]) not in listed or (r[1] and f"`{r[1]}`" not in listed[r[0], r[2]])}
    assert not missing, missing
    stale = set(listed) - {(status, words) for status, _, words in said}
    assert {words.split()[0] for _, words in stale} == {"key"}, stale          # the words of the file's reader


def same(doc, live, at=""):
    """complaints where live is not what the document shows; times, numbers of ids and "..." may differ"""
    if doc == "..." or (isinstance(doc, str) and isinstance(live, str) and TIME.fullmatch(doc) and TIME.fullmatch(live)):
        return []
    if isinstance(doc, dict) and isinstance(live, dict):
        found = [f"{at}: {set(doc) ^ set(live)}"] if set(doc) != set(live) else []
        return found + [c for k in set(doc) & set(live) for c in same(doc[k], live[k], f"{at}/{k}")]
    if isinstance(doc, list) and isinstance(live, list) and len(doc) == len(live):
        return [c for i, (a, b) in enumerate(zip(doc, live)) for c in same(a, b, f"{at}/{i}")]
    return [] if doc == live else [f"{at}: {live!r} is not {doc!r}"]


def certificate(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class Real:
    """musicd itself, with no name server in the world"""

    def __init__(self, folder, env=None, resolver=""):
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        token = subprocess.run([CLI, "token", "new", "boss", "--role", "admin", "--write", f"{folder}/real-token"], check=True,
                               capture_output=True, text=True).stdout
        with open(f"{folder}/tokens", "w") as f:
            f.write(token)
        os.chmod(f"{folder}/tokens", 0o600)
        with open(f"{folder}/hints", "w") as f:  # a root that does not answer
            f.write(". 3600 IN NS root.test.\nroot.test. 3600 IN A 127.0.0.9\n")
        with open(f"{folder}/anchor", "w") as f:
            f.write(f". IN DS 1 13 2 {'AB' * 32}\n")
        with open(f"{folder}/musicd.yaml", "w") as f:
            f.write(f"api:\n  listen: 127.0.0.1@{self.port}\n  tokens: {folder}/tokens\nstore:\n  file: {folder}/musicd.db\n"
                    f"resolver:\n  root-hints: {folder}/hints\n  trust-anchor: {folder}/anchor\n{resolver}")
        self.cert, self.token = f"{folder}/musicd.db.cert.pem", f"{folder}/real-token"
        self.log = open(f"{folder}/log", "w+")
        self.process = subprocess.Popen([MUSICD, "--config", f"{folder}/musicd.yaml"], stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, **(env or {})))
        wait_until(self.listens)

    def listens(self):
        assert self.process.poll() is None, open(self.log.name).read()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.ended()

    def ended(self):
        """after one SIGTERM: a second one would find the handler gone"""
        assert self.process.wait(60) == 0, open(self.log.name).read()


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_the_walk_through_works(tmp_path, kind):
    if kind == "fake":
        cert, key = certificate(str(tmp_path))
        d = Daemon(tmp_path, tick_ms=60000, tls=[cert, key])
        token = str(tmp_path / "token")
        with open(token, "w") as f:
            f.write("admin-token\n")
    else:
        d = Real(str(tmp_path))
        cert, token = d.cert, d.token
    assert shutil.which("curl")
    script, expected = ["set -euo pipefail"], []
    walk = text().split("## A walk through with curl")[1].split("## What each path does")[0]
    for language, body in re.findall(r"```(\w+)\n(.*?)```", walk, re.S):
        if language == "sh":
            script.append("exec >out." + str(len(script)) + "\n" + body)
        else:
            expected.append((len(script) - 1, json.loads(body)))
    script.append("exec >/dev/null\n")
    run = subprocess.run(["bash", "-c", "\n".join(script)], cwd=tmp_path, capture_output=True, text=True,
                         env={"PATH": os.environ["PATH"], "URL": d.url, "CERT": cert, "TOKEN": token})
    assert run.returncode == 0, (run.stderr, sorted(os.listdir(tmp_path)))
    assert len(expected) >= 6
    for number, want in expected:
        with open(tmp_path / f"out.{number}") as f:
            live = f.read()
        assert not same(want, json.loads(live)), (number, same(want, json.loads(live)), live)
    assert not os.path.exists(tmp_path / "auth.header")
    d.stop()


def test_music_cli_and_musicd_speak(tmp_path):
    """the real two: create, look, follow the history; nothing answers DNS here, and the zone says so"""
    d = Real(str(tmp_path))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MUSIC_SERVER": d.url, "MUSIC_CACERT": d.cert,
           "MUSIC_TOKEN_FILE": d.token}

    def cli(*words, code=0):
        r = subprocess.run([CLI] + list(words), env=env, capture_output=True, text=True, timeout=60)
        assert r.returncode == code, (words, r)
        return r.stdout
    assert "answers" in cli("ping")
    cli("signer", "add", "bind", "--driver", "ddns", "--update", "127.0.0.2", "--ns", "ns1.bind.test=127.0.0.2")
    cli("signer", "add", "knot", "--driver", "ddns", "--update", "127.0.0.3", "--ns", "ns1.knot.test=127.0.0.3")
    cli("signer", "add", "x", "--driver", "nosuch", code=64)
    cli("signer", "add", "x", "--driver", "ddns", "--update", "::1", "--key-file", "/nonexistent", code=65)
    cli("signergroup", "add", "g", "--signer", "bind")
    cli("zone", "add", "z.test", "--group", "g", "--parent", "test", "--parent-address", "127.0.0.4")
    cli("signer", "leave", "bind", "--group", "g", code=75)
    wait_until(lambda: json.loads(cli("zone", "show", "z.test", "-o", "json"))["checked_at"])
    explain = json.loads(cli("zone", "explain", "z.test", "-o", "json"))
    assert explain["waits"] and all(w["hint"] and w["text"] for w in explain["waits"] + explain["findings"]), explain
    assert "z.test." in cli("zone", "explain", "z.test") and "bind" in cli("zone", "status", "z.test")
    dry = cli("zone", "migrate", "z.test", "--from", "bind", "--to", "knot", "--dry-run", code=1)
    assert "knot joins 1 zone" in dry and "knot is not fit to join z.test.\n" in dry and "\n  serves: " in dry, dry
    cli("zone", "preflight", "z.test", "--signer", "bind", code=1)

    def stored():               # a look-up that ends meanwhile makes it look again
        zone = json.loads(cli("zone", "show", "z.test", "-o", "json"))
        return {k: v for k, v in zone.items() if k not in ("checked_at", "next_check_at")}, cli("signergroup", "show", "g", "-o", "json")
    before = stored()
    fit = json.loads(cli("zone", "preflight", "z.test", "--signer", "knot", "-o", "json", code=1))
    assert not fit["fit"] and ("serves", "knot") in [(f["rule"], f["signer"]) for f in fit["findings"]], fit
    assert not [f for f in fit["findings"] if f["rule"] == "V10" and f["other_signer"]], fit
    cli("signer", "add", "twin", "--driver", "manual", "--ns", "ns1.bind.test=127.0.0.5")
    worst = json.loads(cli("zone", "preflight", "z.test", "--signer", "twin", "-o", "json", code=1))["findings"][0]
    assert (worst["rule"], worst["signer"], worst["other_signer"]) == ("V10", "twin", "bind"), worst
    assert worst["text"] == "V10: name server ns1.bind.test. is configured for twin and for bind: it belongs to one"
    assert "z.test." in cli("signer", "join", "knot", "--group", "g", "--dry-run", code=1)
    cli("signer", "join", "knot", "--group", "g", "--preflight", code=1)
    assert before == stored()
    cli("zone", "hold", "z.test", "--reason", "test")
    assert "held: test" in cli("zone", "history", "z.test")
    doctor = json.loads(cli("doctor", "-o", "json", code=1))["items"]
    assert {c["check"] for c in doctor if c["result"] == "ok"} >= {"token", "server", "certificate", "access", "clock", "version"}
    assert json.loads(cli("show", "-o", "json"))["zones"][0]["name"] == "z.test."
    cli("zone", "delete", "z.test", "--yes")
    d.stop()
