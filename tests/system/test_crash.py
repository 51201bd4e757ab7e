"""kill -9 of musicd at every state, at random instants, and a disk without room: it goes on, and nothing happens twice with harm."""
import fcntl
import os
import random
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import time

import pytest

from musiclab import breaks
from musiclab.controller import program
from musiclab.space import wait_until
from trouble import SHORT, Trouble, well

ADD = ["begins", "dnskeys-synced", "cds-added", "parent-ds-synced", "ds-propagated", "nses-synced", "csync-added", "parent-ns-synced", "stop"]
REMOVE = ["begins", "nses-synced", "csync-added", "parent-ns-synced", "csync-removed", "ns-propagated", "data-expired", "cds-added",
          "dnskeys-synced", "parent-ds-synced"]


def crash(t):
    """kill -9, and start again from what is on disk."""
    t.mc.pid.send(signal.SIGKILL)
    t.mc.pid.wait_gone(10)
    t.mc.start(t.binary)


def over(t, zone):
    return t.ended(zone, "REMOVE-SIGNER", "bind")


ROW = re.compile(r"notice: (\S+): (ADD|REMOVE)-SIGNER \S+?(?:: (\S+)| (begins))$")


def migrate(t, zones, victims, timeout):
    """Migrates all zones, and kills musicd the moment it says that a zone has come to one of its victims, {zone: ["ADD row", ...]}.

    It says so when the row is in the database, and what the row asks for is about to be sent.  Returns what was hit.
    """
    hit, left = [], {t.lab.zone_name(z): set(v) for z, v in victims.items()}
    with open(os.path.join(t.lab.dir, "log", "musicd.log"), encoding="utf-8", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        for z in zones:
            t.mc.cli("zone", "migrate", t.lab.zone_name(z), "--from", "bind", "--to", "knot")
        end, look, part = time.monotonic() + timeout, 0.0, ""
        while True:
            part += log.read()
            lines, part = part.split("\n")[:-1], part.rpartition("\n")[2]
            for m in filter(None, map(ROW.search, lines)):
                where = f"{m[2]} {m[3] or m[4]}"
                if where in left.get(m[1], ()):
                    left[m[1]].discard(where)
                    hit.append((m[1], where))
                    crash(t)
            if time.monotonic() > look:
                if all(over(t, z) for z in zones):
                    return hit
                look = time.monotonic() + 1
            assert time.monotonic() < end, "\n".join(t.reasons(z) for z in zones if not over(t, z)) + t.mc.log()[-3000:]
            time.sleep(0.005)                       # nobody tells us that a file has grown


def judged(t, zones):
    for z in zones:
        t.joined(z, ["knot"])
        done = [(p["kind"], p["signer"], p["outcome"]) for p in t.processes(z)]
        assert done == [("ADD-SIGNER", "knot", "done"), ("REMOVE-SIGNER", "bind", "done")], done     # each one once
        ksk, zsk, foreign = t.lab.dnskeys("knot", t.lab.zone_name(z))
        assert len(ksk) == 1 and len(zsk) == 1 and not foreign, z


def test_killed_in_three_states(make_lab):
    """With the keys on their way, with the name servers on their way, and when the leaver's keys go."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("killed", ["bind", "knot"])
    with Trouble(lab, ["killed"]) as t:
        t.group("killed", ["bind"])
        hit = migrate(t, ["killed"], {"killed": ["ADD dnskeys-synced", "ADD nses-synced", "REMOVE cds-added"]}, 300)
        assert len(hit) == 3, hit
        judged(t, ["killed"])
    t.judge(60)


def has_begun(t):
    """Has musicd a transaction open, of which nothing is on disk?  The kernel knows: the byte of the -shm file that SQLite locks then."""
    try:
        with open(t.mc.store + "-shm", "rb") as f:
            lock = fcntl.fcntl(f, fcntl.F_GETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 120, 1, 0))
    except FileNotFoundError:
        return False                                    # it has only just started
    return struct.unpack("hhqqi", lock)[0] != fcntl.F_UNLCK


def next_transaction(t, timeout):
    """Until the one that is open has ended, and another has begun: most are open for a millisecond, under load for up to a hundred."""
    end = time.monotonic() + timeout
    for begun in (False, True):
        while has_begun(t) != begun:
            assert time.monotonic() < end, "no transaction"
            time.sleep(0.0002)                          # nobody tells us that a lock was taken


def test_killed_around_the_commit(make_lab):
    """With changes that are stored and still to be sent; and with a transaction open, in which all that was decided is lost."""
    lab = make_lab(signers=["bind", "knot"])
    zones, rnd = ["commit1", "commit2", "commit3"], random.Random(11)
    for z in zones:
        lab.add_zone(z, ["bind", "knot"])
    with Trouble(lab, zones) as t:
        def queued():
            return max(t.mc.json("signer", "show", s)["changes"]["waiting"] for s in ("bind", "knot"))
        for s in ("bind", "knot"):
            t.mc.cli("signer", "update", s, "--update-rate", "1")
        for z in zones:
            t.group(z, ["bind"])
        for z in zones:
            t.mc.cli("zone", "migrate", lab.zone_name(z), "--from", "bind", "--to", "knot")
        for _ in range(3):
            wait_until(lambda: queued() >= 2, 60, "changes are stored, and wait for the second that is theirs")
            crash(t)
        for _ in range(8):
            for _ in range(rnd.randrange(1, 9)):        # the first after a start is always the same
                next_transaction(t, 60)
            crash(t)
        for z in zones:
            t.done(z, "REMOVE-SIGNER", "bind")
        judged(t, zones)
        assert restores(t) == (0, 0), "the file beside the database is never ahead of it"
    t.judge(60)


def copy_db(source, target):
    a, b = sqlite3.connect(source), sqlite3.connect(target)
    a.backup(b)
    a.close()
    b.close()


def restore(t, backup, how):
    """As the guide says: musicd stands still, the log of the old database goes, the backup takes its place."""
    t.mc.pid.send(signal.SIGKILL)
    t.mc.pid.wait_gone(10)
    if how == "sqlite3":
        copy_db(backup, t.mc.store)                     # what .restore does
    else:
        for end in ("-wal", "-shm"):
            os.unlink(t.mc.store + end)
        subprocess.run([*how.split(), backup, t.mc.store], check=True)
    t.mc.start(t.binary)


def restores(t):
    """How often the database tells of a restored backup in its history; and the log since ever."""
    db = sqlite3.connect(f"file:{t.mc.store}?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM event WHERE kind = 'restored'").fetchone()[0], t.mc.log().count("is a restored backup")
    finally:
        db.close()


def test_backup_restored_in_a_wait(make_lab):
    """A backup younger than policy.gap, made at DS-Wait; then the parent's DS went and came back: the wait that the backup knows of is
    over, that of the world is not.  It is found out however the backup is put back, and not once more at the start after that."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("rest", ["bind", "knot"])
    backup = os.path.join(lab.dir, "backup.db")

    def waits_for_ds(t):
        wait_until(lambda: "DS-Wait" in (t.row("rest").get("waiting") or ""), 120, "DS-Wait", interval=0.1)
    with Trouble(lab, ["rest"]) as t:
        t.group("rest", ["bind"])
        t.join("rest", "knot")
        waits_for_ds(t)
        copy_db(t.mc.store, backup)
        t.mc.cli("zone", "abort", lab.zone_name("rest"), "--yes")
        t.leave("rest", "knot")
        t.done("rest", "REMOVE-SIGNER", "knot")
        t.join("rest", "knot")
        waits_for_ds(t)
        assert restores(t) == (0, 0) and t.mc.json("status")["restored_at"] is None
        for n, how in enumerate(["sqlite3", "install -m 0600", "cp"], 1):
            restore(t, backup, how)
            assert restores(t) == (1, n), how
            assert t.mc.json("status")["restored_at"], how
        crash(t)
        assert restores(t) == (1, 3) and t.mc.json("status")["restored_at"]
        t.done("rest", "ADD-SIGNER", "knot")
    t.judge(30)


@pytest.mark.long
def test_killed_in_every_state(make_lab):
    """Two zones; every row of both processes is a victim in one of them, and every other one in both."""
    lab = make_lab(signers=["bind", "knot"])
    zones = ["state1", "state2"]
    for z in zones:
        lab.add_zone(z, ["bind", "knot"])
    every = ["ADD " + r for r in ADD] + ["REMOVE " + r for r in REMOVE]
    with Trouble(lab, zones) as t:
        for z in zones:
            t.group(z, ["bind"])
        hit = migrate(t, zones, {"state1": every, "state2": every[::2]}, 600)
        print(len(hit), "kills; not met:", sorted(set(every) - {w for _, w in hit}))
        assert len({w for _, w in hit}) >= len(every) - 6, hit     # a row whose wait is over already is passed within a turn
        judged(t, zones)
    t.judge(100)


@pytest.mark.long
def test_killed_at_random(make_lab):
    lab = make_lab(signers=["bind", "knot"])
    zones = ["rnd1", "rnd2", "rnd3"]
    for z in zones:
        lab.add_zone(z, ["bind", "knot"])
    rnd = random.Random(7)
    with Trouble(lab, zones) as t:
        for z in zones:
            t.group(z, ["bind"])
        for z in zones:
            t.mc.cli("zone", "migrate", lab.zone_name(z), "--from", "bind", "--to", "knot")
        kills, end = 0, time.monotonic() + 600
        while not all(over(t, z) for z in zones):
            assert time.monotonic() < end, "\n".join(t.reasons(z) for z in zones) + t.mc.log()[-3000:]
            if kills < 15:
                time.sleep(rnd.uniform(0.1, 3.0))   # the instant is what is tried
                crash(t)
                kills += 1
        print(kills, "kills")
        judged(t, zones)
    t.judge(100)


def room(t, size):
    """How large files of musicd may be from now on; None: as large as they like."""
    limit = resource.RLIM_INFINITY if size is None else size
    resource.prlimit(t.mc.pid.pid(), resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def on_disk(t, zone):
    """The row of the zone as another process reads it."""
    db = sqlite3.connect(f"file:{t.mc.store}?mode=ro", uri=True)
    try:
        return db.execute("SELECT row FROM zone WHERE name=?", (zone,)).fetchone()[0]
    finally:
        db.close()


def test_no_room_for_the_database(make_lab):
    """What cannot be stored is not sent; musicd stays there, says so, and goes on when there is room."""
    lab = make_lab(signers=["bind", "knot"])
    lab.add_zone("full", ["bind", "knot"])
    behind_cat = os.path.join(lab.dir, "musicd.sh")         # the log is no file of musicd's then, and meets no limit
    with open(os.open(behind_cat, os.O_WRONLY | os.O_CREAT, 0o755), "w", encoding="utf-8") as f:
        f.write(f'#!/bin/bash\nexec {program("musicd")} "$@" > >(exec cat) 2>&1\n')
    with Trouble(lab, ["full"], settings={**SHORT, "log": {"repeat": "20s"}}, binary=behind_cat) as t:
        t.group("full", ["bind"])
        before = {r.to_text() for s in ("bind", "knot") for r in lab.ex.rrset(lab.state["signers"][s]["update"]["address"], "full.lab.", "NS")}
        breaks.freeze(lab, "parent")
        t.join("full", "knot")
        t.at_row("full", "parent-ds-synced")
        wait_until(lambda: on_disk(t, "full.lab.") == "parent-ds-synced", 10, "what the interface shows is committed")
        told = len(t.mc.log())
        room(t, 4096)
        breaks.mend(lab)                                    # there is something to do now
        wait_until(lambda: len([1 for k, _ in t.parent("full.lab.") if k == 43]) == 2, 60, "the parent follows")
        r = t.mc.cli("zone", "hold", "full.lab.", check=False)
        assert r.returncode != 0 and re.search(r"(?i)database|disk|full|i/o|musicd\.db", r.stderr), r
        sent = t.mc.json("status")["updates_sent"]
        for _ in range(2):
            rounds = t.mc.json("status")["rounds"]
            wait_until(lambda n=rounds: t.mc.json("status")["rounds"] > n + 3, 60, "it keeps looking")
        now = t.mc.json("status")
        assert now["updates_sent"] == sent, "sent without having stored it"
        assert now["store_failing_since"] and re.search(r"(?i)disk|full|i/o", now["store_error"]), now
        # Whom a newcomer asks names the disk, and nobody else.
        words = t.mc.cli("doctor", check=False)
        assert words.returncode == 1 and re.search(r"database +FAIL +nothing can be stored.*(?i:disk|full|i/o)", words.stdout), words
        for view in ("status", "explain", "plan"):
            first = t.mc.json("zone", view, "full.lab.")["waits"][0]
            assert first["rule"] == "database" and re.search(r"(?i)disk|full|i/o", first["text"]) and "make room" in first["hint"], first
        words = t.mc.cli("zone", "explain", "full.lab.").stdout
        assert "it is asked in the next round" not in words, words
        assert t.mc.pid.pid(), "musicd is there"
        assert re.search(r"error: .*(database|musicd\.db)", t.mc.log()), t.mc.log()[-3000:]
        names = {r.to_text() for s in ("bind", "knot") for r in lab.ex.rrset(lab.state["signers"][s]["update"]["address"], "full.lab.", "NS")}
        assert t.row("full")["row"] == "parent-ds-synced" and names == before, names
        wait_until(lambda: re.search(r"error: .*nothing is sent.* \(repeated \d+ times\)", t.mc.log()), 60, "equal lines are told once")
        # What is waited for now is news at each look, and goes back with the transaction each time.
        assert "DS-Wait" not in t.mc.log()[told:], t.mc.log()[told:][-3000:]
        room(t, None)
        t.done("full", "ADD-SIGNER", "knot")
        assert "DS-Wait" in t.mc.log()[told:]
        now = t.mc.json("status")
        assert now["store_failing_since"] is None and now["store_error"] == "", now
        assert "the database takes changes again" in t.mc.log()
        t.joined("full", ["bind", "knot"])
        crash(t)                                            # and the file is whole
        assert t.row("full")["name"] == "full.lab."
    t.judge(30)
    well(t.mc)
