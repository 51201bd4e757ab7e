"""What somebody has to do by hand: at a parent that follows nothing, at a signer that cannot be changed; musicd says what, sees it, and goes on."""
from musiclab import prober, scanner
from musiclab.space import wait_until
from scene import Stage

BOTH = ["bind", "knot"]


def enter(lab, lines):
    """What somebody does at the registrar: each line as it stands."""
    words = [line.split(None, 3) for line in lines]
    ttl = {"add": "3 ", "remove": ""}
    lab.update("parent", "lab.", [f"{ {'add': 'add', 'remove': 'delete'}[verb] } {name} {ttl[verb]}{kind} {rdata}"
                                  for verb, name, kind, rdata in words])


def by_hand(st, zone, kind, signer):
    """Until the process has ended; which records were entered, a set at a time."""
    entered = []

    def step():
        status = st.mc.status(zone)
        lines = status["manual"]
        assert lines or not status["manual_since"]
        if status["manual_since"] and (not entered or entered[-1] != lines):
            what = "DS" if lines[0].split()[2] == "DS" else "NS"
            st.wait(zone, "the list says it too", lambda z: (z["waiting"] or "").startswith("needs manual " + what))
            told = st.mc.cli("zone", "explain", st.lab.zone_name(zone)).stdout
            assert all(line in told for line in lines) and f"needs manual {what}: " in told
            enter(st.lab, lines)
            entered.append(lines)
        return st.ended(zone, kind, signer)
    wait_until(step, 300, f"{kind} {signer} by hand", interval=0.5)
    return entered


def test_parent_that_follows_nothing(lab):
    name = lab.zone_name("hand")
    lab.add_zones(["hand"], BOTH, ["bind"], ttl=3, inbailiwick=True)
    with Stage(lab, ["hand"], settings={"policy": {"parent-patience": "3s"}}) as st:
        scanner.stop(lab)
        lab.update("parent", "lab.", ["add hand._dsync.lab. 3 TYPE66 \\# 6 003b03000100"])    # it says that it scans
        st.group("hand", ["bind"], ["hand"])
        assert st.mc.status("hand")["manual"] == [] and st.mc.status("hand")["manual_since"] is None
        wait_until(lambda: st.mc.status("hand")["parent_announces"] == "CDS SCANNER", 90, "what the parent announces")
        assert "announces CDS SCANNER" in st.mc.cli("zone", "preflight", name, "--signer", "knot", check=False).stdout
        st.mc.cli("signer", "join", "knot", "--group", "hand")
        ds, ns = by_hand(st, "hand", "ADD-SIGNER", "knot")
        assert all(line.startswith(f"add {name} DS ") for line in ds)
        servers = lab.state["zones"][name]["ns"]["knot"]
        assert [line for line in ns if " NS " in line] == [f"add {name} NS {s['name']}" for s in servers]
        assert {f"add {s['name']} {'AAAA' if ':' in a else 'A'} {a}" for s in servers for a in s["addresses"]} <= set(ns)
        st.signed_by("hand", BOTH)
        st.mc.cli("signer", "leave", "bind", "--group", "hand")
        ns, ds = by_hand(st, "hand", "REMOVE-SIGNER", "bind")
        gone = lab.state["zones"][name]["ns"]["bind"]
        assert {f"remove {name} NS {s['name']}" for s in gone} == {line for line in ns if line.startswith(f"remove {name} NS ")}
        glue = {f"remove {s['name']} {'AAAA' if ':' in a else 'A'} {a}" for s in gone for a in s["addresses"]}
        assert glue == {line for line in ns if line.startswith("remove ") and " NS " not in line}, ns
        assert all(line.startswith(f"remove {name} DS ") for line in ds)
        st.signed_by("hand", ["knot"])
        assert st.history("hand").count("needs manual ") == 4, st.history("hand")
        may_stop = f"\nbind has left, and may be switched off for {name}\n"
        assert may_stop in st.mc.cli("zone", "status", name).stdout
        st.mc.cli("zone", "hold", name, "--reason", "so that nothing begins")
        assert may_stop in st.mc.cli("zone", "status", name).stdout
        st.mc.cli("signer", "join", "bind", "--group", "hand")          # it is wanted back
        status = st.mc.cli("zone", "status", name).stdout
        assert "process  ADD-SIGNER bind" in status and may_stop not in status, status
        r = prober.report(lab)
        assert (r["bogus"], r["insecure"], r["failed"], r["pair_violations"]) == (0, 0, 0, 0), prober.human(r)


def records(st, zone):
    """What the plan says is to be done by hand at knot, as it stands; the same as JSON and for people."""
    plan, shown = st.mc.json("zone", "plan", zone), st.mc.cli("zone", "plan", zone).stdout
    assert [at["signer"] for at in plan["by_hand"]] in ([], ["knot"]), plan
    lines = [(verb, r) for at in plan["by_hand"] for verb in ("add", "remove") for r in at[verb]]
    return lines if all(f"\nat knot {verb}: {r}\n" in shown for verb, r in lines) else []      # else it has changed in between


def test_signer_that_cannot_be_changed_from_here(make_lab):
    """--driver manual: musicd tells the records, somebody enters those there, and the join goes on to its end."""
    lab = make_lab(signers=BOTH)
    lab.add_zones(["typed"], BOTH, ["bind"], ttl=3)
    zone, knot, typed = lab.zone_name("typed"), lab.state["signers"]["knot"], set()
    with Stage(lab, ["typed"], signers=["bind"]) as st:
        words = [w for s in knot["servers"] for w in ("--ns", s["name"] + "=" + ",".join(s["addresses"]))]
        st.mc.cli("signer", "add", "knot", "--driver", "manual", "--update", knot["update"]["address"], "--key-file", knot["tsig"]["file"], *words)
        st.group("typed", ["bind"], ["typed"])
        st.mc.cli("signer", "join", "knot", "--group", "typed")

        def step():
            for verb, record in records(st, zone):
                owner, ttl, rclass, kind, rdata = record.split(None, 4)
                assert (owner, rclass, ttl.isdigit()) == (zone, "IN", True), record
                lab.update("knot", zone, [f"{ {'add': 'add', 'remove': 'delete'}[verb] } {owner} {ttl if verb == 'add' else ''} {kind} {rdata}"])
                typed.add((verb, kind))
            return st.ended("typed", "ADD-SIGNER", "knot")
        wait_until(step, 300, "knot joins by hand", interval=0.5)
        assert typed >= {("add", kind) for kind in ("DNSKEY", "CDS", "CDNSKEY", "NS", "CSYNC")}, typed
        assert st.mc.json("signer", "show", "knot")["changes"]["sent"] == 0
        st.signed_by("typed", BOTH)
    st.judge()
