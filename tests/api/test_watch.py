"""music-cli zone watch: it follows the stream of events, over breaks of it, and asks for little."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time

import pytest

from conftest import CLI, Daemon, certificate, wait_until
from test_cli import Shell


class Line:
    """stands between a client and the daemon; can be cut, and keeps what was asked"""

    def __init__(self, port, tls):
        self.port, self.tls, self.asked, self.ends, self.turned_away = port, tls, [], [], 0
        self.up = True
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*tls)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url, self.cert = f"https://127.0.0.1:{self.listener.getsockname()[1]}", tls[0]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.up:
                client.close()
                self.turned_away += 1
                continue
            client = self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
            server = socket.create_connection(("127.0.0.1", self.port))
            self.ends += [client, server]
            threading.Thread(target=self.copy, args=(client, server), daemon=True).start()

    def copy(self, client, server):
        """one thread for both ways: a TLS connection is not for two"""
        try:
            client.do_handshake()
            while True:
                for s in [client] if client.pending() else select.select([client, server], [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        raise OSError("its end")
                    if s is client:
                        self.asked.append(data.decode())
                    (server if s is client else client).sendall(data)
        except (OSError, ValueError):
            self.shut([client, server])

    @staticmethod
    def shut(ends):
        for s in ends:
            try:
                socket.socket.shutdown(s, socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.up = False
        ends, self.ends = self.ends, []
        self.shut(ends)

    def count(self, path):
        return sum(x.startswith(f"GET /api/v1{path} ") for x in self.asked)

    def close(self):
        self.cut()
        self.listener.close()


class Watch:
    """music-cli zone watch z.test, its lines read in a thread"""

    def __init__(self, cli, line, *words):
        self.lines = []
        self.process = subprocess.Popen([CLI, "zone", "watch", "z.test", *words], env=dict(cli.env, MUSIC_SERVER=line.url),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for text in self.process.stdout:
            self.lines.append(text)

    def shows(self, words):
        wait_until(lambda: any(words in x for x in self.lines))

    def end(self):
        """by Ctrl-C"""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == -signal.SIGINT
        return self.process.stderr.read()


@pytest.fixture
def still(tmp_path):
    """a zone of which nothing moves by itself"""
    d = Daemon(tmp_path, tick_ms=600000, env={"FAKE_CALLER_STREAMS": "2"})
    d.ok("POST", "/signers", {"name": "bind", "driver": "ddns"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    d.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    d.ok("POST", "/zones", {"name": "other.test", "group": "g"})
    line = Line(d.port, certificate(tmp_path))
    yield d, line, Shell(tmp_path, line)
    line.close()
    d.stop()


def streams(d):
    return d.ok("GET", "/status")["streams"]


def looks(line):
    return line.count("/zones/z.test/status")


def wait_quiet(d, line):
    """until it has the stream, has looked again since, and asks nothing for two seconds and a half: who asks every second never does so"""
    def quiet():
        before = len(line.asked)
        time.sleep(2.5)     # that nothing comes in this time is what is tried
        return len(line.asked) == before
    wait_until(lambda: streams(d) == 1 and looks(line) >= 2)
    wait_until(quiet)
    return looks(line)


def test_it_looks_when_something_happens(still):
    d, line, cli = still
    w = Watch(cli, line, "--interval", "1h")
    before = wait_quiet(d, line)
    d.ok("POST", "/zones/other.test/hold", {"reason": "nobody asked"})
    assert wait_quiet(d, line) == before
    d.ok("POST", "/zones/z.test/hold", {"reason": "lunch"})
    w.shows("held: lunch")
    begin, before = time.monotonic(), looks(line)
    for i in range(50):                                 # a burst is not a look each
        d.ok("POST", "/zones/z.test/check")
    d.ok("POST", "/zones/z.test/resume")
    wait_until(lambda: len(w.lines) == 3)
    assert looks(line) - before <= 3 + 10 * (time.monotonic() - begin)
    assert w.end() == ""
    wait_until(lambda: streams(d) == 0)
    assert len(w.lines) == 3 and all(re.match(r"\d\d:\d\d:\d\dZ z\.test\.  ", x) for x in w.lines), w.lines


def test_it_goes_on_where_the_stream_broke(still):
    d, line, cli = still
    w = Watch(cli, line, "--interval", "1h")
    d.ok("POST", "/zones/z.test/hold", {"reason": "before"})
    w.shows("held: before")
    wait_quiet(d, line)
    newest = d.ok("GET", "/zones/z.test/history?limit=1")["items"][0]["id"]
    line.cut()
    wait_until(lambda: streams(d) == 0)
    d.ok("POST", "/zones/z.test/resume")
    d.ok("POST", "/zones/z.test/hold", {"reason": "while it was away"})
    line.up = True
    w.shows("held: while it was away")
    wait_until(lambda: streams(d) == 1)
    again = [x for x in line.asked if x.startswith("GET /api/v1/events?zone=z.test")]
    assert "Last-Event-ID" not in again[0] and f"\r\nLast-Event-ID: {newest}\r\n" in again[-1], again
    d.ok("POST", "/zones/z.test/resume")
    wait_until(lambda: "held" not in w.lines[-1])
    assert w.end().count("\n") <= 1                     # a look that found nobody is told once


def test_events_say_that_nobody_answers(still):
    """once, and go on where they were"""
    d, line, cli = still
    p = subprocess.Popen([CLI, "events", "--since", "0", "--zone", "other.test", "-o", "json"], env=dict(cli.env, MUSIC_SERVER=line.url),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    bound = threading.Timer(120, p.kill)     # what it does not say in time, it never says: the reads below end
    bound.start()
    assert "other.test." in p.stdout.readline()
    line.cut()
    assert p.stderr.readline().startswith(f"music-cli: {line.url}: ")
    wait_until(lambda: line.turned_away >= 3)
    d.ok("POST", "/zones/other.test/hold", {"reason": "lunch"})
    line.up = True
    assert any("held" in event for event in p.stdout)
    p.send_signal(signal.SIGINT)
    assert p.wait(60) == -signal.SIGINT and p.stderr.read() == ""
    bound.cancel()


def test_without_a_stream_it_looks_every_second(still):
    d, line, cli = still
    other = Line(d.port, line.tls)
    taken = [Watch(cli, other) for _ in range(2)]
    wait_until(lambda: streams(d) == 2)
    w = Watch(cli, line, "--interval", "1h")
    w.shows("z.test.")
    d.ok("POST", "/zones/z.test/hold", {"reason": "lunch"})
    w.shows("held: lunch")
    wait_until(lambda: looks(line) >= 6)
    assert line.count("/events?zone=z.test") <= 1 + looks(line) // 2
    for x in taken + [w]:
        assert x.end() == ""
    other.close()


def test_on_a_terminal_time_runs_without_asking(still):
    d, line, cli = still
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(CLI, [CLI, "zone", "watch", "z.test", "--interval", "1h"], dict(cli.env, MUSIC_SERVER=line.url, TERM="xterm"))
    shown = b""

    def read():
        nonlocal shown
        try:
            while data := os.read(fd, 4096):
                shown += data
        except OSError:
            pass
    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def clocks():
        return sorted(set(re.findall(rb"(\d\d:\d\d:\d\d)Z z\.test\.", shown)))
    before, drawn = wait_quiet(d, line), len(clocks())
    wait_until(lambda: len(clocks()) >= drawn + 3)
    assert looks(line) == before, line.asked
    os.write(fd, b"\x03")                               # Ctrl-C
    _, status = os.waitpid(pid, 0)
    reader.join(60)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT
    assert shown.rstrip(b"^C").endswith(b"\x1b[J"), shown[-80:]   # below a whole picture
    wait_until(lambda: streams(d) == 0)
    os.close(fd)


def screen(data, columns, height):
    """What stands on a terminal after ${data}."""
    lines, row, col = [""], 0, 0
    for part in re.findall(r"\x1b\[\d*[AKJ]|\r|\n|[^\x1b\r\n]", data):
        if part == "\n":
            row += 1
        elif part == "\r":
            col = 0
        elif part[-1] == "A" and part[0] == "\x1b":
            row = max(row - int(part[2:-1]), len(lines) - height, 0)     # what has left above is out of reach
        elif part == "\x1b[K":
            lines[row] = lines[row][:col]
        elif part == "\x1b[J":
            lines[row:] = [lines[row][:col]]
        else:
            if col == columns:
                row, col = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            lines[row] = lines[row].ljust(col)[:col] + part + lines[row][col + 1:]
            col += 1
        lines += [""] * (row + 1 - len(lines))
    return lines


@pytest.mark.parametrize("columns,height", [(50, 40), (200, 40), (30, 8)])
def test_the_picture_fits_the_terminal(tmp_path, columns, height):
    """Whatever its width, it is drawn over itself, nothing of it is cut, and what is left out is counted."""
    d = Daemon(tmp_path, tick_ms=600000, tls=certificate(tmp_path))
    d.ok("POST", "/zones", {"name": "waits.test"})
    cli = Shell(tmp_path, d)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, columns, 0, 0))
    p = subprocess.Popen([CLI, "zone", "watch", "waits.test", "--interval", "1h"], env=dict(cli.env, TERM="xterm"), stdin=slave,
                         stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while shown.count(b"Z waits.test.") < 4 or not shown.endswith(b"\x1b[J"):
        shown += os.read(master, 4096)
    p.send_signal(signal.SIGINT)
    p.wait(20)
    os.close(master)
    d.stop()
    lines = screen(shown.decode(), columns, height)
    assert sum("Z waits.test." in x for x in lines) == 1 and max(map(len, lines)) <= columns, lines
    assert len(lines) <= height, lines
    if height > 8:
        words = " ".join("\n".join(lines).split())
        assert words.count("waits: DS-Wait: old DS sets may be in caches until ") == 4 and words.count(" left") == 4, lines
        assert [x for x in lines if x.strip()][-1] == "  and 3 more"
