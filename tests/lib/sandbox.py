#!/usr/bin/python3
"""Runs a program as its unit file confines it, without systemd.

  sandbox.py UNIT STATE PROGRAM [ARGUMENT...]

ProtectSystem=strict, PrivateTmp (all but STATE is read-only, which stands for StateDirectory=), capabilities, NoNewPrivileges,
SystemCallFilter and RestrictAddressFamilies hold as there; a call that the filter has not kills the program.  Needs the
rights of root, those in a user namespace of one's own will do.  The process stays the same one.
"""
import ctypes
import os
import re
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LD_NR, LD_ARG0, JEQ, RET = (0x20, 0), (0x20, 16), 0x15, 0x06      # of struct seccomp_data
ALLOW, KILL, ERRNO = 0x7fff0000, 0x80000000, 0x00050000
EAFNOSUPPORT = 97


def directives(unit):
    """{name: [value, ...]} of the section [Service]."""
    with open(unit, encoding="utf-8") as f:
        section = f.read().split("[Service]")[1].split("\n[")[0]
    found = {}
    for m in re.finditer(r"^(\w+)=(.*)$", section, re.M):
        found.setdefault(m[1], []).append(m[2])
    return found


def call(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{name}{args}")


# ---- files

def read_only_but(state):
    """A mount namespace of our own, where only STATE and an own /tmp can be written."""
    call("unshare", CLONE_NEWNS)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    state = os.path.realpath(state).encode()
    call("mount", state, state, None, MS_BIND, None)
    with open("/proc/self/mounts", encoding="utf-8") as f:
        points = [line.split()[1].encode().decode("unicode_escape").encode() for line in f]
    for p in points:
        if p != state and not p.startswith((b"/proc", b"/sys", b"/dev")):
            flags = os.statvfs(p).f_flag & 0x40f        # those that are locked must stay
            call("mount", None, p, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, None)
    for refused in ("/", os.path.dirname(state.decode())):
        try:
            os.mkdir(os.path.join(refused, "sandbox-was-here"))
        except OSError:
            continue
        raise SystemExit(f"sandbox: {refused} can be written")


# ---- system calls

def numbers():
    """Names of system calls -> numbers, as the compiler knows them."""
    r = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", os.devnull], capture_output=True, text=True, check=True)
    return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)$", r.stdout, re.M)}


def group(name):
    r = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    found = set()
    for word in re.findall(r"^    ([@\w-]+)$", r.stdout, re.M):
        found |= group(word) if word.startswith("@") else {word}
    return found


def allowed(lines):
    found = group("@default")       # systemd adds it to every list of what is allowed
    assert lines and not lines[0].startswith("~"), "the first SystemCallFilter allows"
    for line in lines:
        names = set().union(*(group(w) if w.startswith("@") else {w} for w in line.lstrip("~").split()))
        found = found - names if line.startswith("~") else found | names
    return found


FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


def program(calls, families):
    """The filter: [(code, jump if true, jump if false, constant)]."""
    nr = numbers()
    code = [(LD_NR[0], 0, 0, LD_NR[1])]
    if os.getuid() == 0:            # SQLite gives files to the owner of their folder, as root only: said to have been done
        code += [(JEQ, 0, 1, nr["fchown"]), (RET, 0, 0, ERRNO)]
    code += [(JEQ, 0, 2 + 2 * len(families), nr["socket"]), (LD_ARG0[0], 0, 0, LD_ARG0[1])]
    for f in families:
        code += [(JEQ, 0, 1, FAMILIES[f]), (RET, 0, 0, ALLOW)]
    code += [(RET, 0, 0, ERRNO | EAFNOSUPPORT)]
    for name in sorted(calls & set(nr) - {"socket"}):
        code += [(JEQ, 0, 1, nr[name]), (RET, 0, 0, ALLOW)]
    return code + [(RET, 0, 0, KILL)]


class Insn(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Insn))]


def install(code):
    insns = (Insn * len(code))(*[Insn(*c) for c in code])
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Prog(len(code), insns)))


def main(argv):
    """First the files; then, with the capabilities of the unit, ourselves again for the calls."""
    if argv[0] == "--filter":
        d = directives(argv[1])
        install(program(allowed(d["SystemCallFilter"]), d["RestrictAddressFamilies"][0].split()))
        os.execv(argv[2], argv[2:])
    unit, state, *rest = argv
    d = directives(unit)
    assert d["ProtectSystem"] == ["strict"] and d["NoNewPrivileges"] == ["yes"]
    read_only_but(state)
    caps = ",".join(["-all"] + ["+" + c.removeprefix("CAP_").lower() for c in d["CapabilityBoundingSet"][0].split()])
    ambient = ",".join(["-all"] + ["+" + c.removeprefix("CAP_").lower() for c in d["AmbientCapabilities"][0].split()])
    os.execvp("setpriv", ["setpriv", "--securebits=+noroot,+noroot_locked", f"--inh-caps={caps}", f"--ambient-caps={ambient}",
                          f"--bounding-set={caps}", "--no-new-privs", sys.executable, os.path.abspath(__file__), "--filter", unit, *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
