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


def lose(st, zone, *words):
    return st.mc.cli("zone", "lost", st.lab.zone_name(zone), "--signer", "knot", "--reason", "burnt down", *words, check=False)


def warnings(st, zone):
    return st.mc.status(zone)["warnings"]


def test_a_signer_is_lost_for_good(lab, tmp_path):
    lab.add_zones(ZONES, ["bind", "knot"], ["bind"], ttl=3)
    with Stage(lab, ZONES) as st:
        st.group("customers", ["bind"], ZONES)
        st.mc.cli("signer", "join", "knot", "--group", "customers")
        st.settled()
        for z in ZONES:
            st.signed_by(z, ["bind", "knot"])
        for z in ZONES:                 # who answers is not lost
            refused = lose(st, z, "--yes")
            assert refused.returncode == 75 and "signer knot answers: ns1.knot.net. (" in refused.stderr, refused
            told = lose(st, z, "--force", "--dry-run").stdout
            assert "ns1.knot.net. (10.53.3.1) ANSWERS, as of " in told and "Its copy lists itself: ns1.knot.net." in told, told
            assert not warnings(st, z) and not any(s["lost"] for s in st.mc.status(z)["signers"])
        prober.stop(lab)                # what is dead answers nobody: that is no fault of the zone
        burn(lab, "knot")
        for z in ZONES:
            wait_until(lambda z=z: lose(st, z, "--dry-run").returncode == 0, 90, f"musicd has seen that knot is silent in {z}")
        r = Reader(lab, tmp_path)
        r.env.update(st.mc.env())
        r.tool("music-cli", program("music-cli"))
        lines = [line for kind, text in pieces("docs/runbooks/lost.md") if kind == "console" for line in text.splitlines()]
        assert len(lines) == 3, lines
        said = r.run(lines[0], "console")
        assert said.count('It is still in NS and DS, until it leaves: "signer leave knot --group customers"') == 2, said
        assert said.count("ns1.knot.net. (10.53.3.1) gives no answer with the zone, as of ") == 2 and "ANSWERS" not in said, said
        for z in ZONES:
            told = st.mc.cli("zone", "status", lab.zone_name(z)).stdout
            assert 'knot is lost and has yet to leave: "signer leave knot --group customers"' in told, told
            assert "\nWARN  knot is declared lost: resolvers that found the zone through it may fail as long as it answers" in told, told
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
            assert f"knot was lost, and must be silent for {lab.zone_name(z)}" in st.history(z)
            assert "WARN: resolvers that found the zone through knot" in st.history(z) and "switched off" not in st.history(z)
            st.signed_by(z, ["bind"])
            wait_until(lambda z=z: not warnings(st, z), 150, f"what led to knot is in no cache of {z} any more")
            wait_until(lambda z=z: "what led to knot, which was lost, is in no cache any more" in st.history(z), 90, f"{z}: the end is told")
        told = st.mc.cli("process", "list").stdout
        assert told.count("done: knot was lost, and must be silent for ") == 2, told
