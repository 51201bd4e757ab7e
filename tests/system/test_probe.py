"""A probe of a member's zone: what it writes is nobody's, nothing is changed meanwhile, and nothing of it stays."""
import threading

from musiclab import breaks
from musiclab.space import wait_until
from scene import Stage
from trouble import Trouble

BOTH = ["bind", "knot"]
# As in src/dns/trial.c.
TRIAL = "0 3 13 TVVTSUMgcHJvYmU6IG5vdCBhIHpvbmUga2V5LCAwMDEcFxOAWfHK+WSTM/XUxN6Wz6kxMc0GM8AdGD+XGUIXbA=="


def flags(lab, signer, zone):
    keys = lab.ex.rrset(lab.state["signers"][signer]["update"]["address"], zone, "DNSKEY")
    return sorted(k.flags for k in keys)


def is_probed(st, zone):
    return any(w["rule"] == "probe" for w in st.mc.json("zone", "plan", zone)["waits"])


def test_probe_of_a_member(make_lab):
    lab = make_lab(signers=BOTH)
    zone = lab.zone_name("tried")
    lab.add_zones(["tried"], BOTH, BOTH, ttl=3)
    with Stage(lab, ["tried"], settings={"dns": {"tcp-timeout": "60s"}}) as st:
        st.group("tried", BOTH, ["tried"])
        st.settled(["tried"])
        breaks.relay(lab, "bind")
        wait_until(lambda: not st.mc.json("zone", "plan", zone)["waits"], 90, "nothing is waited for")
        before, keys = st.history("tried"), {s: flags(lab, s, zone) for s in BOTH}
        assert 0 not in keys["bind"] + keys["knot"]

        reports = []
        breaks.relay(lab, "bind", hold_updates=True)    # the probe goes no further than its first change, until we let it
        probe = threading.Thread(target=lambda: reports.append(st.mc.json("signer", "probe", "bind", "--zone", zone)["report"]))
        probe.start()
        wait_until(lambda: is_probed(st, zone), 50, "the zone waits for the probe", interval=0.05)
        wait_until(lambda: 0 in flags(lab, "bind", zone), 50, "the trial key is there", interval=0.02)
        assert "being probed already" in st.mc.cli("signer", "probe", "knot", "--zone", zone, check=False).stderr
        breaks.relay(lab, "bind")
        probe.join()
        assert [reports[0]["capabilities"][k]["undo"] for k in ("dnskey", "cds", "cdnskey", "csync")] == ["yes"] * 4, reports
        wait_until(lambda: not is_probed(st, zone), 120, "the zone goes on")
        # What a run that was killed has left is taken away by the next one.
        st.mc.stop()
        lab.update("bind", zone, [f"add {zone} 3 DNSKEY {TRIAL}", f"add {zone} 3 TYPE62 \\# 6 000000000000"])
        assert 0 in flags(lab, "bind", zone)
        st.mc.start()
        wait_until(lambda: flags(lab, "bind", zone) == keys["bind"], 120, "nothing is left")
        wait_until(lambda: "bind: what a probe has left is taken away" in st.history("tried"), 90, "it is told")
        wait_until(lambda: not is_probed(st, zone), 120, "the zone goes on")

        now = st.history("tried")
        assert now.count("DNSKEY") == before.count("DNSKEY") and "withdrawn" not in now, now
        assert {s: flags(lab, s, zone) for s in BOTH} == keys
        st.mc.cli("zone", "hold", zone)         # nothing is to be on its way when musicd stops
        st.mc.cli("signer", "leave", "bind", "--group", "tried")
        st.wait("tried", "a process runs", lambda z: z.get("process"))
        assert "REMOVE-SIGNER bind is running" in st.mc.cli("signer", "probe", "knot", "--zone", zone, check=False).stderr
        assert "Sanitizer" not in st.mc.log() and "runtime error:" not in st.mc.log()


def test_a_refusal_that_was_mended(make_lab):
    """A joiner whose update-policy lacks a type when it is probed: the join waits, asks again by itself, says when, and goes on."""
    lab = make_lab(signers=BOTH)
    zone = lab.add_zone("acl", BOTH[::-1])              # the first is in the parent
    breaks.flag(lab, "bind", "type_refused", "CSYNC")
    with Trouble(lab, ["acl"], settings={"schedule": {"retry": "500ms", "idle": "1500ms"}}) as t:
        def probes():
            return t.mc.log().count(f"signer bind probed on {zone}: DNSKEY yes")
        t.group("acl", ["knot"])
        assert t.mc.cli("signer", "probe", "bind", "--zone", zone, check=False).returncode == 1
        t.join("acl", "bind")
        t.explains("acl", r"bind does not let us change its records: change CSYNC there by hand; it is tried again at \d")
        t.mc.cli("zone", "hold", zone)
        held = probes()
        wait_until(lambda: [w["rule"] for w in t.waits("acl")].count("held") and not any(w["until"] for w in t.waits("acl")), 60,
                   "nothing is tried while the zone is held")
        rounds = t.mc.json("status")["rounds"]
        wait_until(lambda: t.mc.json("status")["rounds"] > rounds + 8, 120, "it is looked at")
        assert probes() <= held + 1, "one may have been on its way"
        t.mc.cli("zone", "resume", zone)
        wait_until(lambda: probes() > held + 1, 120, "it is tried again, and refused")
        assert t.row("acl")["row"] == "signers-unsynced"
        t.untouched("acl")
        breaks.flag(lab, "bind", "type_refused", None)
        t.done("acl", "ADD-SIGNER", "bind")
        assert t.mc.json("signer", "show", "bind")["capabilities"]["csync"] == "yes"
        t.joined("acl", BOTH)
    t.judge()
