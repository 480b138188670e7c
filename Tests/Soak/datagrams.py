"""UDP datagrams and pings between the portals, each checked on its own.

Datagrams are sent one by one, of up to 60,000 bytes (the kernel fragments what the path does not carry), and as trains that
the kernel cuts (UDP_SEGMENT); they go to a plain socket and to one that takes several at once (UDP_GRO).
"""
import random
import socket
import struct
import threading
import time

from payload import SHORTEST, Arrivals

UDP_SEGMENT, UDP_GRO = 103, 104
SO_RCVBUFFORCE = 33
PLAIN_PORT, JOINING_PORT = 7200, 7201
BUFFER_BYTES = 8 << 20
LONGEST = 60_000
# What fits every path in one piece: 1280 bytes less the headers of IPv6 and UDP.
LONGEST_SEGMENT = 1232
MOST_SEGMENTS = 40
PER_SECOND = 120
PINGS_PER_SECOND = 20
LONGEST_PING = 4000
ECHO_REQUEST, ECHO_REPLY = 128, 129
ECHO = struct.Struct(">BBHHH")
# Flow numbers of side 0 and 1: datagrams, pings.
DATAGRAM_FLOWS, PING_FLOWS = (10, 11), (20, 21)


class Datagrams:
    """Both halves of one box."""

    def __init__(self, seal, seed, side, source, target, stop):
        self._seal, self._flow, self._target, self._stop_asked = seal, DATAGRAM_FLOWS[side], target, stop
        self._random = random.Random(f"{seed}/datagrams/{side}")
        self.sent = 0
        self.arrivals = Arrivals(seal, [DATAGRAM_FLOWS[1 - side]])
        self._out = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._out.bind((source, 0))
        for port in (PLAIN_PORT, JOINING_PORT):
            sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
            if port == JOINING_PORT:
                sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
            sock.bind((source, port))
            threading.Thread(target=self._receive, args=(sock,), daemon=True).start()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def start(self):
        self._sender.start()

    def is_over(self):
        return not self._sender.is_alive()

    def _send(self):
        next_at = time.monotonic()
        while not self._stop_asked.is_set():
            self._stop_asked.await_open()
            port = self._random.choice((PLAIN_PORT, JOINING_PORT))
            count, size = 1, self._size()
            if self._random.random() < 0.3:
                count, size = self._random.randint(2, MOST_SEGMENTS), self._random.randint(SHORTEST, LONGEST_SEGMENT)
            # The last of a train may be shorter.
            last = self._random.randint(SHORTEST, size) if count > 1 else size
            sizes = [size] * (count - 1) + [last]
            train = b"".join(self._seal.make(self._flow, self.sent + i, n) for i, n in enumerate(sizes))
            control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))] if count > 1 else []
            # Counted before: the other end may have them before this thread goes on.
            self.sent += count
            try:
                self._out.sendmsg([train], control, 0, (self._target, port))
            except OSError as error:
                # The numbers are used up: those count as lost.
                self.arrivals._note(f"not sent: {count} of {size} bytes: {error}")
            next_at = max(next_at + 1 / PER_SECOND, time.monotonic() - 1)
            time.sleep(max(0, next_at - time.monotonic()))

    def _size(self):
        """Small ones often, those around the path's size, large ones now and then."""
        kind = self._random.random()
        if kind < 0.6:
            return self._random.randint(SHORTEST, 1200)
        if kind < 0.85:
            return self._random.randint(1200, 1500)
        return int(1500 * (LONGEST / 1500) ** self._random.random())

    def _receive(self, sock):
        while True:
            data, control, _, _ = sock.recvmsg(65535, 64)
            size = len(data)
            for level, kind, value in control:
                if level == socket.IPPROTO_UDP and kind == UDP_GRO:
                    size = struct.unpack("i", value[:4])[0]
            for start in range(0, max(len(data), 1), max(size, 1)):
                self.arrivals.take(data[start:start + size])

    def report(self):
        return {"sent": self.sent, **self.arrivals.report()}


class Pings:
    """ICMPv6 echoes from one box; what comes back is compared with what was sent."""

    def __init__(self, seal, seed, side, source, target, stop):
        self._seal, self._flow, self._target, self._stop_asked = seal, PING_FLOWS[side], target, stop
        self._random = random.Random(f"{seed}/pings/{side}")
        self._number = 7000 + side
        self.sent = 0
        self.arrivals = Arrivals(seal, [self._flow])
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.bind((source, 0))
        threading.Thread(target=self._receive, daemon=True).start()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def start(self):
        self._sender.start()

    def is_over(self):
        return not self._sender.is_alive()

    def _send(self):
        while not self._stop_asked.is_set():
            self._stop_asked.await_open()
            size = self._random.choice((56, 1200, self._random.randint(SHORTEST, LONGEST_PING)))
            # The kernel fills in the checksum.
            head = ECHO.pack(ECHO_REQUEST, 0, 0, self._number, self.sent & 0xffff)
            data = head + self._seal.make(self._flow, self.sent, size)
            self.sent += 1
            try:
                self._socket.sendto(data, (self._target, 0))
            except OSError as error:
                self.arrivals._note(f"not sent: {size} bytes: {error}")
            time.sleep(1 / PINGS_PER_SECOND)

    def _receive(self):
        while True:
            data, source = self._socket.recvfrom(65535)
            if len(data) < ECHO.size or source[0] != self._target:
                continue
            kind, _, _, number, _ = ECHO.unpack_from(data)
            if kind == ECHO_REPLY and number == self._number:
                self.arrivals.take(data[ECHO.size:])

    def report(self):
        return {"sent": self.sent, **self.arrivals.report()}
