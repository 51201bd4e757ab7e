"""A fake_musicd for each file of tests, and a client that holds every answer against the OpenAPI text."""
import collections
import http.client
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MUSIC_BUILD", os.path.join(TOP, "build"))
FAKE = os.path.join(BUILD, "tests", "api", "fake_musicd")
CLI = os.path.join(BUILD, "programs", "music-cli", "music-cli")

# Who runs the tests in the background may have them ignore Ctrl-C; the programs that they end by it would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

Answer = collections.namedtuple("Answer", "status headers body json")


def wait_until(what, limit_s=90.0):
    """what() until it is true; its value.  The limit is for what never comes; a busy machine takes its time."""
    end = time.monotonic() + limit_s
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, f"still {value!r} after {limit_s} s"
        time.sleep(0.02)


def free_port():
    """A port of 127.0.0.1 that nobody has, and that no connection which others open meanwhile is given by the kernel."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="utf-8") as f:
        below = int(f.read().split()[0])
    for port in random.sample(range(below // 2, below), 50):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")


def names_its_place(path, body, field):
    """a 422 names a field as the client wrote it (or one it left out), a query parameter, or nothing when the whole body is wrong"""
    try:
        at = json.loads(body) if body else {}
    except ValueError:
        at = None
    if not isinstance(at, dict):
        return
    assert field, f"{path}: 422 without a field"
    if not field.startswith("/"):
        assert field in dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query, True)), (path, field)
        return
    *way, last = field.replace("~1", "\0").replace("~0", "~").split("/")[1:]
    for name in way:
        at = at[int(name)] if isinstance(at, list) else at[name.replace("\0", "/")]
    if isinstance(at, list):
        assert int(last) < len(at), (path, field)


# --- a small validator of the part of OpenAPI 3.0 that the daemon writes ---

KNOWN = {"type", "format", "enum", "nullable", "allOf", "$ref", "items", "properties", "required", "description",
         "additionalProperties", "minimum", "maximum", "maxLength", "minLength", "maxItems"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def complaints(doc, schema, value, at=""):
    """what in value does not fit the schema"""
    unknown = set(schema) - KNOWN
    if unknown:
        return [f"{at}: the validator does not know {unknown}"]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return complaints(doc, doc["components"]["schemas"][name], value, at)
    if value is None:
        ok = schema.get("nullable") or ("type" not in schema and "allOf" not in schema)
        return [] if ok else [f"{at}: null"]
    if "allOf" in schema:
        return [c for s in schema["allOf"] for c in complaints(doc, s, value, at)]
    kind = schema.get("type")
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    if kind is None:
        return []
    if not isinstance(value, types[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{at}: {value!r} is no {kind}"]
    found = []
    if kind == "object":
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                found.append(f"{at}/{name}: is missing")
        for name, v in value.items():
            if name in properties:
                found += complaints(doc, properties[name], v, f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{at}/{name}: is not in the schema")
    elif kind == "array":
        for i, v in enumerate(value):
            found += complaints(doc, schema["items"], v, f"{at}/{i}")
    elif kind == "string":
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{at}: {value!r} is none of {schema['enum']}")
        if schema.get("format") == "date-time" and not TIME.fullmatch(value):
            found.append(f"{at}: {value!r} is no time")
        if len(value.encode()) > schema.get("maxLength", 1 << 30):
            found.append(f"{at}: too long")
    elif kind == "integer" and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{at}: {value} is out of bounds")
    return found


class Daemon:
    """a fake_musicd and calls to it"""

    def __init__(self, folder, tick_ms=50, heartbeat_ms=200, tls=None, env=None):
        self.folder, self.store = str(folder), os.path.join(str(folder), "store.db")
        self.errors = open(os.path.join(self.folder, "stderr"), "w+")
        self.process = subprocess.Popen([FAKE, self.store, str(tick_ms), str(heartbeat_ms)] + list(tls or []),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=dict(os.environ, **(env or {})))
        line = self.process.stdout.readline()
        assert line, self.stderr()
        self.port = int(line)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.cert = tls[0] if tls else None
        self.doc = self.call("GET", "/openapi.json", check=False).json
        self.seen = set()  # (method, path of the table, status) that were checked

    def stderr(self):
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()

    def stop(self):
        """ends it in order; a sanitizer that complained, or a leak, is a failure"""
        self.process.stdin.close()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "no end"
        self.process.stdout.close()
        assert code == 0, f"{code}: {self.stderr()}"

    def raw(self, method, path, body=None, headers=None):
        if self.cert:  # what is tested here is not who answers
            c = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=300, context=ssl._create_unverified_context())
        else:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            try:
                c.request(method, path, body=body, headers=headers or {})
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has seen enough of the body; the answer is there
            r = c.getresponse()
            data = r.read()
            try:
                parsed = json.loads(data)
            except ValueError:
                parsed = None
            return Answer(r.status, r.headers, data, parsed)
        finally:
            c.close()

    def operation(self, method, path):
        """(path of the table, operation) that a request goes to"""
        path = urllib.parse.unquote(path.split("?")[0])
        best = None
        for template, methods in self.doc["paths"].items():
            pattern = re.escape(template).replace(r"\{zone\}", ".+")
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
            if re.fullmatch(pattern, path) and (best is None or len(template) > len(best)):
                best = template
        return best, self.doc["paths"].get(best, {}).get(method.lower())

    def check(self, method, path, answer):
        template, op = self.operation(method, path)
        if op is None:
            assert answer.status in (400, 401, 403, 404, 405), answer
            schema = {"$ref": "#/components/schemas/Error"}
        else:
            ok = str(answer.status) in op["responses"]
            assert ok or answer.status >= 400, f"{method} {path}: {answer.status} is not in the document"
            self.seen.add((method, template, answer.status))
            content = op["responses"][str(answer.status) if ok else "default"].get("content")
            if content is None:
                assert answer.body == b"", answer.body
                return
            kind = answer.headers["Content-Type"]
            assert kind in content, f"{kind} is none of {list(content)}"
            schema = content[kind]["schema"]
            if kind != "application/json":
                return
        found = complaints(self.doc, schema, answer.json)
        assert not found, f"{method} {path}: {found} in {answer.body!r}"

    def call(self, method, path, body=None, token="admin-token", headers=None, check=True, content="application/json"):
        h = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            h["Content-Type"] = content
        h.update(headers or {})
        answer = self.raw(method, "/api/v1" + path, body, h)
        if check:
            self.check(method, path, answer)
        if answer.status == 422:
            names_its_place(path, body, answer.json["error"].get("field"))
        return answer

    def ok(self, method, path, body=None, **kw):
        answer = self.call(method, path, body, **kw)
        assert answer.status in (200, 201, 204), answer
        return answer.json

    def fails(self, status, method, path, body=None, field=None, words=None, **kw):
        answer = self.call(method, path, body, **kw)
        assert answer.status == status, answer
        error = answer.json["error"]
        if field is not None:
            assert error.get("field") == field, error
        if words is not None:
            assert words in error["message"], error
        return error

    def everything(self):
        """all objects, to see whether something changed"""
        lists = {}
        for name in ("signers", "groups", "zones"):
            items = self.ok("GET", f"/{name}?limit=1000")["items"]
            lists[name] = [{k: v for k, v in o.items() if k in ("name", "group", "signers", "mode", "held", "driver")}
                           for o in items]
        return lists


def certificate(folder, name="fake", san="IP:127.0.0.1"):
    """[certificate, key], made there"""
    cert, key = (os.path.join(str(folder), f"{name}.{end}") for end in ("pem", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "60",
                    "-subj", "/CN=musicd", "-addext", f"subjectAltName={san}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return [cert, key]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("fake"))
    yield d
    d.stop()


@pytest.fixture(scope="module")
def filled(daemon):
    """signers bind, knot, pdns; group both of bind; zones one.test and two.test in groups of their own"""
    for name in ("bind", "knot", "pdns"):
        daemon.ok("POST", "/signers", {"name": name, "driver": "ddns", "update": "192.0.2.1@5353",
                                       "name_servers": [{"name": f"ns1.{name}.test", "addresses": ["192.0.2.1"]}]})
    daemon.ok("POST", "/groups", {"name": "first", "signers": ["bind"]})
    daemon.ok("POST", "/groups", {"name": "second", "signers": ["bind"]})
    daemon.ok("POST", "/zones", {"name": "one.test", "group": "first", "sample": "www"})
    daemon.ok("POST", "/zones", {"name": "two.test", "group": "second", "mode": "manual"})
    return daemon
