"""What the soak sends, and the check of what arrives.

Datagrams, messages and pings are `sealed`: everyone bears its flow, its number, its length and a keyed hash over all of
it, so that one that was altered, cut, or put together from parts of others is known, and one that comes twice too.

    0          8       12      16                length - 16   length
    +----------+-------+-------+------------------+------------+
    | sequence | flow  | length| filler           | keyed hash |
    +----------+-------+-------+------------------+------------+

Streams carry a pseudo-random sequence that both ends compute from the seed, compared byte for byte.
"""
import hashlib
import struct
import threading

HEADER = struct.Struct(">QII")
HASH_BYTES = 16
SHORTEST = HEADER.size + HASH_BYTES
# A pad of this size twice over; where in it a filler begins differs from number to number.
PAD_BYTES = 65536
BLOCK_BYTES = 65536


def stream_block(seed, stream, number):
    """The bytes of a stream from `number` times BLOCK_BYTES on."""
    return hashlib.shake_128(f"{seed}/{stream}/{number}".encode()).digest(BLOCK_BYTES)


class Seal:
    """Makes and opens payloads of one soak."""

    def __init__(self, seed):
        self._key = hashlib.blake2b(f"soak {seed}".encode()).digest()
        pad = hashlib.shake_128(self._key).digest(PAD_BYTES)
        self._pad = pad + pad

    def _hash(self, data):
        return hashlib.blake2b(data, key=self._key, digest_size=HASH_BYTES).digest()

    def make(self, flow, sequence, length):
        start = (sequence * 7919 + flow) % PAD_BYTES
        body = HEADER.pack(sequence, flow, length) + self._pad[start:start + length - SHORTEST]
        return body + self._hash(body)

    def open(self, data):
        """(flow, sequence), or None if this is not what `make` made."""
        if len(data) < SHORTEST:
            return None
        sequence, flow, length = HEADER.unpack_from(data)
        if length != len(data) or self._hash(data[:-HASH_BYTES]) != data[-HASH_BYTES:]:
            return None
        return flow, sequence


class Arrivals:
    """Counts what came of one kind: good, corrupted, duplicated. A bit per number remembers those that came."""

    def __init__(self, seal, flows):
        self._seal = seal
        self._seen = {flow: bytearray() for flow in flows}
        self._lock = threading.Lock()
        self.received = self.corrupted = self.duplicated = 0
        # The first faults in words, for whoever looks for their cause.
        self.faults = []

    def take(self, data):
        opened = self._seal.open(data)
        with self._lock:
            if opened is None or opened[0] not in self._seen:
                self.corrupted += 1
                self._note(f"corrupted: {len(data)} bytes, beginning {data[:32].hex()}")
                return
            flow, sequence = opened
            seen = self._seen[flow]
            place, bit = sequence >> 3, 1 << (sequence & 7)
            if place >= len(seen):
                seen.extend(bytes(place + 1024 - len(seen)))
            if seen[place] & bit:
                self.duplicated += 1
                self._note(f"duplicated: flow {flow}, number {sequence}, {len(data)} bytes")
                return
            seen[place] |= bit
            self.received += 1

    def _note(self, text):
        if len(self.faults) < 20:
            self.faults.append(text)

    def report(self):
        with self._lock:
            return {"received": self.received, "corrupted": self.corrupted, "duplicated": self.duplicated,
                    "faults": list(self.faults)}


class StreamCheck:
    """Compares what one stream brings with what it should bring."""

    def __init__(self, seed, stream, length):
        self._seed, self._stream, self._length = seed, stream, length
        self._block = b""
        self.received = 0

    def take(self, data):
        """False as soon as a byte is not the one that was sent at its place."""
        view = memoryview(data)
        while view:
            number, offset = divmod(self.received, BLOCK_BYTES)
            if offset == 0 or not self._block:
                self._block = stream_block(self._seed, self._stream, number)
            part = view[:BLOCK_BYTES - offset]
            if self.received + len(part) > self._length or part != self._block[offset:offset + len(part)]:
                return False
            self.received += len(part)
            view = view[len(part):]
        return True

    def is_whole(self):
        return self.received == self._length
