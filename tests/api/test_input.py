"""Wrong input to every route that takes a body: right status, named place, nothing changed."""
import json

import pytest

from conftest import complaints

FILL = {"{zone}": "one.test", "{signer}": "bind", "{group}": "first", "{kind}": "ADD-SIGNER"}


def bodies(daemon):
    """(method, path, schema of the body, is it a list)"""
    for path, methods in daemon.doc["paths"].items():
        for method, op in methods.items():
            if "requestBody" not in op:
                continue
            concrete = path
            for name, value in FILL.items():
                concrete = concrete.replace(name, value)
            schema = op["requestBody"]["content"]["application/json"]["schema"]
            many = schema.get("type") == "array"
            name = (schema["items"] if many else schema)["$ref"].rsplit("/", 1)[1]
            yield method.upper(), concrete, daemon.doc["components"]["schemas"][name], many


@pytest.fixture(autouse=True)
def nothing_changes(filled):
    before = filled.everything()
    yield
    assert filled.everything() == before


BROKEN = [b"{", b"}", b"{\"a\"}", b"{'a':1}", b"{\"a\":1,}", b"\xff\xfe", b"{\"a\":\"\xc3\"}", b"nul", b"{} {}",
          b"{\"a\":1e999}", b"{\"a\":99999999999999999999999}", b"\"\\ud800\"", b"{\"a\":\"\\u0000\"}", b"[" * 5000, b" "]


def test_there_are_bodies(filled):
    assert len(list(bodies(filled))) >= 15


@pytest.mark.parametrize("text", BROKEN)
def test_broken_json_is_400_and_says_where(filled, text):
    for method, path, _, _ in bodies(filled):
        error = filled.fails(400, method, path, text)
        assert error["code"] == "syntax" and error["line"] == 1, (path, error)
        assert "column" in error or "position" in error or "line 1" in error["message"]


def test_the_place_of_broken_json_is_right(filled):
    error = filled.fails(400, "POST", "/zones", '{\n "name": "x",\n oops }')
    assert (error["line"], error["column"], error["position"]) == (3, 5, 21), error


def test_doubled_fields_are_400(filled):
    for method, path, schema, many in bodies(filled):
        for name in schema.get("properties", {}):
            text = '{"%s":1,"%s":2}' % (name, name)
            filled.fails(400, method, path, f"[{text}]" if many else text, words="duplicate")


def one_fails(daemon, method, path, many, body, field):
    """the refusal of one object: of the request, or of its place in a bulk answer"""
    if many:
        answer = daemon.ok(method, path, [body])
        item = answer["items"][0]
        assert (answer["created"], answer["refused"], item["ok"]) == (0, 1, False), answer
        assert item["error"]["code"] == "inval" and item["error"]["field"] == "/0" + field, (body, item)
    else:
        error = daemon.fails(422, method, path, body, field=field)
        assert error["code"] == "inval" and not error["retry"]


def test_unknown_fields_are_422_with_the_nearest_name(filled):
    for method, path, schema, many in bodies(filled):
        one_fails(filled, method, path, many, {"nosuchfieldhere": 1}, "/nosuchfieldhere")
        for name in schema.get("properties", {}):
            if len(name) > 3:
                body = {name + "x": 1}
                one_fails(filled, method, path, many, body, f"/{name}x")
                if not many:
                    filled.fails(422, method, path, body, words=f'did you mean "{name}"')


def test_wrong_types_are_422_at_their_place(filled):
    samples = {"string": "text", "integer": 1, "boolean": True, "array": [], "object": {}, "null": None, "real": 1.5}
    tried = 0
    for method, path, schema, many in bodies(filled):
        for name, prop in schema.get("properties", {}).items():
            for kind, value in samples.items():
                if kind == prop["type"]:
                    continue
                one_fails(filled, method, path, many, {name: value}, f"/{name}")
                tried += 1
    assert tried > 150


def test_bodies_that_are_no_object(filled):
    for method, path, _, many in bodies(filled):
        for text in ("[]", "null", "3", '"x"', "true"):
            if many and text == "[]":
                continue
            filled.fails(422, method, path, text, words="expected")


def test_missing_fields_are_named(filled):
    for method, path, schema, many in bodies(filled):
        if schema.get("required"):
            one_fails(filled, method, path, many, {}, "/" + schema["required"][0])


def test_wrong_content_type_is_415(filled):
    for method, path, _, many in bodies(filled):
        for content in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json"):
            filled.fails(415, method, path, "{}", content=content)
        if not many:
            filled.fails(415, method, path, "{}", content="application/x-ndjson")
        answer = filled.raw(method, "/api/v1" + path, b"{}", {"Authorization": "Bearer admin-token"})
        assert answer.status == 415, (path, answer)
    assert filled.call("POST", "/zones/one.test/abort", "{}", content="application/json; charset=utf-8").status == 409


def test_huge_bodies_are_413(filled):
    for method, path, _, many in bodies(filled):
        size = (9 << 20) if many else (1 << 20) + 1
        answer = filled.call(method, path, b" " * size, check=False)
        assert answer.status == 413 and answer.json["error"]["code"] == "toobig", (path, answer)
    assert filled.call("POST", "/zones", b" " * ((1 << 20) - 2) + b"{}").status == 422


def test_what_never_reaches_the_interface_is_json_too(filled):
    """the server's own answers: a broken path, a body beyond every bound"""
    for method, path, body, status, code in (("GET", "/zones/%zz", None, 400, "syntax"), ("GET", "/zones?a=%", None, 400, "syntax"),
                                             ("GET", "/zones/a%00b", None, 400, "syntax"),
                                             ("POST", "/zones:bulk", b" " * (9 << 20), 413, "toobig")):
        answer = filled.call(method, path, body, check=False)
        assert answer.status == status and answer.headers["Content-Type"] == "application/json", (path, answer)
        assert complaints(filled.doc, {"$ref": "#/components/schemas/Error"}, answer.json) == [], answer
        assert answer.json["error"]["code"] == code and answer.json["error"]["message"], answer


def test_bodies_where_none_belongs(filled):
    for path, methods in filled.doc["paths"].items():
        for method, op in methods.items():
            if "requestBody" in op or path == "/events":
                continue
            for name, value in FILL.items():
                path = path.replace(name, value)
            answer = filled.call(method.upper(), path, "{}", check=False)
            assert answer.status == 400, (method, path, answer)


def test_unknown_queries_are_400(filled):
    for path, methods in filled.doc["paths"].items():
        for method, op in methods.items():
            known = [p["name"] for p in op["parameters"] if p["in"] == "query"]
            for name, value in FILL.items():
                path = path.replace(name, value)
            error = filled.fails(400, method.upper(), path + "?nosuchthing=1", field="nosuchthing")
            assert error["code"] == "query"
            if "limit" in known:
                filled.fails(400, method.upper(), path + "?limt=1", words='did you mean "limit"')
                for bad in ("0", "1001", "-1", "x", "", "1.5", "99999999999999999999"):
                    filled.fails(400, method.upper(), f"{path}?limit={bad}", field="limit")
                filled.fails(400, method.upper(), f"{path}?limit=1&limit=2", field="limit", words="is given twice")
            for p in op["parameters"]:
                if p["in"] == "query" and p["schema"]["type"] == "boolean":
                    filled.fails(400, method.upper(), f"{path}?{p['name']}=perhaps", field=p["name"])
                if p["in"] == "query" and p["schema"]["type"] == "integer" and p["name"] != "limit":
                    filled.fails(400, method.upper(), f"{path}?{p['name']}=x", field=p["name"])


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "x" * 64 + ".test", ".".join(["x" * 60] * 5), "\u00fc.test",
                                  "a\nb.test", "-\\256.test"])
def test_bad_zone_names(filled, name):
    filled.fails(422, "POST", "/zones", {"name": name})
    answer = filled.ok("POST", "/zones:bulk", [{"name": name}])
    assert answer["refused"] == 1 and answer["created"] == 0


@pytest.mark.parametrize("name", ["", "A", "-a", "a b", "a/b", "x" * 64, "\u00fc", "a\u0000", ".a"])
def test_bad_signer_names(filled, name):
    status = 400 if "\u0000" in name else 422
    filled.fails(status, "POST", "/signers", {"name": name, "driver": "ddns"})
    filled.fails(status, "POST", "/groups", {"name": name})


@pytest.mark.parametrize("address", ["", "192.0.2", "192.0.2.256", "192.0.2.1@0x35", "192.0.2.1@65536", "::g",
                                     "example.org", "192.0.2.1 ", "2001:db8::1%eth0"])
def test_bad_addresses(filled, address):
    filled.fails(422, "POST", "/signers", {"name": "new", "driver": "ddns", "update": address}, field="/update")
    filled.fails(422, "POST", "/zones", {"name": "new.test", "parent_addresses": ["::1", address]},
                 field="/parent_addresses/1")


def test_objects_that_are_not_there(filled):
    filled.fails(422, "POST", "/zones", {"name": "x.test", "group": "nosuch"}, field="/group", words="nosuch")
    filled.fails(422, "POST", "/zones", {"name": "x.test", "signers": [{"signer": "nosuch"}]}, field="/signers/0/signer")
    filled.fails(422, "POST", "/groups", {"name": "x", "signers": ["bind", "nosuch"]}, field="/signers/1")
    filled.fails(422, "POST", "/groups", {"name": "x", "signers": ["bind", "bind"]}, field="/signers/1")
    filled.fails(422, "PUT", "/zones/one.test/group", {"group": "nosuch"}, field="/group")
    filled.fails(422, "POST", "/zones/one.test/lost", {"signer": "nosuch", "reason": "x"}, field="/signer")
    filled.fails(422, "POST", "/zones/one.test/force", {"rule": "V77", "reason": "x"}, field="/rule", words="no rule")
    filled.fails(422, "POST", "/signers/bind/probe", {"zone": "no..such.test"}, field="/zone")
    filled.fails(422, "GET", "/zones/one.test/preflight?signer=nosuch", field="signer")
    filled.fails(400, "GET", "/zones/one.test/preflight", field="signer")
    filled.fails(422, "GET", "/zones?group=nosuch", field="group")
    for method, path in (("GET", "/zones/nosuch.test"), ("GET", "/zones/nosuch.test/status"), ("GET", "/signers/nosuch"),
                         ("GET", "/zones/a..b"), ("DELETE", "/groups/nosuch"), ("PUT", "/groups/first/signers/nosuch"),
                         ("POST", "/zones/nosuch.test/hold"), ("GET", "/process-tables/nosuch.dot"),
                         ("GET", "/zones/" + "x" * 2000)):
        filled.fails(404, method, path)


def test_every_path_of_what_is_not_there_is_404(filled):
    """one object of the path at a time; with a good body, where one is taken"""
    good = {"POST /zones/{zone}/force": {"rule": "V1", "reason": "x"}, "PUT /zones/{zone}/group": {"group": "first"},
            "POST /zones/{zone}/lost": {"signer": "bind", "reason": "x"},
            "POST /zones/{zone}/roll": {"signer": "bind", "role": "ksk"},
            "POST /zones/{zone}/migrate": {"from": "bind", "to": "knot"},
            "POST /signers/{signer}/probe": {"zone": "one.test"}}
    tried = 0
    for path, methods in filled.doc["paths"].items():
        for name in FILL:
            if name not in path:
                continue
            concrete = path.replace(name, "nosuch")
            for other, value in FILL.items():
                concrete = concrete.replace(other, value)
            for method in methods:
                body = good.get(f"{method.upper()} {path}")
                filled.fails(404, method.upper(), concrete, body, words="nosuch")
                tried += 1
    assert tried >= 30


def test_a_bulk_of_too_many(filled):
    filled.fails(413, "POST", "/zones:bulk", [{}] * 10001)
    filled.fails(413, "POST", "/zones:bulk", "{}\n" * 10001, content="application/x-ndjson")
    error = filled.fails(400, "POST", "/zones:bulk", '{"name":"q.test"}\n{"name":\n', content="application/x-ndjson")
    assert error["line"] == 2


def test_the_validator_can_fail(filled):
    """the judge of all the others: a changed answer does not pass it"""
    good = filled.ok("GET", "/zones/one.test/status")
    schema = {"$ref": "#/components/schemas/ZoneStatus"}
    assert complaints(filled.doc, schema, good) == []
    for change in ({"name": 3}, {"extra": 1}, {"now": "yesterday"}, {"mode": "fast"}, {"findings": -1}, {"waits": [{}]},
                   {"held": None}, {"process": {}}, {"signers": {}}):
        assert complaints(filled.doc, schema, dict(good, **change)), change
    for name in good:
        assert complaints(filled.doc, schema, {k: v for k, v in good.items() if k != name}), name
    assert json.dumps(good)
