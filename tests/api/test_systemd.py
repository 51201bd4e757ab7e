"""What musicd tells systemd (sd_notify): ready when it is, reloading, alive, stopping; and nothing when it cannot start."""
import os
import signal
import socket
import subprocess
import time

import pytest

from test_docs import MUSICD, Real


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.env = {"NOTIFY_SOCKET": self.path}

    def told(self, limit_s=90):
        """The next message as {name: value}; None when there is none in time."""
        self.socket.settimeout(limit_s)
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def next_but_watchdog(self):
        while (m := self.told()) == {"WATCHDOG": "1"}:
            pass
        return m


@pytest.fixture
def manager(tmp_path):
    m = Manager(str(tmp_path))
    yield m
    m.socket.close()


def test_from_start_to_end(manager, tmp_path):
    d = Real(str(tmp_path), env=manager.env)
    assert manager.told() == {"READY": "1"}
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    d.process.send_signal(signal.SIGHUP)
    reloading = manager.told()
    assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.told() == {"READY": "1"}
    with open(tmp_path / "tokens", "a", encoding="utf-8") as f:
        f.write("this is no token\n")
    d.process.send_signal(signal.SIGHUP)            # the old tokens stay, and so does the service
    assert manager.told()["RELOADING"] == "1" and manager.told() == {"READY": "1"}
    d.process.terminate()
    assert manager.told() == {"STOPPING": "1"}
    d.ended()
    assert manager.told(0.1) is None


class Unawaited(Real):
    def listens(self):
        return True


def test_ready_is_said_when_it_answers_and_not_before(manager, tmp_path):
    d = Unawaited(str(tmp_path), env=manager.env)
    assert manager.told() == {"READY": "1"}
    with socket.create_connection(("127.0.0.1", d.port), timeout=60):
        pass
    d.stop()
    assert f" is ready and listens at 127.0.0.1@{d.port}\n" in (tmp_path / "log").read_text()


def test_it_is_alive_twice_in_the_time_that_is_allowed(manager, tmp_path):
    d = Real(str(tmp_path), env={**manager.env, "WATCHDOG_USEC": "400000"})
    assert manager.next_but_watchdog() == {"READY": "1"}
    for _ in range(3):
        assert manager.told() == {"WATCHDOG": "1"}
    d.process.send_signal(signal.SIGSTOP)           # one that hangs says nothing
    while manager.told(0.1):
        pass
    assert manager.told(0.5) is None
    d.process.send_signal(signal.SIGCONT)
    assert manager.told() == {"WATCHDOG": "1"}
    d.process.terminate()
    assert manager.next_but_watchdog() == {"STOPPING": "1"}
    d.ended()


def test_one_that_cannot_start_is_never_ready(manager, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        (tmp_path / "tokens").write_text("")
        (tmp_path / "tokens").chmod(0o640)
        (tmp_path / "anchor").write_text(f". IN DS 1 13 2 {'AB' * 32}\n")
        (tmp_path / "musicd.yaml").write_text(f"api:\n  listen: 127.0.0.1@{s.getsockname()[1]}\n  tokens: {tmp_path}/tokens\n"
                                              f"store:\n  file: {tmp_path}/m.db\nresolver:\n  trust-anchor: {tmp_path}/anchor\n")
        r = subprocess.run([MUSICD, "--config", str(tmp_path / "musicd.yaml")], env=dict(os.environ, **manager.env),
                           capture_output=True, text=True, check=False, timeout=60)
    assert r.returncode != 0 and "api.listen" in r.stderr, r
    assert manager.told(0.1) is None
