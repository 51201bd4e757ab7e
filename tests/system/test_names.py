"""Names of a signer's servers: one given up too early, one for another at the same address, two for one server, one that comes back."""
import time

from musiclab import breaks
from musiclab.space import wait_until
from trouble import Trouble


def ns(server, name=None):
    """What the command line wants to know of a server, perhaps by its other name."""
    return ["--ns", (name or server["name"]) + "=" + ",".join(server["addresses"])]


def names_at(lab, address, zone):
    return {r.to_text() for r in lab.ex.rrset(address, zone, "NS")}


def looked_again(t, zone, times=2):
    """That many looks at everything."""
    for _ in range(times):
        before = t.row(zone)["checked_at"]
        t.mc.cli("zone", "check", t.lab.zone_name(zone))
        wait_until(lambda b=before: t.row(zone)["checked_at"] > b, 90, "another look")


def test_a_name_is_given_up_that_is_still_listed(make_lab):
    """musicd is told no more of a secondary that resolvers are led to, and the secondary gets the zone no more: nobody joins on that."""
    lab = make_lab(signers=["bind", "knot"], secondaries=["bind"])
    zone = lab.add_zone("given", ["bind", "knot"], ttl=4)
    first, second = lab.state["signers"]["bind"]["servers"]
    dnskey = {a: {r.to_text() for r in lab.ex.rrset(a, zone, "DNSKEY")} for a in ("10.53.2.1", "10.53.3.1")}
    with Trouble(lab, ["given"]) as t:
        t.group("given", ["bind"])
        t.mc.cli("signer", "update", "bind", *ns(first))
        t.says("given", rf"{second['name']} is listed, but is no name server of bind any more: nobody asks it")
        breaks.flag(lab, "bind", "transfers_refused")
        t.join("given", "knot")
        t.says("given", rf"rule=observe .*{second['name']} is listed, but is no name server of bind any more")
        looked_again(t, "given")
        assert t.row("given")["state"] == "UNKNOWN" and t.row("given")["row"] in (None, "", "signers-unsynced"), t.row("given")
        assert dnskey == {a: {r.to_text() for r in lab.ex.rrset(a, zone, "DNSKEY")} for a in dnskey}, "keys were exchanged"
        t.untouched("given")
        t.mc.cli("signer", "update", "bind", *ns(first), *ns(second))
        breaks.mend(lab)
        t.done("given", "ADD-SIGNER", "knot")
        t.joined("given", ["bind", "knot"])
    t.judge(60)


def test_an_address_that_nobody_gave(make_lab):
    """The zone says where a name server is; musicd was told another place, and its secondary gets the zone no more: nobody joins on that."""
    lab = make_lab(signers=["bind", "knot"], secondaries=["bind"])
    zone = lab.add_zone("where", ["bind", "knot"], ttl=4, inbailiwick=True)
    names = lab.state["zones"][zone]["ns"]
    first, second = names["bind"]
    right, wrong = [["--signer-ns", f"bind:{n['name']}=" + ",".join(at["addresses"])]
                    for n, at in ((second, second), (second, first))]
    rest = [["--signer-ns", f"{s}:{n['name']}=" + ",".join(n["addresses"])] for s, n in (("bind", first), ("knot", names["knot"][0]))]
    with Trouble(lab, ["where"]) as t:
        t.mc.cli("signergroup", "add", "g-where", "--signer", "bind")
        t.mc.cli("zone", "add", zone, "--group", "g-where", *rest[0], *wrong, *rest[1])
        says = rf"{second['name']} \(bind\) has, in the zone or as glue, an address that was not given here"
        t.says("where", says)
        breaks.flag(lab, "bind", "transfers_refused")
        t.join("where", "knot")
        looked_again(t, "where")
        t.says("where", "rule=observe .*" + says)
        assert t.row("where")["state"] == "UNKNOWN" and t.row("where")["row"] in (None, "", "signers-unsynced"), t.row("where")
        t.mc.cli("zone", "update", zone, *rest[0], *right, *rest[1])
        breaks.mend(lab)
        t.done("where", "ADD-SIGNER", "knot")
    t.judge(60)


def test_a_server_gets_another_name(make_lab):
    """The old name is taken out by hand, and musicd goes on when it has left the caches; the new one leaves with its signer."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("renamed", ["bind", "knot"], ttl=4)
    lab.exchange_keys("renamed")
    [server] = lab.state["signers"]["bind"]["servers"]
    old, new = server["name"], "also-" + server["name"]
    with Trouble(lab, ["renamed"]) as t:
        t.group("renamed", ["bind", "knot"])
        lab.update("knot", zone, [f"delete {zone} NS {old}"])
        wait_until(lambda: old in names_at(lab, "10.53.3.1", zone), 90, "what is still a name of the signer is put back")
        t.mc.cli("signer", "update", "bind", *ns(server, new))
        t.says("renamed", rf"{old} is listed, but is no name server of bind any more: nobody asks it")
        looked_again(t, "renamed")
        assert names_at(lab, "10.53.3.1", zone) == {old, "ns1.knot.net."}
        lab.update("parent", "lab.", [f"add {zone} 4 NS {new}", f"delete {zone} NS {old}"])
        for s in ("bind", "knot"):
            lab.update(s, zone, [f"add {zone} 4 NS {new}", f"delete {zone} NS {old}"])
        wait_until(lambda: t.row("renamed")["state"].startswith("VALID") and not t.explain("renamed")["findings"], 200, "all is well again",
                   interval=0.5)
        assert names_at(lab, "10.53.2.1", zone) == names_at(lab, "10.53.3.1", zone) == {new, "ns1.knot.net."}
        t.leave("renamed", "bind")
        t.done("renamed", "REMOVE-SIGNER", "bind")
        t.joined("renamed", ["knot"])
    t.judge(60)


def test_a_server_with_two_names_by_hand(make_lab):
    """Both names leave with the signer, a step at a time, and what caches got by either is waited for."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("twice", ["bind", "knot"], ttl=6)
    lab.exchange_keys("twice")
    [server] = lab.state["signers"]["bind"]["servers"]
    both = {server["name"], "also-" + server["name"]}
    for target, where in (("bind", zone), ("knot", zone), ("parent", "lab.")):
        lab.update(target, where, [f"add {zone} 6 NS also-{server['name']}"])
    lab.wait_parent()
    with Trouble(lab, ["twice"]) as t:
        t.mc.cli("signer", "update", "bind", *ns(server), *ns(server, "also-" + server["name"]))
        t.mc.cli("signergroup", "add", "g-twice", "--signer", "bind", "--signer", "knot")
        t.mc.add_zone("twice", "g-twice", "--mode", "manual")
        wait_until(lambda: (t.row("twice").get("state") or "").startswith("VALID"), 180, "the first look")
        steps = []

        def consent():
            if any(w["rule"] == "manual" for w in t.mc.json("zone", "plan", zone)["waits"]):
                before = names_at(lab, "10.53.3.1", zone)
                looked_again(t, "twice", 1)
                assert names_at(lab, "10.53.3.1", zone) == before, "a step was taken that nobody allowed"
                if t.mc.cli("zone", "step", zone, check=False).returncode == 0:
                    steps.append(t.row("twice")["row"])
            return t.ended("twice", "REMOVE-SIGNER", "bind")
        assert both <= names_at(lab, "10.53.3.1", zone)
        t.leave("twice", "bind")
        wait_until(consent, 300, "bind has left, step by step", interval=0.3)
        assert len(set(steps)) > 3, steps
        t.joined("twice", ["knot"])
        assert not both & (names_at(lab, "10.53.2.1", zone) | names_at(lab, "10.53.3.1", zone))
        looked_again(t, "twice")
        assert not t.row("twice")["process"]
    t.judge(60)


def test_the_name_of_one_that_left_comes_back(make_lab):
    """A later joiner has its content from before, with the name server of a signer that has left and no other: it is taken out there."""
    lab = make_lab(signers=["bind", "knot", "pdns"])
    zone = lab.add_zone("former", ["bind", "knot", "pdns"], ttl=4)
    [old], [own] = (lab.state["signers"][s]["servers"] for s in ("bind", "pdns"))
    with Trouble(lab, ["former"]) as t:
        t.group("former", ["bind"])
        t.join("former", "knot")
        t.done("former", "ADD-SIGNER", "knot")
        t.leave("former", "bind")
        t.done("former", "REMOVE-SIGNER", "bind")
        left = time.monotonic()         # what it served lives for some seconds more
        wait_until(lambda: looked_again(t, "former", 1) or time.monotonic() > left + 15, 120, "nothing of bind is in a cache")
        lab.update("pdns", zone, [f"add {zone} 4 NS {old['name']}", f"delete {zone} NS {own['name']}"])
        wait_until(lambda: names_at(lab, own["addresses"][0], zone) == {old["name"]}, 60, "pdns lists bind's server alone")
        t.join("former", "pdns")
        t.done("former", "ADD-SIGNER", "pdns")
        t.joined("former", ["knot", "pdns"])
        for address in (own["addresses"][0], "10.53.3.1"):
            assert names_at(lab, address, zone) == {"ns1.knot.net.", own["name"]}
    t.judge(60)


def test_a_signer_of_the_zone_that_the_group_lacks(make_lab):
    """The delegation and DS name two signers, the group one: the other joins and leaves in a breath, and nothing of it is taken away."""
    lab = make_lab(signers=["bind", "knot"])
    zones = ["held", "quick", "stays"]
    for z in zones:
        lab.add_zone(z, ["bind", "knot"], ttl=5)
        lab.exchange_keys(z)
    with Trouble(lab, zones) as t:
        for z in zones:
            t.mc.cli("signergroup", "add", f"g-{z}", "--signer", "bind")
            t.mc.add_zone(z, f"g-{z}")
            wait_until(lambda z=z: t.row(z).get("state") not in (None, ""), 120, "the first look")
        before = {z: {s: {r.to_text() for r in lab.ex.rrset(a, lab.zone_name(z), k)}
                      for s, a in (("bind", "10.53.2.1"), ("knot", "10.53.3.1")) for k in ("DNSKEY",)} for z in zones}
        t.mc.cli("zone", "hold", lab.zone_name("held"))
        for z in zones[:2]:
            t.mc.cli("signer", "join", "knot", "--group", f"g-{z}")
            t.mc.cli("signer", "leave", "knot", "--group", f"g-{z}")
        t.mc.cli("zone", "resume", lab.zone_name("held"))
        begun = time.monotonic()        # musicd goes on by itself meanwhile
        wait_until(lambda: looked_again(t, "quick", 1) or time.monotonic() > begun + 20, 120, "some looks")
        for z in zones[:2]:
            names = {x for k, x in t.parent(lab.zone_name(z)) if k == 2}
            keys = {r.to_text() for r in lab.ex.rrset("10.53.2.1", lab.zone_name(z), "DNSKEY")}
            # It either stays as it was, or leaves in the order of a leave: keys only after the delegation.
            assert "ns1.knot.net." not in names or before[z]["bind"] <= keys, (z, names, before[z], keys)
        # One that joins and is led to already is taken as what it is.
        t.mc.cli("signer", "join", "knot", "--group", "g-stays")
        wait_until(lambda: t.row("stays")["state"].startswith("VALID") and not t.row("stays")["process"], 120, "both take part")
        assert names_at(lab, "10.53.2.1", lab.zone_name("stays")) == {"ns1.bind.net.", "ns1.knot.net."}
        assert not [h for h in t.mc.json("zone", "history", lab.zone_name("stays"))["items"] if "delete NS" in h["text"]]
    t.judge(60)


def test_a_ds_of_a_signer_that_nobody_asks(make_lab):
    """DS and the NS sets name a third signer, the delegation and the group two: its DS stays, for resolvers come to it by the zone's own NS."""
    lab = make_lab(signers=["bind", "knot", "pdns"])
    zone = lab.add_zone("third", ["bind", "knot", "pdns"], ttl=5)
    lab.exchange_keys("third")
    [server] = lab.state["signers"]["pdns"]["servers"]
    lab.update("parent", "lab.", [f"delete {zone} NS {server['name']}"])
    lab.wait_parent()
    with Trouble(lab, ["third"]) as t:
        ds = {x for k, x in t.parent(zone) if k == 43}
        assert len(ds) == 3, ds
        t.mc.cli("signergroup", "add", "g-third", "--signer", "bind", "--signer", "knot")
        t.mc.add_zone("third", "g-third")
        wait_until(lambda: t.row("third").get("state") not in (None, ""), 120, "the first look")
        begun = time.monotonic()
        wait_until(lambda: looked_again(t, "third", 1) or time.monotonic() > begun + 20, 120, "some looks")
        assert {x for k, x in t.parent(zone) if k == 43} == ds
        assert not [h for h in t.mc.json("zone", "history", zone)["items"] if "CDS" in h["text"]]
        t.says("third", rf"V10|{server['name']}")
    t.judge(60)
