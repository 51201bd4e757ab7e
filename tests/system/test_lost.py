"""A signer that will never answer again: what the runbook says is typed, and the zones go on without it."""
from documents import pieces
from musiclab import breaks, prober
from musiclab.controller import program
from musiclab.space import wait_until
from scene import Stage
from test_by_hand import enter
from test_docs import Reader

ZONES = ["one", "two"]


def burn(lab, signer):
    for name in lab.state["servers"]:
        if name == signer or name.startswith(signer + "-"):
            breaks.kill(lab, name)


def test_a_signer_is_lost_for_good(lab, tmp_path):
    lab.add_zones(ZONES, ["bind", "knot"], ["bind"], ttl=3)
    with Stage(lab, ZONES) as st:
        st.group("customers", ["bind"], ZONES)
        st.mc.cli("signer", "join", "knot", "--group", "customers")
        st.settled()
        for z in ZONES:
            st.signed_by(z, ["bind", "knot"])
        prober.stop(lab)                # what is dead answers nobody: that is no fault of the zone
        burn(lab, "knot")
        r = Reader(lab, tmp_path)
        r.env.update(st.mc.env())
        r.tool("music-cli", program("music-cli"))
        lines = [line for kind, text in pieces("docs/runbooks/lost.md") if kind == "console" for line in text.splitlines()]
        assert len(lines) == 3, lines
        said = r.run(lines[0], "console")
        assert said.count('knot is still in NS and DS, until it leaves: "signer leave knot --group GROUP"') == 2, said
        for z in ZONES:
            told = st.mc.cli("zone", "status", lab.zone_name(z)).stdout
            assert 'knot is lost and has yet to leave: "signer leave knot --group customers"' in told, told
            assert not st.state(z)["process"]
        for line in lines[1:]:
            said = r.run(line, "console")
        assert said.count("REMOVE-SIGNER knot") == 2, said
        for z in ZONES:                 # the scanner follows nothing that a dead server does not confirm
            name = lab.zone_name(z)
            manual = wait_until(lambda z=z: st.mc.status(z)["manual"], 150, f"what the parent of {name} is to be given")
            assert manual == [f"remove {name} NS ns1.knot.net."], manual
            enter(lab, manual)
        st.settled()
        for z in ZONES:
            assert st.ended(z, "REMOVE-SIGNER", "knot")
            assert f"knot may be switched off for {lab.zone_name(z)}" in st.history(z)
            st.signed_by(z, ["bind"])
        told = st.mc.cli("process", "list").stdout
        assert told.count("done: knot may be switched off for ") == 2, told
