"""Where things are: private packages and laboratory folders.

Everything lives under lab/ (both folders are ignored by git).  Two environment variables move them, so that several
checkouts can share one set of packages and tests can keep their laboratories elsewhere:
MUSICLAB_PKGS (packages) and MUSICLAB_RUN (laboratories).
"""
import os
import platform
import re

LAB_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class LabError(Exception):
    """A problem with a message for people; the command line prints it without a traceback."""


def host_suite():
    """Debian code name of this machine, 'unknown' elsewhere."""
    try:
        with open("/etc/os-release", encoding="utf-8") as f:
            m = re.search(r'^VERSION_CODENAME="?([a-z]+)', f.read(), re.M)
    except OSError:
        m = None
    return m.group(1) if m else "unknown"


def pkgs_dir(suite=None):
    base = os.environ.get("MUSICLAB_PKGS") or os.path.join(LAB_DIR, "pkgs")
    return os.path.join(os.path.abspath(base), suite or host_suite())


def run_base():
    return os.path.abspath(os.environ.get("MUSICLAB_RUN") or os.path.join(LAB_DIR, "run"))


def run_dir(name):
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", name):
        raise LabError(f"{name!r} is no good name for a laboratory: use a-z, 0-9, '-' and '_', at most 31")
    path = os.path.join(run_base(), name)
    if len(path) > 85:   # control sockets live below; a Unix socket path has 108 bytes
        raise LabError(f"the folder {path} is too long for control sockets; set MUSICLAB_RUN to a shorter one")
    return path


def triplet():
    return {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}.get(platform.machine(),
            platform.machine() + "-linux-gnu")


class Packages:
    """Paths inside the unpacked packages: of this machine's release of Debian, or of another one (suite)."""

    def __init__(self, suite=None):
        self.suite = suite or host_suite()
        self.dir = pkgs_dir(self.suite)
        self.root = os.path.join(self.dir, "root")
        self.bin = os.path.join(self.dir, "bin")
        self.foreign = self.suite != host_suite()

    def lib_dirs(self):
        t = triplet()
        return [os.path.join(self.root, d) for d in (f"usr/lib/{t}", f"lib/{t}", f"usr/lib/{t}/pdns", "usr/lib/softhsm")
                if os.path.isdir(os.path.join(self.root, d))]

    def linker(self):
        """The dynamic linker that belongs to the C library of another release."""
        name = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}.get(platform.machine(), "ld.so")
        return self.find(f"usr/lib/@T@/{name}", f"lib/@T@/{name}", f"usr/lib64/{name}", f"lib64/{name}", f"usr/lib/{name}")

    def program(self, name):
        """What to run for a program of the packages; of another release, a script that ends as that program."""
        path = os.path.join(self.bin, name)
        return path if self.foreign and os.path.exists(path) else self.unpacked(name)

    def unpacked(self, name):
        """Absolute path of a program in the packages."""
        for d in ("usr/sbin", "usr/bin", "sbin", "bin"):
            p = os.path.join(self.root, d, name)
            if os.path.exists(p):
                return p
        raise LabError(f"no private copy of {name} in {self.root}: run 'lab/lab fetch{self.suite_option()}'")

    def find(self, *candidates):
        for c in candidates:
            p = os.path.join(self.root, c.replace("@T@", triplet()))
            if os.path.exists(p):
                return p
        raise LabError(f"{candidates[0]} is not in {self.root}: run 'lab/lab fetch{self.suite_option()}'")

    def suite_option(self):
        return f" --suite {self.suite}" if self.foreign else ""

    def env(self, **more):
        e = dict(os.environ)
        if not self.foreign:
            e["LD_LIBRARY_PATH"] = ":".join(self.lib_dirs())
        e.update(more)
        return e

    def complete(self):
        return os.path.exists(os.path.join(self.dir, "complete"))
