"""musicd has signers roll their keys, and tells them when they may go on: by the commands of the pages of docs/signers, word by word.

Each of the three softwares is the one that rolls; nobody does anything by hand.
"""
import os
import re

import pytest

from musiclab.space import wait_until
from test_crash import crash
from test_rolls import GROUPS, TTL, Rolling, scene
from trouble import Trouble

SIGNERS = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "signers")
PAGES = {"bind": "bind.md", "knot": "knot.md", "pdns": "powerdns.md"}


def in_lab(lab, signer, section):
    """Commands of a page, with the laboratory's programs and their options in the place of the system's."""
    s = lab.server(signer)
    knot = ["-c", s.path("knot.conf")]
    options = {"rndc": ["-c", s.path("rndc.conf")], "knotc": [*knot, "-s", s.path("run", "c.sock")], "keymgr": knot,
               "pdnsutil": ["--config-dir=" + s.dir], "pdns_control": ["--config-dir=" + s.dir]}
    env = ["/usr/bin/env", "LD_LIBRARY_PATH=" + s.env().get("LD_LIBRARY_PATH", "")]
    return re.sub(rf"(\[?)(?:/usr/sbin/)?\b({'|'.join(options)})\b(,?)(?= )",
                  lambda m: m[1] + f"{m[3]} ".join([*env, s.pk.program(m[2]), *options[m[2]]]) + m[3], section)


def commands(lab, first="hooks:"):
    """The hooks of the pages as one section; ${first}: how the block begins that is meant."""
    out = "hooks:\n"
    for signer in lab.state["signers"]:
        with open(os.path.join(SIGNERS, PAGES[signer]), encoding="utf-8") as f:
            for section in re.findall(rf"^```yaml\n{first}\n(.*?)^```", f.read(), re.M | re.S):
                out += in_lab(lab, signer, section.removeprefix("hooks:\n"))
    return out


def order(t, zone, signer, role, *options, **kw):
    return t.mc.cli("zone", "roll", t.lab.zone_name(zone), signer, "--role", role, *options, **kw)


def all_roll(make_lab, role):
    lab = scene(make_lab, role)
    with Trouble(lab, [f"{role}-{s}" for s in GROUPS], hooks=commands(lab)) as t:
        for s, members in GROUPS.items():
            t.group(f"{role}-{s}", members)
        rolling = {s: Rolling(t, role, s) for s in GROUPS}
        for s, r in rolling.items():
            said = order(t, r.zone, s, role, "--dry-run").stdout
            assert r.zone in said or "sh -ec" in said, said
            assert not r.now() and r.own() == r.old, "only said"
            order(t, r.zone, s, role)
            again = order(t, r.zone, s, role, check=False)
            assert again.returncode == 75 and re.search("already|just been told", again.stderr), again
        for r in rolling.values():
            r.over()
            [p] = t.processes(r.zone)
            assert (p["kind"], p["signer"], p["outcome"], p["row"]) == (r.kind, r.signer, "done", "stop"), p
            told = t.history(r.zone)
            assert "too early" not in told and f"{r.signer} roll {role}: exit status 0" in told, told
        once = [("pdns", "go"), ("pdns", "withdraw")] if role == "zsk" else [(s, "withdraw") for s in rolling]
        for s, verb in once:
            told = t.history(rolling[s].zone)
            assert told.count(f"{s} {verb} {role}: exit status 0") == 1, told
    t.judge(60)


def test_each_is_told_to_roll_its_zsk(make_lab):
    all_roll(make_lab, "zsk")


@pytest.mark.long
def test_each_is_told_to_roll_its_ksk(make_lab):
    all_roll(make_lab, "ksk")


def test_a_command_fails_and_musicd_is_killed_while_one_runs(make_lab, tmp_path):
    """What fails is told, tried five times, and again when the operator has mended it; the other zone rolls meanwhile.  What runs
    when musicd is killed is run once more, and ends well."""
    lab = make_lab(signers=["knot", "pdns"])
    for z in ("stuck", "free"):
        lab.add_zone(z, ["knot", "pdns"], active=["knot", "pdns"], ttl=TTL, short_signatures=True)
        lab.exchange_keys(z)
    stuck = lab.zone_name("stuck")
    mended, runs, end = tmp_path / "mended", tmp_path / "runs", tmp_path / "end"
    text = commands(lab)
    for verb, first in (("go", f'case $MUSIC_ZONE in {stuck}) [ -e {mended} ] || {{ echo who may do that; exit 1; }} ;; esac'),
                        ("withdraw", f"case $MUSIC_ZONE in {stuck}) echo $MUSIC_OLD_KEY_TAG >>{runs}; while [ ! -e {end} ]; do sleep 0.1; done ;; esac")):
        text, n = re.subn(rf"(signer: pdns\n    verb: {verb}\n(?:.*\n)*?      - \|\n)", lambda m, first=first: f"{m[1]}        {first}\n", text, count=1)
        assert n == 1
    with Trouble(lab, ["stuck", "free"], hooks=text) as t:
        rolling = {}
        for z in ("stuck", "free"):
            t.group(z, ["knot", "pdns"])
            rolling[z] = Rolling(t, "zsk", "pdns", z, "knot")
            order(t, z, "pdns", "zsk")
        t.says("stuck", r"alarm .*pdns cannot be told to go its zsk: the command has failed 5 times")
        [command] = t.mc.json("zone", "status", stuck)["commands"]
        assert (command["signer"], command["verb"], command["role"], command["state"], command["tries"], command["next_at"]) == (
            "pdns", "go", "zsk", "failed", 5, None), command
        assert command["text"] == "exit status 1: who may do that", command
        for words in (["status", stuck], ["watch", stuck, "--plain", "--timeout", "1s"]):
            assert "who may do that" in t.mc.cli("zone", *words, check=False).stdout, words
        assert rolling["stuck"].now()["row"] == "new-key-in-use"
        rolling["free"].over()                          # nobody waited for the other
        mended.touch()
        t.mc.cli("zone", "check", stuck)
        wait_until(runs.exists, 200, "the command to withdraw runs", interval=0.2)
        crash(t)
        wait_until(lambda: len(runs.read_text().split()) == 2, 200, "it is run again", interval=0.2)
        end.touch()
        rolling["stuck"].over()
        assert len(runs.read_text().split()) == 2, "once more is enough"
        assert "too early" not in t.history("stuck"), t.history("stuck")
    t.judge(40)


def test_knot_has_no_timetable_of_its_own(make_lab):
    """Its policy is manual, and nothing in it waits for the others: musicd is the timer."""
    lab = make_lab(signers=["knot", "pdns"])
    lab.add_zone("zsk-knot", ["knot", "pdns"], active=["knot", "pdns"], ttl=TTL, short_signatures=True)
    lab.exchange_keys("zsk-knot")
    s = lab.server("knot")
    with open(s.path("knot.conf"), encoding="utf-8") as f:
        conf = f.read()
    assert "    ksk-lifetime: 0\n" in conf
    with open(s.path("knot.conf"), "w", encoding="utf-8") as f:
        f.write(conf.replace("    ksk-lifetime: 0\n", "    manual: on\n    ksk-lifetime: 0\n"))
    s.knotc("reload")
    with Trouble(lab, ["zsk-knot"], hooks=commands(lab, "# policy with manual: on")) as t:
        t.group("zsk-knot", ["knot", "pdns"])
        r = Rolling(t, "zsk", "knot")
        order(t, r.zone, "knot", "zsk")
        r.over()
        told = t.history(r.zone)
        for verb in ("roll", "go", "withdraw"):
            assert told.count(f"knot {verb} zsk: exit status 0") == 1, told
        assert "too early" not in told, told
    t.judge(40)
