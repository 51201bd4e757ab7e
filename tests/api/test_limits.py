"""Who takes all connections or all event streams does not keep the others out."""
import contextlib
import json
import socket

import pytest

from conftest import Daemon, wait_until


@pytest.fixture
def fresh(tmp_path):
    d = Daemon(tmp_path, env={"FAKE_CALLER_STREAMS": "2"})
    yield d
    d.stop()


def numbers(d):
    text = d.raw("GET", "/metrics", headers={"Authorization": "Bearer admin-token"}).body.decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}


def connect(d, stack, text):
    s = stack.enter_context(socket.create_connection(("127.0.0.1", d.port), timeout=90))
    s.sendall(text)
    return s


def head_and_body(s):
    """lines of the head and the whole body, or of a stream what there is of it"""
    text = b""
    while b"\r\n\r\n" not in text:
        more = s.recv(4096)
        assert more, text
        text += more
    head, body = text.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    length = next((int(x.split(" ")[1]) for x in lines if x.startswith("Content-Length: ")), 0)
    while len(body) < length:
        body += s.recv(4096)
    return lines, body


@pytest.mark.parametrize("text", [b"", b"GET /api/v1/status HTTP/1.1\r\nX: "])
def test_silent_connections(fresh, text):
    with contextlib.ExitStack() as stack:
        silent = [connect(fresh, stack, text) for _ in range(600)]
        fresh.ok("GET", "/status")
        fresh.ok("POST", "/signers", {"name": "bind", "driver": "ddns"})
        assert silent[0].recv(1) == b""                      # the first gave its place
        n = numbers(fresh)
        assert n["musicd_api_connections"] <= 128
        assert n['musicd_api_connections_cut_total{why="idle"}'] >= 600 - 128
        assert n['musicd_api_connections_cut_total{why="slow"}'] == 0
        assert n['musicd_api_connections_refused_total{why="network"}'] == 0
        assert n['musicd_api_connections_refused_total{why="full"}'] == 0


def test_connections_that_ask_without_a_token(fresh):
    """they are not silent, but nobody knows them"""
    ask = b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    known = ask.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer admin-token\r\n\r\n")
    with contextlib.ExitStack() as stack:
        admin = connect(fresh, stack, known)
        assert head_and_body(admin)[0][0] == "HTTP/1.1 200 OK"
        for _ in range(300):
            s = connect(fresh, stack, ask)
            assert b" 401 " in s.recv(100)
        admin.sendall(known)                                 # still there: older than all of them, and silent
        assert head_and_body(admin)[0][0] == "HTTP/1.1 200 OK"
        assert numbers(fresh)["musicd_api_connections"] <= 128


def test_event_streams_of_one_token(fresh):
    ask = b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer read-token\r\n\r\n"
    with contextlib.ExitStack() as stack:
        answers = [head_and_body(connect(fresh, stack, ask)) for _ in range(512)]
        assert [head[0].split(" ")[1] for head, _ in answers] == ["200"] * 2 + ["429"] * 510
        for head, body in answers[2:]:
            assert "Retry-After: 5" in head
        error = json.loads(answers[2][1])["error"]
        assert error["code"] == "full" and error["retry"] is True and "2 event streams are open with this token" in error["message"]
        admin = connect(fresh, stack, ask.replace(b"read-token", b"admin-token"))
        assert head_and_body(admin)[0][0] == "HTTP/1.1 200 OK"
        # all that there are
        other = fresh.call("GET", "/events", token="operate-token")
        assert other.status == 503 and other.headers["Retry-After"] == "5" and other.json["error"]["retry"] is True
        n = numbers(fresh)
        assert n['musicd_api_streams_refused_total{why="token"}'] == 510
        assert n['musicd_api_streams_refused_total{why="full"}'] == 1
        assert n["musicd_api_streams"] == 3
    wait_until(lambda: fresh.ok("GET", "/status")["streams"] == 0)
    assert fresh.doc["paths"]["/events"]["get"]["responses"]["429"]
