"""What goes to a signer: not faster than it may take, not lost when it does not answer, and nobody else waits for it."""
import json
import os
import re
import signal
import time

from musiclab import breaks
from musiclab.paths import LabError
from musiclab.space import wait_until
from trouble import Trouble

MANY = [f"r{i:02}" for i in range(50)]
RATE = 2


def changes(t, signer):
    return t.mc.json("signer", "show", signer)["changes"]


class Rate:
    """How many changes were sent, by musicd's own count: (before it was asked, after that, the count) each time somebody looked."""

    def __init__(self, t, signer):
        self.t, self.signer, self.seen = t, signer, []
        self.look()

    def look(self):
        before = time.monotonic()
        sent = changes(self.t, self.signer)["sent"]
        self.seen.append((before, time.monotonic(), sent))
        return sent

    def excess(self, rate):
        """What was sent between two looks beyond what may go in that time, with the one that may go at its beginning: the most of it."""
        return max(b[2] - a[2] - rate * (b[1] - a[0]) - 1 for i, a in enumerate(self.seen) for b in self.seen[i + 1:])


def tries(seconds):
    """How often a signer that is known to be silent can be tried in that time: after pauses of 1, 2, 4, 8, 16, 16 s, 2 s each."""
    count, at, pause = 0, 0, 1
    while at <= seconds:
        count, pause = count + 1, min(pause * 2, 16)
        at += 2 + pause
    return count


def all_through(t, seconds):
    """Until no process runs; who does not come through is named, with what it waits for."""
    def running():
        return [z for z in t.mc.json("zone", "list")["items"] if z["process"]]
    began = time.monotonic()
    try:
        wait_until(lambda: not running(), seconds, "no process runs", interval=2)
    except LabError as e:
        waits = [f"{z['name']} {z['process']} {z['row']}, looked at {z['checked_at']}: {z['waiting']}" for z in running()]
        raise AssertionError("\n".join([str(e), *waits, str(changes(t, "knot")), t.mc.log()[-3000:]])) from None
    print("all through in", round(time.monotonic() - began, 1), "s")


def whole_history(t, zone, follower):
    """Who followed the events all the time, over the kill, has each line of the zone's history once, in order."""
    def followed():
        with open(os.path.join(t.lab.dir, "log", "events.log"), encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.startswith("{") and line.endswith("\n")]
    t.mc.cli("zone", "hold", t.lab.zone_name(zone), "--reason", "the end")
    wait_until(lambda: followed()[-1]["text"].endswith("the end"), 120, "the end of the history")
    follower.stop()
    ids = [e["id"] for e in followed()]
    assert ids == sorted(set(ids))
    kept = sorted(e["id"] for e in t.mc.json("zone", "history", t.lab.zone_name(zone), "--limit", "1000")["items"])
    print(len(ids), "events followed,", len(kept), "of", zone)
    assert [e["id"] for e in followed() if e["zone"] == t.lab.zone_name(zone)] == kept


def test_fifty_zones_and_a_slow_signer(make_lab):
    lab = make_lab(signers=["bind", "knot", "knot2"])
    lab.add_zones(MANY, ["bind", "knot"])
    lab.add_zone("other", ["bind", "knot2"])
    settings = {"schedule": {"poll": "1s", "retry": "3s", "idle": "5s"}}
    with Trouble(lab, MANY + ["other"], settings=settings, rate=4) as t:
        breaks.relay(lab, "knot")
        follower = lab.space.daemon("events", t.mc.cli_argv("events", "--since", "0", "-o", "json"),
                                    env={**lab.tool_env(), **t.mc.env("read")})
        t.mc.cli("signer", "update", "knot", "--update-rate", str(RATE))
        t.group("other", ["bind"])
        t.mc.cli("signergroup", "add", "many", "--signer", "bind")
        for z in MANY:
            t.mc.add_zone(z, "many")
        wait_until(lambda: sum(t.mc.json("status")[k] for k in ("valid", "so_far")) == len(MANY) + 1, 240, "every zone is valid")
        rate = Rate(t, "knot")
        t.mc.cli("signer", "join", "knot", "--group", "many")
        wait_until(lambda: rate.look() >= 30 and changes(t, "knot")["waiting"] > 5, 240, "a queue before knot")
        print(rate.seen[-1][2], "UPDATEs in", round(rate.seen[-1][1] - rate.seen[0][0], 1), "s,", len(rate.seen), "looks")
        assert rate.excess(RATE) <= 0, rate.seen

        # it is muted in the middle of that: questions are answered, UPDATEs are not
        breaks.relay(lab, "knot", no_updates=True)
        wait_until(lambda: changes(t, "knot")["silent"] > 0 and changes(t, "knot")["paused_until"], 120, "musicd notices")
        then, since = changes(t, "knot")["sent"], time.monotonic()
        wait_until(lambda: len(breaks.updates(lab, "knot")) >= then, 120, "the relay has seen what was sent until then")
        t.join("other", "knot2")
        t.done("other", "ADD-SIGNER", "knot2")

        def told():
            waits = [z["waiting"] or "" for z in t.mc.json("zone", "list")["items"]]
            return sum("queue: knot does not answer changes; the next is tried at " in w for w in waits)
        wait_until(lambda: changes(t, "knot")["waiting"] >= 20 and told() >= 20, 120, "the others wait")
        after, muted, now = len(breaks.updates(lab, "knot")), time.monotonic() - since, changes(t, "knot")
        print("muted:", now, after - then, "tried in", round(muted, 1), "s")
        assert after - then <= tries(muted)
        assert now["paused_until"] and re.search("no answer", now["last_error"]), now
        listed = {s["name"]: s for s in json.loads(t.mc.cli("-o", "json", "signer", "list").stdout)["items"]}
        assert listed["knot"]["changes"]["paused_until"] and not listed["knot2"]["changes"]["paused_until"], listed

        # killed with a full queue: it sees for itself what is to be done
        t.mc.pid.send(signal.SIGKILL)
        t.mc.pid.wait_gone(60)
        t.mc.start(t.binary)
        breaks.relay(lab, "knot")
        t.mc.cli("signer", "update", "knot", "--update-rate", "0")
        all_through(t, 400)
        assert all(t.ended(z, "ADD-SIGNER", "knot") for z in MANY)
        assert not changes(t, "knot")["waiting"] and not changes(t, "knot")["paused_until"]
        for z in MANY[::10]:
            t.joined(z, ["bind", "knot"])
        whole_history(t, MANY[7], follower)
    t.judge(60, silent_ok=True)
