"""Messages of the INET256 API between nodes that applications open on the two boxes: 0 to 65,535 bytes.

Empty messages have no room for a number: of them no more may arrive than were sent.
"""
import random
import threading
import time

from inet256 import MTU, Inet256Error, Node
from payload import SHORTEST, Arrivals

PER_SECOND = 60
FLOWS = (30, 31)


class Messages:
    """One node of one box, which sends to the other box's node and takes what comes from it."""

    def __init__(self, seal, seed, side, key, endpoint, target, stop):
        self._seal, self._flow, self._target, self._stop_asked = seal, FLOWS[side], target, stop
        self._random = random.Random(f"{seed}/messages/{side}")
        self.sent = self.empty_sent = self.empty_received = self.strangers = self._number = 0
        self._troubles = []
        self.arrivals = Arrivals(seal, [FLOWS[1 - side]])
        self._node = Node.open(key, endpoint)
        threading.Thread(target=self._receive, daemon=True).start()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def start(self):
        self._sender.start()

    def is_over(self):
        return not self._sender.is_alive()

    def _send(self):
        while not self._stop_asked.is_set():
            self._stop_asked.await_open()
            size = self._size()
            try:
                if size == 0:
                    self.empty_sent += 1
                    self._node.send(self._target, b"")
                else:
                    self.sent += 1
                    self._node.send(self._target, self._seal.make(self._flow, self._number, size))
                    self._number += 1
            except Inet256Error as error:
                self._troubles.append(f"the node ended: {error}")
                return
            time.sleep(1 / PER_SECOND)

    def _size(self):
        kind = self._random.random()
        if kind < 0.05:
            return 0
        if kind < 0.1:
            return self._random.choice((SHORTEST, SHORTEST + 1, MTU - 1, MTU))
        if kind < 0.5:
            return self._random.randint(SHORTEST, 3000)
        return int(SHORTEST * (MTU / SHORTEST) ** self._random.random())

    def _receive(self):
        while True:
            try:
                source, payload = self._node.receive()
            except Inet256Error as error:
                self._troubles.append(f"the node ended: {error}")
                return
            if source != self._target:
                self.strangers += 1
            elif payload:
                self.arrivals.take(payload)
            else:
                self.empty_received += 1

    def report(self):
        counts = self.arrivals.report()
        # From the wrong sender is as bad as with the wrong content.
        counts["corrupted"] += self.strangers
        counts["faults"] += self._troubles
        return {"sent": self.sent, **counts, "empty_sent": self.empty_sent, "empty_received": self.empty_received,
                "ended": len(self._troubles), "not_read": self._node.dropped}
