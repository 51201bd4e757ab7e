"""A relay that owns a name server's public addresses and spoils what passes: delay, loss, truncation, wrong rcodes.

It forwards UDP and TCP to the same server behind it.  Its wishes are a JSON file that is read again when it changes:
{"delay": milliseconds each way, "loss": per cent each way, "truncate": bool, "no_tcp": bool, "no_updates": bool, "hold_updates": bool, "rcode": number or null}.
With hold_updates the answer to an UPDATE waits for as long as that is wished.
Beside it, in a file that ends in .updates, is a line for every UPDATE that came over TCP, passed on or not: seconds, zone.
"""
import asyncio
import json
import os
import random
import socket
import sys
import time


class Wishes:
    def __init__(self, path):
        self.path, self.stamp, self.now = path, None, {}

    def get(self, key):
        try:
            stamp = os.stat(self.path).st_mtime_ns
            if stamp != self.stamp:
                with open(self.path, encoding="utf-8") as f:
                    self.now, self.stamp = json.load(f), stamp
        except (OSError, ValueError):
            pass
        return self.now.get(key)

    def lost(self):
        return random.uniform(0, 100) < (self.get("loss") or 0)

    def delay(self):
        return (self.get("delay") or 0) / 1000


def question_end(wire):
    """Where the question section of a message with one question ends."""
    at = 12
    while wire[at]:
        at += wire[at] + 1
    return at + 5


def is_update(wire):
    """An UPDATE, or the answer to one."""
    return len(wire) >= 12 and wire[2] >> 3 & 15 == 5


def updated_zone(wire):
    """The zone that an UPDATE is about, or None."""
    if not is_update(wire):
        return None
    labels, at = [], 12
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]].decode("ascii", "replace"))
        at += wire[at] + 1
    return ".".join(labels) + "."


def spoil(wire, wishes, udp):
    rcode = wishes.get("rcode")
    try:
        if rcode is not None or (udp and wishes.get("truncate")):
            flags = bytes([wire[2] | (2 if rcode is None else 0), wire[3] if rcode is None else (wire[3] & 0xf0) | rcode])
            return wire[:2] + flags + b"\0\1\0\0\0\0\0\0" + wire[12:question_end(wire)]
    except IndexError:
        pass
    return wire


class Back(asyncio.DatagramProtocol):
    """All questions of one front on their way to the server and back: one socket, and a number for each."""

    def __init__(self, front):
        self.front, self.transport, self.last, self.asked = front, None, 0, {}

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, data, client):
        self.last = (self.last + 1) % 65536
        self.asked[self.last] = client, data[:2]
        self.transport.sendto(self.last.to_bytes(2, "big") + data[2:])

    def datagram_received(self, data, addr):
        client, number = self.asked.pop(int.from_bytes(data[:2], "big"), (None, None))
        w = self.front.wishes
        if client and not w.lost():
            asyncio.get_running_loop().call_later(w.delay(), self.front.transport.sendto, spoil(number + data[2:], w, True), client)


class Front(asyncio.DatagramProtocol):
    def __init__(self, wishes):
        self.wishes, self.transport, self.back = wishes, None, Back(self)

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if not self.wishes.lost():
            asyncio.get_running_loop().call_later(self.wishes.delay(), self.back.ask, data, addr)


async def pump(reader, writer, wishes, answers):
    """Copy DNS messages of one direction."""
    try:
        while True:
            size = await reader.readexactly(2)
            wire = await reader.readexactly(int.from_bytes(size, "big"))
            zone = None if answers else updated_zone(wire)
            if zone:
                with open(wishes.path.removesuffix(".json") + ".updates", "a", encoding="utf-8") as f:
                    f.write(f"{time.monotonic():.3f} {zone}\n")
                if wishes.get("no_updates"):
                    continue
            await asyncio.sleep(wishes.delay())
            if answers:
                while is_update(wire) and wishes.get("hold_updates"):
                    await asyncio.sleep(0.05)
                wire = spoil(wire, wishes, False)
            writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


def stream(backend, wishes):
    async def serve(reader, writer):
        if wishes.get("no_tcp") or wishes.lost():
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(backend, 53)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pump(reader, up_writer, wishes, False), pump(up_reader, writer, wishes, True))
    return serve


async def run(path, pairs):
    loop = asyncio.get_running_loop()
    wishes = Wishes(path)
    for public, backend in pairs:
        family = socket.AF_INET6 if ":" in public else socket.AF_INET
        front = Front(wishes)
        await loop.create_datagram_endpoint(lambda f=front: f.back, remote_addr=(backend, 53), family=family)
        await loop.create_datagram_endpoint(lambda f=front: f, local_addr=(public, 53), family=family)
        await asyncio.start_server(stream(backend, wishes), public, 53, family=family)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], [p.split("=") for p in sys.argv[2:]]))
