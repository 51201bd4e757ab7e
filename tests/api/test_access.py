"""Who may what: every route of the table without credentials, with bad ones, with too low a role."""
import pytest

ROLES = ["read", "operate", "admin"]


def routes(daemon):
    for path, methods in daemon.doc["paths"].items():
        for method, op in methods.items():
            concrete = path
            for name, value in {"{zone}": "one.test", "{signer}": "bind", "{group}": "first",
                                "{kind}": "ADD-SIGNER"}.items():
                concrete = concrete.replace(name, value)
            yield method.upper(), concrete, op


def test_there_are_routes(filled):
    found = list(routes(filled))
    assert len(found) > 40
    assert all(op["x-role"] in ROLES for _, _, op in found)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "bearer-token x",
                                    "Bearer void-token", "Bearer admin-token extra"])
def test_without_a_good_token_all_is_401(filled, header):
    before = filled.everything()
    for method, path, _ in routes(filled):
        answer = filled.raw(method, "/api/v1" + path, b"{}" if method != "GET" else None,
                            {"Authorization": header} if header else {})
        assert answer.status == 401, (method, path, answer)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer "), (method, path)
        assert answer.json["error"]["code"] == "unauth"
    assert filled.everything() == before


def test_too_low_a_role_is_403_and_changes_nothing(filled):
    before = filled.everything()
    tried = 0
    for method, path, op in routes(filled):
        for role in ROLES[:ROLES.index(op["x-role"])]:
            error = filled.fails(403, method, path, token=f"{role}-token")
            assert op["x-role"] in error["message"] and role in error["message"]
            tried += 1
    assert tried >= 30
    assert filled.everything() == before


def test_whoever_reads_may_not_change(filled):
    """the table itself: what changes something needs more than read"""
    for method, path, op in routes(filled):
        assert (op["x-role"] == "read") == (method == "GET"), (method, path)


def test_unknown_paths(filled):
    for path in ("/nothing", "/zones/one.test/nothing", "/signers/bind/probe/x", "/groups/first/signers", "/",
                 "/zones//status", "/process-tables/ADD-SIGNER"):
        assert filled.call("GET", path, check=False).status == 404, path
        assert filled.call("GET", path, token=None, check=False).status == 401, path
    for path in ("/", "/api", "/api/v2/ping", "/api/v1", "/favicon.ico", "/../etc/passwd"):
        assert filled.raw("GET", path, headers={"Authorization": "Bearer admin-token"}).status == 404, path
        assert filled.raw("GET", path).status == 401, path


def test_wrong_method_is_405_and_says_which(filled):
    for path, methods in filled.doc["paths"].items():
        concrete = path.replace("{zone}", "one.test").replace("{signer}", "bind").replace("{group}", "first")
        concrete = concrete.replace("{kind}", "ADD-SIGNER")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if method.lower() in methods:
                continue
            answer = filled.call(method, concrete, check=False)
            assert answer.status == 405, (method, path, answer)
            allowed = set(answer.headers["Allow"].split(", "))
            assert allowed - {"HEAD"} == {m.upper() for m in methods}, (path, allowed)
            assert ("HEAD" in allowed) == ("get" in methods)


def test_head_is_get_without_the_body(filled):
    answer = filled.raw("HEAD", "/api/v1/ping", headers={"Authorization": "Bearer read-token"})
    assert (answer.status, answer.body) == (200, b"")


def test_metrics_need_a_token_unless_opened(filled, tmp_path):
    from conftest import Daemon
    assert filled.raw("GET", "/metrics").status == 401
    assert filled.raw("POST", "/metrics", headers={"Authorization": "Bearer admin-token"}).status == 405
    answer = filled.raw("GET", "/metrics", headers={"Authorization": "Bearer read-token"})
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    opened = Daemon(tmp_path, env={"FAKE_METRICS_OPEN": "1"})
    assert opened.raw("GET", "/metrics").status == 200
    assert opened.raw("GET", "/api/v1/ping").status == 401
    opened.stop()


def test_metrics_are_what_prometheus_reads(filled):
    filled.ok("POST", "/signers", {"name": "slow", "driver": "ddns", "update": "192.0.2.9"})
    text = filled.raw("GET", "/metrics", headers={"Authorization": "Bearer read-token"}).body.decode()
    types, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types, f"{name} stands twice"
            types[name] = kind
        elif not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
            assert name.split("{")[0] in types, line
    assert text.endswith("\n") and values["music_metrics_series_dropped_total"] == 0
    assert all(n.endswith("_total") for n, t in types.items() if t == "counter")
    assert values["musicd_zones"] == 2
    assert values['musicd_zones_state{state="valid"}'] == 2
    assert [values[f'musicd_signer_{m}{{signer="slow"}}'] for m in ("changes_waiting", "changes_sent_total", "changes_refused_total",
                                                                    "changes_dropped_total", "changes_silent_total", "paused")] == [1, 3, 0, 2, 1, 1]
    assert values["musicd_zones_lost_signer"] == 0
    assert values['musicd_signer_paused{signer="bind"}'] == 0
    filled.ok("DELETE", "/signers/slow")


def test_no_answer_holds_a_token(filled):
    for method, path, op in routes(filled):
        if method == "GET" and path != "/events":
            answer = filled.call(method, path + ("?signer=bind" if path.endswith("preflight") else ""))
            for secret in (b"read-token", b"operate-token", b"admin-token"):
                assert secret not in answer.body, (path, secret)
