"""The demonstration: what it says at its end, how long it takes, and that it does not call a failure a success."""
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from documents import commands, pieces
from musiclab.controller import ROOT


def console(path):
    return [line for kind, text in pieces(path) if kind == "console" for line in commands(text, kind).splitlines()]


PROGRESS = re.compile(r"\d\d:\d\d:\d\dZ demo\.lab\.  [A-Z-]+(  (ADD|REMOVE)-SIGNER \w+  \d+/\d+ [a-z-]+(  waits: [\w-]+: .*)?)?")


def shape(said):
    """What the end of a demonstration says every time: without numbers, widths, and the lines of progress, which are looked at one by one."""
    lines = said[said.index("== Knot joins"):].splitlines()
    progress = [line for line in lines if re.match(r"\d\d:", line)]
    assert len(progress) > 5 and not [line for line in progress if not PROGRESS.fullmatch(line)], progress
    assert {line.split()[3] for line in progress if "SIGNER" in line} == {"ADD-SIGNER", "REMOVE-SIGNER"}
    rest = [re.sub(r"^checked .*", "checked", re.sub(r"[\d.]+", "N", " ".join(line.split()))) for line in lines if line not in progress]
    return [line for line in rest if line and not re.match("The laboratory is|In lab/lab shell|musicd's log", line)]


@pytest.fixture
def demo(packages):
    """Runs lab/demo in a place of its own: a demonstration that somebody looks at stays up."""
    base = tempfile.mkdtemp(prefix="music-demo-")
    # a make that runs this test would hand on its own flags, and say which folders it enters
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")} | {"MUSICLAB_RUN": base}

    def run(*words, **more):
        began = time.monotonic()
        r = subprocess.run(words or [os.path.join(ROOT, "lab", "demo")], env={**env, **more}, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=550, check=False)
        return r.returncode, r.stdout, time.monotonic() - began
    run.env = env
    yield run
    r = subprocess.run([os.path.join(ROOT, "lab", "lab"), "down", "--name", "demo", "--clean"], env=env, check=False, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.rmtree(base, ignore_errors=True)
    assert r.returncode == 0, r.stdout


def test_demo_ends_well_in_three_minutes(demo):
    """As README says: make demo, and what it types.  (make check cannot run in itself.)"""
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)       # build-release is shared with other tests
        subprocess.run(["make", "DEPS=no", "release"], cwd=ROOT, check=True, capture_output=True)
    made, typed = [line for line in console("README.md") if line != "make check"]
    rc, said, seconds = demo(*made.split(), DEPS="no")
    assert f"\n{typed}\n" in said, said
    last = said.rstrip().splitlines()[-1]
    m = re.fullmatch(r"demo: ok: (\d+) answers, 0 bogus, 0 insecure, add \d+s, remove \d+s", last)
    assert rc == 0 and m and int(m[1]) > 50, said[-2000:]
    busy = max(1.0, os.getloadavg()[0] / os.cpu_count())         # three minutes of a machine that has nothing else to do
    assert seconds < 180 * busy, f"{seconds:.0f} s"
    shown, = [text for kind, text in pieces("README.md") if kind == "" and "== Knot joins" in text]
    assert shape(said) == shape(shown), said
    assert "Look around" in said
    r = subprocess.run([os.path.join(ROOT, "lab", "lab"), "shell", "--name", "demo"], input="music-cli show; exit $?\n", cwd=ROOT, text=True,
                       env={**demo.env, "SHELL": "/bin/sh"}, capture_output=True, timeout=120, check=False)
    assert r.returncode == 0 and "demo.lab." in r.stdout, r


def test_demo_that_fails_says_so_and_where_to_look(demo):
    rc, said, _ = demo(MUSIC_BUILD="/nonexistent")
    assert rc != 0 and "demo: failed" in said and "demo: ok" not in said, said[-2000:]
    assert "musicd.log" in said, said[-2000:]
