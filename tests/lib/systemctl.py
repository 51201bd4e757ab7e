#!/usr/bin/python3
"""systemctl for a machine below a folder, where no systemd runs: it does what the installed unit file says.

  systemctl.py enable [--now] | start | stop | restart | reload | status UNIT

MACHINE is the folder: the unit is read from its /usr/local/lib/systemd/system, and programs and files are taken from there.  RUN_IN
keeps pid, socket and log.  Start: ExecStartPre to its end, then ExecStart, until it says READY=1 (Type=notify).  Reload: ExecReload,
until RELOADING=1 and READY=1 were said.  Stop: SIGTERM, and TimeoutStopSec of patience.  What is not done here is tried elsewhere:
User= and the confinement by tests/install/test_service.py, the watchdog by tests/api/test_systemd.py.
"""
import os
import shlex
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]
from musiclab.space import PidFile  # noqa: E402
from sandbox import directives  # noqa: E402

MACHINE, RUN_IN = os.environ["MACHINE"], os.environ["RUN_IN"]
PATIENCE_S = 60


class Unit:
    def __init__(self, name):
        self.name = name.removesuffix(".service")
        self.path = os.path.join(MACHINE, "usr/local/lib/systemd/system", self.name + ".service")
        if not os.path.exists(self.path):
            raise SystemExit(f"Unit {self.name}.service could not be found.")
        self.service = directives(self.path)
        self.pid = PidFile(os.path.join(RUN_IN, "pids", self.name))
        self.log = os.path.join(RUN_IN, "log", self.name + ".log")
        self.socket = os.path.join(RUN_IN, "notify")

    def words(self, line):
        """A command of the unit: its program from the machine; the configuration that is compiled in, too."""
        first, *rest = shlex.split(line.replace("$MAINPID", str(self.pid.pid())))
        if not os.path.exists(MACHINE + first):
            return [first, *rest]
        return [MACHINE + first, *rest, "-c", os.path.join(MACHINE, "etc/music", self.name + ".yaml")]

    def listen(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(self.socket)
        s.settimeout(PATIENCE_S)
        return s

    def until_said(self, s, *wanted):
        for want in wanted:
            said = s.recv(4096).decode()
            if want not in said.splitlines():
                raise SystemExit(f"{self.name}: said {said!r}, not {want}")

    def start(self):
        if self.pid.pid():
            return
        assert self.service["Type"] == ["notify"]
        for line in self.service.get("ExecStartPre", []):
            subprocess.run(self.words(line), check=True)
        with self.listen() as s, open(self.log, "ab") as log:
            line, = self.service["ExecStart"]
            p = subprocess.Popen(self.words(line), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                 env={**os.environ, "NOTIFY_SOCKET": self.socket})
            self.pid.write(p.pid)
            self.until_said(s, "READY=1")

    def reload(self):
        if not self.pid.pid():
            raise SystemExit(f"{self.name}.service is not active, cannot reload.")
        with self.listen() as s:
            line, = self.service["ExecReload"]
            subprocess.run(self.words(line), check=True)
            self.until_said(s, "RELOADING=1", "READY=1")

    def stop(self):
        self.pid.stop(float(self.service["TimeoutStopSec"][0].removesuffix("s")))

    def restart(self):
        self.stop()
        self.start()

    def enable(self):
        with open(self.path, encoding="utf-8") as f:
            target, = [line.partition("=")[2] for line in f.read().splitlines() if line.startswith("WantedBy=")]
        wants = os.path.join(MACHINE, "etc/systemd/system", target + ".wants")
        os.makedirs(wants, exist_ok=True)
        os.symlink(self.path, os.path.join(wants, self.name + ".service"))

    def status(self):
        pid = self.pid.pid()
        print(f"{self.name}.service\n  Active: {'active (running)' if pid else 'inactive (dead)'}" + (f"\n  Main PID: {pid}" if pid else ""))
        with open(self.log, encoding="utf-8", errors="replace") as f:
            print("".join(f.readlines()[-10:]))
        return 0 if pid else 3


def main(verb, *words):
    unit = Unit(words[-1])
    status = getattr(unit, verb)()
    if "--now" in words:
        unit.start()
    return status or 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
