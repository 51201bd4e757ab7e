"""A signer is no single point of failure: while it is stopped its zones are resolved and changed, and it comes back."""
import pytest

from musiclab import breaks, prober
from musiclab.space import wait_until
from trouble import Trouble


def shown(lab, name, text):
    """The validators that have this text there, and find it secure."""
    out = set()
    for i, v in enumerate(lab.state["validators"]):
        status, m = lab.resolve(name, "TXT", validator=i)[:2]
        if status == "secure" and any(r.to_text() == f'"{text}"' for rr in m.answer if rr.rdtype == 16 for r in rr):
            out.add(v["name"])
    return out


def answered(lab):
    """Answers of the prober so far, and those of them that were not as they should be."""
    r = prober.report(lab)
    return r["answers"], r["bogus"] + r["insecure"] + r["failed"] + r["pair_violations"]


@pytest.mark.parametrize("stopped,other", [("bind", "knot"), pytest.param("knot", "bind", marks=pytest.mark.long)])
def test_one_of_two_signers_is_stopped(make_lab, stopped, other):
    """Every answer is secure all the time, also of validators that know nothing yet; what is changed at the other is seen by both."""
    lab = make_lab(signers=["bind", "knot"])
    for v in lab.state["validators"]:           # as resolvers do; a judge of this laboratory forgets it after a second
        breaks.flag(lab, v["name"], "remembers_silence")
    zone = lab.add_zone("stopped", ["bind", "knot"])
    lab.exchange_keys("stopped")
    both = {v["name"] for v in lab.state["validators"]}
    at = lab.state["signers"][stopped]["servers"][0]["addresses"][0].replace(".", r"\.")
    with Trouble(lab, ["stopped"]) as t:
        t.group("stopped", ["bind", "knot"])
        before = t.parent(zone)
        breaks.stop(lab, stopped)
        t.says("stopped", rf"rule=V6 .*signer={stopped} .*server={at}")
        lab.update(other, zone, [f"add new.{zone} 5 TXT there"])
        wait_until(lambda: shown(lab, "new." + zone, "there") == both, 90, "the change is seen by the validators")
        enough = answered(lab)[0] + 100
        wait_until(lambda: answered(lab)[0] >= enough, 300, "a hundred answers more")
        assert answered(lab)[1] == 0, prober.human(prober.report(lab))
        for i in range(20):                     # of names that are in no cache, and by empty caches
            if i % 5 == 0:
                lab.flush(zone)
            assert lab.resolve(f"x{i}.w.{zone}", "A", validator=i % 2)[0] == "secure"
        assert t.parent(zone) == before and t.row("stopped")["process"] in (None, "")

        breaks.mend(lab)
        lab.update(stopped, zone, [f"add new.{zone} 5 TXT there"])      # as the owner does it at each of them
        wait_until(lambda: t.row("stopped")["state"].startswith("VALID") and not t.explain("stopped")["findings"], 200, "all is well again",
                   interval=0.5)
        lab.flush(zone)
        assert shown(lab, "new." + zone, "there") == both
        t.leave("stopped", other)               # and the one that came back can have the zone alone
        t.done("stopped", "REMOVE-SIGNER", other)
        t.joined("stopped", [stopped])
    t.judge(150)
