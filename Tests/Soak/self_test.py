#!/usr/bin/env python3
"""Whether the soak's checks can fail: each is fed what must not happen, and what may. scripts/soak-traffic --self-test"""
import copy
import random
import socket
import sys
import threading
import time

import verdict
from gate import Gate
from payload import BLOCK_BYTES, SHORTEST, Arrivals, Seal, StreamCheck, stream_block
from streams import HEADER, OK, StreamReceiver

SEED = "self-test"
failures = 0


def expect(what, found, wanted):
    global failures
    good = found == wanted
    failures += not good
    print(f"    {'as it should be' if good else 'WRONG'}: {what}: {found}" + ("" if good else f", not {wanted}"))


def sealed():
    """Datagrams, messages, pings: (received, corrupted, duplicated)."""
    seal, rng = Seal(SEED), random.Random(SEED)

    def outcome(*payloads, flows=(1,)):
        arrivals = Arrivals(seal, flows)
        for payload in payloads:
            arrivals.take(payload)
        return arrivals.received, arrivals.corrupted, arrivals.duplicated

    good = [seal.make(1, number, size) for number, size in enumerate((SHORTEST, 33, 1280, 1281, 60000, 65535))]
    expect("good ones, in any order", outcome(*reversed(good)), (6, 0, 0))
    expect("a gap in the numbers", outcome(good[0], good[5], seal.make(1, 1_000_000, 100)), (3, 0, 0))
    for payload in good:
        changed = bytearray(payload)
        changed[rng.randrange(len(payload))] ^= 1 << rng.randrange(8)
        expect(f"one bit changed in {len(payload)} bytes", outcome(bytes(changed)), (0, 1, 0))
    expect("the same twice", outcome(good[2], good[3], good[2]), (2, 0, 1))
    expect("the same twice, far apart", outcome(*good, *(seal.make(1, n, 64) for n in range(10, 9000)), good[4]),
           (8996, 0, 1))
    expect("cut at the end", outcome(good[3][:-1]), (0, 1, 0))
    expect("joined with the next", outcome(good[2] + good[3]), (0, 1, 0))
    expect("the end of another", outcome(good[2][:-100] + seal.make(1, 9, 1280)[-100:]), (0, 1, 0))
    expect("empty", outcome(b""), (0, 1, 0))
    expect("of another flow", outcome(seal.make(2, 0, 100)), (0, 1, 0))
    expect("of another soak", outcome(Seal("other").make(1, 0, 100)), (0, 1, 0))


def streams():
    """(received whole, corrupted) of a stream that comes over a socket."""
    length = 3 * BLOCK_BYTES + 17
    content = b"".join(stream_block(SEED, 5, number) for number in range(4))[:length]

    def outcome(data):
        stop = threading.Event()
        stop.set()  # Otherwise a short stream is waited for.
        receiver = StreamReceiver(SEED, stop)
        near, far = socket.socketpair()
        taker = threading.Thread(target=receiver.take, args=(far,))
        taker.start()
        try:
            near.sendall(HEADER.pack(5, length) + data)
            near.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The receiver has seen enough.
        answer = near.recv(1)
        taker.join()
        near.close()
        return answer == OK and receiver.received == length, receiver.corrupted

    expect("a good stream", outcome(content), (True, 0))
    for place in (0, BLOCK_BYTES - 1, BLOCK_BYTES, length - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        expect(f"one bit of byte {place} changed", outcome(bytes(changed)), (False, 1))
    expect("a byte left out", outcome(content[:1000] + content[1001:]), (False, 1))
    expect("a segment twice", outcome(content[:2400] + content[1200:]), (False, 1))
    expect("two segments changed places", outcome(content[:1200] + content[2400:3600] + content[1200:2400] + content[3600:]),
           (False, 1))
    expect("another stream's content", outcome(stream_block(SEED, 6, 0)), (False, 1))
    expect("too short", outcome(content[:-1]), (False, 0))
    check = StreamCheck(SEED, 5, 100)
    expect("more than was announced", check.take(content[:101]), False)


def judgement():
    """Whether each fault by itself makes the soak fail."""
    counts = {"sent": 10, "received": 9, "corrupted": 0, "duplicated": 0, "broken": 0, "finished": 1, "lost": 1}
    good = {
        "seconds": 1800, "over": True, "stalled": {}, "deaths": [], "empties_doubled": 0, "rekeys_expected": 180,
        "kinds": {kind: dict(counts, ended=0) for kind in verdict.KINDS},
        "boxes": {box: {"rekeys": 700, "moves_seen": 50, "reloads": 200, "failed_reloads": 0, "stuck_deadlines": 0} for box in "ab"},
        "silence": {"boxes": {box: {"cpu_percent": 0.1, "datagrams_per_second": 3} for box in "ab"}},
        "wire": dict.fromkeys(("lost", "repeated", "altered", "held", "moves"), 1),
        "growth": {box: {"memory_kb": (9000, 9900), "descriptors": (30, 30)} for box in "ab"},
    }
    good["kinds"]["streams"].update(received=10, lost=0)
    expect("all well", verdict.faults(good), [])
    expect("all well, without a silence", verdict.faults({**good, "silence": None}), [])

    def fault(what, *path_and_value):
        *path, last, value = path_and_value
        bad = copy.deepcopy(good)
        place = bad
        for step in path:
            place = place[step]
        place[last] = value
        expect(what, len(verdict.faults(bad)), 1)

    for kind in verdict.KINDS:
        for what in ("corrupted", "duplicated", "broken"):
            fault(f"one of the {kind} {what}", "kinds", kind, what, 1)
        fault(f"more {kind} than were sent", "kinds", kind, "lost", -1)
    fault("bytes of a stream lost", "kinds", "streams", "lost", 1)
    fault("a doubled empty message", "empties_doubled", 1)
    fault("a daemon that ended", "deaths", ["a: the daemon ended"])
    fault("streams that do not end", "over", False)
    fault("too few rekeys", "boxes", "a", "rekeys", 10)
    fault("a failed reload", "boxes", "b", "failed_reloads", 1)
    fault("no roaming", "boxes", "b", "moves_seen", 0)
    fault("a wire that loses nothing", "wire", "lost", 0)
    fault("memory that grows", "growth", "a", "memory_kb", (9000, 9000 + verdict.GROWTH_KB + 1))
    fault("a descriptor left open", "growth", "b", "descriptors", (30, 31))
    fault("a processor used in the silence", "silence", "boxes", "a", "cpu_percent", 0.6)
    fault("datagrams in the silence", "silence", "boxes", "b", "datagrams_per_second", 21)
    fault("a silence without samples", "silence", "boxes", {"a": good["silence"]["boxes"]["a"]})
    fault("a stuck deadline", "boxes", "a", "stuck_deadlines", 1)
    progress = verdict.Progress()
    for second in range(0, 120, 2):
        progress.look(second, {"moving": second, "standing": min(second, 30)})
    expect("what stands still", list(progress.stalled), ["standing"])
    samples = [(second, "a", 9000 + second, 30 + (second % 3)) for second in range(0, 1800, 5)]
    numbers = verdict.growth(samples, 1800)["a"]
    expect("samples of memory", numbers, {"memory_kb": (9300, 10768), "descriptors": (30, 30)})
    # Much at first, then little: only the little counts.
    samples = [(0.0, "a", 50.0, 10_000, 9_000_000, 9000)]
    samples += [(30.0 * n, "a", 60 + 0.03 * n, 50_000 + 90 * n, 20_000_000 + 9000 * n, 9000) for n in range(1, 25)]
    expect("samples of the silence", verdict.silence(samples)["a"],
           {"seconds": 690, "cpu_percent": 0.1, "datagrams_per_second": 3.0, "bytes_per_second": 300.0, "memory_kb": (9000, 9000)})


def silence():
    """Whether those who send wait while there is silence."""
    gate, passed = Gate(), []
    gate.hush()
    waiter = threading.Thread(target=lambda: passed.append(gate.await_open() > 0), daemon=True)
    waiter.start()
    time.sleep(0.05)
    expect("sent in the silence", passed, [])
    gate.resume()
    waiter.join(5)
    expect("sent after it", passed, [True])
    gate.hush()
    gate.set()
    expect("nobody waits when it stops", (gate.is_set(), gate.await_open()), (True, 0.0))


def main():
    sealed()
    streams()
    judgement()
    silence()
    print(f"    {failures} wrong" if failures else "    every check reports what it should")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
