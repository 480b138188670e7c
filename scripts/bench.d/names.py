"""Asks a server of names at a steady rate over UDP and counts what does not come back.

Usage: names.py HOST PORT RATE SECONDS NAME[:TYPE]...

Prints a line of JSON: sent, answered, lost, by_code, and milliseconds of an answer (median, 99 %, most). Exits with 1 where one was lost.
"""

import json
import select
import socket
import struct
import sys
import time

TYPES = {"A": 1, "PTR": 12, "AAAA": 28, "SRV": 33}


def question(text):
    name, _, kind = text.partition(":")
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", TYPES[kind or "AAAA"], 1)


def main():
    host, port, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    questions = [question(text) for text in sys.argv[5:]]
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    # SO_RCVBUFFORCE, which is root's: what is lost is to be lost by the server.
    peer.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    peer.connect((host, port))
    peer.setblocking(False)
    waiting, times, codes, sent = {}, [], {}, 0
    total = int(rate * seconds)
    began = time.perf_counter()

    def take(until):
        while True:
            try:
                answer = peer.recv(4096)
            except BlockingIOError:
                rest = until - time.perf_counter()
                if rest <= 0 or not select.select([peer], [], [], rest)[0]:
                    return
                continue
            number, flags = struct.unpack(">HH", answer[:4])
            asked = waiting.pop(number, None)
            if asked is not None:
                times.append(time.perf_counter() - asked)
                codes[flags & 15] = codes.get(flags & 15, 0) + 1

    while sent < total:
        due = min(total, int((time.perf_counter() - began) * rate) + 1)
        while sent < due:
            # Two seconds behind, a number would come again: what waits under it was lost.
            waiting[sent & 0xFFFF] = time.perf_counter()
            peer.send(struct.pack(">H", sent & 0xFFFF) + questions[sent % len(questions)])
            sent += 1
        take(time.perf_counter() + 0.0005)
    took = time.perf_counter() - began
    end = time.perf_counter() + 2
    while waiting and time.perf_counter() < end:
        take(time.perf_counter() + 0.05)
    times.sort()
    lost = sent - len(times)
    print(json.dumps({
        "sent": sent, "answered": len(times), "lost": lost, "rate": round(sent / took), "by_code": codes,
        "milliseconds": [round(times[int(len(times) * part)] * 1000, 3) for part in (0.5, 0.99, 0.999999)] if times else [],
    }))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
