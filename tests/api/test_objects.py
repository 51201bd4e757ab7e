"""What the routes do when all is well, and when they are in conflict; events; answers against the document."""
import http.client
import itertools
import json
import os
import threading
import time

import pytest

from conftest import Daemon, wait_until


def test_life_of_a_signer(daemon):
    answer = daemon.call("POST", "/signers", {
        "name": "life", "driver": "ddns", "update": "2001:db8::1@5353", "key_file": "/etc/music/life.key",
        "max_ttl_s": 3600, "update_rate": 50, "no_transfer": True, "declared_content": True,
        "name_servers": [{"name": "NS1.Life.test", "addresses": ["192.0.2.1", "2001:db8::53"]},
                         {"name": "ns2.life.test.", "addresses": ["192.0.2.2"]}]})
    assert answer.status == 201 and answer.headers["Location"] == "/api/v1/signers/life"
    made = answer.json
    assert made["update"] == "2001:db8::1@5353" and made["key_file"] == "/etc/music/life.key"
    assert made["name_servers"] == [
        {"name": "ns1.life.test.", "addresses": ["192.0.2.1", "2001:db8::53"]},
        {"name": "ns2.life.test.", "addresses": ["192.0.2.2"]}]
    daemon.fails(422, "PATCH", "/signers/life", {"name_servers": [{"name": "ns2.life.test.", "shared": True}]}, field="/name_servers/0/shared",
                 words="unknown field")
    assert made["capabilities"]["dnskey"] == "unknown" and made["capabilities"]["probed_at"] is None
    assert daemon.ok("GET", "/signers/life") == made

    changed = daemon.ok("PATCH", "/signers/life", {"max_ttl_s": 0, "no_transfer": False, "key_file": ""})
    assert changed == dict(made, max_ttl_s=0, no_transfer=False, key_file="", changed_at=changed["changed_at"])
    daemon.ok("PATCH", "/signers/life", {})
    daemon.ok("PATCH", "/signers/life", {"name": "life", "name_servers": []})
    assert daemon.ok("GET", "/signers/life")["name_servers"] == []
    daemon.fails(422, "PATCH", "/signers/life", {"name": "other"}, field="/name", words="cannot change")
    daemon.fails(422, "PATCH", "/signers/life", {"driver": "nosuch"}, words="nosuch")
    error = daemon.fails(409, "POST", "/signers", {"name": "life", "driver": "ddns"})
    assert error["code"] == "exists"

    daemon.ok("POST", "/groups", {"name": "life-group", "signers": ["life"]})
    assert daemon.fails(409, "DELETE", "/signers/life")["code"] == "conflict"
    daemon.ok("DELETE", "/groups/life-group")
    assert daemon.call("DELETE", "/signers/life").status == 204
    daemon.fails(404, "DELETE", "/signers/life")


def test_etag_and_if_match(daemon):
    first = daemon.call("POST", "/signers", {"name": "tagged", "driver": "ddns"})
    tag = first.headers["ETag"]
    assert daemon.call("GET", "/signers/tagged").headers["ETag"] == tag
    wait_until(lambda: daemon.ok("GET", "/ping")["now"] > first.json["changed_at"])
    second = daemon.call("PATCH", "/signers/tagged", {"max_ttl_s": 5}, headers={"If-Match": tag})
    assert second.status == 200 and second.headers["ETag"] != tag
    assert daemon.fails(412, "PATCH", "/signers/tagged", {"max_ttl_s": 6}, headers={"If-Match": tag})["code"] == "precondition"
    daemon.fails(412, "DELETE", "/signers/tagged", headers={"If-Match": tag})
    assert daemon.ok("GET", "/signers/tagged")["max_ttl_s"] == 5
    daemon.ok("PATCH", "/signers/tagged", {"max_ttl_s": 7}, headers={"If-Match": "*"})
    daemon.ok("DELETE", "/signers/tagged", headers={"If-Match": daemon.call("GET", "/signers/tagged").headers["ETag"]})


def test_life_of_a_group(filled):
    answer = filled.call("POST", "/groups", {"name": "trio", "signers": ["bind", "knot"]})
    assert answer.status == 201 and answer.headers["Location"] == "/api/v1/groups/trio"
    assert answer.json["signers"] == [{"name": "bind", "leaving": False}, {"name": "knot", "leaving": False}]
    filled.fails(409, "POST", "/groups", {"name": "trio"})
    assert len(filled.ok("GET", "/groups/trio/signers/pdns")["signers"]) == 2   # it may join, and has not
    assert len(filled.ok("PUT", "/groups/trio/signers/pdns")["signers"]) == 3
    filled.fails(409, "PUT", "/groups/trio/signers/pdns")
    filled.fails(409, "GET", "/groups/trio/signers/pdns")
    assert len(filled.ok("DELETE", "/groups/trio/signers/pdns")["signers"]) == 2
    filled.fails(404, "DELETE", "/groups/trio/signers/pdns")
    assert filled.call("DELETE", "/groups/trio").status == 204
    filled.fails(404, "GET", "/groups/trio")
    assert filled.fails(409, "DELETE", "/groups/first")["code"] == "conflict"  # it has a zone


def test_the_last_signer_stays(filled):
    error = filled.fails(409, "DELETE", "/groups/first/signers/bind", words="last")
    assert error["code"] == "conflict"
    assert filled.ok("GET", "/groups/first")["signers"] == [{"name": "bind", "leaving": False}]


def test_life_of_a_zone(filled):
    answer = filled.call("POST", "/zones", {
        "name": "Life.Test", "group": "first", "mode": "manual", "sample": "www", "parent": "TEST",
        "parent_addresses": ["192.0.2.53", "2001:db8::53@5353"],
        "signers": [{"signer": "bind", "name_servers": [{"name": "ns.life.test", "addresses": ["192.0.2.7"]}],
                     "key_file": "/etc/music/life.key", "max_ttl_s": 60}]})
    assert answer.status == 201 and answer.headers["Location"] == "/api/v1/zones/life.test."
    made = answer.json
    assert (made["name"], made["parent"], made["mode"]) == ("life.test.", "test.", "manual")
    assert made["parent_addresses"] == ["192.0.2.53", "2001:db8::53@5353"]
    assert made["signers"] == [{
        "signer": "bind", "name_servers": [{"name": "ns.life.test.", "addresses": ["192.0.2.7"]}],
        "key_file": "/etc/music/life.key", "max_ttl_s": 60, "lost": False, "excluded": False, "staying": False}]
    for name in ("life.test", "LIFE.test.", "%6Cife.test."):
        assert filled.ok("GET", f"/zones/{name}")["name"] == "life.test."
    filled.fails(409, "POST", "/zones", {"name": "life.test."})
    assert filled.ok("PATCH", "/zones/life.test", {"mode": "auto"})["sample"] == "www"
    assert filled.ok("PATCH", "/zones/life.test", {"parent": "", "parent_addresses": [], "sample": ""})["parent"] == ""
    filled.fails(422, "PATCH", "/zones/life.test", {"name": "other.test"}, field="/name")
    filled.ok("PATCH", "/zones/life.test", {"name": "LIFE.test"})
    for dry in (True, False):           # what it means is told before, and when it is done
        assert filled.ok("POST", "/zones/life.test/lost", {"signer": "knot", "reason": "bankrupt", "dry_run": dry}) == {
            "zone": "life.test.", "dry_run": dry, "consequence": "knot must be silent\n"}
        assert [s["signer"] for s in filled.ok("GET", "/zones/life.test")["signers"] if s["lost"]] == ([] if dry else ["knot"])
    told = filled.ok("GET", "/zones/life.test/status")["warnings"]
    assert len(told) == 1 and told[0].startswith("knot is declared lost: resolvers that found the zone through it may fail"), told
    filled.ok("POST", "/zones", {"name": "answers.test."})
    filled.fails(409, "POST", "/zones/answers.test/lost", {"signer": "knot", "reason": "bankrupt"})
    filled.ok("POST", "/zones/answers.test/lost", {"signer": "knot", "reason": "bankrupt", "force": True, "dry_run": True})
    filled.ok("DELETE", "/zones/answers.test")
    # a new list of settings does not undo what was declared
    kept = filled.ok("PATCH", "/zones/life.test", {"signers": []})["signers"]
    assert [(s["signer"], s["lost"]) for s in kept] == [("knot", True)]
    assert filled.ok("DELETE", "/zones/life.test/group")["group"] == ""
    assert filled.ok("PUT", "/zones/life.test/group", {"group": "first", "dry_run": True})["group"] == ""
    assert filled.ok("GET", "/zones/life.test")["group"] == ""
    assert filled.ok("PUT", "/zones/life.test/group", {"group": "first"})["group"] == "first"
    assert filled.call("DELETE", "/zones/life.test").status == 204
    filled.fails(404, "GET", "/zones/life.test/status")


def test_a_name_with_a_slash(filled):
    """RFC 2317"""
    filled.ok("POST", "/zones", {"name": "0/25.2.0.192.in-addr.arpa"})
    assert filled.call("POST", "/zones", {"name": "0/25.2.0.192.in-addr.arpa"}).status == 409
    for name in ("0/25.2.0.192.in-addr.arpa", "0%2F25.2.0.192.in-addr.arpa."):
        assert filled.ok("GET", f"/zones/{name}")["name"] == "0/25.2.0.192.in-addr.arpa."
        assert filled.ok("GET", f"/zones/{name}/status")["name"] == "0/25.2.0.192.in-addr.arpa."
    filled.ok("DELETE", "/zones/0%2F25.2.0.192.in-addr.arpa")


def test_views(filled):
    status = filled.ok("GET", "/zones/one.test/status")
    assert status["process"] is None and [s["name"] for s in status["signers"]] == ["bind"]
    plan = filled.ok("GET", "/zones/one.test/plan")
    assert plan["actions"] == [] and plan["by_hand"] == []
    explain = filled.ok("GET", "/zones/one.test/explain")
    assert {"V1", "V2", "V2c", "V14"} <= {r["rule"] for r in explain["rules"]}
    fit = filled.ok("GET", "/zones/one.test/preflight?signer=knot")
    assert fit["fit"] and fit["findings"] == []
    filled.ok("POST", "/signers", {"name": "dumb", "driver": "manual"})
    unfit = filled.ok("GET", "/zones/one.test/preflight?signer=dumb")
    assert not unfit["fit"] and unfit["findings"][0]["rule"] == "capability" and unfit["findings"][0]["hint"]
    filled.ok("POST", "/zones", {"name": "broken.test", "group": "first"})
    broken = filled.ok("GET", "/zones/broken.test/explain")
    assert broken["findings"][0]["result"] == "fails"
    wait = broken["waits"][0]
    assert (wait["rule"], wait["cause"], wait["record"]) == ("V6", "no answer in time", "DS")
    assert wait["server"] and "port 53" in wait["hint"] and wait["seen_at"] and wait["until"] is None
    filled.ok("DELETE", "/zones/broken.test")


def test_asking(filled):
    held = filled.ok("POST", "/zones/one.test/hold", {"reason": 'it is "mine"'})
    assert held["held"] and held["held_reason"] == 'it is "mine"'
    assert not filled.ok("POST", "/zones/one.test/resume")["held"]
    assert filled.ok("POST", "/zones/one.test/hold")["held"]
    assert not filled.ok("POST", "/zones/one.test/resume", {})["held"]
    filled.ok("POST", "/zones/one.test/check")
    filled.fails(409, "POST", "/zones/one.test/step")  # it is automatic
    filled.ok("POST", "/zones/two.test/step")
    filled.fails(409, "POST", "/zones/one.test/abort", {"dry_run": True}, words="no process")
    forced = filled.ok("POST", "/zones/one.test/force", {"rule": "ds-wait", "reason": "I know", "dry_run": True})
    assert forced["dry_run"] and "may fail" in forced["consequence"]
    assert not filled.ok("POST", "/zones/one.test/force", {"rule": "V2", "reason": "I know"})["dry_run"]
    assert [e["text"] for e in filled.ok("GET", "/zones/one.test/history?limit=1")["items"]] == ["I know"]
    filled.ok("POST", "/zones", {"name": "crowded.test"})
    assert filled.fails(409, "POST", "/zones/crowded.test/hold")["message"] == "too much is going on"
    filled.ok("DELETE", "/zones/crowded.test")


def test_probe_answers_later(filled):
    assert filled.ok("POST", "/signers/bind/probe", {"zone": "Other.test"})["zone"] == "other.test."     # not under care
    report = filled.ok("POST", "/signers/bind/probe", {"zone": "one.test"})
    assert report["signer"] == "bind" and report["zone"] == "one.test." and report["report"]["capabilities"]["dnskey"]["change"] == "yes"
    filled.call("POST", "/signers", {"name": "dumb", "driver": "manual"})
    filled.fails(501, "POST", "/signers/dumb/probe", {"zone": "one.test"})


def test_pages(filled):
    names = sorted(f"page{i:03}.test." for i in range(250))
    answer = filled.ok("POST", "/zones:bulk", [{"name": n} for n in names])
    assert (answer["created"], answer["refused"]) == (250, 0)
    for limit in (1, 7, 100, 249, 250, 251, 1000):
        got, after, pages = [], "", 0
        while after is not None:
            page = filled.ok("GET", f"/zones?match=page&limit={limit}&after={after}")
            assert len(page["items"]) <= limit
            got += [z["name"] for z in page["items"]]
            after = page["next"]
            pages += 1
            assert (after is None) == (len(got) == 250)
        assert got == names and pages == -(-250 // limit)
        if limit == 1:
            break
    assert len(filled.ok("GET", "/zones?match=page")["items"]) == 100
    for n in names:
        filled.ok("DELETE", f"/zones/{n}")


def test_pages_of_history(filled):
    for i in range(25):
        filled.ok("POST", "/zones/two.test/check")
    got, after = [], ""
    while after is not None:
        page = filled.ok("GET", f"/zones/two.test/history?limit=10{after and '&after=' + after}")
        got += [e["id"] for e in page["items"]]
        after = page["next"]
    assert got == sorted(got, reverse=True) and len(got) == len(set(got)) and len(got) > 25
    everything = filled.ok("GET", "/history?limit=1000")["items"]
    assert set(got) < {e["id"] for e in everything}


def test_filters(filled):
    def names(query):
        return [z["name"] for z in filled.ok("GET", f"/zones?{query}")["items"]]
    assert names("group=first") == ["one.test."]
    assert names("match=two") == ["two.test."]
    assert names("state=VALID&group=second") == ["two.test."]
    for word in ("VALID", "valid", "Valid"):
        assert names(f"state={word}&group=second") == ["two.test."]
    for word in ("INVALID", "UNKNOWN", "so_far", "valid-so-far", "VALID-SO-FAR", "at_risk", "AT-RISK", "insecure"):
        assert names(f"state={word}") == []
    for word in ("FOO", "", "VALI", "VALID-", "far", "VALIDS"):
        filled.fails(400, "GET", f"/zones?state={word}", field="state",
                     words="is none of: UNKNOWN, VALID, VALID-SO-FAR, AT-RISK, INVALID, INSECURE")
    assert names("busy=true") == []
    assert set(names("busy=false")) >= {"one.test.", "two.test."}


def test_bulk(filled):
    zones = [{"name": "bulk1.test", "group": "first"}, {"name": "one.test"}, {"name": "bulk2.test", "mode": "x"},
             {"nam": "x"}, {"name": "bulk3.test", "group": "nosuch"}, "text", {"name": "bulk4.test"}, {"name": "."}]
    answer = filled.ok("POST", "/zones:bulk", zones)
    assert (answer["created"], answer["refused"]) == (2, 6)
    assert [i["ok"] for i in answer["items"]] == [True, False, False, False, False, False, True, False]
    assert [i["name"] for i in answer["items"]][:3] == ["bulk1.test", "one.test", "bulk2.test"]
    errors = [i.get("error") for i in answer["items"]]
    assert errors[1]["code"] == "exists"
    assert [e["field"] for e in errors[2:6]] == ["/2/mode", "/3/nam", "/4/group", "/5"]
    assert filled.ok("GET", "/zones?match=bulk")["items"][0]["group"] == "first"
    assert [z["name"] for z in filled.ok("GET", "/zones?match=bulk")["items"]] == ["bulk1.test.", "bulk4.test."]
    lines = "\n".join(json.dumps({"name": f"bulk{i}.test"}) for i in (5, 6)) + "\n\n"
    assert filled.ok("POST", "/zones:bulk", lines, content="application/x-ndjson")["created"] == 2
    assert filled.ok("POST", "/zones:bulk", "", content="application/x-ndjson")["items"] == []
    assert filled.ok("POST", "/zones:bulk", "[]")["items"] == []
    for i in (1, 4, 5, 6):
        filled.ok("DELETE", f"/zones/bulk{i}.test")


def test_a_bulk_does_not_stop_others(daemon):
    """thousands of zones, 16 a turn of the loop, and those who ask something else in between are answered"""
    count = 10000 if os.environ.get("MUSIC_LONG") else 2000
    answered, stop = [], threading.Event()

    def ping():
        while not stop.is_set():
            daemon.raw("GET", "/api/v1/ping", headers={"Authorization": "Bearer read-token"})
            answered.append(time.monotonic())
    t = threading.Thread(target=ping)
    t.start()
    start = time.monotonic()
    answer = daemon.ok("POST", "/zones:bulk", [{"name": f"many{i}.example"} for i in range(count)])
    end = time.monotonic()
    stop.set()
    t.join()
    assert answer["created"] == count and len(answer["items"]) == count
    between = sum(start < at < end for at in answered)
    assert between >= 10, f"{between} answers in {end - start:.1f} s"     # with all in one turn, one or two


def test_migrate_one_zone(tmp_path):
    d = Daemon(tmp_path, tick_ms=400)       # a process lasts 4 s: long enough to be seen
    for name in ("bind", "knot"):
        d.ok("POST", "/signers", {"name": name, "driver": "ddns"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    d.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    d.ok("POST", "/zones", {"name": "free.test"})
    for body, field, words in (({"from": "bind", "to": "bind"}, "/to", "leave"),
                               ({"from": "nosuch", "to": "knot"}, "/from", "nosuch"),
                               ({"from": "bind", "to": "nosuch"}, "/to", "nosuch")):
        d.fails(422, "POST", "/zones/z.test/migrate", body, field=field, words=words)
    d.fails(409, "POST", "/zones/z.test/migrate", {"from": "knot", "to": "bind"}, field="/from", words="does not sign")
    d.fails(409, "POST", "/zones/free.test/migrate", {"from": "bind", "to": "knot"}, words="no signer group")
    dry = d.ok("POST", "/zones/z.test/migrate", {"from": "bind", "to": "knot", "dry_run": True})
    assert dry["dry_run"] and dry["text"] == "knot joins 1 zone of group g; then bind leaves it"
    assert d.ok("GET", "/groups/g")["signers"] == [{"name": "bind", "leaving": False}]

    d.ok("POST", "/zones", {"name": "y.test", "group": "g"})
    d.fails(409, "POST", "/zones/z.test/migrate", {"from": "bind", "to": "knot"}, words="group of its own")
    d.fails(409, "POST", "/zones:migrate", {"from": "bind", "to": "knot", "zones": ["z.test"]}, field="/zones",
            words="2 zones, and 1 are named")
    d.fails(422, "POST", "/zones:migrate", {"from": "bind", "to": "knot", "zones": ["z.test", "q.test"]}, field="/zones/1")
    d.fails(409, "POST", "/zones:migrate", {"from": "bind", "to": "knot", "zones": ["free.test"]}, field="/zones/0")
    d.fails(422, "POST", "/zones:migrate", {"from": "bind", "to": "knot"}, field="/group")
    d.fails(422, "POST", "/zones:migrate", {"from": "bind", "to": "knot", "group": "g", "zones": ["z.test"]}, field="/zones")
    assert d.ok("GET", "/groups/g")["signers"] == [{"name": "bind", "leaving": False}]

    many = d.ok("POST", "/zones:migrate", {"from": "bind", "to": "knot", "zones": ["z.test", "y.test", "Z.test."]})
    assert [(i["group"], i["zones"]) for i in many["items"]] == [("g", 2)]
    assert d.ok("GET", "/groups/g")["signers"] == [{"name": "bind", "leaving": True}, {"name": "knot", "leaving": False}]
    # the same once more says the same
    d.ok("POST", "/zones:migrate", {"from": "bind", "to": "knot", "group": "g"})
    wait_until(lambda: d.ok("GET", "/zones/z.test/status")["process"])
    d.fails(409, "DELETE", "/zones/z.test")
    wait_until(lambda: [s["name"] for s in d.ok("GET", "/groups/g")["signers"]] == ["knot"])
    wait_until(lambda: not d.ok("GET", "/zones?busy=true")["items"])
    done = d.ok("GET", "/processes?zone=z.test")["items"]
    assert [(p["kind"], p["signer"], p["outcome"], p["running"]) for p in done] == [
        ("REMOVE-SIGNER", "bind", "done", False), ("ADD-SIGNER", "knot", "done", False)]
    assert d.ok("GET", "/processes?running=true")["items"] == []
    d.stop()


def test_a_signer_is_to_roll_a_key(filled):
    path, ask = "/zones/one.test/roll", {"signer": "bind", "role": "zsk"}
    assert filled.ok("POST", path, ask) == {"zone": "one.test.", "dry_run": False, "consequence": "bind is told to roll its zsk\n"}
    assert filled.ok("POST", path, {**ask, "dry_run": True})["dry_run"] is True
    filled.fails(422, "POST", path, {**ask, "role": "csk"}, field="/role", words="has no CSK in use")
    filled.fails(422, "POST", path, {**ask, "role": "dsk"}, field="/role")
    filled.fails(422, "POST", path, {**ask, "signer": "nosuch"}, field="/signer", words="there is no signer")
    filled.fails(422, "POST", path, {"signer": "bind"}, field="/role")
    filled.fails(404, "POST", "/zones/nosuch.test/roll", ask)
    filled.fails(403, "POST", path, ask, token="read-token")


def test_abort_of_a_process(tmp_path):
    d = Daemon(tmp_path, tick_ms=3000)      # it is still running when it is aborted
    for name in ("bind", "knot"):
        d.ok("POST", "/signers", {"name": name, "driver": "ddns"})
    d.ok("POST", "/groups", {"name": "g", "signers": ["bind"]})
    d.ok("POST", "/zones", {"name": "z.test", "group": "g"})
    d.ok("PUT", "/groups/g/signers/knot")
    wait_until(lambda: d.ok("GET", "/zones/z.test/status")["process"])
    status = d.ok("GET", "/zones/z.test/status")
    assert status["process"]["kind"] == "ADD-SIGNER" and status["process"]["row_count"] == 9
    assert status["waits"][0]["until"] > status["now"]
    assert d.ok("GET", "/zones/z.test/plan")["actions"][0]["id"] == "0000000000001234"
    assert d.ok("POST", "/zones/z.test/abort", {"dry_run": True})["consequence"] == "the process is turned round\n"
    assert d.ok("GET", "/zones/z.test/status")["process"]
    d.ok("POST", "/zones/z.test/abort")
    assert d.ok("GET", "/zones/z.test/status")["process"] is None
    assert [s["excluded"] for s in d.ok("GET", "/zones/z.test")["signers"]] == [True]
    d.ok("DELETE", "/zones/z.test?abandon=true")
    d.stop()


def test_tables(daemon):
    tables = {t["kind"]: t["rows"] for t in daemon.ok("GET", "/process-tables")["items"]}
    assert set(tables) == {"ADD-SIGNER", "REMOVE-SIGNER", "ZSK-ROLLOVER", "KSK-ROLLOVER", "CSK-ROLLOVER"}
    assert [r["number"] for r in tables["ADD-SIGNER"]] == list(range(1, 10))
    assert tables["ADD-SIGNER"][1]["guard"] == "G8" and tables["ADD-SIGNER"][0]["guard"] is None
    for kind, rows in tables.items():
        mermaid = daemon.call("GET", f"/process-tables/{kind}.mmd").body.decode()
        dot = daemon.call("GET", f"/process-tables/{kind.lower()}.dot").body.decode()
        assert mermaid.count("-->") == dot.count("->") == len(rows) + 1
        for row in rows:
            assert row["name"] in mermaid and row["name"] in dot
        assert dot.count("{") == dot.count("}") == 1 and dot.count('"') % 2 == 0


class Stream:
    """an event stream, read in a thread of its own"""

    def __init__(self, daemon, query="", headers=None, token="read-token"):
        self.c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=90)
        self.c.request("GET", "/api/v1/events" + query, headers=dict(headers or {}, Authorization=f"Bearer {token}"))
        self.r = self.c.getresponse()
        self.lines, self.ended = [], False
        if self.r.status == 200:
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.r:
                self.lines.append(line.decode().rstrip("\n"))
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.ended = True

    def events(self):
        return [json.loads(x[6:]) for x in list(self.lines) if x.startswith("data: ")]

    def close(self):
        import socket
        try:
            self.r.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass
        self.c.close()


def test_events_as_they_happen(filled):
    every, one = Stream(filled), Stream(filled, "?zone=one.test")
    assert every.r.status == 200 and every.r.headers["Content-Type"] == "text/event-stream"
    filled.ok("POST", "/zones/one.test/check")
    filled.ok("POST", "/zones/two.test/check")
    wait_until(lambda: len(every.events()) == 2)
    wait_until(lambda: len(one.events()) == 1)
    assert [e["zone"] for e in every.events()] == ["one.test.", "two.test."]
    assert one.events()[0]["actor"] == "boss"
    from conftest import complaints
    for e in every.events():
        assert complaints(filled.doc, {"$ref": "#/components/schemas/Event"}, e) == []
    wait_until(lambda: every.lines.count(": heartbeat") >= 2)
    # a third is the last that is allowed
    third = Stream(filled)
    assert third.r.status == 200
    assert Stream(filled).r.status == 503
    for s in (every, one, third):
        s.close()
    wait_until(lambda: filled.ok("GET", "/status")["streams"] == 0)
    filled.fails(422, "GET", "/events?zone=nosuch.test", field="zone")


def test_events_that_were_missed(filled):
    newest = filled.ok("GET", "/zones/one.test/history?limit=1")["items"][0]["id"]
    for i in range(3):
        filled.ok("POST", "/zones/one.test/check")
    s = Stream(filled, "?zone=one.test", {"Last-Event-ID": str(newest)})
    wait_until(lambda: len(s.events()) == 3)
    ids = [e["id"] for e in s.events()]
    assert ids == sorted(ids) and ids[0] > newest
    # the first is no event's: it is where the stream begins
    assert [x for x in s.lines if x.startswith("id: ")] == [f"id: {i}" for i in [newest] + ids]
    s.close()
    wait_until(lambda: filled.ok("GET", "/status")["streams"] == 0)


def test_the_end_ends_streams_and_answers_what_waits(tmp_path):
    d = Daemon(tmp_path)
    d.ok("POST", "/signers", {"name": "slow", "driver": "ddns"})
    d.ok("POST", "/zones", {"name": "z.test"})
    s, answers = Stream(d), []

    def probe():
        try:
            answers.append(d.call("POST", "/signers/slow/probe", {"zone": "z.test"}).status)
        except http.client.HTTPException:
            answers.append(503)  # the connection went before the answer
    wait_until(lambda: d.ok("GET", "/status")["streams"] == 1)
    asked = itertools.count(d.ok("GET", "/status")["requests"] + 1)
    t = threading.Thread(target=probe)
    t.start()
    wait_until(lambda: d.ok("GET", "/status")["requests"] > next(asked))    # somebody else asked, too
    d.stop()  # would hang, or leak, if it did not
    t.join(60)
    wait_until(lambda: s.ended)
    assert answers == [503]


@pytest.mark.parametrize("path", ["/status", "/ping", "/openapi.json", "/signers", "/groups", "/zones", "/processes"])
def test_the_daemon_itself(daemon, path):
    daemon.ok("GET", path)


def test_status_knows_who_asks(daemon):
    status = daemon.ok("GET", "/status", token="operate-token")
    assert (status["caller"], status["role"]) == ("operator", "operate")


def test_every_route_answered_well_once(filled):
    """last in this file: each route of the document has given its good answer, held against its schema"""
    # those whose good answer was given to daemons of their own, or is a stream
    elsewhere = {("POST", "/zones/{zone}/abort"), ("POST", "/zones/{zone}/migrate"), ("POST", "/zones:migrate"),
                 ("GET", "/events")}
    good = {(m, p) for m, p, status in filled.seen if status < 300}
    every = {(m.upper(), p) for p, ms in filled.doc["paths"].items() for m in ms}
    assert every - good <= elsewhere, every - good - elsewhere
