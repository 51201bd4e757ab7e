"""Wrong input to the real programs: configuration, API by curl, the command line, random bytes at every port.

Each is told what is wrong with the right status; nothing changes, nothing crashes, and no secret is in any answer or log.
"""
import contextlib
import datetime
import json
import os
import re
import signal
import socket
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from musiclab.controller import Controller, program
from musiclab.space import wait_until
from conftest import new_lab
from trouble import well

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BASE = "https://10.53.9.1:8053"


ROOT_KEY = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"


# -- configuration ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def conf_dir(tmp_path_factory):
    d = tmp_path_factory.mktemp("conf")
    (d / "tokens").write_text("ops admin " + "a" * 64 + "\n")
    os.chmod(d / "tokens", 0o600)
    (d / "root.key").write_text(ROOT_KEY)
    return d


def check(conf_dir, text, *args):
    path = conf_dir / "musicd.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path, subprocess.run([program("musicd"), "-c", str(path), *args], capture_output=True, text=True, errors="replace", timeout=60,
                                check=False)


def good(conf_dir):
    return f"api:\n  tokens: {conf_dir}/tokens\nstore:\n  file: {conf_dir}/musicd.db\nresolver:\n  trust-anchor: {conf_dir}/root.key\n"


WRONG = {
    "unknown key": ("api:\n  tokens: TOKENS\n  colour: red\n", 3, 3, "colour"),
    "unknown section": ("api:\n  tokens: TOKENS\nfruit:\n  x: 1\n", 3, 1, "fruit"),
    "misspelt key": ("api:\n  tokens: TOKENS\n  lissten: 127.0.0.1\n", 3, 3, "listen"),
    "number": ("api:\n  tokens: TOKENS\ndns:\n  port: many\n", 4, 9, "many"),
    "out of range": ("api:\n  tokens: TOKENS\ndns:\n  port: 70000\n", 4, 9, "65535"),
    "span": ("api:\n  tokens: TOKENS\npolicy:\n  margin: soon\n", 4, 11, "soon"),
    "negative span": ("api:\n  tokens: TOKENS\npolicy:\n  margin: -5s\n", 4, 11, "-5s"),
    "yes or no": ("api:\n  tokens: TOKENS\npolicy:\n  strict: perhaps\n", 4, 11, "perhaps"),
    "address": ("api:\n  tokens: TOKENS\n  listen: 300.1.1.1@53\n", 3, 11, "300.1.1.1"),
    "doubled key": ("api:\n  tokens: TOKENS\n  tokens: TOKENS\n", 3, 3, "duplicate"),
    "list for a scalar": ("api:\n  tokens: [a, b]\n", 2, 11, "tokens"),
    "scalar for a section": ("api: 5\n", 1, 6, "api"),
    "digest": ("api:\n  tokens: TOKENS\npolicy:\n  digests: [md5]\n", 4, 3, "md5"),
    "gap below idle": ("api:\n  tokens: TOKENS\npolicy:\n  gap: 1s\n", 4, 3, "schedule.idle"),
    "idle beyond the gap that is the default": ("api:\n  tokens: TOKENS\nschedule:\n  idle: 4h\n", 4, 9, "policy.gap (3h)"),
    "recheck beyond the half of fresh": ("api:\n  tokens: TOKENS\npolicy:\n  fresh: 1m\n", 4, 10, "twice schedule.recheck (1m)"),
    "port out of range": ("api:\n  tokens: TOKENS\n  listen: 127.0.0.1@70000\n", 3, 11, "port is out of range (1 to 65535)"),
    "half a certificate": ("api:\n  tokens: TOKENS\n  certificate: /x.pem\n", 3, 3, "key"),
    "source of the other family": ("api:\n  tokens: TOKENS\ndns:\n  source-v4: \"::1\"\n", 4, 3, "IPv4"),
    "source with a port": ("api:\n  tokens: TOKENS\ndns:\n  source-v4: 127.0.0.1@53\n", 4, 14, "takes no port"),
    "IPv6 source with a port": ("api:\n  tokens: TOKENS\ndns:\n  source-v6: \"::1@53\"\n", 4, 14, "takes no port"),
    "address twice": ("api:\n  tokens: TOKENS\ndns:\n  notify-listen: [127.0.0.1, '::1', 127.0.0.1@53]\n", 4, 38, "notify-listen[2]: "),
    "digest twice": ("api:\n  tokens: TOKENS\npolicy:\n  digests: [sha256, sha256]\n", 4, 21, "was given already"),
    "no such file": ("api:\n  tokens: /nonexistent/tokens\n", 2, 11, "/nonexistent/tokens"),
    "broken quotes": ("api:\n  tokens: \"TOKENS\n", None, None, ""),
    "tab": ("api:\n\ttokens: TOKENS\n", None, None, ""),
    "anchor": ("api: &a\n  tokens: TOKENS\n", None, None, ""),
    "binary": (b"\x00\x01\xff\xfe api", None, None, ""),
    "required missing": ("store:\n  file: /tmp/x.db\n", 1, 1, "api.tokens"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_configuration_errors(conf_dir, kind):
    text, line, col, word = WRONG[kind]
    if isinstance(text, str):
        text = text.replace("TOKENS", f"{conf_dir}/tokens")
    for args in (["--check"], []):
        path, r = check(conf_dir, text, *args)
        assert r.returncode in (65, 66, 78), r
        where = re.search(re.escape(str(path)) + r":(\d+):(\d+): ", r.stderr)
        assert where, r.stderr
        if line:
            assert int(where[1]) == line and (int(where[2]) == col or word in r.stderr), (r.stderr, line, col)
        assert word in r.stderr, r.stderr
        assert "Sanitizer" not in r.stderr and "runtime error" not in r.stderr, r.stderr
        assert not os.path.exists(conf_dir / "musicd.db")


def test_check_says_yes_and_touches_nothing(conf_dir):
    _, r = check(conf_dir, good(conf_dir), "--check")
    assert r.returncode == 0, r
    assert not os.path.exists(conf_dir / "musicd.db")
    r = subprocess.run([program("musicd"), "-c", "/nonexistent.yaml", "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode in (66, 78) and "/nonexistent.yaml" in r.stderr, r
    for words in (["--nonsense"], ["-c"], ["extra"]):
        r = subprocess.run([program("musicd"), *words], capture_output=True, text=True, timeout=60, check=False)
        assert r.returncode == 64 and r.stderr, (words, r)


# File that the configuration names: its content, the lines that name it, and what is said of it after "musicd.yaml:".
UNFIT = {
    "tokens": ("ops admin " + "a" * 64 + "\ngarbage\n", "", "3:11: api.tokens: FILE:2: wants: name role sha256hex"),
    "nothing.pem": (None, "  certificate: FILE\n  key: FILE\n", "4:16: api.certificate: FILE: "),
    "cert.pem": ("no certificate\n", "  certificate: FILE\n  key: FILE\n", "4:16: api.certificate: FILE with key FILE: "),
    "ca.pem": ("no certificate\n", "  client-ca: FILE\n", "4:14: api.client-ca: FILE: "),
    "hints": ("garbage\n", "resolver:\n  root-hints: FILE\n", "5:15: resolver.root-hints: FILE: no line is an NS record of the root"),
    "bare.hints": (". NS ns.root.\n", "resolver:\n  root-hints: FILE\n", "5:15: resolver.root-hints: FILE: no line is an address"),
    "empty.key": ("", "resolver:\n  trust-anchor: FILE\n", "5:17: resolver.trust-anchor: trust anchor FILE: "),
    "bad.key": ("garbage\n", "resolver:\n  trust-anchor: FILE\n", "5:17: resolver.trust-anchor: "),
    "none/m.db": (None, "store:\n  file: FILE\n", "5:9: store.file: "),
    "folder": ("/", "store:\n  file: FILE\n", "5:9: store.file: FILE: Is a directory"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_check_reads_what_the_start_reads(tmp_path, name):
    """Each of them ends the start: --check says so before, in the same words, and makes nothing."""
    content, lines, told_of = UNFIT[name]
    word = f"{tmp_path}/musicd.yaml:" + told_of.replace("FILE", str(tmp_path / name))
    (tmp_path / "tokens").write_text("ops admin " + "a" * 64 + "\n")
    (tmp_path / "root.key").write_text(ROOT_KEY)
    if content == "/":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content)
    for file in (tmp_path / "tokens", tmp_path / name):
        if file.is_file():
            file.chmod(0o600)
    text = f"api:\n  listen: 127.0.0.1@1\n  tokens: {tmp_path}/tokens\n" + lines.replace("FILE", str(tmp_path / name))
    text += "" if "store:" in text else f"store:\n  file: {tmp_path}/musicd.db\n"
    text += "" if "resolver:" in text else f"resolver:\n  trust-anchor: {tmp_path}/root.key\n"
    before = {f.name for f in tmp_path.iterdir()} | {"musicd.yaml"}
    _, told = check(tmp_path, text, "--check")
    assert told.returncode not in (0, 1) and word in told.stderr and {f.name for f in tmp_path.iterdir()} == before, told
    _, started = check(tmp_path, text)
    assert started.returncode == told.returncode and word in started.stderr, started


def test_an_address_of_another_machine(tmp_path):
    """--check may run elsewhere: it warns; the start fails, and both name the key."""
    for name, content in (("tokens", "ops admin " + "a" * 64 + "\n"), ("root.key", ROOT_KEY)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    rest = f"  tokens: {tmp_path}/tokens\nstore:\n  file: {tmp_path}/m.db\nresolver:\n  trust-anchor: {tmp_path}/root.key\n"
    other = "dns:\n  notify-listen: [127.0.0.1@1053, '2001:db8::7@53']\n  source-v4: 192.0.2.8\n"
    path, told = check(tmp_path, "api:\n  listen: 192.0.2.7@8053\n" + rest + other, "--check")
    assert (told.returncode, told.stdout) == (0, f"{path}: ok\n"), told
    assert told.stderr.splitlines() == [f"musicd: warning: {path}:{at} is no address of this machine" for at in (
        "2:11: api.listen: 192.0.2.7@8053", "9:18: dns.notify-listen: 2001:db8::7@53", "10:14: dns.source-v4: 192.0.2.8")], told
    _, started = check(tmp_path, "api:\n  listen: 192.0.2.7@8053\n" + rest)
    assert started.returncode == 74 and f"{path}:2:11: api.listen: listen on 192.0.2.7@8053: " in started.stderr, started
    assert check(tmp_path, "api:\n  listen: 127.0.0.1@1\n" + rest, "--check")[1].stderr == ""


def test_tokens_that_everybody_may_use_end_the_start(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("ops admin " + "a" * 64 + "\n")
    (tmp_path / "root.key").write_text(ROOT_KEY)
    text = f"api:\n  listen: 127.0.0.1@1\n  tokens: {tokens}\nstore:\n  file: {tmp_path}/musicd.db\nresolver:\n  trust-anchor: {tmp_path}/root.key\n"
    tokens.chmod(0o644)
    for words in (["--check"], []):
        _, told = check(tmp_path, text, *words)
        assert told.returncode == 65 and f"{tokens}: holds a secret and everybody may use it (mode 0644)" in told.stderr, told
    tokens.chmod(0o660)
    assert "may be used beyond 0640 (mode 0660); chmod u-x,g-wx,o= mends it" in check(tmp_path, text, "--check")[1].stderr
    tokens.chmod(0o640)
    assert check(tmp_path, text, "--check")[1].returncode == 0


# -- certificate and key ------------------------------------------------------------------------------------------------
class Alone:
    """musicd on this machine, with nobody to look after."""

    def __init__(self, folder):
        self.dir, self.log, self.more = folder, folder / "log", ""
        self.cert, self.key = folder / "m.db.cert.pem", folder / "m.db.key.pem"
        self.tokens = folder / "tokens"
        for file, content in ((self.tokens, "ops admin " + "a" * 64 + "\n"), (folder / "root.key", ROOT_KEY)):
            file.write_text(content)
            file.chmod(0o600)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def conf(self, listen):
        path = self.dir / "musicd.yaml"
        path.write_text(f"api:\n  listen: \"{listen}@{self.port}\"\n  tokens: {self.tokens}\n{self.more}store:\n  file: {self.dir}/m.db\n"
                        f"resolver:\n  trust-anchor: {self.dir}/root.key\n")
        return str(path)

    def warnings(self, listen):
        """What --check warns of; it says ok all the same."""
        r = subprocess.run([program("musicd"), "-c", self.conf(listen), "--check"], capture_output=True, text=True, timeout=60, check=False)
        assert r.returncode == 0 and r.stdout.endswith(": ok\n"), r
        return [x.partition("warning: ")[2] for x in r.stderr.splitlines()]

    @contextlib.contextmanager
    def running(self, listen):
        with open(self.log, "w", encoding="utf-8") as out, \
                subprocess.Popen([program("musicd"), "-c", self.conf(listen)], stdout=out, stderr=out) as p:
            try:
                wait_until(lambda: p.poll() is not None or "is ready" in self.log.read_text(), 60, "musicd is ready")
                yield p
            finally:
                p.terminate()
                assert p.wait(60) == 0, self.log.read_text()

    def names(self):
        """Of the certificate: host names and addresses."""
        with open(self.cert, "rb") as f:
            san = x509.load_pem_x509_certificate(f.read()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return san.get_values_for_type(x509.DNSName), {str(a) for a in san.get_values_for_type(x509.IPAddress)}

    def given(self, begin, end):
        """A certificate and key of ours, good from and until so many days from now; their lines of the configuration."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.utcnow().replace(microsecond=0)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
        cert = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1) \
            .not_valid_before(now + datetime.timedelta(begin)).not_valid_after(now + datetime.timedelta(end)).sign(key, hashes.SHA256())
        (self.dir / "c.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        (self.dir / "k.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                           serialization.NoEncryption()))
        (self.dir / "k.pem").chmod(0o640)
        self.more = f"  certificate: {self.dir}/c.pem\n  key: {self.dir}/k.pem\n"
        return [(now + datetime.timedelta(d)).isoformat() + "Z" for d in (begin, end)]


@pytest.fixture
def alone(tmp_path):
    return Alone(tmp_path)


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
def test_own_certificate_for_all_addresses(alone, listen):
    """0.0.0.0 and :: are no address that a client asks for: those of the machine and its name are."""
    assert alone.warnings(listen) == [] and not alone.cert.exists()
    with alone.running(listen):
        pass
    names, addrs = alone.names()
    here = json.loads(subprocess.run(["ip", "-j", "addr"], capture_output=True, text=True, check=True).stdout)
    assert addrs == {a["local"] for i in here for a in i["addr_info"] if a["scope"] != "link" and not a["local"].startswith("169.254.")}
    assert names[0] == "localhost" and socket.gethostname() in names
    assert "warning" not in alone.log.read_text() and alone.warnings(listen) == []


def test_own_certificate_of_another_address_is_told(alone):
    """Clients trust that one file, so it is not replaced unasked: --check and the start say what to do, and that helps."""
    with alone.running("127.0.0.1"):
        pass
    first = alone.cert.read_bytes()
    assert alone.names() == (["localhost"], {"127.0.0.1"}) and alone.warnings("127.0.0.1") == []
    said = f"musicd.yaml:2:11: api.listen: {alone.cert}, made at the first start, does not name 127.0.0.2: clients refuse it there; " \
           "stop musicd, remove it and m.db.key.pem, start again and give clients the new one, or set api.certificate and api.key"
    assert [w.endswith(said) for w in alone.warnings("127.0.0.2")] == [True]
    with alone.running("127.0.0.2"):
        assert said in alone.log.read_text()
    assert "does not name " in alone.warnings("0.0.0.0")[0]
    assert alone.cert.read_bytes() == first
    alone.cert.unlink()
    r = subprocess.run([program("musicd"), "-c", alone.conf("127.0.0.2"), "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 75 and f"{alone.key} is there and {alone.cert} is not" in r.stderr, r
    alone.key.unlink()
    with alone.running("127.0.0.2"):
        assert "warning" not in alone.log.read_text()
    assert alone.names()[1] == {"127.0.0.2"} and alone.cert.read_bytes() != first


def test_a_certificate_out_of_its_time_is_told(alone):
    """... with the date, by --check, at the start and at a reload; it may be right to start all the same."""
    alone.given(-1, 1)
    assert alone.warnings("127.0.0.1") == []
    with alone.running("127.0.0.1") as p:
        assert "warning" not in alone.log.read_text()
        _, end = alone.given(-900, -1)
        p.send_signal(signal.SIGHUP)
        wait_until(lambda: f"api.certificate: {alone.dir}/c.pem: has expired at {end}" in alone.log.read_text(), 60, "the warning")
    for days, said in (((-900, -1), "has expired at {1}"), ((1, 2), "is not valid before {0}")):
        said = f"musicd.yaml:4:16: api.certificate: {alone.dir}/c.pem: " + said.format(*alone.given(*days))
        assert [w.endswith(said) for w in alone.warnings("127.0.0.1")] == [True]
        with alone.running("127.0.0.1"):
            assert said in alone.log.read_text()


def test_a_key_of_tls_that_others_may_use_ends_the_start(alone):
    """As every other secret."""
    alone.given(-1, 1)
    for path, where in ((alone.dir / "k.pem", ":5:8: api.key: "), (alone.key, "musicd.yaml: api.key: ")):
        path.chmod(0o666)
        for words in (["--check"], []):
            r = subprocess.run([program("musicd"), "-c", alone.conf("127.0.0.1"), *words], capture_output=True, text=True, timeout=60, check=False)
            assert r.returncode == 65 and f"{where}{path}: holds a secret and everybody may use it (mode 0666)" in r.stderr, r
        path.chmod(0o640)
        assert alone.warnings("127.0.0.1") == []
        alone.more = ""
        with alone.running("127.0.0.1"):
            pass


def test_nobody_can_log_in(alone):
    """A file without tokens is what the guide begins with: no error, and told."""
    alone.tokens.write_text("# none yet\n")
    said = f"musicd.yaml:3:11: api.tokens: {alone.tokens} has no token, so nobody can log in: music-cli token new makes one"
    assert [w.endswith(said) for w in alone.warnings("127.0.0.1")] == [True]
    with alone.running("127.0.0.1"):
        assert said in alone.log.read_text()


# Hides every root anchor of the machine from one command, in a mount namespace of its own.
NO_ANCHOR = ["unshare", "-rm", "sh", "-c", 'for d in /usr/share/dns /var/lib/unbound /etc/unbound /usr/share/dnssec-root; do '
             '[ ! -d $d ] || mount -t tmpfs none $d || exit 99; done; exec "$@"', "sh"]


def test_without_an_anchor_of_the_root_the_package_is_named(conf_dir):
    """... which the guide installs, and `make install` by tools/deps."""
    path, _ = check(conf_dir, good(conf_dir).split("resolver:")[0], "--check")
    for args in (["--check"], []):
        r = subprocess.run([*NO_ANCHOR, program("musicd"), "-c", str(path), *args], capture_output=True, text=True, timeout=60, check=False)
        assert r.returncode == 66 and "dns-root-data" in r.stderr and "resolver.trust-anchor" in r.stderr, r
        assert os.path.exists(conf_dir / "musicd.db") == (not args)
    os.remove(conf_dir / "musicd.db")
    deps = subprocess.run([os.path.join(TOP, "tools", "deps"), "run", "--dry-run"], env={**os.environ, "DEPS_OS_RELEASE": "/dev/null"},
                          capture_output=True, text=True, timeout=60, check=False)
    assert deps.returncode == 3 and "  dns-root-data\n" in deps.stdout, deps
    with open(os.path.join(TOP, "docs", "operators-guide.md"), encoding="utf-8") as f:
        install = f.read().split("\n## Install\n")[1].split("\n## ")[0]
    assert re.search(r"^# apt-get install .*dns-root-data$", install, re.M), install


# -- the API, by curl ---------------------------------------------------------------------------------------------------
class Api:
    def __init__(self, lab):
        self.lab = lab
        self.mc = Controller(lab, settings={"schedule": {"idle": "2s"}}).start()
        self.mc.add_signer("knot")
        self.mc.add_signer("pdns")
        self.mc.cli("signergroup", "add", "solo", "--signer", "knot")
        lab.add_zone("input", ["knot"])
        self.mc.add_zone("input", "solo")
        wait_until(lambda: self.mc.status("input")["state"].startswith("VALID"), 180, "the first look")
        self.token = {r: self.read(self.mc.token_file(r)) for r in ("read", "operate", "admin")}
        self.secret = [re.search(r'secret "([^"]+)"', self.read(lab.state["signers"][s]["tsig"]["file"]))[1] for s in ("knot", "pdns")]
        self.secret += list(self.token.values())
        self.said = []

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as f:
            return f.read().strip()

    def curl(self, *words, stdin=None, role="admin", cacert=True):
        """(status, body); status 0: no answer."""
        argv = ["curl", "-sS", "--max-time", "110", "-o", "-", "-w", "\n%{http_code}"]
        if cacert:
            argv += ["--cacert", self.mc.store + ".cert.pem"]
        if role:
            argv += ["-H", "Authorization: Bearer " + self.token.get(role, role)]
        r = self.lab.call([*argv, *words], stdin=stdin, check=False, timeout=120)
        body, _, status = r.stdout.rpartition("\n")
        self.said += [body, r.stderr]
        return int(status or 0), body

    def call(self, method, path, body=None, role="admin"):
        words = ["-X", method, BASE + path]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
        return self.curl(*words, stdin=body if body is None or isinstance(body, str) else json.dumps(body), role=role)

    def everything(self):
        out = {}
        for path in ("signers", "groups", "zones", "processes"):
            status, body = self.call("GET", "/api/v1/" + path)
            assert status == 200
            out[path] = json.loads(body)["items"]
        for z in out["zones"]:
            for k in ("checked_at", "next_check_at", "waiting", "waiting_until", "state"):
                z.pop(k, None)
        return out


@pytest.fixture(scope="module")
def api(request, packages):
    lab = new_lab("in")
    try:
        yield Api(lab.up(signers=["knot", "pdns"]))
    finally:
        lab.down(keep=getattr(request.node, "musiclab_failed", False))


@pytest.fixture(autouse=True)
def unharmed(request):
    if "api" not in request.fixturenames:
        yield
        return
    api = request.getfixturevalue("api")
    before, pid = api.everything(), api.mc.pid.pid()
    yield
    assert api.mc.pid.pid() == pid, "musicd died:\n" + api.mc.log()[-4000:]
    assert api.everything() == before
    well(api.mc)
    text = "\n".join(api.said) + api.mc.log()
    for secret in api.secret:
        assert secret not in text, "a secret was told"


SIGNER = {"name": "new", "driver": "ddns", "update": "10.53.2.1@53"}
REFUSED = {
    "unknown key": ("POST", "/api/v1/signers", {**SIGNER, "colour": 1}, {422, 400}, "colour"),
    "wrong type": ("POST", "/api/v1/signers", {**SIGNER, "name": 5}, {422, 400}, "name"),
    "list for object": ("POST", "/api/v1/signers", [SIGNER], {422, 400}, ""),
    "bad name": ("POST", "/api/v1/signers", {**SIGNER, "name": "a b/c"}, {422}, "name"),
    "bad address": ("POST", "/api/v1/signers", {**SIGNER, "update": "here"}, {422}, "update"),
    "bad driver": ("POST", "/api/v1/signers", {**SIGNER, "driver": "magic"}, {422}, "magic"),
    "no key file": ("POST", "/api/v1/signers", {**SIGNER, "key_file": "/nonexistent/k"}, {422}, "/nonexistent/k"),
    "key file that is none": ("POST", "/api/v1/signers", {**SIGNER, "key_file": "/etc/hosts"}, {422}, "/etc/hosts"),
    "duplicate signer": ("POST", "/api/v1/signers", {**SIGNER, "name": "knot"}, {409}, "knot"),
    "duplicate group": ("POST", "/api/v1/groups", {"name": "solo", "signers": []}, {409}, "solo"),
    "duplicate zone": ("POST", "/api/v1/zones", {"name": "input.lab.", "group": "solo"}, {409}, "input.lab."),
    "bad zone name": ("POST", "/api/v1/zones", {"name": "a..b"}, {422}, "name"),
    "long label": ("POST", "/api/v1/zones", {"name": "a" * 64 + ".lab."}, {422}, "name"),
    "long name": ("POST", "/api/v1/zones", {"name": "abcdefg." * 40}, {422}, "name"),
    "unknown group": ("POST", "/api/v1/zones", {"name": "n.lab.", "group": "nowhere"}, {422, 404}, "nowhere"),
    "unknown signer in group": ("POST", "/api/v1/groups", {"name": "g2", "signers": ["nobody"]}, {422, 404}, "nobody"),
    "broken json": ("POST", "/api/v1/zones", '{"name": "x', {400}, "line"),
    "not json": ("POST", "/api/v1/zones", "hello", {400}, "line"),
    "not utf-8": ("POST", "/api/v1/zones", '{"name": "\udc80"}', {400}, ""),
    "empty body": ("POST", "/api/v1/zones", "", {400, 422}, ""),
    "deep json": ("POST", "/api/v1/zones", "[" * 20000, {400}, ""),
    "unknown path": ("GET", "/api/v1/nothing", None, {404}, ""),
    "unknown zone": ("GET", "/api/v1/zones/no.such.", None, {404}, "no.such"),
    "wrong method": ("DELETE", "/api/v1/status", None, {405}, ""),
    "method that is none": ("BREW", "/api/v1/zones", None, {405, 400, 501}, ""),
    "bad query": ("GET", "/api/v1/zones?limit=many", None, {400, 422}, "limit"),
    "unknown query": ("GET", "/api/v1/zones?colour=red", None, {400, 422}, "colour"),
    "last signer leaves": ("DELETE", "/api/v1/groups/solo/signers/knot", None, {409}, "last"),
    "group in use": ("DELETE", "/api/v1/groups/solo", None, {409}, ""),
    "signer in use": ("DELETE", "/api/v1/signers/knot", None, {409}, ""),
    "unknown rule forced": ("POST", "/api/v1/zones/input.lab./force", {"rule": "V99", "reason": "x"}, {422}, "rule"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(api, kind):
    method, path, body, statuses, word = REFUSED[kind]
    if isinstance(body, str) and "\udc80" in body:
        p = os.path.join(api.lab.dir, "body")
        with open(p, "wb") as f:
            f.write(b'{"name": "\x80"}')
        status, text = api.curl("-X", method, BASE + path, "-H", "Content-Type: application/json", "--data-binary", "@" + p)
    else:
        status, text = api.call(method, path, body)
    assert status in statuses, (status, text)
    error = json.loads(text)["error"]
    assert error["code"] and error["message"] and word in text, text


def test_huge_body_is_413(api):
    p = os.path.join(api.lab.dir, "huge")
    with open(p, "wb") as f:
        f.write(b'{"name": "' + b"a" * (64 << 20) + b'"}')
    for how in (["--data-binary", "@" + p], ["-T", p, "-H", "Transfer-Encoding: chunked"]):
        status, text = api.curl("-X", "POST", BASE + "/api/v1/zones", "-H", "Content-Type: application/json", "-H", "Expect:", *how)
        assert status in (413, 0), (status, text[:300])
    status, _ = api.curl("-X", "POST", BASE + "/api/v1/zones", "-H", "Content-Type: application/json", "-H", "Expect: 100-continue",
                         "--data-binary", "@" + p)
    assert status == 413, status
    os.unlink(p)


def test_who_may(api):
    for path in ("zones", "signers", "status", "nothing", "openapi.json"):
        for role in (None, "wrong-token", "x" * 3000):
            status, text = api.call("GET", "/api/v1/" + path, role=role)
            assert status == 401 and "unauth" in text, (path, role, status, text)
    assert api.call("POST", "/api/v1/signers", SIGNER, role="read")[0] == 403
    assert api.call("POST", "/api/v1/signers", SIGNER, role="operate")[0] == 403
    assert api.call("POST", "/api/v1/zones/input.lab./hold", {}, role="read")[0] == 403
    assert api.call("DELETE", "/api/v1/zones/input.lab.", role="read")[0] == 403


def test_tls_only(api):
    assert api.curl("http://10.53.9.1:8053/api/v1/ping")[0] in (0, 400)
    assert api.curl(BASE + "/api/v1/ping", cacert=False)[0] == 0            # its certificate is nobody's but its own
    assert api.curl("--tls-max", "1.1", BASE + "/api/v1/ping")[0] == 0
    assert api.curl(BASE + "/api/v1/ping")[0] == 200


def test_exit_status_of_the_command_line(api):
    mc = api.mc
    known = {0: ["ping"], 64: ["zone", "fly"], 66: ["zone", "status", "no.such."], 73: ["signer", "add", "knot", "--driver", "ddns", "--update", "10.53.3.1"],
             65: ["zone", "add", "a..b"], 75: ["signer", "leave", "knot", "--group", "solo"]}
    for status, words in known.items():
        r = mc.cli(*words, check=False)
        api.said += [r.stdout, r.stderr]
        assert r.returncode == status, (words, r)
        assert (r.stderr == "") == (status == 0) or status == 65, (words, r)
    r = mc.cli("zone", "hold", "input.lab.", check=False, role="read")
    assert r.returncode == 77 and "read" in r.stderr, r
    r = api.lab.space.call(mc.cli_argv("--server", "https://10.53.9.2:8053", "ping"), env={**api.lab.tool_env(), **mc.env()}, check=False)
    assert r.returncode in (68, 69, 75) and r.stderr, r
    other = os.path.join(api.lab.dir, "other.token")
    with open(os.open(other, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write("wrong\n")
    r = api.lab.space.call(mc.cli_argv("--token-file", other, "ping"), env={**api.lab.tool_env(), **mc.env()}, check=False)
    assert r.returncode == 77 and r.stderr, r


SPRAY = r"""
import random, socket, ssl, sys
where, tcp, udp, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rnd = random.Random(seed)
notify = bytes.fromhex("12342400000100000000000005696e707574036c616200") + b"\0\6\0\1"
def noise():
    kind = rnd.randrange(4)
    if kind == 0:
        return rnd.randbytes(rnd.randrange(0, 700))
    if kind == 1:
        b = bytearray(notify); b[rnd.randrange(len(b))] ^= 1 << rnd.randrange(8); return bytes(b)
    if kind == 2:
        return notify[:rnd.randrange(len(notify))]
    return notify + rnd.randbytes(rnd.randrange(40))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000):
    s.sendto(noise(), (where, udp))
for _ in range(120):
    t = socket.create_connection((where, udp), 60); t.settimeout(0.02)
    m = noise()
    try:
        t.sendall(rnd.choice([len(m).to_bytes(2, "big"), rnd.randbytes(2), b"\xff\xff", b"\0\0"]) + m)
        t.recv(100)
    except OSError:
        pass
    t.close()
lines = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + rnd.randbytes(200), b"GET /" + b"a" * 70000, rnd.randbytes(500), b""]
for _ in range(60):
    t = socket.create_connection((where, tcp), 60); t.settimeout(0.02)
    try:
        t.sendall(rnd.choice(lines)); t.recv(100)
    except OSError:
        pass
    t.close()
c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
inside = [b"\0" * 2000, rnd.randbytes(3000), b"GET /api/v1/ping HTTP/9.9\r\n\r\n", b"POST /api/v1/zones HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          b"POST /api/v1/zones HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
          b"POST /api/v1/zones HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n",
          b"POST /api/v1/zones HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
for i in range(45):
    try:
        t = c.wrap_socket(socket.create_connection((where, tcp), 60)); t.settimeout(0.2)
        t.sendall(inside[i % len(inside)]); t.recv(1000)
    except OSError:
        pass
    t.close()
"""


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_random_bytes_at_every_port(api, seed):
    api.lab.call(["/usr/bin/python3", "-c", SPRAY, "10.53.9.1", "8053", "5301", str(seed)], timeout=300)
    assert api.curl(BASE + "/api/v1/ping")[0] == 200
    rounds = api.mc.json("status")["rounds"]
    wait_until(lambda: api.mc.json("status")["rounds"] > rounds, 60, "it goes on with its work")


def test_reload_with_broken_tokens_keeps_the_old(api):
    path = api.mc.tokens
    old = api.read(path) + "\n"
    with open(path, "w", encoding="utf-8") as f:
        f.write("admin king notahash\n")
    api.mc.pid.send(signal.SIGHUP)
    wait_until(lambda: "tokens stay as they were" in api.mc.log(), 90, "it says so")
    assert api.curl(BASE + "/api/v1/ping")[0] == 200
    with open(path, "w", encoding="utf-8") as f:
        f.write(old)
    api.mc.pid.send(signal.SIGHUP)
    wait_until(lambda: "tokens read again" in api.mc.log(), 90, "it reads them")
    assert api.curl(BASE + "/api/v1/ping")[0] == 200
