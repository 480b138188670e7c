"""TCP streams between the portals: whoever connects sends, the other end compares every byte.

A stream has a header, `stream` (64 bits: its slot and its number in the slot) and `length`, and then that many bytes. When it is
over, the receiver answers with one byte, OK; a new stream follows in the same slot.
"""
import random
import socket
import struct
import threading
import time

from payload import BLOCK_BYTES, StreamCheck, stream_block

PORT = 7100
HEADER = struct.Struct(">QQ")
SLOT_SHIFT = 32
OK = b"+"
# Bytes a second of each slot's streams; 0 is as fast as it goes.
SLOTS = [0.3e6, 1.5e6, 4e6]
SHORTEST, LONGEST = 1, 40_000_000


class StreamSender(threading.Thread):
    """One slot: one stream after the other until `stop`; the last one is finished."""

    def __init__(self, seed, slot, rate, source, target, stop):
        super().__init__(daemon=True)
        self._seed, self._slot, self._rate = seed, slot, rate
        self._source, self._target, self._stop_asked = source, target, stop
        self._random = random.Random(f"{seed}/lengths/{slot}")
        self.sent = self.finished = self.broken = 0
        self.faults = []

    def run(self):
        number = 0
        while not self._stop_asked.is_set():
            self._stop_asked.await_open()
            # Many short ones, some long ones.
            length = int(SHORTEST * (LONGEST / SHORTEST) ** self._random.random())
            if number % 4 == 0:
                length = LONGEST // 2
            try:
                self._send(self._slot << SLOT_SHIFT | number, length)
                self.finished += 1
            except OSError as error:
                self.broken += 1
                if len(self.faults) < 20:
                    self.faults.append(f"stream {self._slot}/{number} broke after {self.sent} bytes of its slot: {error}")
                time.sleep(1)
            number += 1

    def _send(self, stream, length):
        # No time limits but the kernel's: a stall is for the one who watches the progress to see.
        with socket.create_connection((self._target, PORT), source_address=(self._source, 0)) as sock:
            sock.sendall(HEADER.pack(stream, length))
            began, done = time.monotonic(), 0
            while done < length:
                # In a silence the connection stays, and what was not sent is not made up for.
                began += self._stop_asked.await_open()
                if self._stop_asked.is_set() and length - done > BLOCK_BYTES:
                    # Enough: an early end is announced by closing.
                    sock.shutdown(socket.SHUT_WR)
                    break
                block = memoryview(stream_block(self._seed, stream, done // BLOCK_BYTES))[:length - done]
                sock.sendall(block)
                done += len(block)
                self.sent += len(block)
                if self._rate:
                    time.sleep(max(0, began + done / self._rate - time.monotonic()))
            if sock.recv(1) != OK:
                raise OSError("the receiver did not find it whole")


class StreamReceiver:
    """Takes what streams come, each on a thread of its own."""

    def __init__(self, seed, stop):
        self._seed, self._stop_asked = seed, stop
        self._lock = threading.Lock()
        self.received = self.corrupted = self.finished = 0
        self.progress = {}
        self.faults = []

    def listen(self, address):
        server = socket.create_server((address, PORT), family=socket.AF_INET6, backlog=64)
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def _accept(self, server):
        while True:
            sock, _ = server.accept()
            threading.Thread(target=self.take, args=(sock,), daemon=True).start()

    def take(self, sock):
        """One stream to its end."""
        with sock:
            try:
                head = b""
                while len(head) < HEADER.size:
                    part = sock.recv(HEADER.size - len(head))
                    if not part:
                        return
                    head += part
                stream, length = HEADER.unpack(head)
                if self._compare(sock, stream, length):
                    sock.sendall(OK)
            except OSError:
                return  # The sender counts it as broken.

    def _compare(self, sock, stream, length):
        check, slot = StreamCheck(self._seed, stream, length), stream >> SLOT_SHIFT
        while not check.is_whole():
            data = sock.recv(262144)
            if not data:
                # Too short is right only once the soak stops, which the other end may hear a moment earlier. What was
                # sent and what was received are compared in the end.
                if self._stop_asked.wait(5):
                    return True
                return self._fault(f"stream {slot}/{stream & 0xffffffff} ended after {check.received} of {length} bytes")
            if not check.take(data):
                return self._fault(f"stream {slot}/{stream & 0xffffffff} differs near byte {check.received}")
            with self._lock:
                self.received += len(data)
                self.progress[str(slot)] = self.progress.get(str(slot), 0) + len(data)
        with self._lock:
            self.finished += 1
        return True

    def _fault(self, text):
        with self._lock:
            self.corrupted += 1
            if len(self.faults) < 20:
                self.faults.append(text)
        return False


class Streams:
    """Both halves of one box."""

    def __init__(self, seed, side, source, target, stop):
        self._receiver = StreamReceiver(seed, stop)
        self._receiver.listen(source)
        # Slots of the two boxes differ, so their streams' contents do.
        first = 1 + side * len(SLOTS)
        self._senders = [StreamSender(seed, first + place, rate, source, target, stop)
                         for place, rate in enumerate(SLOTS)]

    def start(self):
        for sender in self._senders:
            sender.start()

    def is_over(self):
        return not any(sender.is_alive() for sender in self._senders)

    def report(self):
        receiver = self._receiver
        return {"sent": sum(s.sent for s in self._senders), "received": receiver.received,
                "finished": receiver.finished, "corrupted": receiver.corrupted,
                "broken": sum(s.broken for s in self._senders), "progress": dict(receiver.progress),
                "faults": receiver.faults + [f for s in self._senders for f in s.faults]}
