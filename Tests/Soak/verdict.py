"""What came of the soak: the faults, the table, the JSON."""
import statistics

KINDS = ("streams", "datagrams", "messages", "pings")
# A run shorter than this says nothing of memory: buffers and tables still fill.
LEAST_SECONDS_FOR_MEMORY = 600
BASELINE_SECONDS = 300
WINDOW_SECONDS = 60
GROWTH_KB = 1024
# Of the silence, this long is not judged: what was under way comes home, late repeats among it.
SETTLING_SECONDS = 30
# What a daemon may use and send by itself. A timer that runs away takes a whole processor and sends tens of thousands.
SILENT_CPU_PERCENT, SILENT_DATAGRAMS = 0.5, 20
STALL_SECONDS = 60


class Progress:
    """Notices counters that stand still: streams, and kinds of datagrams."""

    def __init__(self):
        self._last = {}
        self.stalled = {}

    def look(self, now, counters):
        for name, value in counters.items():
            before = self._last.get(name)
            if before is None or before[0] != value:
                self._last[name] = (value, now)
            elif now - before[1] > STALL_SECONDS:
                self.stalled[name] = round(now - before[1])

    @staticmethod
    def counters(ends, slots):
        """Every stream slot and kind of each end, from the ends' reports."""
        result = {}
        for box, report in ends.items():
            for slot in slots[box]:
                result[f"stream {slot} into {box}"] = report.get("streams", {}).get("progress", {}).get(str(slot), 0)
            for kind in KINDS[1:]:
                result[f"{kind} into {box}"] = report.get(kind, {}).get("received", 0)
        return result


def growth(samples, duration):
    """{box: {memory_kb: (early, late), descriptors: (early, late)}} from (seconds, box, KB, descriptors)."""
    window = min(WINDOW_SECONDS, duration / 6)
    early_at = min(BASELINE_SECONDS, duration / 3)
    result = {}
    for box in sorted({box for _, box, _, _ in samples}):
        early = [s for s in samples if s[1] == box and abs(s[0] - early_at) <= window / 2]
        late = [s for s in samples if s[1] == box and s[0] >= duration - window]
        if not early or not late:
            continue
        # Descriptors: the fewest, since every question to the daemon opens one for a moment.
        result[box] = {"memory_kb": (round(statistics.median(s[2] for s in early)),
                                     round(statistics.median(s[2] for s in late))),
                       "descriptors": (min(s[3] for s in early), min(s[3] for s in late))}
    return result


def silence(samples):
    """{box: what it did a second} from (seconds since the silence began, box, processor seconds, datagrams, bytes, KB)."""
    result = {}
    for box in sorted({sample[1] for sample in samples}):
        mine = [s for s in samples if s[1] == box and s[0] >= SETTLING_SECONDS]
        if len(mine) < 2:
            continue
        first, last = mine[0], mine[-1]
        seconds = last[0] - first[0]
        result[box] = {"seconds": round(seconds), "cpu_percent": round(100 * (last[2] - first[2]) / seconds, 3),
                       "datagrams_per_second": round((last[3] - first[3]) / seconds, 2),
                       "bytes_per_second": round((last[4] - first[4]) / seconds, 1), "memory_kb": (first[5], last[5])}
    return result


def kinds(ends):
    """{kind: counts of both directions together}."""
    result = {}
    for kind in KINDS:
        parts = [report[kind] for report in ends.values()]
        counts = {key: sum(part.get(key, 0) for part in parts)
                  for key in ("sent", "received", "corrupted", "duplicated", "broken", "finished")}
        if kind == "messages":
            for key in ("empty_sent", "empty_received", "not_read", "ended"):
                counts[key] = sum(part[key] for part in parts)
        counts["lost"] = counts["sent"] - counts["received"]
        counts["faults"] = [fault for part in parts for fault in part["faults"]]
        result[kind] = counts
    return result


def empties_doubled(ends):
    """Empty messages that arrived beyond those that were sent, of both directions."""
    a, b = ends["a"]["messages"], ends["b"]["messages"]
    return (max(0, b["empty_received"] - a["empty_sent"]) + max(0, a["empty_received"] - b["empty_sent"]))


def faults(result):
    """What is wrong, one sentence each; empty if all is well."""
    found = []
    for kind, counts in result["kinds"].items():
        for what in ("corrupted", "duplicated", "broken"):
            if counts[what]:
                found.append(f"{kind}: {counts[what]} {what}")
        if counts["received"] == 0:
            found.append(f"{kind}: nothing arrived")
        if counts["lost"] < 0:
            found.append(f"{kind}: more arrived than was sent")
    if result["empties_doubled"]:
        found.append(f"messages: {result['empties_doubled']} empty ones more than were sent")
    if result["kinds"]["messages"]["ended"]:
        found.append("messages: a daemon closed the connection of its application")
    if result["kinds"]["streams"]["lost"] > 0 and not result["kinds"]["streams"]["broken"]:
        found.append(f"streams: {result['kinds']['streams']['lost']} bytes never arrived")
    found += [f"stalled for {seconds} s: {name}" for name, seconds in result["stalled"].items()]
    found += result["deaths"]
    if not result["over"]:
        found.append(f"the streams did not come to an end within {STALL_SECONDS} s on a clean wire")
    # A soak without what it is about proves nothing.
    for box, counts in result["boxes"].items():
        if counts["rekeys"] < result["rekeys_expected"]:
            found.append(f"{box}: {counts['rekeys']} rekeys, at least {result['rekeys_expected']} were expected")
        if counts["moves_seen"] == 0:
            found.append(f"{box}: never noticed that its peer moved")
        if counts["failed_reloads"] or not counts["reloads"]:
            found.append(f"{box}: {counts['failed_reloads']} of {counts['reloads']} reloads failed")
        if counts["stuck_deadlines"]:
            found.append(f"{box}: {counts['stuck_deadlines']} deadlines did not move when they were served")
    found += silence_faults(result["silence"], result["boxes"])
    for what in ("lost", "repeated", "altered", "held", "moves"):
        if not result["wire"].get(what):
            found.append(f"the wire did nothing of this: {what}")
    if result["seconds"] >= LEAST_SECONDS_FOR_MEMORY:
        for box in result["boxes"]:
            numbers = result["growth"].get(box)
            if numbers is None:
                found.append(f"{box}: no samples of memory")
                continue
            (early, late), (few, more) = numbers["memory_kb"], numbers["descriptors"]
            if late - early > GROWTH_KB:
                found.append(f"{box}: memory grew by {late - early} KB, from {early} to {late}")
            if more > few:
                found.append(f"{box}: {more - few} descriptors more than at the beginning")
    return found


def silence_faults(silent, boxes):
    """What the daemons did in the silence that nothing asked for."""
    if silent is None:
        return []
    found = []
    for box in boxes:
        numbers = silent["boxes"].get(box)
        if numbers is None:
            found.append(f"{box}: no samples of the silence")
            continue
        if numbers["cpu_percent"] > SILENT_CPU_PERCENT:
            found.append(f"{box}: {numbers['cpu_percent']} % of a processor in the silence, more than {SILENT_CPU_PERCENT}")
        if numbers["datagrams_per_second"] > SILENT_DATAGRAMS:
            found.append(f"{box}: {numbers['datagrams_per_second']} datagrams a second in the silence, more than {SILENT_DATAGRAMS}")
    return found


def silence_table(silent):
    lines = []
    for box, numbers in silent["boxes"].items():
        lines.append(f"    silence of {silent['seconds']} s, {box}: {numbers['cpu_percent']} % of a processor, "
                     f"{numbers['datagrams_per_second']} datagrams/s, {numbers['bytes_per_second']} bytes/s sent (over "
                     f"{numbers['seconds']} s), {silent['handshakes'][box]} handshakes, {silent['stuck_deadlines'][box]} "
                     f"stuck deadlines, memory {numbers['memory_kb'][0]} -> {numbers['memory_kb'][1]} KB")
    return lines


def table(result):
    """Lines for people."""
    lines = [f"    {'':<10} {'sent':>14} {'received':>14} {'lost':>10} {'corrupted':>10} {'duplicated':>11} {'broken':>7}"]
    for kind, counts in result["kinds"].items():
        unit = " (bytes)" if kind == "streams" else ""
        lines.append(f"    {kind:<10} {counts['sent']:>14} {counts['received']:>14} {counts['lost']:>10} "
                     f"{counts['corrupted']:>10} {counts['duplicated']:>11} {counts['broken']:>7}{unit}")
    wire = result["wire"]
    lines.append("    wire: " + ", ".join(f"{wire.get(key, 0)} {key}" for key in wire if key != "from"))
    if result["silence"]:
        lines += silence_table(result["silence"])
    for box, counts in result["boxes"].items():
        numbers = result["growth"].get(box, {})
        memory = "{} -> {} KB".format(*numbers["memory_kb"]) if numbers else "-"
        descriptors = "{} -> {}".format(*numbers["descriptors"]) if numbers else "-"
        lines.append(f"    {box}: {counts['rekeys']} rekeys, {counts['reloads']} reloads, {counts['moves']} addresses of its own, "
                     f"{counts['moves_seen']} moves of the peer seen, memory {memory}, descriptors {descriptors}")
        lines.append("       dropped: " + (", ".join(f"{n} {r}" for r, n in sorted(counts["drops"].items())) or "nothing"))
    return lines
