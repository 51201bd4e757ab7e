"""Private copies of name servers, unpacked from the distribution's packages.

Debian starts a daemon when its package is installed and binds AppArmor profiles to the installed paths.  The laboratory
must do neither, so it downloads the packages, unpacks them into its own folder and installs nothing.  It needs no root.
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
STAMP = "packages 3: " + " ".join(SEEDS) + "\n"


def _run(argv, **kw):
    return subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C"}, **kw)


def _installed():
    out = _run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"]).stdout
    return {line.split()[1] for line in out.splitlines() if line.startswith("installed ")}


def _show(names):
    """{package: depends line} of the candidates that apt knows."""
    out = _run(["apt-cache", "show", "--no-all-versions", *names]).stdout
    found = {}
    for para in out.split("\n\n"):
        name = re.search(r"^Package: (\S+)", para, re.M)
        if name:
            deps = re.findall(r"^(?:Pre-)?Depends: (.*)", para, re.M)
            found[name.group(1)] = ", ".join(deps)
    return found


def resolve(seeds):
    """The packages to fetch: the seeds, and every library below them that this machine lacks."""
    have, want, todo = _installed(), [], list(seeds)
    while todo:
        shown = _show(todo)
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
                known = _show(libs)
                pick = next((o for o in libs if o in known), None)
                if pick:
                    later.append(pick)
        todo = later
    return want


def _wrappers(pk):
    """bin/NAME: the program with the private libraries in front, and nothing else of the environment changed."""
    os.makedirs(pk.bin, exist_ok=True)
    libs = ":".join("$d/" + os.path.relpath(p, pk.dir) for p in pk.lib_dirs())
    for name in PROGRAMS:
        try:
            prog = os.path.relpath(pk.program(name), pk.dir)
        except LabError:
            if name in OPTIONAL:
                continue
            raise
        path = os.path.join(pk.bin, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nd=$(dirname "$(dirname "$(readlink -f "$0")")")\n'
                    f'LD_LIBRARY_PATH="{libs}" exec "$d/{prog}" "$@"\n')
        os.chmod(path, 0o755)


def _check_libraries(pk):
    """Every program must find its libraries; say which one does not."""
    env = pk.env(LC_ALL="C")
    bad = []
    for name in PROGRAMS:
        try:
            path = pk.program(name)
        except LabError:
            continue
        out = subprocess.run(["ldd", path], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        bad += [f"{name}: {line.strip()}" for line in out.splitlines() if "not found" in line]
    if bad:
        raise LabError("libraries are missing:\n  " + "\n  ".join(bad))


def fetch(suite=None, say=print, force=False):
    """Make lab/pkgs/SUITE complete.  Quick when it is; says what it does before it does it."""
    base = os.path.dirname(Packages(suite).dir)
    os.makedirs(base, exist_ok=True)
    with open(os.path.join(base, ".lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # tests of several laboratories may start at once
        return _fetch(suite, say, force)


def _fetch(suite, say, force):
    pk = Packages(suite)
    if suite and suite != host_suite():
        raise LabError(f"this machine is {host_suite()}; programs of {suite} need its C library, "
                       f"so run the laboratory of {suite} on a {suite} machine or in a chroot of it")
    stamp = os.path.join(pk.dir, "complete")
    if not force and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.readline() == STAMP:
                return pk
    for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-query"):
        if not shutil.which(tool):
            raise LabError(f"{tool} is missing: the laboratory takes its name servers from Debian packages")
    names = resolve(SEEDS)
    say(f"lab: unpacking private copies of {len(names)} packages into {pk.dir}; nothing is installed, no service is started:")
    say("lab:   " + " ".join(names))
    debs = os.path.join(pk.dir, "debs")
    shutil.rmtree(pk.dir, ignore_errors=True)
    os.makedirs(debs)
    got = _run(["apt-get", "-q", "download", *names], cwd=debs)
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
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(STAMP + "\n".join(versions) + "\n")
    say("lab: packages complete")
    return pk
