#!/usr/bin/python3
"""A whole ADD-SIGNER for many zones of one group on BIND and Knot: zones per second, and CPU of musicd against the signers'.

BENCH_ZONES (5000) zones are signed by BIND; Knot joins the group; music-scanner follows at the parent.  CPU seconds are user and
system time of the processes from the moment of the join until the last zone is done.
"""
import os
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
from musiclab import scanner  # noqa: E402
from musiclab.controller import Controller  # noqa: E402
from musiclab.fetch import fetch  # noqa: E402
from musiclab.lab import Lab  # noqa: E402
from musiclab.space import PidFile, wait_until  # noqa: E402

ZONES = int(os.environ.get("BENCH_ZONES", "5000"))
SETTINGS = {
    "policy": {"margin": "5s", "parent-ttl-floor": "10s", "fresh": "10m", "gap": "2h"},
    "schedule": {"idle": "30m", "poll": "5s", "recheck": "60s", "retry": "60s", "copy": "1h", "active": "256"},
    # The one interface of a laboratory has the addresses of all its machines; from which to send is said, or the kernel
    # compares dozens for each question.
    "dns": {"udp-timeout": "3s", "tcp-timeout": "20s", "server-rate": "0", "source-v4": "10.53.9.1", "source-v6": "fd53:9::1"},
    "log": {"level": "warning"},
}


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pid_of(lab, name):
    return PidFile(os.path.join(lab.dir, "pids", name)).pid()


def prepare(lab, count):
    """A laboratory with that many zones at BIND and Knot, in the hands of BIND alone, and musicd, which has looked at each."""
    lab.up(signers=["bind", "knot"], notify=None)
    names = [f"z{i:05d}" for i in range(count)]
    lab.add_zones(names, signers=["bind", "knot"], active=["bind"])
    mc = Controller(lab, settings=SETTINGS).start()
    scanner.start(lab, ["*"], interval="5s")
    mc.add_signer("bind")
    mc.add_signer("knot")
    mc.cli("signergroup", "add", "all", "--signer", "bind")
    listing = os.path.join(mc.dir, "zones")
    with open(listing, "w", encoding="utf-8") as f:
        f.writelines(lab.zone_name(n) + "\n" for n in names)
    mc.cli("zone", "add", "--group", "all", "--file", listing, timeout=300)
    wait_until(lambda: mc.json("status")["unknown"] == 0, 900, "all zones have been looked at", interval=1)
    return mc


def join(mc, count, limit=3600):
    """Knot joins all, with one command; returns when each that can join has done so."""
    def done():
        # the database first: a client with a new TLS session each second would be a tenth of the cost
        return finished(mc) + len(clashing(mc)) == count and mc.json("status")["busy"] == len(clashing(mc))
    mc.cli("signer", "join", "knot", "--group", "all")
    wait_until(done, limit, "all zones have joined", interval=1)


def run(lab):
    print(f"# loading {ZONES} zones at bind and knot, and a first look at each", flush=True)
    mc = prepare(lab, ZONES)
    pids = {"musicd": mc.pid.pid(), "bind": pid_of(lab, "bind"), "knot": pid_of(lab, "knot"), "scanner": pid_of(lab, "music-scanner")}
    before = {k: cpu_s(p) for k, p in pids.items()}
    began = time.monotonic()
    print("# joining", flush=True)
    join(mc, ZONES)
    took = time.monotonic() - began
    spent = {k: cpu_s(p) - before[k] for k, p in pids.items()}
    status = mc.json("status")
    print("# " + ", ".join(f"{k} {status[k] / ZONES:.1f}" for k in ("rounds", "questions", "updates_sent", "transfers", "sigs_verified", "sigs_cached")
                          if k in status) + " per zone, all told")
    signers = spent["bind"] + spent["knot"]
    print(f"# {ZONES} zones in {took:.0f} s: {ZONES / took:.1f} zones/s; CPU s: " + ", ".join(f"{k} {v:.1f}" for k, v in spent.items()))
    if clashing(mc):
        print(f"# {len(clashing(mc))} of them cannot join (two keys of one tag, as must be expected of so many): {' '.join(clashing(mc))}")
    ratio = spent["musicd"] / signers
    print(f"bench add-signer-{ZONES} ours={spent['musicd']:.1f}s peer=signers-cpu theirs={signers:.1f}s ratio={ratio:.3f} goal=<=0.25 "
          + ("pass" if ratio <= 0.25 else "short"))


def query(mc, sql):
    db = sqlite3.connect(f"file:{mc.store}?mode=ro", uri=True)
    try:
        return [row[0] for row in db.execute(sql)]
    finally:
        db.close()


def finished(mc):
    return query(mc, "SELECT count(*) FROM process WHERE outcome='done'")[0]


def clashing(mc):
    return query(mc, "SELECT name FROM zone WHERE waiting LIKE 'V11:%'")


def main():
    fetch()
    lab = Lab(f"bench-{os.getpid()}")
    try:
        run(lab)
    finally:
        lab.down(keep=bool(os.environ.get("BENCH_KEEP")))


if __name__ == "__main__":
    main()
