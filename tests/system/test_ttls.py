"""TTLs that are not what they were: caches hold what was served, and the waits count with that.

The prober's judge has seen each version with its TTL, also what was served before musicd knew the zone.
"""
from musiclab import breaks, prober
from musiclab.space import wait_until
from trouble import Trouble

TTL, LONG = 3, 20
FLOOR = {"policy": {"ttl-floor": f"{LONG + 2}s"}, "schedule": {"retry": "1500ms", "idle": "1500ms"}}
OLD_COPY = {"schedule": {"retry": "1500ms", "idle": "1500ms", "copy": "1h"}}


def set_ttls(lab, signer, zone, value):
    """NS, DNSKEY and data of a zone at BIND."""
    for rdtype in ("NS", "DNSKEY"):
        breaks.ttl(lab, signer, zone, rdtype, value)
    lab.update(signer, zone, [f"add www.{zone} {value} A 192.0.2.80", f"add *.w.{zone} {value} A 192.0.2.42", f"add {zone} {value} MX 10 mail.{zone}"])
    where = lab.state["signers"][signer]["update"]["address"]
    for name, rdtype in ((zone, "NS"), (zone, "DNSKEY"), ("www." + zone, "A")):
        assert lab.ex.rrset(where, name, rdtype).ttl == value, (name, rdtype)


def judged(lab, zone, rounds=3):
    """Until the judge has seen the zone anew."""
    before = prober.report(lab)["pair_checks"]
    wait_until(lambda: prober.report(lab)["pair_checks"] >= before + rounds, 120, f"the judge has looked at {zone}")


def test_ttls_are_lowered_before_the_zone_is_added(make_lab):
    """policy.ttl-floor stands for what musicd cannot have seen."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("low", ["bind", "knot"], ttl=TTL, max_ttl=60)
    set_ttls(lab, "bind", zone, LONG)
    with Trouble(lab, ["low"], settings=FLOOR) as t:
        judged(lab, zone)
        set_ttls(lab, "bind", zone, TTL)
        t.group("low", ["bind"])
        t.join("low", "knot")
        t.done("low", "ADD-SIGNER", "knot")
        t.leave("low", "bind")
        t.done("low", "REMOVE-SIGNER", "bind")
        t.joined("low", ["knot"])
    t.judge(60)


def test_a_ttl_is_raised_at_the_leaver_just_before_it_leaves(make_lab):
    """In data that nobody samples, after the last copy was read."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("up", ["bind", "knot"], ttl=TTL, max_ttl=60)
    lab.exchange_keys(zone)
    with Trouble(lab, ["up"], settings=OLD_COPY) as t:
        t.group("up", ["bind", "knot"])
        wait_until(lambda: t.row("up")["state"] == "VALID" and not t.waits("up"), 120, "both copies are read")
        lab.update("bind", zone, [f"add *.w.{zone} {LONG} A 192.0.2.42"])
        judged(lab, zone)
        t.leave("up", "bind")
        t.done("up", "REMOVE-SIGNER", "bind")
        t.joined("up", ["knot"])
    t.judge(60)


def test_a_ttl_was_raised_between_two_copies(make_lab):
    """And put back before the next one: nobody has read it, and policy.ttl-floor stands for it."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("peak", ["bind", "knot"], ttl=TTL, max_ttl=60)
    lab.exchange_keys(zone)
    with Trouble(lab, ["peak"], settings={**FLOOR, **OLD_COPY}) as t:
        t.group("peak", ["bind", "knot"])
        wait_until(lambda: t.row("peak")["state"] == "VALID" and not t.waits("peak"), 120, "both copies are read")
        lab.update("bind", zone, [f"add *.w.{zone} {LONG} A 192.0.2.42"])
        judged(lab, zone)
        lab.update("bind", zone, [f"add *.w.{zone} {TTL} A 192.0.2.42"])
        t.leave("peak", "bind")
        t.done("peak", "REMOVE-SIGNER", "bind")
        t.joined("peak", ["knot"])
    t.judge(60)


def test_a_lagging_server_of_the_parent_had_a_larger_ttl(make_lab):
    """The parent raised the TTL of the DS set and lowered it again; its secondary has missed the second, and shows it until the join."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("lag", ["bind", "knot"], ttl=TTL)
    with Trouble(lab, ["lag"]) as t:
        t.group("lag", ["bind"])
        wait_until(lambda: t.row("lag")["state"] == "VALID", 120, "the parent has been watched for long enough")
        breaks.ttl(lab, "parent", zone, "DS", LONG)
        lab.wait_parent()
        breaks.freeze(lab, "parent2")
        breaks.ttl(lab, "parent", zone, "DS", TTL)
        t.join("lag", "knot")
        t.says("lag", r"rule=parent-ds .*(10\.53\.1\.2|fd53:1::2)")
        judged(lab, zone)
        breaks.mend(lab)
        t.says("lag", r"rule=DS-Wait ")
        t.done("lag", "ADD-SIGNER", "knot")
        t.joined("lag", ["bind", "knot"])
    t.judge(60)


def test_caches_lead_to_a_leaver_by_what_musicd_cannot_see(make_lab):
    """Its NS was taken out by hand just before the zone was added; its name server gets another name while it leaves."""
    lab = make_lab(signers=["bind", "knot"])
    zones = {z: lab.add_zone(z, ["bind", "knot"], ttl=10) for z in ("half", "renamed")}
    for zone in zones.values():
        lab.exchange_keys(zone)
    server = lab.state["signers"]["bind"]["servers"][0]
    with Trouble(lab, list(zones)) as t:
        for z in zones:
            t.group(z, ["bind", "knot"])
        wait_until(lambda: not any(t.waits(z) for z in zones), 120, "CDS names the keys of both")
        judged(lab, zones["half"])
        t.mc.cli("zone", "delete", zones["half"], "--yes")
        for where, origin in (("bind", zones["half"]), ("knot", zones["half"]), ("parent", "lab.")):
            lab.update(where, origin, [f"delete {zones['half']} NS {server['name']}"])
        t.mc.add_zone("half", "g-half", "--mode", "manual")
        t.leave("half", "bind")
        t.leave("renamed", "bind")
        t.mc.cli("zone", "update", zones["half"], "--mode", "auto")
        t.at_row("renamed", "csync-removed")
        t.mc.cli("signer", "update", "bind", "--ns", "other.bind.net.=" + ",".join(server["addresses"]))
        for z in zones:
            t.done(z, "REMOVE-SIGNER", "bind")
            t.joined(z, ["knot"])
        for zone in zones.values():
            judged(lab, zone)
    t.judge(60)
