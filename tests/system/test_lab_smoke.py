"""The laboratory itself works, and its judges see what they must see."""
import concurrent.futures
import os
import re
import signal
import subprocess
import time

import dns.rdatatype
import pytest

from conftest import new_lab
from musiclab import controller, prober, scanner
from musiclab.lab import Lab
from musiclab.paths import LabError
from musiclab.space import wait_until


def ns(lab, *signers):
    return [s["name"] for x in signers for s in lab.state["signers"][x]["servers"]]


def judged(lab, zone, seconds, enough=None):
    """Run the prober until enough(report) or for some seconds; its verdict."""
    prober.start(lab, [zone], rate=8)
    end = time.monotonic() + seconds
    wait_until(lambda: (enough and enough(prober.report(lab))) or time.monotonic() > end, seconds + 60, "prober's turn")
    return prober.stop(lab)


@pytest.mark.parametrize("signer", ["bind", "knot", "pdns"])
def test_zone_at_each_signer_is_secure(lab, signer):
    zone = lab.add_zone(f"one-{signer}", [signer])
    for name, rdtype in (("www." + zone, "A"), ("x7.w." + zone, "A"), ("nope." + zone, "A"), (zone, "SOA"), (zone, "NS"), ("alias." + zone, "AAAA")):
        for validator in (0, 1):
            status, _, detail = lab.resolve(name, rdtype, validator)
            assert status == "secure", (name, rdtype, detail)


def test_same_content_other_keys(lab):
    zone = lab.add_zone("same", ["bind", "knot", "pdns"])
    tags = set()
    for s in ("bind", "knot", "pdns"):
        ksk, zsk, foreign = lab.dnskeys(s, zone)
        assert len(ksk) == 1 and len(zsk) == 1 and not foreign
        tags |= {k.to_text() for k in ksk + zsk}
        assert lab.ex.rrset(lab.state["signers"][s]["update"]["address"], zone, "CDS") is not None
    assert len(tags) == 6


def test_right_state_has_no_violation(lab):
    zone = lab.add_zone("right", ["bind", "knot", "pdns"])
    lab.exchange_keys(zone)
    v = judged(lab, zone, 90, lambda r: r["answers"] > 20 and r["pair_checks"] > 3)
    assert v["answers"] > 20 and v["secure"] == v["answers"], v
    assert v["pair_violations"] == 0 and v["pair_checks"] > 3, v


def test_judges_see_zsks_not_exchanged(lab):
    """F2: DS and NS of both, ZSKs not exchanged."""
    zone = lab.add_zone("f2", ["bind", "knot"])
    for s in ("bind", "knot"):
        lab.update(s, zone, [f"add {zone} 5 NS {n}" for n in ns(lab, "bind", "knot")])
    lab.update("parent", "lab.", lab.ds_lines(zone, signers=["knot"]) + [f"add {zone} 5 NS {n}" for n in ns(lab, "knot")])
    lab.wait_parent()
    v = judged(lab, zone, 90, lambda r: r["bogus"] and r["pair_violations"])
    assert v["bogus"] > 0 and v["pair_violations"] > 0, v
    assert any(w["rule"] == "V2" for w in v["witness"]), v


def test_judges_see_missing_ds(lab):
    """F4: ZSKs exchanged, NS of both, DS of one."""
    zone = lab.add_zone("f4", ["bind", "knot"])
    for a, b in (("bind", "knot"), ("knot", "bind")):
        lab.update(a, zone, [f"add {zone} 5 DNSKEY {k.to_text()}" for k in lab.dnskeys(b, zone)[1]] + [f"add {zone} 5 NS {n}" for n in ns(lab, b)])
    lab.update("parent", "lab.", [f"add {zone} 5 NS {n}" for n in ns(lab, "knot")])
    v = judged(lab, zone, 90, lambda r: r["bogus"] and r["pair_violations"])
    assert v["bogus"] > 0 and v["pair_violations"] > 0, v
    assert any(w["rule"] == "V1" for w in v["witness"]), v


def test_pairs_see_what_probes_miss(lab):
    """R2: the ZSK of a leaving signer is removed while it still answers: old signatures are in caches."""
    zone = lab.add_zone("r2", ["bind", "pdns"])
    lab.exchange_keys(zone)
    bind_zsk = lab.dnskeys("bind", zone)[1]
    lab.update("pdns", zone, [f"delete {zone} DNSKEY {k.to_text()}" for k in bind_zsk])
    v = judged(lab, zone, 90, lambda r: r["pair_violations"])
    assert v["pair_violations"] > 0, v
    assert any(w["rule"] == "V2" for w in v["witness"]), v


def test_unsigned_zone_is_insecure(lab):
    zone = lab.add_zone("plain", ["bind", "knot", "pdns"], unsigned=True)
    status, m, _ = lab.resolve("www." + zone, "A")
    assert status == "insecure" and m.answer


def test_two_laboratories_side_by_side_and_nothing_left(make_lab):
    a, b = make_lab(signers=["knot"]), make_lab(signers=["knot"])
    a.add_zone("here", ["knot"])
    assert a.resolve("www.here.lab.", "A")[0] == "secure"
    assert b.ask("10.53.3.1", "here.lab.", "SOA").rcode() == 5      # REFUSED: not served there
    net = b.space.net_id()
    os.kill(b.space.holder.pid(), signal.SIGKILL)                   # the tool or its holder may die
    pids = b.space.members(net)
    assert len(pids) > 8
    b.down()
    assert not b.space.members(net) and not any(os.path.exists(f"/proc/{p}/exe") for p in pids)
    assert a.resolve("x1.w.here.lab.", "A")[0] == "secure"
    net = a.space.net_id()
    a.down()
    assert not a.space.members(net)


def test_description_is_enough_for_others(lab):
    again = Lab.load(lab.name)
    d = again.state
    assert d["parent"]["zone"] == "lab." and os.path.exists(d["parent"]["tsig"]["file"])
    assert all(os.path.exists(d["root"][k]) for k in ("hints", "trust_anchor"))
    for s in d["signers"].values():
        assert os.path.exists(s["tsig"]["file"]) and s["servers"][0]["addresses"]
    m = again.ask("10.53.1.2", "lab.", "SOA")
    assert m.answer[0].rdtype == dns.rdatatype.SOA
    again.ex.close()


@pytest.mark.parametrize("words", ["==7==ERROR: LeakSanitizer: detected memory leaks", "../src/x.c:7:4: runtime error: signed integer overflow",
                                   "<2>../src/x.c:7: f: assertion failed: n"])
def test_a_fault_of_a_program_fails_the_end(make_lab, words):
    lab = make_lab(signers=[])
    lab.daemon("ours", ["sh", "-c", 'trap \'echo "$0" >&2; exit 1\' TERM; echo up; sleep infinity & wait', words])
    wait_until(lambda: os.path.getsize(os.path.join(lab.dir, "log", "ours.log")) > 0, 60, "the program")
    assert not lab.faults()
    with pytest.raises(LabError, match="ours.log"):
        lab.down(keep=False)
    lab.clean()


ABSENT = """look nosuch; zone drop nosuch; zone exchange nosuch; zone add z --signers nosuch; zone add z --active nosuch
prober start nosuch; prober report; prober stop; scanner start nosuch; scanner report; scanner stop; musicd stop
roll bind nosuch zsk; roll nosuch there zsk; break stop nosuch; break freeze nosuch
break drop bind nosuch NS; break drop nosuch there NS; break ttl parent nosuch DS 9; break ttl nosuch there DS 9
break relay nosuch; mend nosuch; exec -- false
zone add a_b.nosuch!; zone drop nosuch..x; zone add z --csk nosuch; zone add z --hsm nosuch; zone exchange there --signers nosuch
ask www.there.lab nosuch; ask nosuch..lab; break drop bind there nosuch; break ttl bind there nosuch 9; break relay bind --rcode nosuch"""
NO_LAB = "down; status; look; zone drop there; shell; exec true; prober report; scanner stop; musicd start"


def lab_tool(name, *words):
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab", "lab")
    return subprocess.run([tool, *words], env={**os.environ, "LAB": name}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)


# Words after "up", and what is said of them: of all that is told before anything is made.
UP = {
    "--signers knot --v6only bind": "v6only: bind is no signer",
    "--signers knot --secondaries bind": "secondaries: bind is no signer",
    "--signers knot --hsm knot2": "hsm: knot2 is no signer",
    "--signers knot --suites bind=trixie": "suites: bind is no signer",
    "--signers bind,bind": "signer bind is named twice",
    "--signers nosuch": "'nosuch' is no signer",
    "--signers knot --notify 10.53.9.1@many": "notify: '10.53.9.1@many'",
}


def test_a_wrong_plan_is_told_before_anything_is_made():
    lab = new_lab("up")
    for words, said in UP.items():
        r = lab_tool(lab.name, "up", *words.split())
        assert r.returncode == 1 and r.stderr.startswith("lab: " + said) and not r.stdout, (words, r)
        assert not os.path.exists(lab.dir)


def test_names_of_zones_are_looked_at_first(lab):
    """A name that a server cannot load is not entered, and nothing is waited for."""
    before = list(lab.state["zones"])
    for name in ("a b", "ex.lab.com/..", "a" * 64, "-;rm", "w.*"):
        for words in (["add", name], ["drop", name], ["exchange", name]):
            r = lab_tool(lab.name, "zone", *words[:1], "--", *words[1:])
            assert r.returncode == 1 and r.stderr.startswith(f"lab: {name!r} is no good name"), (name, r)
    lab.refresh()
    assert list(lab.state["zones"]) == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MUSICLAB_PKGS", str(tmp_path / "file" / "pkgs"))
    r = lab_tool("unused", "fetch")
    assert r.returncode == 1 and r.stderr.startswith("lab: the packages want a folder") and str(tmp_path) in r.stderr, r
    assert r.stderr.count("\n") == 1


def test_programs_are_looked_for_in_one_way(tmp_path, monkeypatch):
    """musicd, music-cli and music-scanner: what MUSIC_BUILD names, else the first of build and build-release that has it."""
    def put(folder, name):
        (tmp_path / folder / "programs" / name).mkdir(parents=True)
        path = tmp_path / folder / "programs" / name / name
        path.write_text("")
        path.chmod(0o755)
        return str(path)
    monkeypatch.setattr(controller, "ROOT", str(tmp_path))
    monkeypatch.delenv("MUSIC_BUILD")
    released = put("build-release", "music-scanner")
    assert scanner.program() == controller.program("music-scanner") == released
    made = put("build", "music-scanner")
    assert scanner.program() == made
    monkeypatch.setenv("MUSIC_BUILD", str(tmp_path / "elsewhere"))
    for find in (scanner.program, lambda: controller.program("music-scanner")):
        with pytest.raises(LabError, match="not built in .*elsewhere"):
            find()


def test_what_is_not_there_is_an_error(make_lab):
    """Zones, signers, servers, programs and laboratories: in one line, without a trace of Python, and nothing is changed."""
    lab = make_lab(signers=["bind"])
    lab.add_zone("there", ["bind"])
    with open(lab.json_path, encoding="utf-8") as f:
        before = f.read()
    commands = [(lab.name, c.split()) for c in re.split("; |\n", ABSENT)] + [("nosuch-lab", c.split()) for c in NO_LAB.split("; ")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for (name, words), r in zip(commands, pool.map(lambda c: lab_tool(c[0], *c[1]), commands)):
            assert r.returncode == 1 and r.stderr.startswith("" if words[-1] == "false" else "lab: "), (name, words, r)
            assert "nosuch" not in [*words, name] or "nosuch" in r.stderr or "freeze" in words, (name, words, r)
    with open(lab.json_path, encoding="utf-8") as f:
        assert f.read() == before
    assert lab_tool(lab.name, "look", "there").returncode == 0
    good = lab_tool(lab.name, "ask", "www.there.lab")
    assert good.returncode == 0 and good.stdout.count(": secure") == 2, good
    lab.update("parent", "lab.", ["delete there.lab. DS", "add there.lab. 5 DS 1 13 2 " + "AB" * 32])
    lab.wait_parent()
    lab.flush("there.lab.")
    bad = lab_tool(lab.name, "ask", "www.there.lab")
    assert bad.returncode == 1 and bad.stdout.count(": bogus") == 2, bad
