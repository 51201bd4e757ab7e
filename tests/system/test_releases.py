"""Name servers of the other Debian release beside this machine's: a zone comes to each of them and stays secure.

On Debian 12 that is BIND 9.20, Knot DNS 3.4 and PowerDNS 4.9 of Debian 13; on Debian 13 those of Debian 12.  They are private
copies that bring their own C library along (lab/lab fetch --suite).
"""
import pytest

from conftest import fetch_other
from scene import Stage

VERSIONS = {"bookworm": ("9.18.", "3.2.", "4.7."), "trixie": ("9.20.", "3.4.", "4.9.")}
NEW = ["bind2", "knot2", "pdns2"]


@pytest.mark.long
def test_zones_move_to_servers_of_another_release(make_lab):
    """Each of three zones of BIND takes one new signer and lets BIND go; a fourth goes from Knot to all three and keeps them."""
    other = fetch_other()
    lab = make_lab(signers=["bind", "knot", *NEW], suites={s: other for s in NEW})
    for s, option, version in zip(NEW, (["named", "-v"], ["knotd", "-V"], ["pdns_server", "--version"]), VERSIONS[other]):
        r = lab.server(s).call(*option, check=False)
        assert version in r.stdout + r.stderr, (s, r.stdout, r.stderr)
    moves = {f"to-{s}": s for s in NEW}
    for z, s in moves.items():
        lab.add_zone(z, ["bind", s])
    lab.add_zone("all", ["knot", *NEW])
    with Stage(lab, [*moves, "all"]) as st:
        for z in moves:
            st.group(z, ["bind"], [z])
        st.group("all", ["knot"], ["all"])
        for z, s in moves.items():
            st.mc.cli("zone", "migrate", lab.zone_name(z), "--from", "bind", "--to", s)
        for s in NEW:
            st.mc.cli("signer", "join", s, "--group", "all")
            st.wait("all", f"{s} takes part", lambda z, s=s: not z["process"] and st.ended("all", "ADD-SIGNER", s), 240)
        st.settled(timeout=300)
        for z, s in moves.items():
            st.alone(z, s)
            st.unchanged(z)
        st.signed_by("all", ["knot", *NEW])
        st.unchanged("all")
    st.judge(100)
