"""musicd and music-cli in a laboratory: configuration, tokens, start, stop, commands.

The daemon runs inside the namespace as any server there; music-cli is called inside too, as an operator would call it: with a
token file and the daemon's own certificate.  Short times everywhere, for the laboratory's TTLs are seconds.
"""
import hashlib
import json
import os
import secrets
import subprocess

from .paths import LAB_DIR, LabError
from .space import PidFile, wait_until

ROOT = os.path.dirname(LAB_DIR)
DEFAULTS = {
    "policy": {"margin": "2s", "parent-ttl-floor": "10s", "ttl-floor": "0s", "fresh": "30s", "gap": "10m", "refresh": "0s"},
    "schedule": {"idle": "2s", "poll": "400ms", "recheck": "1s", "retry": "3s", "copy": "20s", "active": "64"},
    "dns": {"udp-timeout": "500ms", "tcp-timeout": "2s", "server-rate": "0"},
    "log": {"level": "info", "repeat": "0s"},
}


def program(name):
    """Path of a program of the suite: in $MUSIC_BUILD when that is set, else in the first of the usual build folders that has it."""
    named = os.environ.get("MUSIC_BUILD")
    for build in [named] if named else ["build", "build-release"]:
        path = os.path.join(ROOT, build, "programs", name, name)
        if os.access(path, os.X_OK):
            return path
    raise LabError(f"{name} is not built in {named or 'build or build-release'} (type make, or set MUSIC_BUILD to a build folder)")


class Controller:
    """One musicd of a laboratory.  settings: {"policy": {"margin": "5s"}} changes the defaults above; hooks: that section, as text."""

    def __init__(self, lab, name="musicd", address="10.53.9.1", settings=None, hooks=""):
        self.lab, self.name, self.address = lab, name, address
        self.dir = os.path.join(lab.dir, name)
        self.conf = os.path.join(self.dir, "musicd.yaml")
        self.store = os.path.join(self.dir, "musicd.db")
        self.tokens = os.path.join(self.dir, "tokens")
        self.settings = {k: dict(v) for k, v in DEFAULTS.items()}
        for section, values in (settings or {}).items():
            self.settings.setdefault(section, {}).update(values)
        self.hooks = hooks
        self.pid = PidFile(os.path.join(lab.dir, "pids", name))

    # -- files ----------------------------------------------------------------------------------------------------
    def token_file(self, role):
        return os.path.join(self.dir, role + ".token")

    def write(self):
        os.makedirs(self.dir, exist_ok=True)
        lines = []
        for role in ("read", "operate", "admin"):
            path = self.token_file(role)
            if not os.path.exists(path):
                with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
                    f.write(secrets.token_urlsafe(32) + "\n")
            with open(path, encoding="utf-8") as f:
                lines.append(f"{role} {role} {hashlib.sha256(f.read().strip().encode()).hexdigest()}\n")
        with open(os.open(self.tokens, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.writelines(lines)
        s = self.settings
        s["api"] = {"listen": f"{self.address}@8053", "tokens": self.tokens, **s.get("api", {})}
        s["store"] = {"file": self.store}
        s["dns"].setdefault("notify-listen", f"{self.address}@5301")
        s["resolver"] = {"root-hints": self.lab.state["root"]["hints"],
                         "trust-anchor": self.lab.state["root"]["trust_anchor"], **s.get("resolver", {})}
        with open(self.conf, "w", encoding="utf-8") as f:
            for section, values in s.items():
                f.write(section + ":\n" + "".join(f"  {k}: {v}\n" for k, v in values.items()))
            f.write(self.hooks)

    # -- life -----------------------------------------------------------------------------------------------------
    def start(self, binary=None):
        self.write()
        self.pid = self.lab.daemon(self.name, [binary or program("musicd"), "-c", self.conf])
        try:
            wait_until(lambda: self.pid.pid() is None or self.cli("ping", check=False, role="read").returncode == 0, 90,
                       "musicd answers")
        except LabError:
            raise LabError(f"musicd does not answer:\n{self.log()[-2000:]}") from None
        if self.pid.pid() is None:
            raise LabError(f"musicd ended at its start:\n{self.log()[-2000:]}")
        return self

    def stop(self):
        return self.pid.stop()

    def log(self):
        with open(os.path.join(self.lab.dir, "log", self.name + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    # -- commands -------------------------------------------------------------------------------------------------
    def env(self, role="admin"):
        return {"MUSIC_SERVER": f"https://{self.address}:8053", "MUSIC_TOKEN_FILE": self.token_file(role),
                "MUSIC_CACERT": self.store + ".cert.pem", "MUSIC_CLI_CONFIG": ""}

    def cli_argv(self, *words):
        return [program("music-cli"), *words]

    def cli(self, *words, check=True, role="admin", timeout=120):
        """music-cli, to its end: CompletedProcess."""
        env = {**self.lab.tool_env(), **self.env(role)}
        return self.lab.space.call(self.cli_argv(*words), env=env, check=check, timeout=timeout)

    def json(self, *words, **kw):
        return json.loads(self.cli("-o", "json", *words, **kw).stdout)

    def follow(self, *words, role="admin"):
        """music-cli in our terminal, shown as it goes; its exit status."""
        env = {**self.lab.tool_env(), **self.env(role)}
        return subprocess.call(self.lab.space.enter_argv() + self.cli_argv(*words), env=self.lab.space.env(env))

    # -- the laboratory's objects -----------------------------------------------------------------------------------
    def add_signer(self, name, *options):
        s = self.lab.state["signers"][name]
        words = ["signer", "add", name, "--driver", "ddns", "--update", s["update"]["address"], "--key-file", s["tsig"]["file"]]
        for server in s["servers"]:
            words += ["--ns", server["name"] + "=" + ",".join(server["addresses"])]
        return self.cli(*words, *options)

    def add_zone(self, zone, group, *options):
        """A zone of the laboratory, with what is its own: in-bailiwick names, keys."""
        z = self.lab.state["zones"][self.lab.zone_name(zone)]
        words = ["zone", "add", self.lab.zone_name(zone), "--group", group, "--sample", "www"]
        for signer, servers in z.get("ns", {}).items():
            if any(s["name"].endswith("." + self.lab.zone_name(zone)) for s in servers):
                for s in servers:
                    words += ["--signer-ns", f"{signer}:{s['name']}=" + ",".join(s["addresses"])]
        for signer, key in (z.get("tsig") or {}).items():
            words += ["--signer-key", f"{signer}:{key['file']}"]
        return self.cli(*words, *options)

    def status(self, zone):
        return self.json("zone", "status", self.lab.zone_name(zone))

    def explain(self, zone):
        return self.json("zone", "explain", self.lab.zone_name(zone))
