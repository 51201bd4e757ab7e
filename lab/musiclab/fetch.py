"""Private copies of name servers, unpacked from the distribution's packages.

Debian starts a daemon when its package is installed and binds AppArmor profiles to the installed paths.  The laboratory
must do neither, so it downloads the packages, unpacks them into its own folder and installs nothing.  It needs no root.

Packages of another release of Debian come from the same mirrors, by lists of our own; they bring their C library along, and
their programs run with the dynamic linker of that.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess

from .paths import LabError, Packages, host_suite

SEEDS = ["bind9", "bind9-utils", "bind9-dnsutils", "bind9-host", "knot", "knot-dnsutils", "pdns-server",
         "pdns-backend-sqlite3", "nsd", "unbound", "softhsm2", "sqlite3"]
PROGRAMS = ["named", "named-checkconf", "nsupdate", "dig", "delv", "rndc", "rndc-confgen", "dnssec-keygen", "dnssec-signzone",
            "dnssec-settime", "dnssec-dsfromkey", "dnssec-keyfromlabel", "dnssec-verify", "dnssec-importkey", "host", "knotd", "knotc",
            "keymgr", "kdig", "kzonecheck", "pdns_server", "pdnsutil", "pdns_control", "nsd", "nsd-control", "nsd-checkconf",
            "unbound", "unbound-control", "unbound-checkconf", "softhsm2-util", "sqlite3"]
OPTIONAL = {"kzonecheck", "rndc-confgen"}
# These belong to a program above and must have its version, whatever this machine has installed.
OURS = re.compile(r"bind9-libs|libknot|libdnssec|libzscanner|libsofthsm2")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"     # signs every release
STAMP = "packages 3: " + " ".join(SEEDS) + "\n"


def _run(argv, **kw):
    return subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C"}, **kw)


class Apt:
    """apt as this machine has it; for another release with a private state that knows the same mirrors, and nothing installed."""

    def __init__(self, suite, folder):
        self.suite, self.dir, self.options = suite, folder, []
        self.foreign = suite != host_suite()
        if self.foreign:
            self._prepare()

    def _prepare(self):
        for sub in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        with open(os.path.join(self.dir, "status"), "w", encoding="utf-8"):
            pass
        with open(os.path.join(self.dir, "sources.list"), "w", encoding="utf-8") as f:
            f.writelines(self._sources())
        places = {"Dir::Etc::SourceList": "sources.list", "Dir::State::Lists": "lists", "Dir::State::Status": "status", "Dir::Cache": "cache"}
        self.options = ["-o", "Dir::Etc::SourceParts=-"]
        for key, name in places.items():
            self.options += ["-o", f"{key}={os.path.join(self.dir, name)}"]
        if os.geteuid() == 0:
            self.options += ["-o", "APT::Sandbox::User=root"]       # _apt may not write here
        got = self.run("apt-get", "-q", "update")
        if got.returncode != 0:
            raise LabError(f"no lists of {self.suite} from the mirrors that apt is set up with:\n{got.stderr.strip()}")

    def _sources(self):
        """The machine's own sources for its release, with the other's name."""
        here = host_suite()
        out = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]).stdout
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        lines = set()
        for line in out.splitlines():
            uri, release, component = line.split()
            if release in (here, here + "-updates", here + "-security"):
                lines.add(f"deb {signed}{uri} {release.replace(here, self.suite)} {component}\n")
        if not lines:
            raise LabError(f"apt knows no mirror of {here}, where {self.suite} could be as well (as root: apt-get update)")
        return sorted(lines)

    def run(self, program, *words, **kw):
        return _run([program, *self.options, *words], **kw)

    def installed(self):
        return set() if self.foreign else _installed()


def _installed():
    out = _run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"]).stdout
    return {line.split()[1] for line in out.splitlines() if line.startswith("installed ")}


def _show(apt, names):
    """{package: depends line} of the candidates that apt knows."""
    out = apt.run("apt-cache", "show", "--no-all-versions", *names).stdout
    found = {}
    for para in out.split("\n\n"):
        name = re.search(r"^Package: (\S+)", para, re.M)
        if name:
            deps = re.findall(r"^(?:Pre-)?Depends: (.*)", para, re.M)
            found[name.group(1)] = ", ".join(deps)
    return found


def resolve(apt, seeds):
    """The packages to fetch: the seeds, and every library below them that this machine lacks."""
    have, want, todo = apt.installed(), [], list(seeds)
    while todo:
        shown = _show(apt, todo)
        missing = [n for n in todo if n not in shown]
        if missing:
            raise LabError("apt knows no package " + ", ".join(missing) +
                           ": refresh its lists first (as root: apt-get update), then try again")
        want += todo
        later = []
        for name in todo:
            for clause in filter(None, (c.strip() for c in shown[name].split(","))):
                options = [re.split(r"[ (:]", o.strip())[0] for o in clause.split("|")]
                libs = [o for o in options if o.startswith("lib") or o.endswith("-libs")]
                if not libs or any((o in have and not OURS.match(o)) or o in want or o in later for o in options):
                    continue        # not a library (adduser, debconf ...), or satisfied already
                known = _show(apt, libs)
                pick = next((o for o in libs if o in known), None)
                if pick:
                    later.append(pick)
        todo = later
    return want


def _wrappers(pk):
    """bin/NAME: the program with the private libraries in front, and nothing else of the environment changed."""
    os.makedirs(pk.bin, exist_ok=True)
    libs = ":".join("$d/" + os.path.relpath(p, pk.dir) for p in pk.lib_dirs())
    linker = os.path.relpath(pk.linker(), pk.dir) if pk.foreign else None
    for name in PROGRAMS:
        try:
            prog = os.path.relpath(pk.unpacked(name), pk.dir)
        except LabError:
            if name in OPTIONAL:
                continue
            raise
        path = os.path.join(pk.bin, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nd=$(dirname "$(dirname "$(readlink -f "$0")")")\n')
            if linker:      # LD_LIBRARY_PATH would reach children of this machine's release
                f.write(f'exec "$d/{linker}" --argv0 "$d/{prog}" --library-path "{libs}" "$d/{prog}" "$@"\n')
            else:
                f.write(f'LD_LIBRARY_PATH="{libs}" exec "$d/{prog}" "$@"\n')
        os.chmod(path, 0o755)


def _check_libraries(pk):
    """Every program must find its libraries; say which one does not."""
    env = pk.env(LC_ALL="C")
    bad = []
    for name in PROGRAMS:
        try:
            path = pk.unpacked(name)
        except LabError:
            continue
        ldd = [pk.linker(), "--library-path", ":".join(pk.lib_dirs()), "--list"] if pk.foreign else ["ldd"]
        out = subprocess.run([*ldd, path], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        bad += [f"{name}: {line.strip()}" for line in out.splitlines() if "not found" in line]
    if bad:
        raise LabError("libraries are missing:\n  " + "\n  ".join(bad))


def fetch(suite=None, say=print, force=False):
    """Make lab/pkgs/SUITE complete.  Quick when it is; says what it does before it does it."""
    base = os.path.dirname(Packages(suite).dir)
    try:
        os.makedirs(base, exist_ok=True)
        with open(os.path.join(base, ".lock"), "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)        # tests of several laboratories may start at once
            return _fetch(suite, say, force)
    except OSError as e:
        raise LabError(f"the packages want a folder that can be written, and {e.filename or base} cannot: {e.strerror} "
                       "(MUSICLAB_PKGS names another one)") from e


def _fetch(suite, say, force):
    pk = Packages(suite)
    stamp = os.path.join(pk.dir, "complete")
    if not force and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.readline() == STAMP:
                return pk
    for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-query"):
        if not shutil.which(tool):
            raise LabError(f"{tool} is missing: the laboratory takes its name servers from Debian packages")
    apt = Apt(pk.suite, os.path.join(pk.dir, "apt"))
    names = resolve(apt, SEEDS)
    say(f"lab: unpacking private copies of {len(names)} packages into {pk.dir}; nothing is installed, no service is started:")
    say("lab:   " + " ".join(names))
    debs = os.path.join(pk.dir, "debs")
    for old in (debs, pk.root, pk.bin):
        shutil.rmtree(old, ignore_errors=True)
    os.makedirs(debs)
    got = apt.run("apt-get", "-q", "download", *names, cwd=debs)
    if got.returncode != 0:
        raise LabError("apt-get download failed; if it found no list or an old one, refresh it (as root: apt-get update):\n" +
                       got.stderr.strip())
    for deb in sorted(glob.glob(os.path.join(debs, "*.deb"))):
        r = _run(["dpkg", "-x", deb, pk.root])
        if r.returncode != 0:
            raise LabError(f"dpkg -x {deb}: {r.stderr.strip()}")
    versions = sorted(os.path.basename(d)[:-4] for d in glob.glob(os.path.join(debs, "*.deb")))
    _wrappers(pk)
    _check_libraries(pk)
    shutil.rmtree(debs)
    shutil.rmtree(apt.dir, ignore_errors=True)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(STAMP + "\n".join(versions) + "\n")
    say("lab: packages complete")
    return pk
