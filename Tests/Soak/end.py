#!/usr/bin/env python3
"""One end of the soak's traffic, run inside a box.

    end.py SEED SIDE OWN-IPV6 OTHER-IPV6 API-ENDPOINT KEY-FILE OTHER-NODE

SIDE is 0 or 1. Says {"ready": true} on standard output, starts with the line "go" on standard input, sends nothing from
"hush" to "resume", stops sending with "stop", and ends with standard input's end. Counts go to standard output every
second, as JSON.
"""
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))

from datagrams import Datagrams, Pings  # noqa: E402
from gate import Gate  # noqa: E402
from inet256 import parse_key  # noqa: E402
from messages import Messages  # noqa: E402
from payload import Seal  # noqa: E402
from streams import Streams  # noqa: E402


def main():
    seed, side, own, other, endpoint, key_file, other_node = sys.argv[1:]
    side, seal, stop = int(side), Seal(seed), Gate()
    key = parse_key(pathlib.Path(key_file).read_bytes())
    kinds = {
        "streams": Streams(seed, side, own, other, stop),
        "datagrams": Datagrams(seal, seed, side, own, other, stop),
        "messages": Messages(seal, seed, side, key, endpoint, other_node, stop),
        "pings": Pings(seal, seed, side, own, other, stop),
    }
    lock = threading.Lock()

    def report(more=None):
        counts = {name: kind.report() for name, kind in kinds.items()}
        with lock:
            print(json.dumps({**counts, "over": all(k.is_over() for k in kinds.values()), **(more or {})}), flush=True)

    def report_on():
        while True:
            time.sleep(1)
            report()

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        if line.strip() == "go":
            for kind in kinds.values():
                kind.start()
            threading.Thread(target=report_on, daemon=True).start()
        elif line.strip() == "hush":
            stop.hush()
        elif line.strip() == "resume":
            stop.resume()
        elif line.strip() == "stop":
            stop.set()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
