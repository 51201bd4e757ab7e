"""Groups of signers and what an operator does with them, on real servers.

All tests of this file share one laboratory and one musicd, each has zones and groups of its own; validators ask all the time,
and every test ends with what they have seen so far.
"""
import re

import dns.dnssec
import dns.rdata
import pytest

from scene import COORDINATED, OWN, Stage, apex, transfer
from musiclab import breaks, prober
from musiclab.lab import LabError
from musiclab.space import wait_until

BOTH = ["bind", "knot"]
ALL = ["bind", "knot", "pdns"]
# zone: (signers that load it, signers in charge at the beginning)
ZONES = {"third": (ALL, BOTH), "rejoin": (BOTH, BOTH), "unjoin": (BOTH, ["bind"]), "last": (BOTH, BOTH), "steps": (BOTH, ["bind"]),
         "consent": (BOTH, ["bind"]), "meet": (BOTH, BOTH),
         "named": (BOTH, ["bind"]), "held": (BOTH, ["bind"]), "turned": (BOTH, ["bind"]), "turned2": (BOTH, BOTH), "turned3": (BOTH, ["bind"]), "forced": (BOTH, ["bind"]), "unused": (BOTH, ["bind"]), "differs": (BOTH, ["bind"]),
         "many1": (BOTH, ["knot"]), "many2": (BOTH, ["knot"]), "many3": (BOTH, ["knot"])}


@pytest.fixture(scope="module")
def st(lab):
    for signers, active in {(tuple(s), tuple(a)) for s, a in ZONES.values()}:
        names = [z for z, (s, a) in ZONES.items() if (tuple(s), tuple(a)) == (signers, active)]
        lab.add_zones(names, list(signers), [active[0]], ttl=3)
        if len(active) > 1:
            for z in names:
                lab.exchange_keys(z, active)
    with Stage(lab, ZONES, rate=0.5) as stage:
        yield stage


def seen_so_far(st):
    r = prober.report(st.lab)
    assert (r["bogus"], r["insecure"], r["failed"], r["pair_violations"]) == (0, 0, 0, 0), prober.human(r)
    assert r["answers"] > 0
    st.calm()


def rounds(st, zone, count=3):
    """Until musicd has looked at the zone that many times more."""
    for _ in range(count):
        last = st.state(zone)["checked_at"]
        st.mc.cli("zone", "check", st.lab.zone_name(zone))
        wait_until(lambda last=last: st.state(zone)["checked_at"] != last, 60, "another look", interval=0.1)


def test_third_signer_joins_two_and_leaves(st):
    st.group("third", BOTH, ["third"])
    st.mc.cli("signer", "join", "pdns", "--group", "third")
    st.wait("third", "PowerDNS has joined", lambda z: not z["process"] and st.ended("third", "ADD-SIGNER", "pdns"))
    st.signed_by("third", ALL)
    st.mc.cli("signer", "leave", "bind", "--group", "third")
    st.wait("third", "BIND has left", lambda z: not z["process"] and st.ended("third", "REMOVE-SIGNER", "bind"))
    st.signed_by("third", ["knot", "pdns"])
    st.unchanged("third")
    seen_so_far(st)


def test_addresses_are_looked_up(st):
    """A signer whose name server has no address, or none that can be found, does not join; then it has a name alone, and joins."""
    knot = st.lab.state["signers"]["knot"]
    names = [s["name"] for s in knot["servers"]]
    st.mc.cli("signer", "add", "byname", "--driver", "ddns", "--update", knot["update"]["address"], "--key-file", knot["tsig"]["file"],
              "--ns", "nobody." + names[0])
    st.group("named", ["bind"], ["named"])
    missing = f"nobody.{names[0]} (byname) has no address"
    assert missing in st.mc.cli("zone", "preflight", st.lab.zone_name("named"), "--signer", "byname", check=False).stdout
    st.mc.cli("signer", "join", "byname", "--group", "named")
    st.wait("named", "it waits for the address", lambda z: missing in (z["waiting"] or ""))
    assert st.state("named")["state"] in ("VALID", "VALID-SO-FAR")
    st.alone("named", "bind")
    st.mc.cli("signer", "update", "byname", *[w for name in names for w in ("--ns", name)])
    st.wait("named", "it has joined", lambda z: not z["process"] and st.ended("named", "ADD-SIGNER", "byname"))
    signer = next(s for s in st.mc.status("named")["signers"] if s["name"] == "byname")
    assert signer["servers"] == signer["servers_reached"] == sum(len(s["addresses"]) for s in knot["servers"])
    st.signed_by("named", BOTH)
    seen_so_far(st)


def test_who_is_about_to_leave_joins_again(st):
    st.group("rejoin", BOTH, ["rejoin"])
    st.mc.cli("signer", "leave", "bind", "--group", "rejoin")
    st.wait("rejoin", "the leaver's names are out of NS", lambda z: z["process"] == "REMOVE-SIGNER bind" and z["row"] in (
        "parent-ns-synced", "csync-removed", "ns-propagated", "data-expired"))
    st.mc.cli("signer", "join", "bind", "--group", "rejoin")
    st.wait("rejoin", "it has joined again", lambda z: not z["process"] and st.ended("rejoin", "ADD-SIGNER", "bind"))
    assert [p["outcome"] for p in st.processes("rejoin")] == ["turned round", "done"]
    st.signed_by("rejoin", BOTH)
    st.unchanged("rejoin")
    seen_so_far(st)


def test_who_is_about_to_join_leaves_again(st):
    st.group("unjoin", ["bind"], ["unjoin"])
    st.mc.cli("signer", "join", "knot", "--group", "unjoin")
    st.wait("unjoin", "DS of both at the parent, old sets in caches", lambda z: "-Wait" in z["waiting"])
    st.mc.cli("signer", "leave", "knot", "--group", "unjoin")
    st.wait("unjoin", "it has gone again", lambda z: not z["process"] and st.ended("unjoin", "REMOVE-SIGNER", "knot"))
    st.alone("unjoin", "bind")
    st.unchanged("unjoin")
    members = st.mc.json("signergroup", "show", "unjoin")["signers"]
    assert [m["name"] for m in members] == ["bind"], "no group stays locked"
    seen_so_far(st)


def test_the_last_signer_cannot_leave(st):
    st.group("last", ["bind", "knot"], ["last"])
    st.mc.cli("signer", "leave", "bind", "--group", "last")
    r = st.mc.cli("signer", "leave", "knot", "--group", "last", check=False)
    assert r.returncode == 75 and "last" in r.stderr, r
    st.mc.cli("signer", "join", "bind", "--group", "last")
    r = st.mc.cli("zone", "leave", st.lab.zone_name("last"), check=False)
    assert r.returncode == 75 and "would have no signer" in r.stderr, r
    assert st.state("last")["group"] == "last"
    st.wait("last", "all is quiet again", lambda z: not z["process"])
    st.signed_by("last", BOTH)
    seen_so_far(st)


def test_a_signer_at_the_server_of_another_has_to_wait(st):
    """Who serves by the address or the name of a signer of the zone is not let in: nor where that one is in the group no more."""
    knot = st.lab.state["signers"]["knot"]
    server = knot["servers"][0]
    name, address = server["name"], server["addresses"][0]
    options = ["--driver", "ddns", "--update", knot["update"]["address"], "--key-file", knot["tsig"]["file"], "--ns"]
    st.mc.cli("signer", "add", "same-address", *options, f"other.{name}={address}")
    st.mc.cli("signer", "add", "same-name", *options, f"{name}=192.0.2.1")
    said = {"same-address": f"{address} is an address of {name} (signer knot) and of other.{name} (signer same-address)",
            "same-name": f"{name} is a name server of signer knot and of signer same-name"}
    st.group("meet", BOTH, ["meet"])
    zone = st.lab.zone_name("meet")

    def refused(words, *command):
        r = st.mc.cli(*command, check=False)
        assert r.returncode == 75 and words in r.stderr, r

    def still_waits(signer, *command):
        refused(f"zone {zone} still has signer knot, which its group has not, so signer {signer} has to wait: {said[signer]}", *command)

    for signer in said:
        st.mc.cli("signergroup", "add", f"to-{signer}", "--signer", "bind", "--signer", signer)
        refused(said[signer], "signer", "join", signer, "--group", "meet")
        still_waits(signer, "zone", "join", zone, "--group", f"to-{signer}", "--yes")
    z = st.state("meet")
    assert (z["group"], z["process"]) == ("meet", "") and z["state"].startswith("VALID"), z
    st.signed_by("meet", BOTH)
    # out of the group, and on its way out of the zone
    st.mc.cli("signergroup", "add", "met", "--signer", "bind")
    st.mc.cli("zone", "join", zone, "--group", "met", "--yes")
    for signer in said:
        still_waits(signer, "signer", "join", signer, "--group", "met")
    st.wait("meet", "Knot has left", lambda z: not z["process"] and st.ended("meet", "REMOVE-SIGNER", "knot"))
    for signer in said:     # nobody's names of this laboratory: the parent would not take them, so they go again
        st.mc.cli("signer", "join", signer, "--group", "met")
        st.mc.cli("signer", "leave", signer, "--group", "met")
        st.wait("meet", "who waited came and went", lambda z: not z["process"])
    st.alone("meet", "bind")
    seen_so_far(st)


def said(plan):
    """{(signer, type): (added, deleted)} as the plan's words name them: tags, names, serials."""
    out = {}
    for a in plan["actions"]:
        signer, _, text = a["text"].partition(":")
        rdtype = a["record"]
        for half in text.split(";"):
            m = re.match(rf" (add|delete) {rdtype}(?: with serial (\d+).*)?\s*(.*)", half)
            assert m, text
            items = {m[2]} if m[2] else {i.split()[0] for i in m[3].split(", ") if i}
            out.setdefault((signer, rdtype), (set(), set()))[m[1] == "delete"].update(items)
    return out


def named(rdtype, text):
    """What the plan calls a record: its key tag, its name, its serial."""
    if rdtype in ("DNSKEY", "CDNSKEY"):
        return str(dns.dnssec.key_id(dns.rdata.from_text("IN", "DNSKEY", text)))
    return text.split()[0]


def made(before, after, zone):
    """The same from copies."""
    out = {}
    for s in before:
        assert {r for r in before[s] ^ after[s] if r[2] not in OWN and not (r[0] == zone and r[2] in COORDINATED)} == set()
        for t in COORDINATED:
            old, new = ({named(t, r) for r in apex(c[s], zone, t)} for c in (before, after))
            if old != new:
                out[s, t] = (new - old, old - new)
    return out


def copies(st, zone):
    """The zone at both signers."""
    return {s: transfer(st.lab, s, zone) for s in BOTH}


def proposal(st, zone):
    """The plan of a zone in manual mode when it is for the operator to allow, else None."""
    plan = st.mc.json("zone", "plan", zone)
    return plan if any(w["rule"] == "manual" for w in plan["waits"]) else None


def test_by_hand_step_by_step_and_the_plan_is_what_happens(st):
    """Nothing happens without a step; what a step does is what the plan said, record by record."""
    zone = st.lab.zone_name("steps")
    st.group("steps", ["bind"], ["steps"], "--mode", "manual")
    st.mc.cli("signer", "join", "knot", "--group", "steps")

    stepped, kinds = 0, []
    first = copies(st, zone)
    while not (st.ended(zone, "ADD-SIGNER", "knot") and not st.state(zone)["process"]):
        wait_until(lambda: proposal(st, zone) or (stepped and not st.state(zone)["process"]), 120, "the next proposal", interval=0.3)
        plan = proposal(st, zone)
        if plan is None:
            break
        before = copies(st, zone)
        sent = st.daemon()["updates_sent"]
        rounds(st, zone, 2)
        assert made(first if not stepped else before, copies(st, zone), zone) == {}, "a step was taken that nobody allowed"
        plan = proposal(st, zone) or plan
        # A look in between may have missed an answer: then nothing is proposed for that moment.
        wait_until(lambda: st.mc.cli("zone", "step", zone, check=False).returncode == 0, 90, "a step is taken", interval=0.3)
        stepped += 1
        wanted = said(plan)
        if wanted:
            try:
                wait_until(lambda: made(before, copies(st, zone), zone) == wanted, 120, "what was planned", interval=0.2)
            except LabError:
                assert made(before, copies(st, zone), zone) == wanted, st.mc.cli("zone", "explain", zone).stdout
            assert st.daemon()["updates_sent"] > sent
        kinds.append(sorted({t for _, t in wanted}))
        assert stepped < 12, kinds
    assert [k for k in kinds if k] == [["DNSKEY"], ["CDNSKEY", "CDS"], ["NS"], ["CSYNC"], ["CSYNC"]], kinds
    st.signed_by(zone, BOTH)
    st.unchanged(zone)
    seen_so_far(st)


def test_a_step_waits_in_a_queue(make_lab):
    """What a step allowed stays allowed while looks come and the queue of a signer holds it back, and nothing else is.

    A signer that has not answered a change is tried again after schedule.poll at the earliest, or when the operator changes it:
    so for an hour only that lets the queue go on.  Looks come as they are asked for.
    """
    lab = make_lab(signers=BOTH)
    zone = lab.add_zone("queued", BOTH)
    breaks.relay(lab, "knot", no_updates=True)
    with Stage(lab, ["queued"], settings={"schedule": {"poll": "1h"}}) as st:
        st.group("queued", ["bind"], ["queued"], "--mode", "manual")
        st.mc.cli("signer", "join", "knot", "--group", "queued")

        def at_knot():
            return st.mc.json("signer", "show", "knot")["changes"]

        def looked(condition):
            rounds(st, zone, 1)
            return condition()
        plan = wait_until(lambda: looked(lambda: proposal(st, zone)), 120, "a proposal")
        before, wanted = copies(st, zone), said(plan)
        assert {s for s, _ in wanted} == set(BOTH)
        st.mc.cli("zone", "step", zone)
        wait_until(lambda: at_knot()["paused_until"], 120, "knot has not answered")
        wait_until(lambda: looked(lambda: at_knot()["waiting"] == 1), 120, "what it did not answer is in its queue again")
        sent = at_knot()["sent"]
        rounds(st, zone, 3)
        r = st.mc.cli("zone", "step", zone, check=False)
        assert r.returncode == 75 and "a step is allowed already" in r.stderr, r
        wait_until(lambda: at_knot()["waiting"] == 1, 60, "it is held back, whatever looks come")
        assert at_knot()["sent"] == sent
        assert made(before, copies(st, zone), zone) == {k: v for k, v in wanted.items() if k[0] == "bind"}
        breaks.relay(lab, "knot")
        st.mc.cli("signer", "update", "knot", "--update-rate", "100")
        wait_until(lambda: looked(lambda: made(before, copies(st, zone), zone) == wanted), 120, "what was planned")
        wait_until(lambda: looked(lambda: proposal(st, zone)), 120, "the next proposal")
        assert made(before, copies(st, zone), zone) == wanted and at_knot()["waiting"] == 0
    st.judge(enough=20)


def test_only_what_is_proposed_can_be_stepped(st):
    """A step for nothing is refused, and one for what is no more wanted is not kept for what comes next."""
    zone = st.lab.zone_name("consent")
    st.group("consent", ["bind"], ["consent"], "--mode", "manual")

    def refused(words):
        r = st.mc.cli("zone", "step", zone, check=False)
        return r.returncode == 75 and words in r.stderr
    wait_until(lambda: refused("nothing is to be done"), 120, "the zone is idle", interval=0.3)
    st.mc.cli("signer", "join", "knot", "--group", "consent")
    st.wait("consent", "the first step is proposed", lambda z: "manual mode" in (z["waiting"] or ""))
    st.mc.cli("zone", "hold", zone)
    wait_until(lambda: refused("holds the zone"), 90, "it is held", interval=0.3)
    before = copies(st, zone)
    st.mc.cli("zone", "resume", zone)
    rounds(st, zone, 3)
    st.mc.cli("signer", "leave", "knot", "--group", "consent")
    rounds(st, zone, 3)
    assert made(before, copies(st, zone), zone) == {}
    seen_so_far(st)


def actions(st, zone):
    """What has been sent for a zone; the figures of the daemon are those of all zones."""
    return [e["text"] for e in st.mc.json("zone", "history", zone, "--limit", "1000")["items"] if e["kind"] == "action"]


def test_held_and_resumed(st):
    zone = st.lab.zone_name("held")
    st.group("held", ["bind"], ["held"])
    st.mc.cli("signer", "join", "knot", "--group", "held")
    st.wait(zone, "keys are exchanged", lambda z: z["row"] in ("dnskeys-synced", "cds-added", "parent-ds-synced", "ds-propagated"))
    st.mc.cli("zone", "hold", zone, "--reason", "the owner telephones")
    rounds(st, zone, 4)                 # what was under way has arrived by now
    before = copies(st, zone)
    row, sent = st.row(zone), actions(st, zone)
    assert any(w["rule"] == "held" for w in st.mc.json("zone", "plan", zone)["waits"])
    rounds(st, zone, 8)
    assert (st.row(zone), actions(st, zone)) == (row, sent)
    assert made(before, copies(st, zone), zone) == {}
    assert "the owner telephones" in st.mc.cli("zone", "status", zone).stdout
    st.mc.cli("zone", "resume", zone)
    st.wait(zone, "Knot has joined", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "knot"))
    st.signed_by(zone, BOTH)
    st.unchanged(zone)
    seen_so_far(st)


def test_a_join_is_aborted(st):
    zone = st.lab.zone_name("turned")
    st.group("turned", ["bind"], ["turned"])
    st.mc.cli("signer", "join", "knot", "--group", "turned")
    st.wait(zone, "CDS are published", lambda z: z["row"] in ("cds-added", "parent-ds-synced", "ds-propagated"))
    r = st.mc.cli("zone", "abort", zone, "--dry-run")
    assert "turned round" in r.stdout and "safe order" in r.stdout, r.stdout
    assert st.state(zone)["process"] == "ADD-SIGNER knot", "a dry run does nothing"
    st.mc.cli("zone", "abort", zone, "--yes")
    st.wait(zone, "Knot is out again", lambda z: not z["process"] and st.ended(zone, "REMOVE-SIGNER", "knot"))
    rounds(st, zone, 3)
    assert not st.state(zone)["process"], "it is kept out, though the group has it"
    st.alone(zone, "bind")
    st.unchanged(zone)
    r = st.mc.cli("zone", "abort", zone, "--yes", check=False)
    assert r.returncode == 75 and "no process" in r.stderr, r
    r = st.mc.cli("signer", "leave", "bind", "--group", "turned", check=False)
    assert r.returncode == 75 and "last of zone" in r.stderr, "Knot is a member, but not here"
    st.mc.cli("signer", "join", "knot", "--group", "turned")
    st.wait(zone, "Knot has joined after all", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "knot"))
    st.signed_by(zone, BOTH)
    seen_so_far(st)


def test_a_leave_is_aborted(st):
    zone = st.lab.zone_name("turned2")
    st.group("turned2", BOTH, ["turned2"])
    st.mc.cli("signer", "leave", "bind", "--group", "turned2")
    st.wait(zone, "it has begun", lambda z: z["process"] == "REMOVE-SIGNER bind" and z["row"] != "start")
    st.mc.cli("zone", "abort", zone, "--yes")
    st.wait(zone, "BIND is in again", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "bind"))
    st.signed_by(zone, BOTH)
    st.unchanged(zone)
    st.mc.cli("signer", "leave", "bind", "--group", "turned2")
    st.wait(zone, "BIND has left after all", lambda z: not z["process"] and st.ended(zone, "REMOVE-SIGNER", "bind"))
    st.alone(zone, "knot")
    seen_so_far(st)


def test_a_migration_is_aborted_in_the_join_half(st):
    """Nothing of the leave had happened: the zone is as before, signed by BIND alone, and stays so though the group has marked BIND."""
    zone = st.lab.zone_name("turned3")
    st.group("turned3", ["bind"], ["turned3"])
    st.mc.cli("zone", "migrate", zone, "--from", "bind", "--to", "knot")
    st.wait(zone, "CDS are published", lambda z: z["row"] in ("cds-added", "parent-ds-synced", "ds-propagated"))
    r = st.mc.cli("zone", "abort", zone, "--dry-run")
    assert "bind was to leave afterwards: it stays" in r.stdout, r.stdout
    assert '"signer join bind --group turned3" takes that back' in r.stdout, r.stdout
    st.mc.cli("zone", "abort", zone, "--yes")
    st.wait(zone, "Knot is out again", lambda z: not z["process"] and st.ended(zone, "REMOVE-SIGNER", "knot"))
    rounds(st, zone, 3)
    assert not st.state(zone)["process"] and not st.ended(zone, "REMOVE-SIGNER", "bind")
    st.alone(zone, "bind")
    st.unchanged(zone)
    members = {s["name"]: s["member"] for s in st.mc.status(zone)["signers"]}
    assert members == {"bind": True, "knot": False}, members
    seen_so_far(st)


def test_force_says_what_breaks(st):
    """A dry run names the damage and its end; nothing is done, and what is no obstacle now cannot be forced."""
    zone = st.lab.zone_name("forced")
    breaks.ttl(st.lab, "parent", zone, "DS", 20)       # that much time for who asks what a force would break
    st.lab.wait_parent()
    st.group("forced", ["bind"], ["forced"])
    st.mc.cli("signer", "join", "knot", "--group", "forced")
    wait_until(lambda: any(w["rule"] == "DS-Wait" for w in st.mc.json("zone", "plan", zone)["waits"]), 120, "a wait for caches", interval=0.1)
    r = st.mc.cli("zone", "force", zone, "--rule", "DS-Wait", "--reason", "a test", "--dry-run")
    assert "may fail until" in r.stdout and "DS-Wait" in r.stdout, r.stdout
    for rule, code in (("last-signer", 65), ("V11", 75), ("no-such", 65)):
        r = st.mc.cli("zone", "force", zone, "--rule", rule, "--reason", "a test", "--yes", check=False)
        assert r.returncode == code, (rule, r)
    st.wait(zone, "Knot has joined, by the ordinary way", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "knot"))
    assert "force past" not in st.history(zone)
    seen_so_far(st)


def test_a_force_that_nothing_needs_ends(st):
    """It is shown while it is armed, and when what stood in the way is gone it must not pass something else later."""
    zone = st.lab.zone_name("unused")
    st.group("unused", ["bind"], ["unused"])
    st.lab.update("knot", zone, [f"add only.{zone} 5 TXT here"])
    st.mc.cli("zone", "hold", zone, "--reason", "nothing is to happen here")
    st.mc.cli("signer", "join", "knot", "--group", "unused")

    def fails(rule):
        return any(w["rule"] == rule and w["result"] == "fails" for w in st.mc.json("zone", "plan", zone)["waits"])
    wait_until(lambda: fails("V13"), 90, "other content is found", interval=0.2)
    st.mc.cli("zone", "force", zone, "--rule", "V13", "--reason", "they may differ", "--yes")
    rounds(st, zone)
    assert "forced   the next step may pass V13, once: they may differ" in st.mc.cli("zone", "status", zone).stdout
    assert st.mc.json("zone", "explain", zone)["forced"] == "V13" and "ended unused" not in st.history(zone)
    st.lab.update("knot", zone, [f"delete only.{zone} TXT"])
    wait_until(lambda: "the force past V13 has ended unused" in st.history(zone), 120, "the force ends", interval=0.3)
    assert st.mc.json("zone", "status", zone)["forced"] is None
    st.mc.cli("zone", "resume", zone)
    st.wait(zone, "Knot has joined", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "knot"))
    assert "by force" not in st.history(zone)
    seen_so_far(st)


def test_a_signer_whose_content_may_differ_is_forced_in(st):
    """One force past V13 is enough, for nothing else holds that step; the first of two forces is replaced, and says so."""
    zone = st.lab.zone_name("differs")
    st.group("differs", ["bind"], ["differs"])
    st.lab.update("knot", zone, [f"add only.{zone} 5 TXT here"])
    st.mc.cli("signer", "join", "knot", "--group", "differs")
    wait_until(lambda: any(w["rule"] == "V13" and w["result"] == "fails" for w in st.mc.json("zone", "plan", zone)["waits"]), 90,
               "other content is found", interval=0.2)
    r = st.mc.cli("zone", "force", zone, "--rule", "V13", "--reason", "they may differ", "--dry-run")
    assert r.stdout.splitlines()[-1] == "Nothing else holds the step now.", r.stdout
    st.mc.cli("zone", "hold", zone, "--reason", "so that both forces are given before one is used")
    for reason in ("they may differ", "they do differ"):
        r = st.mc.cli("zone", "force", zone, "--rule", "V13", "--reason", reason, "--yes")
        assert "The step then waits for held: the operator holds the zone: nothing is changed; the force does not pass that.\n" in r.stdout, r.stdout
    assert "has ended unused: it is replaced by one past V13 (they may differ)" in st.history(zone)
    st.mc.cli("zone", "resume", zone)
    st.wait(zone, "Knot has joined", lambda z: not z["process"] and st.ended(zone, "ADD-SIGNER", "knot"))
    assert "they do differ" in "".join(h["text"] for h in st.mc.json("zone", "history", zone, "--limit", "1000")["items"] if h["kind"] == "forced")
    seen_so_far(st)


def test_several_zones_join_at_once(st):
    zones = ["many1", "many2", "many3"]
    st.group("many", ["knot"], zones)
    st.mc.cli("signer", "join", "bind", "--group", "many")
    wait_until(lambda: all(st.ended(z, "ADD-SIGNER", "bind") for z in zones), 240, "BIND has joined all", interval=0.5)
    st.mc.cli("signer", "leave", "knot", "--group", "many")
    wait_until(lambda: all(st.ended(z, "REMOVE-SIGNER", "knot") for z in zones), 240, "Knot has left all", interval=0.5)
    for z in zones:
        st.alone(z, "bind")
        st.unchanged(z)
    members = st.mc.json("signergroup", "show", "many")["signers"]
    assert [m["name"] for m in members] == ["bind"], members
    seen_so_far(st)


def test_a_group_of_one_does_nothing(make_lab):
    """No UPDATE is sent and no byte of the zone changes, however often it is looked at."""
    lab = make_lab(signers=["bind", "knot"])
    for s in ("bind", "knot"):
        lab.add_zone("alone-" + s, [s])
    with Stage(lab, ["alone-bind", "alone-knot"]) as one:
        for s in ("bind", "knot"):
            one.group(s, [s], ["alone-" + s])
            rounds(one, "alone-" + s, 12)
        for s in ("bind", "knot"):
            zone = lab.zone_name("alone-" + s)
            assert transfer(lab, s, zone) == one.before[s, zone]
            assert one.processes(zone) == [] and "action" not in one.history(zone)
        figures = one.daemon()
        assert figures["updates_sent"] == 0 and figures["rounds"] >= 24, figures
    one.judge(enough=20)
