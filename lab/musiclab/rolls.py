"""Key roll-overs started by hand at one signer: a signer does them whenever it likes, also in the middle of a join.

BIND and Knot time the steps themselves; with PowerDNS we are the timer.

step        bind                                   knot                       pdns
start       new key published, the rest follows    the same                   new key published (ZSK, CSK: not active)
activate    -                                      -                          ZSK: the new one signs, the old one is published only
                                                                              CSK: both sign
ds-seen     KSK, CSK: parent has the new DS, not   KSK, CSK: submitted        -
            the old one
finish      -                                      -                          the old key goes
"""
import re

import dns.dnssec

from .paths import LabError
from .space import wait_until


def roll(lab, signer, zone, role, step="start"):
    zone = lab.zone_name(zone)
    lab.zone(zone)
    soft = lab.signer(signer)["software"]
    s = lab.server(signer)
    if role not in ("ksk", "zsk", "csk"):
        raise LabError("roll ksk, zsk or csk")
    own = lab.dnskeys(signer, zone)[1 if role == "zsk" else 0]
    tags = [dns.dnssec.key_id(k) for k in own]
    if soft == "bind":
        if step == "start":
            s.rndc("dnssec", "-rollover", "-key", str(tags[0]), zone)
        elif step == "ds-seen" and role != "zsk":
            new, old = _new_and_old(s, zone, own)
            s.rndc("dnssec", "-checkds", "-key", str(new), "published", zone)
            s.rndc("dnssec", "-checkds", "-key", str(old), "withdrawn", zone)
        else:
            raise LabError(f"BIND: no step {step} for a {role}")
    elif soft == "knot":
        if step == "start":
            s.knotc("zone-key-rollover", zone, "zsk" if role == "zsk" else "ksk")
        elif step == "ds-seen" and role != "zsk":
            s.knotc("zone-ksk-submitted", zone)
        else:
            raise LabError(f"Knot: no step {step} for a {role}")
    else:
        _pdns(lab, s, zone, role, step)


def roll_parent(lab, step="start"):
    """The parent rolls its only key (start); the root takes the new DS beside the old one (ds), then in its place (ds-seen)."""
    s = lab.server("parent")
    where = lab.state["parent"]["update"]["address"]
    keys = list(lab.ex.rrset(where, "lab.", "DNSKEY"))
    if step == "start":
        [key] = keys
        s.rndc("dnssec", "-rollover", "-key", str(dns.dnssec.key_id(key)), "lab.")
        return
    new, old = wait_until(lambda: _changing(s, "lab.", keys), 180, "the DS of lab. is to change")
    if step == "ds":
        lab.anchor_parent(keys)
        s.rndc("dnssec", "-checkds", "-key", str(new), "published", "lab.")
    elif step == "ds-seen":
        lab.anchor_parent([k for k in keys if dns.dnssec.key_id(k) == new])
        s.rndc("dnssec", "-checkds", "-key", str(old), "withdrawn", "lab.")
    else:
        raise LabError(f"parent: no step {step}")


def _changing(s, zone, keys):
    try:
        return _new_and_old(s, zone, keys)
    except LabError:
        return None


def _new_and_old(s, zone, keys):
    """Tags of BIND's two KSKs, by its own notes: CDS at a server may name those of others, and be made by others."""
    found = {}
    for k in keys:
        tag = dns.dnssec.key_id(k)
        with open(s.path("keys", f"K{zone}+{int(k.algorithm):03d}+{tag:05d}.state"), encoding="utf-8") as f:
            found.setdefault(re.search(r"^DSState: (\w+)", f.read(), re.M)[1], []).append(tag)
    new, old = found.get("rumoured", []), found.get("unretentive", [])
    if len(new) != 1 or len(old) != 1:
        raise LabError(f"{zone}: {found}: the roll-over is not at the point where the DS changes")
    return new[0], old[0]


def _pdns(lab, s, zone, role, step):
    bare = zone.rstrip(".")
    algorithm = {8: "rsasha256", 13: "ecdsa256", 14: "ecdsa384", 15: "ed25519"}[lab.state["zones"][zone]["algorithm"]]
    db = s.db()
    flags = 256 if role == "zsk" else 257
    rows = db.execute("SELECT k.id, k.active FROM cryptokeys k JOIN domains d ON d.id=k.domain_id WHERE d.name=? AND k.flags=? ORDER BY k.id",
                      (bare, flags)).fetchall()
    db.close()
    old, new = rows[0][0], rows[-1][0]
    if step == "start":
        if len(rows) != 1:
            raise LabError(f"{zone}: a roll-over of the {role} is under way")
        bits = ["2048"] if algorithm == "rsasha256" else []
        s.pdnsutil("add-zone-key", bare, "zsk" if role == "zsk" else "ksk", *bits, "active" if role == "ksk" else "inactive", "published", algorithm)
    elif len(rows) != 2:
        raise LabError(f"{zone}: no roll-over of the {role} is under way")
    elif step == "activate" and role != "ksk":
        s.pdnsutil("activate-zone-key", bare, str(new))
        if role == "zsk":
            s.pdnsutil("deactivate-zone-key", bare, str(old))
    elif step == "finish":
        s.pdnsutil("remove-zone-key", bare, str(old))
    else:
        raise LabError(f"PowerDNS: no step {step} for a {role}")
    s.pdnsutil("increase-serial", bare)     # key operations do not: secondaries and watchers would not notice
    s.call("pdns_control", "--config-dir=" + s.dir, "notify", bare, check=False)


def set_algorithms(lab, signer, zone, algorithms, manual=False):
    """Write what BIND's or Knot's policy says from its next reload on: algorithms, the new one last; manual: Knot does nothing by itself."""
    zone = lab.zone_name(zone)
    with lab.changing() as state:
        z = state["zones"][zone]
        z.setdefault("algorithms", {})[signer] = list(algorithms)
        others = [s for s in z.get("manual", []) if s != signer]
        z["manual"] = others + [signer] if manual else others
    lab.server(signer).write()


def wait_keys(lab, signer, zone, condition, timeout=180, what="keys"):
    """Until condition(ksks, zsks, foreign) holds at a signer."""
    return wait_until(lambda: condition(*lab.dnskeys(signer, zone)), timeout, f"{what} at {signer}")


def add_commands(add):
    from .cli import inside
    from .lab import Lab

    def run(a):
        lab = Lab.load(a.name)
        inside(lab)
        roll(lab, a.signer, a.zone, a.role, a.step)
    c = add("roll", run, "roll a key at one signer")
    c.add_argument("signer")
    c.add_argument("zone")
    c.add_argument("role", choices=["ksk", "zsk", "csk"])
    c.add_argument("step", nargs="?", default="start", choices=["start", "activate", "ds-seen", "finish"],
                   help="PowerDNS needs activate (ZSK, CSK) and finish; BIND and Knot need ds-seen for a KSK or CSK")
