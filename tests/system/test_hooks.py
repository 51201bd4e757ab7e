"""musicd has signers roll their keys, and tells them when they may go on: by the commands of the pages of docs/signers, word by word.

Each of the three softwares is the one that rolls; nobody does anything by hand.
"""
import os
import re

from test_rolls import GROUPS, Rolling, scene
from trouble import Trouble

SIGNERS = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "signers")
PAGES = {"bind": "bind.md", "knot": "knot.md", "pdns": "powerdns.md"}


def commands(lab):
    """The hooks of the three pages as one section, with the laboratory's programs in the place of the system's."""
    out = "hooks:\n"
    for signer, page in PAGES.items():
        with open(os.path.join(SIGNERS, page), encoding="utf-8") as f:
            [section] = re.findall(r"^```yaml\nhooks:\n(.*?)^```", f.read(), re.M | re.S)
        s = lab.server(signer)
        env = ["/usr/bin/env", "LD_LIBRARY_PATH=" + s.env().get("LD_LIBRARY_PATH", "")]
        program, options = {"bind": ("rndc", ["-c", s.path("rndc.conf")]),
                            "knot": ("knotc", ["-c", s.path("knot.conf"), "-s", s.path("run", "c.sock")]),
                            "pdns": ("pdnsutil|pdns_control", ["--config-dir=" + s.dir])}[signer]
        section = re.sub(rf"(\[?)(?:/usr/sbin/)?\b({program})\b(,?)",
                         lambda m: m[1] + f"{m[3]} ".join([*env, s.pk.program(m[2]), *options]) + m[3], section)
        out += section
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
        told = t.history(rolling["pdns"].zone)
        for verb in ["withdraw"] + (["go"] if role == "zsk" else []):
            assert told.count(f"pdns {verb} {role}: exit status 0") == 1, told
    t.judge(60)


def test_each_is_told_to_roll_its_zsk(make_lab):
    all_roll(make_lab, "zsk")


def test_each_is_told_to_roll_its_ksk(make_lab):
    all_roll(make_lab, "ksk")
