"""Addresses that the operator typed wrong, or not all of: what DNS has tells, and nothing goes on before they fit."""
from musiclab import breaks
from musiclab.space import wait_until
from test_names import looked_again, ns
from trouble import Trouble

BIND, KNOT = "10.53.2.1", "10.53.3.1"


def signer_add(t, name, *names):
    """As t.mc.add_signer, but with these name servers."""
    s = t.lab.state["signers"][name]
    t.mc.cli("signer", "add", name, "--driver", "ddns", "--update", s["update"]["address"], "--key-file", s["tsig"]["file"], *names)


def apex(lab, zone, *addresses):
    """What musicd may write, wherever it is served."""
    return {(a, rdtype, r.to_text()) for a in addresses for rdtype in ("DNSKEY", "CDS", "CDNSKEY", "NS", "CSYNC")
            for r in lab.ex.rrset(a, zone, rdtype) or ()}


def orders_nothing(t, zone):
    """Nothing is to be entered at the parent by hand."""
    for words in (["status"], ["explain"]):
        assert not t.mc.json("zone", *words, t.lab.zone_name(zone))["manual"]


def holds(t, zone, name, signer, address, before):
    """It says which name leads where, and nothing is written."""
    t.says(zone, rf"rule=observe .*{name} \({signer}\) has, in DNS, an address that was not given here: nobody asks what is served there",
           rf"cause=DNS has the address {address}")
    t.explains(zone, rf"{name} \({signer}\) has, in DNS, an address")
    looked_again(t, zone, 3)
    orders_nothing(t, zone)
    assert apex(t.lab, t.lab.zone_name(zone), BIND, KNOT) == before, "something was written"
    assert t.row(zone)["state"] != "VALID"
    t.untouched(zone)


def test_another_server_is_given_in_the_middle_of_a_life(make_lab):
    """The address is Knot's, whose key is another: neither is it taken for one of BIND's, nor is the DS of BIND's ordered away."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("typed", ["bind", "knot"], ttl=4)
    [right] = lab.state["signers"]["bind"]["servers"]
    with Trouble(lab, ["typed"], signers=["bind"]) as t:
        t.group("typed", ["bind"])
        before = apex(lab, zone, BIND, KNOT)
        t.mc.cli("signer", "update", "bind", "--ns", f"{right['name']}={KNOT}")
        holds(t, "typed", right["name"], "bind", r"(10\.53\.2\.1|fd53:2::1)", before)
        t.mc.cli("signer", "update", "bind", *ns(right))
        wait_until(lambda: t.row("typed")["state"] == "VALID", 200, "all is well again")
        t.mc.add_signer("knot")
        t.join("typed", "knot")
        t.done("typed", "ADD-SIGNER", "knot")
        t.joined("typed", ["bind", "knot"])
    t.judge(60)


def test_another_server_is_given_at_first(make_lab):
    """As the first thing that musicd hears of the zone."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("first", ["bind", "knot"], ttl=4)
    [right] = lab.state["signers"]["bind"]["servers"]
    before = apex(lab, zone, BIND, KNOT)
    with Trouble(lab, ["first"], signers=[]) as t:
        signer_add(t, "bind", "--ns", f"{right['name']}={KNOT}")
        t.group("first", ["bind"], state="")
        holds(t, "first", right["name"], "bind", r"(10\.53\.2\.1|fd53:2::1)", before)
        t.mc.cli("signer", "update", "bind", *ns(right))
        t.mc.add_signer("knot")
        t.join("first", "knot")
        t.done("first", "ADD-SIGNER", "knot")
        t.joined("first", ["bind", "knot"])
    t.judge(60)


def test_a_second_server_of_the_joiner_is_not_asked(make_lab):
    """It has an old copy, and the address that is given for it is the first one's: nobody is led there before it is asked."""
    lab = make_lab(signers=["bind", "knot"], secondaries=["knot"])
    zone = lab.add_zone("second", ["bind", "knot"], ttl=4)
    first, second = lab.state["signers"]["knot"]["servers"]
    with Trouble(lab, ["second"], signers=["bind"]) as t:
        t.group("second", ["bind"])
        breaks.flag(lab, "knot", "transfers_refused")
        signer_add(t, "knot", *ns(first), "--ns", f"{second['name']}=fd53:3::1")
        before = apex(lab, zone, BIND, KNOT)
        fit = t.mc.cli("zone", "preflight", zone, "--signer", "knot", check=False)
        assert fit.returncode == 1 and f"{second['name']} (knot) has, in DNS, an address that was not given here" in fit.stdout, fit
        t.join("second", "knot")
        holds(t, "second", second["name"], "knot", r"(10\.53\.3\.2|fd53:3::2)", before)
        t.mc.cli("signer", "update", "knot", *ns(first), *ns(second))
        breaks.mend(lab)
        t.done("second", "ADD-SIGNER", "knot")
        t.joined("second", ["bind", "knot"])
    t.judge(60)


def test_one_server_of_the_parent_is_given(make_lab):
    """The other one, which nobody gave, is found and asked all the same: it keeps the old DS set, and the joiner waits for it."""
    lab = make_lab(signers=["bind", "knot"])
    zone = lab.add_zone("half", ["bind", "knot"], ttl=4)
    with Trouble(lab, ["half"]) as t:
        t.mc.cli("signergroup", "add", "g-half", "--signer", "bind")
        t.mc.add_zone("half", "g-half", "--parent", "lab.", "--parent-address", "10.53.1.1")
        wait_until(lambda: t.row("half").get("state") == "VALID", 240, "the first look")
        assert t.mc.status(zone)["parent_servers"] == 4, t.mc.status(zone)
        breaks.freeze(lab, "parent2")
        t.join("half", "knot")
        t.says("half", r"rule=parent-ds .*10\.53\.1\.2 \(parent lab\.\)")
        looked_again(t, "half", 3)
        assert t.row("half")["row"] == "parent-ds-synced", t.row("half")
        assert {r.to_text() for r in lab.ex.rrset(BIND, zone, "NS")} == {"ns1.bind.net."}
        breaks.mend(lab)
        t.done("half", "ADD-SIGNER", "knot")
        t.joined("half", ["bind", "knot"])
    t.judge(60)
