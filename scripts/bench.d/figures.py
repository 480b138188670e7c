"""Medians out of the measurements of scripts/bench, and what became of the goals."""

from statistics import median


class Figure:
    """The median of some measurements of one kind, with the least and the most."""

    def __init__(self, values):
        self.middle = median(values)
        self.least = min(values)
        self.most = max(values)
        self.count = len(values)


class Result:
    """One run of scripts/bench, as its JSON tells it."""

    def __init__(self, document):
        self.document = document
        self.measurements = document["measurements"]
        self.failures = [one for one in self.measurements if "error" in one]
        self.contenders = list(document["versions"])

    def values(self, field, scene, contender, **parameters):
        """Every measurement of a field; parameters that are not named may be anything."""
        return [
            one[field]
            for one in self.measurements
            if one["scene"] == scene
            and one["contender"] == contender
            and one.get(field) is not None
            and all(one["parameters"].get(key) == value for key, value in parameters.items())
        ]

    def figure(self, field, scene, contender, **parameters):
        """None where nothing was measured."""
        values = self.values(field, scene, contender, **parameters)
        return Figure(values) if values else None

    def single_stream(self, contender, field="gbit_per_second"):
        """One TCP stream at a time, forth and back together."""
        values = [
            value
            for direction in ("forth", "back")
            for value in self.values(field, "tcp", contender, streams=1, direction=direction)
        ]
        return Figure(values) if values else None

    def ping_over_raw(self, contender, load):
        """Microseconds that its median round trip takes more than raw's; None where one of them was not measured."""
        own, raw = (self.figure("rtt_median_ms", "ping", who, load=load) for who in (contender, "raw"))
        return None if None in (own, raw) else (own.middle - raw.middle) * 1000

    def relay_costs(self, contender, relays):
        """CPU seconds a gigabyte of each box between the ends, one figure a box."""
        rows = self.values("relay_seconds_per_gb", "relay", contender, relays=relays)
        return [Figure(list(column)) for column in zip(*rows)]

    def memory(self, contender, field, when):
        """Kilobytes of one daemon: both ends of every round."""
        values = [kb for row in self.values(field, "memory", contender, when=when) for kb in row]
        return Figure(values) if values else None


class Goal:
    """A line of the table of goals: `measured` is None where a part of it was not measured."""

    def __init__(self, what, measured, relation, bound, unit="", digits=2):
        self.what, self.measured, self.relation, self.bound = what, measured, relation, bound
        self.unit, self.digits = unit, digits

    @property
    def reached(self):
        if self.measured is None:
            return None
        if self.relation == "at least":
            return self.measured >= self.bound
        return self.measured < self.bound if self.relation == "under" else self.measured <= self.bound

    def cells(self):
        shown = "-" if self.measured is None else f"{self.measured:.{self.digits}f}{self.unit}"
        verdict = {True: "reached", False: "missed", None: "not measured"}[self.reached]
        return [self.what, shown, f"{self.relation} {self.bound:g}{self.unit}", verdict]


def ratio(part, whole):
    return None if part is None or whole is None or whole.middle == 0 else part.middle / whole.middle


def middle(figure):
    return None if figure is None else figure.middle


def goals(result):
    """Ratios are those of medians in the same run."""
    own, raw = "inet256vpn", "raw"
    one = result.single_stream(own)
    gbit = "gbit_per_second"
    crowd = {n: result.figure(gbit, "peers", own, peers=n) for n in (1, 100)}
    # Linked, and under the streams, where buffers in use come and go by megabytes: whichever is more.
    a_peer = None
    for field in ("hub_idle_anonymous_kb", "hub_anonymous_kb"):
        memory = {n: result.figure(field, "peers", own, peers=n) for n in (1, 100)}
        if None not in memory.values():
            each = (memory[100].middle - memory[1].middle) / 99
            a_peer = each if a_peer is None else max(a_peer, each)
    loss = {n: result.figure(gbit, "loss", own, loss_percent=n) for n in (0, 1)}
    relay = {n: result.figure(gbit, "relay", own, relays=n) for n in (0, 1)}
    plain = [result.figure(gbit, "plain", who) for who in (own, raw)]
    return [
        Goal("TCP, one stream, over raw", ratio(one, result.single_stream(raw)), "at least", 0.5),
        Goal("its CPU, both daemons", middle(result.single_stream(own, "daemon_seconds_per_gb")), "at most", 0.85, " s/GB"),
        Goal("over Debian's yggdrasil", ratio(one, result.single_stream("yggdrasil")), "at least", 4.5, " x", 1),
        Goal("over Debian's wireguard-go", ratio(one, result.single_stream("wireguard-go")), "at least", 15, " x", 1),
        Goal("TCP, wire's offloads off, over raw", ratio(*plain), "at least", 0.85),
        Goal("ChaCha20-Poly1305 only, one stream, over raw",
             ratio(result.single_stream(own + "-chacha"), result.single_stream(raw)), "at least", 0.2),
        Goal("UDP, 1300 bytes, 1 Gbit/s offered: loss",
             middle(result.figure("loss_percent", "udp", own, offered="1 Gbit/s")), "under", 0.1, " %", 3),
        Goal("UDP, 1300 bytes, flooded: delivered",
             middle(result.figure(gbit, "udp", own, offered="flood")), "at least", 2, " Gbit/s"),
        Goal("ping, idle, one each 10 ms: more than raw", result.ping_over_raw(own, "none"), "at most", 120, " us", 0),
        Goal("ping, idle, one after the other: more than raw", result.ping_over_raw(own, "none, one after the other"), "at most",
             120, " us", 0),
        Goal("ping beside a saturating stream, median",
             middle(result.figure("rtt_median_ms", "ping", own, load="one TCP stream")), "at most", 1.5, " ms"),
        Goal("1 % loss, over the same without loss", ratio(loss[1], loss[0]), "at least", 0.6),
        Goal("one relay, over none", ratio(relay[1], relay[0]), "at least", 0.5),
        Goal("100 peers' total, over one peer's", ratio(crowd[100], crowd[1]), "at least", 0.8),
        Goal("memory for an active peer", a_peer, "at most", 64, " KB", 1),
    ]
