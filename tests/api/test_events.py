"""The event stream is a place in the history: whoever comes back with the last id misses nothing and gets nothing twice."""
import signal
import socket
import sqlite3
import threading

import pytest

from conftest import Daemon, wait_until
from test_objects import Stream


def fill(d):
    d.ok("POST", "/signers", {"name": "bind", "driver": "ddns", "update": "192.0.2.1"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    d.ok("POST", "/zones", {"name": "one.test", "group": "g"})
    d.ok("POST", "/zones", {"name": "two.test", "group": "g"})


@pytest.fixture
def fresh(tmp_path):
    d = Daemon(tmp_path)
    fill(d)
    yield d
    d.stop()


def history(d, path="/history"):
    """every id there is, oldest first"""
    ids, after = [], None
    while True:
        page = d.ok("GET", f"{path}?limit=1000" + (f"&after={after}" if after else ""))
        ids += [e["id"] for e in page["items"]]
        after = page["next"]
        if not after:
            return ids[::-1]


def complete(stream):
    """(ids, last id) of what came to its end: an event that broke off in the middle does not count"""
    ids, now, data, last = [], None, None, None
    for line in list(stream.lines):
        if line.startswith("id: "):
            now = int(line[4:])
        elif line.startswith("data: "):
            data = True
        elif line == "":
            if data:
                ids.append(now)
            last, data = now or last, None
    return ids, last


def test_killed_between(tmp_path):
    d = Daemon(tmp_path, heartbeat_ms=5000)
    fill(d)
    got, last = [], 0
    for life in range(4):
        streams = [Stream(d, "", {"Last-Event-ID": str(last)}), Stream(d, f"?after={last}")]
        stop = threading.Event()

        def work():
            while not stop.is_set():
                try:
                    d.call("POST", f"/zones/{'one' if life % 2 else 'two'}.test/check", check=False)
                except OSError:
                    return
        worker = threading.Thread(target=work)
        worker.start()
        wait_until(lambda: len(complete(streams[0])[0]) > 30)
        d.process.send_signal(signal.SIGKILL)       # while it writes
        d.process.wait(60)
        stop.set()
        worker.join()
        wait_until(lambda: all(s.ended for s in streams))
        ids, last = complete(streams[0])
        got += ids
        d.process.stdin.close()
        d.process.stdout.close()
        d.errors.close()
        d = Daemon(tmp_path, heartbeat_ms=5000)
        # what one client saw, the other saw too, or it is there when it comes back
        assert set(complete(streams[1])[0]) <= set(history(d))
    end = Stream(d, "", {"Last-Event-ID": str(last)})
    d.ok("POST", "/zones/one.test/check")
    every = history(d)
    wait_until(lambda: got + complete(end)[0] and (got + complete(end)[0])[-1] == every[-1])
    assert got + complete(end)[0] == every
    end.close()
    wait_until(lambda: d.ok("GET", "/status")["streams"] == 0)
    d.stop()


def test_where_it_begins(fresh):
    d = fresh
    for _ in range(3):
        d.ok("POST", "/zones/one.test/check")
        d.ok("POST", "/zones/two.test/check")
    every, of_one = history(d), history(d, "/zones/one.test/history")
    for query, headers, want in (("?after=0", {}, every), (f"?after={every[-3]}", {}, every[-2:]), ("", {}, []), ("?after=", {}, None),
                                 ("?after=0", {"Last-Event-ID": str(every[-2])}, every[-1:]), (f"?after={every[-1]}", {}, []),
                                 ("?after=0", {"Last-Event-ID": ""}, every), ("?zone=one.test&after=0", {}, of_one),
                                 ("?after=999999999", {}, []), ("?after=9223372036854775807", {}, [])):
        s = Stream(d, query, headers)
        if want is None:
            assert s.r.status in (400, 422)
            continue
        assert s.r.status == 200, (query, s.r.status)
        wait_until(lambda: len(complete(s)[0]) == len(want) and complete(s)[1])
        wait_until(lambda: ": heartbeat" in s.lines)    # and nothing more comes
        assert complete(s)[0] == want, (query, headers)
        assert want or complete(s)[1] == every[-1]      # the id to come back with, when nothing has come yet
        s.close()
        wait_until(lambda: d.ok("GET", "/status")["streams"] == 0)
    for bad in ("x", "-1", "1.5", "9223372036854775808"):
        assert Stream(d, "", {"Last-Event-ID": bad}).r.status == 422, bad
        d.fails(400, "GET", f"/events?after={bad}", field="after")


def long_history(folder, count, heartbeat_ms):
    """a daemon whose history has that many lines more"""
    d = Daemon(folder)
    fill(d)
    d.stop()
    db = sqlite3.connect(d.store)
    with db:
        db.executemany("INSERT INTO event(zone_id, at_ms, kind, text, actor) VALUES(1, ?, 'action', ?, 'musicd')",
                       [(i, f"line {i} " + "x" * 300) for i in range(count)])
    db.close()
    return Daemon(folder, heartbeat_ms=heartbeat_ms)


def test_a_long_history_comes_whole(tmp_path):
    d = long_history(tmp_path, 5000, 10000)
    s = Stream(d, "?after=0")
    every = history(d)
    assert len(every) > 5000
    wait_until(lambda: len(complete(s)[0]) >= len(every))
    d.ok("POST", "/zones/one.test/check")           # and then what happens
    wait_until(lambda: len(complete(s)[0]) >= len(every) + 1)
    assert complete(s)[0] == history(d)
    s.close()
    d.stop()


def test_who_reads_nothing_is_cut_off(tmp_path):
    d = long_history(tmp_path, 20000, 100)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", d.port))
    slow.sendall(b"GET /api/v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer read-token\r\n\r\n")
    head = slow.recv(4096)
    assert b" 200 " in head
    quick = Stream(d, "")
    wait_until(lambda: d.ok("GET", "/status")["streams"] == 1)
    assert not quick.ended
    said = [line for line in d.stderr().splitlines() if "cut off" in line]
    assert len(said) == 1 and said[0].endswith("127.0.0.1: the event stream of token reader is cut off: "
                                               "it has taken nothing for three heartbeats"), said
    d.ok("POST", "/zones/one.test/check")           # who reads is served meanwhile, and afterwards
    wait_until(lambda: len(quick.events()) == 1)
    slow.close()
    quick.close()
    d.stop()
