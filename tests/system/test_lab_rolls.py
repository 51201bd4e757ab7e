"""Roll-overs at one signer, started by hand: they end, and foreign keys survive them."""
import dns.dnssec
import pytest

from musiclab.keys import Key
from musiclab.rolls import roll, wait_keys
from musiclab.space import wait_until

pytestmark = pytest.mark.long


def tags(keys):
    return {dns.dnssec.key_id(k) for k in keys}


@pytest.mark.parametrize("denial", ["nsec", "nsec3"])
@pytest.mark.parametrize("signer", ["bind", "knot", "pdns"])
def test_zsk_roll(lab, signer, denial):
    zone = lab.add_zone(f"z-{signer}-{denial}", [signer], denial=denial, short_signatures=True)
    foreign = Key(256, 13)
    lab.update(signer, zone, [f"add {zone} 5 DNSKEY {foreign.rdata.to_text()}"])
    old = tags(lab.dnskeys(signer, zone)[1])
    roll(lab, signer, zone, "zsk")
    # the new key is there and signs nothing yet: by its signatures it cannot be told from a foreign one
    wait_keys(lab, signer, zone, lambda k, z, f: len(f) == 2, what="a new ZSK")
    if signer == "pdns":
        roll(lab, signer, zone, "zsk", "activate")
    wait_keys(lab, signer, zone, lambda k, z, f: z and not tags(z) & old, what="data signed by the new ZSK")
    if signer == "pdns":
        roll(lab, signer, zone, "zsk", "finish")
    wait_keys(lab, signer, zone, lambda k, z, f: tags(f) == {foreign.tag} and not tags(z) & old, 180, "the old ZSK is gone, the foreign one is not")
    lab.flush(zone)
    assert lab.resolve("r1." + zone, "A")[0] == "secure"


@pytest.mark.parametrize("signer", ["bind", "knot", "pdns"])
def test_ksk_roll(lab, signer):
    zone = lab.add_zone(f"k-{signer}", [signer])
    where = lab.state["signers"][signer]["update"]["address"]
    foreign, alien = Key(256, 13), Key(257, 13)
    cds_ttl = lab.ex.rrset(where, zone, "CDS").ttl
    lab.update(signer, zone, [f"add {zone} 5 DNSKEY {foreign.rdata.to_text()}", f"add {zone} {cds_ttl} CDS {alien.ds_text(zone)}"])
    old = tags(lab.dnskeys(signer, zone)[0])

    def cds():
        return {r.key_tag for r in lab.ex.rrset(where, zone, "CDS") or []} - {alien.tag}
    roll(lab, signer, zone, "ksk")
    wait_keys(lab, signer, zone, lambda k, z, f: len(k) == 2, what="two KSKs")
    wait_until(lambda: cds() - old, 120, "a CDS for the new KSK")
    both = lab.ds_lines(zone)
    lab.update("parent", "lab.", both)
    lab.wait_parent()
    new = tags(lab.dnskeys(signer, zone)[0]) - old
    gone = [line.replace("add", "delete", 1).split() for line in both if int(line.split()[4]) in old]
    lab.update("parent", "lab.", [" ".join(w[:2] + w[3:]) for w in gone])
    lab.wait_parent()
    roll(lab, signer, zone, "ksk", "finish" if signer == "pdns" else "ds-seen")
    wait_keys(lab, signer, zone, lambda k, z, f: tags(k) == new and tags(f) == {foreign.tag}, 180, "only the new KSK")
    wait_until(lambda: cds() == new, 120, "its CDS alone")
    assert alien.tag in {r.key_tag for r in lab.ex.rrset(where, zone, "CDS")}
    lab.flush(zone)
    assert lab.resolve("r1." + zone, "A")[0] == "secure"
