"""The unit file: systemd finds no fault with it, it fits what is installed, and musicd can work confined as it says."""
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

from conftest import TOP

sys.path[:0] = [os.path.join(TOP, "tests", "lib"), os.path.join(TOP, "tests", "system")]
from musiclab.fetch import fetch  # noqa: E402
from musiclab.lab import Lab  # noqa: E402
from sandbox import directives  # noqa: E402
from scene import Stage  # noqa: E402

UNIT = ("lib", "systemd", "system", "musicd.service")
EXPOSURE_MAX = "20"     # of 100 (systemd-analyze security); it is 17
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")


def analyze(*argv):
    return subprocess.run(["systemd-analyze", *argv], capture_output=True, text=True, check=False)


@pytest.fixture
def unit(tree, tmp_path):
    """The installed unit with the programs where they are here."""
    path = tmp_path / "musicd.service"
    path.write_text(tree.text(*UNIT).replace("/usr/local/sbin/", tree.path("sbin/")))
    return str(path)


@needs_systemd
def test_systemd_finds_no_fault(unit, tmp_path):
    r = analyze("verify", "--man=no", unit)
    assert r.returncode == 0 and "musicd" not in r.stderr, r
    broken = tmp_path / "broken.service"
    with open(unit, encoding="utf-8") as f:
        broken.write_text(f.read().replace("StateDirectory=", "StateDirectroy="))
    assert "StateDirectroy" in analyze("verify", "--man=no", str(broken)).stderr


@needs_systemd
def test_it_is_well_confined(unit, tmp_path):
    r = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", unit)
    assert r.returncode == 0, r.stdout + r.stderr
    loose = tmp_path / "loose.service"
    with open(unit, encoding="utf-8") as f:
        loose.write_text(re.sub(r"^(SystemCallFilter|ProtectSystem)=.*\n", "", f.read(), flags=re.M))
    assert analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", str(loose)).returncode != 0


def test_it_fits_what_is_installed(tree):
    d = directives(tree.path(*UNIT))
    for line in d["ExecStart"] + d["ExecStartPre"]:
        assert os.access(os.path.join(tree.dest, line.split()[0].lstrip("/")), os.X_OK), line
    example, account = tree.text("share", "music", "musicd.yaml"), tree.text("lib", "sysusers.d", "music.conf")
    home = "/var/lib/" + d["StateDirectory"][0]
    assert f"file: {home}/" in example and account.rstrip().endswith(home)
    assert re.search(rf"^u {d['User'][0]} ", account, re.M)
    assert d.get("ProcSubset", ["all"]) == ["all"], "the boot's id is read in /proc/sys"
    assert d["Type"] == ["notify"] and float(d["WatchdogSec"][0].rstrip("s")) >= 10


@pytest.fixture
def lab():
    fetch()
    made = Lab(f"i-{os.getpid()}")
    try:
        yield made.up(signers=["bind", "knot"])
    finally:
        made.down(keep=False)


def wrapper(lab, tree, unit):
    """A script that starts musicd confined; the laboratory's folder of musicd is its StateDirectory."""
    path = os.path.join(lab.dir, "musicd-confined")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\nset -e\nexec /usr/bin/python3 {TOP}/tests/lib/sandbox.py {unit} {lab.dir}/musicd {tree.path('sbin/musicd')} \"$@\"\n")
    os.chmod(path, 0o755)
    return path


@needs_systemd
def test_a_zone_moves_with_musicd_confined(lab, tree, unit):
    """Store, key files, port 53 for NOTIFY, transfers, updates: all with what the unit leaves."""
    zone = lab.add_zone("confined", ["bind", "knot"], active=["bind"])
    with Stage(lab, [zone], settings={"dns": {"notify-listen": "10.53.9.1"}}, binary=wrapper(lab, tree, unit)) as st:
        with open(f"/proc/{st.mc.pid.pid()}/status", encoding="utf-8") as f:
            status = f.read()
        caps = {k: int(v, 16) for k, v in re.findall(r"^(Cap\w+):\s+(\w+)$", status, re.M)}
        assert caps["CapBnd"] == caps["CapEff"] == 1 << 10 and "Seccomp:\t2" in status, status
        st.group("g", ["bind"], [zone])
        st.mc.cli("zone", "migrate", zone, "--from", "bind", "--to", "knot")
        st.wait(zone, "the end of the move", lambda _: st.ended(zone, "REMOVE-SIGNER", "bind"))
        assert st.ended(zone, "ADD-SIGNER", "knot")
        lab.ask("10.53.9.1", zone, "SOA")               # somebody listens on port 53
        pid = st.mc.pid
    assert st.stopped_well and pid.pid() is None
    assert "stopping" in st.mc.log()
    assert stat.S_IMODE(os.stat(st.mc.store).st_mode) == 0o600
