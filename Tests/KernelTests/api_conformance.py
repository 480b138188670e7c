"""The conformance list for examples/inet256.py. Arguments: the endpoints of two daemons (or twice that of one)."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
import inet256
from inet256 import Inet256Error, Node


def ed25519_key():
    """A fresh key, computed after RFC 8032: slow, and only for tests."""
    import hashlib
    p = 2**255 - 19
    d = -121665 * pow(121666, p - 2, p) % p

    def add(a, b):
        x1, y1, x2, y2 = *a, *b
        k = d * x1 * x2 * y1 * y2 % p
        return ((x1 * y2 + x2 * y1) * pow(1 + k, p - 2, p) % p, (y1 * y2 + x1 * x2) * pow(1 - k, p - 2, p) % p)

    base = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
            46316835694926478169428394003475163141307993866256225615783033603165251855960)
    seed = os.urandom(32)
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    scalar, point, step = int.from_bytes(digest, "little"), (0, 1), base
    while scalar:
        if scalar & 1:
            point = add(point, step)
        step, scalar = add(step, step), scalar >> 1
    public = (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
    return inet256.PRIVATE_HEADER + seed + public


def deliver(source, target, payload):
    source.send(target.address, payload)
    came = target.receive(timeout=5)
    assert came == (source.address, payload), f"{len(payload)} bytes were sent, {came[0]} {len(came[1])} came"


def eventually(what, limit=5):
    end = time.monotonic() + limit
    while True:
        try:
            return what()
        except Inet256Error:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def refused(what):
    try:
        what()
    except Inet256Error:
        return
    raise AssertionError("no error came")


def main(first, second):
    nodes = [Node.open(ed25519_key(), (first, second)[i % 2]) for i in range(5)]
    for source in nodes:
        for target in nodes:
            deliver(source, target, f"{source.address} {target.address}".encode())
    for size in (0, 1, 1199, 1500, 9000, 32768, 65534, 65535):
        deliver(nodes[0], nodes[1], os.urandom(size))
    for asker in nodes[:2]:
        for target in nodes:
            raw = inet256.address_bytes(target.address)
            for bits in (7, 64, 256):
                found = inet256.address_bytes(eventually(lambda: asker.find(raw, bits)))
                shift = 256 - bits
                assert int.from_bytes(found, "big") >> shift == int.from_bytes(raw, "big") >> shift
            assert len(eventually(lambda: asker.lookup(target.address))) == 41
    refused(lambda: nodes[0].find(os.urandom(32), 256))
    key = ed25519_key()
    for turn in range(4):
        node = Node.open(key, first)
        deliver(node, nodes[1], bytes([turn]))
        deliver(nodes[1], node, bytes([turn]))
        if turn % 2:
            inet256.drop(key, first)
            refused(lambda: node.receive(timeout=5))
        else:
            node.close()
    one, two = Node.open(key, first), Node.open(key, first)
    deliver(nodes[0], one, b"to the first")
    deliver(two, nodes[0], b"from the second")
    print("all passed")


if __name__ == "__main__":
    main(*sys.argv[1:3])
