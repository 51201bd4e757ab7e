"""music-scanner itself, with no name server in the world: how it is told what to do while it runs."""
import os
import signal
import socket
import subprocess

import pytest

from conftest import BUILD, wait_until

SCANNER = os.path.join(BUILD, "programs", "music-scanner", "music-scanner")


@pytest.fixture
def conf(tmp_path):
    (tmp_path / "key").write_text("hmac-sha256:parent:c2VjcmV0c2VjcmV0\n")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "hints").write_text(". 3600 IN NS root.test.\nroot.test. 3600 IN A 127.0.0.9\n")
    (tmp_path / "anchor").write_text(f". IN DS 1 13 2 {'AB' * 32}\n")
    file = tmp_path / "scanner.yaml"
    primary = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)      # who takes questions, and does not answer
    primary.bind(("127.0.0.1", 0))
    file.write_text(f"parent:\n  zone: test\n  primary: 127.0.0.1@{primary.getsockname()[1]}\n  key: {tmp_path}/key\n"
                    f"resolver:\n  root-hints: {tmp_path}/hints\n  trust-anchor: {tmp_path}/anchor\n"
                    f"state: {tmp_path}/state\nchildren: [c.test]\n")
    yield file
    primary.close()


def start(conf, *words):
    log = conf.parent / "log"
    with open(log, "w") as f:
        p = subprocess.Popen([SCANNER, "-c", str(conf), *words], stdout=f, stderr=f)
    wait_until(lambda: "follows the delegations of test." in log.read_text() or p.poll() is not None)
    assert p.poll() is None, log.read_text()
    return p, log


def test_a_hangup_has_the_configuration_read_again(conf):
    begin = conf.read_text()
    p, log = start(conf)

    def reloaded(text):
        conf.write_text(text)
        seen = len(log.read_text())
        p.send_signal(signal.SIGHUP)
        wait_until(lambda: "goes on with" in log.read_text()[seen:] or p.poll() is not None)
        assert p.poll() is None, log.read_text()
        return log.read_text()[seen:]
    try:
        said = reloaded(begin + "intervall: 1s\n")
        assert "the configuration stays as it was" in said and "scanner.yaml:" in said and "intervall" in said, said
        said = reloaded(begin.replace("[c.test]", "[d.test]").replace("/state", "/other")
                        + "interval: 2h\npolicy:\n  digests: [sha384]\nlog:\n  format: json\n")
        told = [key for key in ("children", "state", "interval", "policy.digests", "log.format")
                if f"reload: {key} has changed; it takes effect at the next start" in said]
        assert told == ["children", "state"], said
        assert said.splitlines()[-1].startswith("{"), said      # in force at once
        said = reloaded("nonsense")
        assert "the configuration stays as it was" in said and all(x.startswith("{") for x in said.splitlines()), said
        said = reloaded(begin)
        assert "has changed" not in said and not said.splitlines()[-1].startswith("{"), said
    finally:
        p.terminate()
        assert p.wait(60) == 0, log.read_text()


def test_a_hangup_ends_one_look(conf):
    conf.write_text(conf.read_text() + "query:\n  timeout: 60s\n")
    p, log = start(conf, "--once")
    try:
        p.send_signal(signal.SIGHUP)
        assert p.wait(60) == -signal.SIGHUP, log.read_text()
    finally:
        p.kill()
        p.wait()
