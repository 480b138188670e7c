#!/usr/bin/env python3
"""The wire in the middle: a UDP forwarder that loses, repeats, alters and holds back datagrams, and moves its own addresses.

    wire.py SEED PORT  A-SIDE-ADDRESSES  A-ADDRESS  B-SIDE-ADDRESSES  B-ADDRESS

Each box calls the first of its side's addresses and takes the wire for the other box. Lines of JSON on standard input say
how to behave ({"phase": "lossy"}) and when to move ({"move": "a"}: what goes to a leaves from another address and port).
A line of counts goes to standard output every second; "from" is what the boxes sent, datagrams and bytes. Ends with its
standard input.
"""
import heapq
import json
import random
import selectors
import socket
import struct
import sys
import time

UDP_SEGMENT, UDP_GRO = 103, 104
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
BUFFER_BYTES = 8 << 20
# Sockets that a side keeps besides its first, so that what is under way to an old one still arrives.
OLD_SOCKETS = 4

# Shares of datagrams: lost, repeated, altered, held back. What is held back waits 1 to 20 ms; one in ten of the repeated
# comes up to 12 seconds later, when the keys have changed.
PHASES = {
    "clean": (0, 0, 0, 0),
    "lossy": (0.01, 0, 0, 0),
    "reordering": (0, 0, 0, 0.05),
    "repeating": (0, 0.02, 0.001, 0),
    "all": (0.01, 0.01, 0.001, 0.05),
}
LONGEST_HOLD, LONGEST_REPEAT = 0.020, 12.0


class Side:
    """The end of the wire that faces one box."""

    def __init__(self, selector, addresses, port, box):
        self.selector, self.addresses, self.port = selector, addresses, port
        self.box = (box, port)
        self.other = None
        # What the box sent: datagrams, bytes.
        self.taken = [0, 0]
        self.sockets = []
        self.out = self._open(addresses[0], port)

    def _open(self, address, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        sock.bind((address, port))
        self.selector.register(sock, selectors.EVENT_READ, self)
        self.sockets.append(sock)
        return sock

    def move(self, rng):
        self.out = self._open(rng.choice(self.addresses), 0)
        if len(self.sockets) > 1 + OLD_SOCKETS:
            old = self.sockets.pop(1)
            self.selector.unregister(old)
            old.close()


class Wire:
    def __init__(self, seed, port, a_addresses, a_box, b_addresses, b_box):
        self.rng = random.Random(f"{seed}/wire")
        self.selector = selectors.DefaultSelector()
        self.sides = {"a": Side(self.selector, a_addresses, port, a_box),
                      "b": Side(self.selector, b_addresses, port, b_box)}
        self.sides["a"].other, self.sides["b"].other = self.sides["b"], self.sides["a"]
        self.shares = PHASES["clean"]
        self.held = []
        self.number = 0
        self.counts = dict.fromkeys(
            ["forwarded", "lost", "repeated", "altered", "held", "moves", "congested", "refused"], 0)

    def run(self):
        commands, pending = sys.stdin.fileno(), b""
        self.selector.register(commands, selectors.EVENT_READ, None)
        report_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= report_at:
                taken = {name: side.taken for name, side in self.sides.items()}
                print(json.dumps({**self.counts, "from": taken}), flush=True)
                report_at = now + 1
            wake = min(report_at, self.held[0][0]) if self.held else report_at
            for key, _ in self.selector.select(max(0, wake - now)):
                if key.data is not None:
                    if key.fileobj in key.data.sockets:
                        self.drain(key.fileobj, key.data)
                    continue
                part = sys.stdin.buffer.raw.read(65536)
                if not part:
                    return
                *lines, pending = (pending + part).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            self.release(time.monotonic())

    def obey(self, command):
        if "phase" in command:
            self.shares = PHASES[command["phase"]]
        if "move" in command:
            self.sides[command["move"]].move(self.rng)
            self.counts["moves"] += 1

    def drain(self, sock, side):
        for _ in range(64):
            try:
                data, control, _, source = sock.recvmsg(65535, 64)
            except BlockingIOError:
                return
            side.box = source
            size = len(data)
            for level, kind, value in control:
                if level == socket.IPPROTO_UDP and kind == UDP_GRO:
                    size = struct.unpack("i", value[:4])[0]
            side.taken[0] += max(1, -(-len(data) // max(size, 1)))
            side.taken[1] += len(data)
            self.carry(data, max(size, 1), side.other)

    def carry(self, data, size, side):
        """Takes a burst of datagrams of one size, the last maybe shorter, to the box of `side`."""
        if self.shares == PHASES["clean"]:
            self.send(data, size, side)
            return
        lost, repeated, altered, held = self.shares
        rng, at_once, now = self.rng, [], time.monotonic()
        for start in range(0, max(len(data), 1), size):
            part = data[start:start + size]
            if rng.random() < lost:
                self.counts["lost"] += 1
                continue
            if rng.random() < repeated:
                longest = LONGEST_REPEAT if rng.random() < 0.1 else LONGEST_HOLD
                self.hold(now + rng.uniform(0, longest), part, side)
                self.counts["repeated"] += 1
            if part and rng.random() < altered:
                changed = bytearray(part)
                changed[rng.randrange(len(part))] ^= 1 << rng.randrange(8)
                part = bytes(changed)
                self.counts["altered"] += 1
            if rng.random() < held:
                self.hold(now + rng.uniform(0.001, LONGEST_HOLD), part, side)
                self.counts["held"] += 1
            else:
                at_once.append(part)
        if at_once:
            # Taking some out leaves all but the last at the one size.
            self.send(b"".join(at_once), size, side)

    def hold(self, until, part, side):
        self.number += 1
        heapq.heappush(self.held, (until, self.number, part, side))

    def release(self, now):
        while self.held and self.held[0][0] <= now:
            _, _, part, side = heapq.heappop(self.held)
            self.send(part, max(len(part), 1), side)

    def send(self, data, size, side):
        count = max(1, -(-len(data) // size))
        control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))] if count > 1 else []
        try:
            side.out.sendmsg([data], control, 0, side.box)
            self.counts["forwarded"] += count
        except BlockingIOError:
            self.counts["congested"] += count
        except OSError:
            # No such box at the moment, or a datagram too large for the wire.
            self.counts["refused"] += count


def main():
    seed, port, a_addresses, a_box, b_addresses, b_box = sys.argv[1:]
    Wire(seed, int(port), a_addresses.split(","), a_box, b_addresses.split(","), b_box).run()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
