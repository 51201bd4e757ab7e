"""The tree that `make install` makes, below a folder of its own."""
import fcntl
import os
import re
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "lab"))


def make(*words):
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)       # files of tests run side by side, and share one build folder
        r = subprocess.run(["make", "DEPS=no", *words], cwd=TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert r.returncode == 0, r.stdout[-4000:]
    return r.stdout


class Tree:
    """What lies below DESTDIR.  path("sbin/musicd") is below the prefix."""

    def __init__(self, dest):
        self.dest = str(dest)
        make("install", f"DESTDIR={dest}")

    def path(self, *parts):
        return os.path.join(self.dest, "usr", "local", *parts)

    def text(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as f:
            return f.read()

    def files(self):
        return {os.path.relpath(os.path.join(d, f), self.path()): os.stat(os.path.join(d, f)).st_mode & 0o7777
                for d, _, names in os.walk(self.dest) for f in names}


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """Installed from build-release, which `make release` has made or makes now."""
    return Tree(tmp_path_factory.mktemp("install"))


@pytest.fixture(scope="session")
def version():
    with open(os.path.join(TOP, "meson.build"), encoding="utf-8") as f:
        return re.search(r"version: '([\d.]+)'", f.read())[1]
