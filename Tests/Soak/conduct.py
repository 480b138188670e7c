#!/usr/bin/env python3
"""Leads the soak: starts wire and ends, moves, reloads, samples, and judges. Run by scripts/soak-traffic, which made the boxes."""
import argparse
import json
import pathlib
import random
import sys
import time

import verdict
from boxes import Box
from parts import Part
from streams import SLOTS

HERE = pathlib.Path(__file__).resolve().parent
PHASES = ["clean", "lossy", "reordering", "repeating", "all"]
PHASE_SECONDS = 20
PORT = 25632
# Least and greatest seconds between two of each.
WIRE_MOVES, OWN_MOVES, RELOADS = (6, 12), (20, 40), (3, 5)
# Seconds between two looks at what the daemons do in the silence.
SILENCE_SAMPLES = 30


class Every:
    """Something that is due again and again, at random distances."""

    def __init__(self, rng, distance, now):
        self._rng, self._distance = rng, distance
        self._at = now + rng.uniform(*distance)

    def is_due(self, now):
        if now < self._at:
            return False
        self._at = now + self._rng.uniform(*self._distance)
        return True


class Soak:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(f"{options.seed}/conductor")
        self.boxes = {name: Box(name, options.namespaces[place], f"{options.work}/{name}", options.binary, "to-m",
                                options.addresses[place].split(","))
                      for place, name in enumerate("ab")}
        self.samples, self.deaths = [], []
        self.silence, self.silent_seconds = None, 0.0
        self.progress = verdict.Progress()
        a, b = options.addresses
        self.wire = Part("the wire", [
            "ip", "netns", "exec", options.namespaces[2], sys.executable, str(HERE / "wire.py"), options.seed, str(PORT),
            options.wire_addresses[0], a.split(",")[0], options.wire_addresses[1], b.split(",")[0]])
        self.ends = {}

    def wait_for_link(self):
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            try:
                for box in self.boxes.values():
                    box.ask()
                if all(peer["state"] == "up" for box in self.boxes.values() for peer in box.status["peers"]):
                    return
            except OSError:
                pass  # Not there yet.
            time.sleep(0.5)
        sys.exit("error: the two daemons had no link within 30 seconds")

    def start_ends(self):
        own = self.options.portals
        for side, name in enumerate("ab"):
            box = self.boxes[name]
            self.ends[name] = Part(f"the end in {name}", box.inside(
                sys.executable, str(HERE / "end.py"), self.options.seed, str(side), own[side], own[1 - side], box.endpoint,
                f"{box.folder}/node.key", (self.boxes["ba"[side]].folder / "node.address").read_text().strip()))
        for end in self.ends.values():
            end.wait_ready(20)

    def run(self):
        """The traffic to the end of its time, with a silence in the middle. Then what is under way comes home.

        `now` is how long there has been traffic: it stands still in the silence, for everything that is judged or due.
        """
        duration = self.options.minutes * 60
        for box in self.boxes.values():
            box.begin()
        for end in self.ends.values():
            end.tell("go")
        began = time.monotonic()
        wire_moves = Every(self.rng, WIRE_MOVES, 0)
        own_moves = Every(self.rng, OWN_MOVES, 0)
        reloads = Every(self.rng, RELOADS, 0)
        questions = Every(self.rng, (2, 2), 0)
        samples = Every(self.rng, (5, 5), 0)
        lines = Every(self.rng, (30, 30), 0)
        phase = ""
        while (now := time.monotonic() - began - self.silent_seconds) < duration and not self.deaths:
            if self.options.silence and self.silence is None and now >= duration / 2:
                self.be_silent(now)
                phase = ""
                continue
            wanted = PHASES[int(now / PHASE_SECONDS) % len(PHASES)]
            if wanted != phase:
                phase = wanted
                self.wire.tell(json.dumps({"phase": phase}))
            if wire_moves.is_due(now):
                self.wire.tell(json.dumps({"move": self.rng.choice("ab")}))
            if own_moves.is_due(now):
                self.boxes[self.rng.choice("ab")].change_address()
            if reloads.is_due(now):
                self.boxes[self.rng.choice("ab")].reload(self.rng)
            if questions.is_due(now):
                self.look(now)
            if samples.is_due(now):
                self.samples += [(now, name, *sample) for name, box in self.boxes.items()
                                 if (sample := box.sample())]
            if lines.is_due(now):
                self.line(now + self.silent_seconds, phase)
            time.sleep(0.1)
        return self.finish(now)

    def be_silent(self, traffic_seconds):
        """Nothing is sent, moved, reloaded or asked: only what the daemons do by themselves is left."""
        self.wire.tell(json.dumps({"phase": "clean"}))
        for end in self.ends.values():
            end.tell("hush")
        began = time.monotonic()
        self.look(traffic_seconds)
        handshakes = {name: box.handshakes() for name, box in self.boxes.items()}
        samples, due = [], 0
        while not self.deaths:
            seconds = min(time.monotonic() - began, self.options.silence * 60)
            if seconds >= due or seconds == self.options.silence * 60:
                fresh = [(time.monotonic() - began, name, cpu, *self.wire.last["from"][name], sample[0])
                         for name, box in self.boxes.items()
                         if (cpu := box.cpu_seconds()) is not None and (sample := box.sample())]
                self.silence_line(traffic_seconds, samples[-2:], fresh)
                samples += fresh
                due += SILENCE_SAMPLES
            if seconds == self.options.silence * 60:
                break
            # What needs no question to a daemon.
            self.deaths += [f"{name}: the daemon ended in the silence"
                            for name, box in self.boxes.items() if not box.is_alive()]
            time.sleep(0.5)
        # Asked before there is traffic again; `now` is that of the traffic, so nothing has stood still meanwhile.
        if not self.deaths:
            self.look(traffic_seconds)
        self.silence = {
            "after": round(traffic_seconds), "seconds": round(time.monotonic() - began), "samples": samples,
            "handshakes": {name: box.handshakes() - handshakes[name] for name, box in self.boxes.items()},
            "stuck_deadlines": {name: box.status.get("stuck_deadlines", 0) for name, box in self.boxes.items()},
            "boxes": verdict.silence(samples),
        }
        print("\n".join(verdict.silence_table(self.silence)), flush=True)
        for end in self.ends.values():
            end.tell("resume")
        self.silent_seconds += time.monotonic() - began

    @staticmethod
    def silence_line(traffic_seconds, before, fresh):
        parts = []
        for old, new in zip(before, fresh):
            seconds = max(new[0] - old[0], 0.001)
            parts.append(f"{new[1]}: {(new[2] - old[2]) / seconds:.2%} of a processor, {(new[3] - old[3]) / seconds:.1f} datagrams/s, "
                         f"{(new[4] - old[4]) / seconds:.0f} bytes/s, {new[5]} KB")
        if parts:
            print(f"    {int(traffic_seconds + fresh[0][0]):>5} s  {'silence':<10} " + "; ".join(parts), flush=True)

    def look(self, now):
        for name, box in self.boxes.items():
            try:
                box.ask()
            except (OSError, ValueError) as error:
                if not box.is_alive():
                    self.deaths.append(f"{name}: the daemon ended")
                else:
                    print(f"    {name} does not answer: {error}", flush=True)
        for part in (self.wire, *self.ends.values()):
            if not part.is_alive():
                self.deaths.append(f"{part.name} ended, a fault of the soak itself")
        slots = {"b": range(1, 1 + len(SLOTS)), "a": range(1 + len(SLOTS), 1 + 2 * len(SLOTS))}
        self.progress.look(now, self.progress.counters(self.reports(), slots))

    def reports(self):
        return {name: end.last for name, end in self.ends.items() if "streams" in end.last}

    def line(self, seconds, phase):
        reports = self.reports()
        if len(reports) < 2:
            return
        counts = verdict.kinds(reports)
        bad = sum(c["corrupted"] + c["duplicated"] + c["broken"] for c in counts.values())
        memory = "/".join(str(next((s[2] for s in reversed(self.samples) if s[1] == name), 0)) for name in "ab")
        print(f"    {int(seconds):>5} s  {phase:<10} streams {counts['streams']['received'] >> 20} MiB, datagrams "
              f"{counts['datagrams']['received']}, messages {counts['messages']['received']}, pings {counts['pings']['received']}; "
              f"rekeys {'/'.join(str(b.handshakes()) for b in self.boxes.values())}, moves seen "
              f"{'/'.join(str(b.moves_seen) for b in self.boxes.values())}, reloads "
              f"{sum(b.reloads for b in self.boxes.values())}, memory {memory} KB; faults {bad}", flush=True)

    def finish(self, seconds):
        self.wire.tell(json.dumps({"phase": "clean"}))
        for end in self.ends.values():
            end.tell("stop")
        limit = time.monotonic() + verdict.STALL_SECONDS
        time.sleep(2)
        while not self.deaths and time.monotonic() < limit and not self.is_over():
            time.sleep(0.5)
        over = self.is_over()
        # Late repeats of the wire must find somebody to deceive.
        time.sleep(15 if not self.deaths else 0)
        for box in self.boxes.values():
            if box.is_alive():
                box.ask()
        ends = self.reports()
        for part in (*self.ends.values(), self.wire):
            part.end()
        if len(ends) < 2:
            sys.exit("error: the ends never reported")
        return {
            "seed": self.options.seed, "seconds": round(seconds), "kinds": verdict.kinds(ends),
            "empties_doubled": verdict.empties_doubled(ends), "wire": self.wire.last, "over": over,
            "stalled": self.progress.stalled, "deaths": self.deaths,
            "rekey_after": self.options.rekey_after,
            "rekeys_expected": int(seconds / self.options.rekey_after / 2),
            "boxes": {name: {"rekeys": box.handshakes() - (self.silence["handshakes"][name] if self.silence else 0),
                             "reloads": box.reloads, "failed_reloads": box.failed_reloads, "moves": box.moves,
                             "moves_seen": box.moves_seen, "drops": box.drops(),
                             "stuck_deadlines": box.status.get("stuck_deadlines", 0),
                             "version": box.status.get("version")}
                      for name, box in self.boxes.items()},
            "growth": verdict.growth(self.samples, seconds), "samples": self.samples, "silence": self.silence,
        }

    def is_over(self):
        return len(self.reports()) == 2 and all(report["over"] for report in self.reports().values())


def main():
    parser = argparse.ArgumentParser(description="Part of scripts/soak-traffic.")
    for name in ("--work", "--binary", "--seed"):
        parser.add_argument(name, required=True)
    parser.add_argument("--json")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--silence", type=float, required=True, help="minutes, besides the others")
    parser.add_argument("--rekey-after", type=int, required=True)
    parser.add_argument("--namespaces", nargs=3, required=True, help="of a, b and the wire")
    parser.add_argument("--addresses", nargs=2, required=True, help="of a and b, two each, with a comma")
    parser.add_argument("--wire-addresses", nargs=2, required=True, help="of the wire towards a and b, with commas")
    parser.add_argument("--portals", nargs=2, required=True, help="the IPv6 addresses of a and b")
    options = parser.parse_args()
    soak = Soak(options)
    soak.wire.wait_ready(10)
    soak.wait_for_link()
    soak.start_ends()
    result = soak.run()
    result["faults"] = verdict.faults(result)
    print("\n".join(verdict.table(result)))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    details = [fault for counts in result["kinds"].values() for fault in counts["faults"]]
    for detail in details[:40]:
        print(f"    note: {detail}")
    for fault in result["faults"]:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
