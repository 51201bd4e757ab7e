"""A provider that serves and does not sign: real NSD, pointed to one signer and then to the other."""
import re

from musiclab.space import wait_until
from scene import Stage


def add_signers(st):
    """NSD is in the laboratory bind's second server: here it is a provider of its own."""
    s = st.lab.state["signers"]["bind"]
    own, second = ((n["name"], ",".join(n["addresses"])) for n in s["servers"])
    st.mc.cli("signer", "add", "bind", "--driver", "ddns", "--update", s["update"]["address"], "--key-file", s["tsig"]["file"], "--ns", "=".join(own))
    st.mc.cli("signer", "add", "nsd", "--driver", "secondary", "--max-ttl", "15", "--ns", "=".join(second))


def point(lab, signer):
    """NSD transfers from this signer from now on."""
    s = lab.state["signers"][signer]
    with lab.changing() as state:
        state["servers"]["bind-nsd"].update(primary=s["update"]["address"], tsig=[s["tsig"]["file"]])
        state["servers"][signer]["notify"].append([state["servers"]["bind-nsd"]["listen"][0], 53])
    lab.server(signer).reload()
    nsd = lab.server("bind-nsd")
    nsd.reload()
    for zone in lab.state["zones"]:
        nsd.nsd_control("force_transfer", zone)


def delegated(lab, zone):
    return {r.target.to_text() for r in lab.ask("10.53.1.1", zone, "NS").authority[0]}


def test_joins_and_is_pointed_to_another_and_leaves(make_lab):
    lab = make_lab(signers=["bind", "knot"], secondaries=["bind"])
    zone = lab.add_zone("served", ["bind", "knot"], ["bind"], ttl=3)
    lab.update("parent", "lab.", [f"delete {zone} NS ns2.bind.net."])
    lab.update("bind", zone, [f"delete {zone} NS ns2.bind.net."])
    lab.wait_parent()
    wait_until(lambda: delegated(lab, zone) == {"ns1.bind.net."}, 30, "the delegation without the secondary")
    with Stage(lab, ["served"], signers=["knot"]) as st:
        add_signers(st)
        st.group("g", ["bind"], ["served"])
        fit = st.mc.cli("signer", "join", "nsd", "--group", "g", "--dry-run").stdout
        assert "fail" not in fit and "unknown" not in fit, fit

        st.mc.cli("signer", "join", "nsd", "--group", "g")
        st.settled()
        assert delegated(lab, zone) == {"ns1.bind.net.", "ns2.bind.net."}
        assert re.search(r"^nsd +yes +none none yes +- +2 +2 no$", st.mc.cli("zone", "status", zone).stdout, re.M), st.mc.cli("zone", "status", zone).stdout
        shown = st.mc.cli("signer", "show", "nsd").stdout
        assert "unknown" not in shown and len(re.findall(r"^may change \w+ +no$", shown, re.M)) == 5, shown
        st.mc.cli("zone", "watch", zone, "--timeout", "90s")  # nothing is left to come: it ends by itself
        refused = st.mc.cli("signer", "leave", "bind", "--group", "g", check=False)
        assert refused.returncode and "is the last of group g" in refused.stderr, refused

        st.mc.cli("signer", "join", "knot", "--group", "g")
        st.settled()
        assert delegated(lab, zone) == {"ns1.bind.net.", "ns2.bind.net.", "ns1.knot.net."}
        st.mc.cli("signer", "leave", "bind", "--group", "g")
        st.wait("served", "the leaver's copy at the secondary", lambda z: "(nsd) still serves the copy of bind" in z.get("waiting", ""))
        assert not st.ended("served", "REMOVE-SIGNER", "bind")
        said = st.mc.cli("zone", "explain", zone).stdout
        assert "point that provider to a signer that stays" in said and "by its own means" not in said, said
        point(lab, "knot")
        st.settled()
        assert delegated(lab, zone) == {"ns2.bind.net.", "ns1.knot.net."}

        st.mc.cli("signer", "leave", "nsd", "--group", "g")
        st.settled()
        assert delegated(lab, zone) == {"ns1.knot.net."}
        assert [(p["kind"], p["signer"], p["outcome"].split(":")[0]) for p in st.processes("served")] == [
            ("ADD-SIGNER", "nsd", "done"), ("ADD-SIGNER", "knot", "done"), ("REMOVE-SIGNER", "bind", "done"), ("REMOVE-SIGNER", "nsd", "done")]
        st.alone("served", "knot")
    st.judge()
