"""The namespace of a laboratory, the processes in it, and how all of them end.

One holder process keeps a user and network namespace alive; it sleeps and does nothing else.  Programs enter with nsenter,
which executes them in place, so the process id that a caller gets is the program's own.  A pid is never trusted alone:
it is recorded with the start time of its process.  To end a laboratory we also look for every process that is in the
namespace and carries our environment mark, so nothing survives a crash of the tool that started it.
"""
import os
import shutil
import signal
import subprocess
import time

from .paths import LabError

MARK = "MUSICLAB_DIR"


def wait_until(condition, timeout=10.0, what="", interval=0.02):
    """Call condition() until it returns something true, and return that.  Raise LabError after timeout seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise LabError(f"not within {timeout:g} s: {what or getattr(condition, '__name__', 'condition')}")
        time.sleep(interval)
        interval = min(interval * 1.3, 0.25)


def start_time(pid):
    """Start time of a process (clock ticks since boot), None when there is no such process or only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        # a killed process may be a zombie whose other threads still hold its sockets
        gone = fields[0] in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return None
    return None if gone else int(fields[19])


class PidFile:
    """A process we started: its pid and start time in a file."""

    def __init__(self, path):
        self.path = path

    def write(self, pid):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(f"{pid} {start_time(pid) or 0}\n")

    def pid(self):
        """The pid if that very process is alive, else None."""
        try:
            with open(self.path, encoding="utf-8") as f:
                pid, began = (int(x) for x in f.read().split())
        except (OSError, ValueError):
            return None
        return pid if start_time(pid) == began else None

    def send(self, sig):
        pid = self.pid()
        if pid is None:
            return False
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            return False
        return True

    def stop(self, timeout=30.0, sig=signal.SIGTERM):
        """End the process: politely, then not.  True when it was alive."""
        if not self.send(sig):
            self._forget()
            return False
        self.send(signal.SIGCONT)
        try:
            self.wait_gone(timeout)
        except LabError:
            self.send(signal.SIGKILL)
            self.wait_gone(30.0)
        self._forget()
        return True

    def wait_gone(self, timeout):
        def gone():
            reap()
            return self.pid() is None
        wait_until(gone, timeout, f"end of process in {self.path}")

    def _forget(self):
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass


_children = []


def reap():
    """Collect our own ended children, so that they do not count as alive."""
    _children[:] = [c for c in _children if c.poll() is None]


def forget_later(popen):
    _children.append(popen)


class Space:
    def __init__(self, run):
        self.run = run
        self.holder = PidFile(os.path.join(run, "pids", "holder"))

    # -- making -------------------------------------------------------------------------------------------------
    def create(self, addresses):
        if not shutil.which("unshare") or not shutil.which("nsenter") or not shutil.which("ip"):
            raise LabError("the laboratory needs unshare, nsenter (util-linux) and ip (iproute2)")
        script = os.path.join(self.run, "addresses")
        with open(script, "w", encoding="utf-8") as f:
            f.write("link set lo up\n")
            for a in addresses:
                f.write(f"addr add {a}/128 dev lo nodad\n" if ":" in a else f"addr add {a}/32 dev lo\n")
        log = os.path.join(self.run, "log", "holder.log")
        with open(log, "wb") as err:
            p = subprocess.Popen(["unshare", "-U", "-r", "-n", "sh", "-c",
                                  'ip -batch "$1" && echo ready && exec sleep infinity', "sh", script],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, start_new_session=True,
                                 env={**os.environ, MARK: self.run})
        forget_later(p)
        line = p.stdout.readline()
        p.stdout.close()
        if line != b"ready\n":
            p.wait()
            with open(log, encoding="utf-8", errors="replace") as f:
                why = f.read().strip()
            raise LabError("this machine refuses a user and network namespace (" + why + ").\n"
                           "Allow them (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces>0, or "
                           "kernel.apparmor_restrict_unprivileged_userns=0), or run the laboratory as root.")
        # 'sleep' replaces 'sh' which replaced 'unshare': one process, one start time
        self.holder.write(p.pid)
        return p.pid

    # -- entering -----------------------------------------------------------------------------------------------
    def alive(self):
        return self.holder.pid() is not None

    def inside(self):
        return os.environ.get("MUSICLAB_INSIDE") == self.run

    def enter_argv(self):
        """Words to put before a command so that it runs inside; empty when we are inside."""
        if self.inside():
            return []
        pid = self.holder.pid()
        if pid is None:
            raise LabError(f"no laboratory is up in {self.run}")
        return ["nsenter", "-t", str(pid), "-U", "-n", "--preserve-credentials", "--"]

    def env(self, extra=None):
        e = dict(os.environ if extra is None else extra)
        e[MARK] = self.run
        e["MUSICLAB_INSIDE"] = self.run
        return e

    def spawn(self, argv, env=None, **kw):
        """subprocess.Popen inside the namespace."""
        p = subprocess.Popen(self.enter_argv() + list(argv), env=self.env(env), **kw)
        forget_later(p)
        return p

    def call(self, argv, env=None, timeout=60, check=True, stdin=None, cwd=None):
        """Run a program inside to its end; return its CompletedProcess (text).  LabError when it fails and check."""
        try:
            r = subprocess.run(self.enter_argv() + list(argv), env=self.env(env), input=stdin, timeout=timeout, check=False,
                               stdin=None if stdin is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)
        except subprocess.TimeoutExpired as e:
            raise LabError(f"{' '.join(argv)}: no end within {timeout} s") from e
        if check and r.returncode != 0:
            raise LabError(f"{' '.join(argv)}: exit status {r.returncode}\n{r.stdout}{r.stderr}")
        return r

    def daemon(self, name, argv, env=None, cwd=None):
        """Start a server that stays in the foreground, in its own session, logging to log/NAME.log."""
        pidfile = PidFile(os.path.join(self.run, "pids", name))
        if pidfile.pid() is not None:
            raise LabError(f"{name} is running already")
        with open(os.path.join(self.run, "log", name + ".log"), "ab") as out:
            p = self.spawn(argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                           cwd=cwd or self.run)
        pidfile.write(p.pid)
        return pidfile

    # -- ending -------------------------------------------------------------------------------------------------
    def net_id(self):
        """Identity of the network namespace while anything that we know of lives in it, else None.

        The holder may be dead and its servers alive; then any process that we recorded or that carries our mark tells.
        """
        known = [self.holder.pid()]
        folder = os.path.join(self.run, "pids")
        if os.path.isdir(folder):
            known += [PidFile(os.path.join(folder, f)).pid() for f in sorted(os.listdir(folder))]
        own = None if self.inside() else os.readlink("/proc/self/ns/net")
        for pid in filter(None, known):
            try:
                net = os.readlink(f"/proc/{pid}/ns/net")
            except OSError:
                continue
            if net != own:      # a program between fork and nsenter is still outside
                return net
        return None

    def members(self, net=None):
        """Processes of this laboratory: they carry our mark, or are in the namespace net (a server may overwrite its environment)."""
        mark = f"{MARK}={self.run}".encode()
        own = {os.getpid()}
        pid = os.getpid()
        while pid > 1:      # neither ourselves nor those who called us
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    pid = int(f.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                break
            own.add(pid)
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in own:
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as f:
                    ours = mark in f.read().split(b"\0")
                if not ours and (net is None or os.readlink(f"/proc/{entry}/ns/net") != net):
                    continue
            except OSError:
                continue
            if start_time(int(entry)) is not None:
                found.append(int(entry))
        return found

    def destroy(self):
        """End every process of the laboratory, then the namespace itself."""
        net = self.net_id()
        for sig, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 30.0)):
            pids = self.members(net)
            for pid in pids:
                for s in (sig, signal.SIGCONT):
                    try:
                        os.kill(pid, s)
                    except (ProcessLookupError, PermissionError):
                        pass

            def gone():
                reap()
                return not self.members(net)
            try:
                wait_until(gone, patience, "end of all processes", interval=0.05)
                break
            except LabError:
                continue
        left = self.members(net)
        if left:
            raise LabError(f"processes that do not end: {left}")
        pids = os.path.join(self.run, "pids")
        if os.path.isdir(pids):
            shutil.rmtree(pids)
