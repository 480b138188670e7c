"""The tables of scripts/bench-report, as text or Markdown."""

from figures import goals


def told(figure, digits=2):
    """"median (least-most)", or "-" where nothing was measured."""
    if figure is None:
        return "-"
    if figure.count == 1:
        return f"{figure.middle:.{digits}f}"
    return f"{figure.middle:.{digits}f} ({figure.least:.{digits}f}-{figure.most:.{digits}f})"


def tcp(result):
    gbit = lambda who, streams, direction: told(
        result.figure("gbit_per_second", "tcp", who, streams=streams, direction=direction))
    yield "TCP, Gbit/s", ["", "1 forth", "1 back", "1 each way", "4 forth", "4 back", "4 each way"], [
        [who] + [gbit(who, streams, direction) for streams in (1, 4) for direction in ("forth", "back", "both")]
        for who in result.contenders]
    yield "CPU seconds for a gigabyte, one TCP stream", ["", "both daemons", "whole machine"], [
        [who, told(result.single_stream(who, "daemon_seconds_per_gb")),
         told(result.single_stream(who, "machine_seconds_per_gb"))] for who in result.contenders]


def udp(result):
    figure = lambda field, who, offered: result.figure(field, "udp", who, offered=offered)
    yield "UDP, 1300 bytes", [
        "", "1 Gbit/s: delivered", "lost, %", "flooded: sent, Gbit/s", "delivered", "lost, %", "daemons, s/GB"], [
        [who, told(figure("gbit_per_second", who, "1 Gbit/s")), told(figure("loss_percent", who, "1 Gbit/s"), 3),
         told(figure("offered_gbit_per_second", who, "flood")), told(figure("gbit_per_second", who, "flood")),
         told(figure("loss_percent", who, "flood"), 1), told(figure("daemon_seconds_per_gb", who, "flood"))]
        for who in result.contenders]


def ping(result):
    figure = lambda field, who, load: result.figure(f"rtt_{field}_ms", "ping", who, load=load)
    load, quick = "one TCP stream", "none, one after the other"
    rows = []

    def more(who, load):
        over = result.ping_over_raw(who, load)
        return "-" if over is None or who == "raw" else f"{over:.0f}"

    for who in result.contenders:
        rows.append([who, told(figure("median", who, "none"), 3), more(who, "none"), told(figure("p95", who, "none"), 3),
                     told(figure("median", who, quick), 3), more(who, quick), told(figure("median", who, load)),
                     told(figure("p95", who, load)), told(figure("most", who, load))])
    yield "ping, milliseconds", [
        "", "idle, one each 10 ms: median", "over raw, us", "95 %", "one after the other: median", "over raw, us",
        "beside a TCP stream: median", "95 %", "worst"], rows


def wire(result):
    plain = lambda who: result.figure("gbit_per_second", "plain", who)
    raw = plain("raw")
    yield "TCP, one stream, the wire's offloads off", ["", "Gbit/s", "of raw", "daemons, s/GB"], [
        [who, told(plain(who)), "-" if raw is None or plain(who) is None else f"{plain(who).middle / raw.middle:.2f}",
         told(result.figure("daemon_seconds_per_gb", "plain", who))] for who in result.contenders]
    rows = []
    for who in result.contenders:
        at = {percent: result.figure("gbit_per_second", "loss", who, loss_percent=percent) for percent in (0, 0.1, 1)}
        kept = lambda percent: "-" if not (at[0] and at[percent]) else f"{at[percent].middle / at[0].middle:.2f}"
        rows.append([who, told(at[0]), told(at[0.1]), kept(0.1), told(at[1]), kept(1)])
    yield "TCP, one stream, packets lost on the wire, Gbit/s", [
        "", "0 %", "0.1 %", "of its own at 0 %", "1 %", "of its own at 0 %"], rows


def relay(result):
    rows = []
    for who in result.contenders:
        at = {relays: result.figure("gbit_per_second", "relay", who, relays=relays) for relays in (0, 1, 3)}
        kept = lambda relays: "-" if not (at[0] and at[relays]) else f"{at[relays].middle / at[0].middle:.2f}"
        cost = lambda relays: ", ".join(told(one) for one in result.relay_costs(who, relays)) or "-"
        rows.append([who, told(at[0]), told(at[1]), kept(1), told(at[3]), kept(3), cost(1), cost(3)])
    yield "TCP, one stream through relays, Gbit/s", [
        "", "none", "one", "of none", "three", "of none", "the relay, s/GB", "each of three, s/GB"], rows


def peers(result):
    figure = lambda field, count, who="inet256vpn": result.figure(field, "peers", who, peers=count)
    rows = []
    for count in (1, 10, 100):
        row = [str(count), told(figure("gbit_per_second", count, "raw")), told(figure("gbit_per_second", count)),
               told(figure("daemon_seconds_per_gb", count)), told(figure("hub_seconds_per_gb", count))]
        for field in ("hub_idle_anonymous_kb", "hub_anonymous_kb"):
            memory, first = figure(field, count), figure(field, 1)
            row.append(told(memory, 0))
            row.append("-" if count == 1 or not (memory and first) else f"{(memory.middle - first.middle) / (count - 1):.1f}")
        rows.append(row)
    yield "inet256vpn with many peers, 100 TCP streams in all", [
        "peers", "raw: total, Gbit/s", "total, Gbit/s", "all daemons, s/GB", "the box's, s/GB", "memory of the box's daemon, linked, KB", "KB a further peer",
        "under the streams, KB", "KB a further peer"], rows


def memory(result):
    rows = []
    for who in result.contenders:
        if who == "raw":
            continue
        rows.append([who] + [told(result.memory(who, field, when), 0)
                             for when in ("idle", "after tcp") for field in ("rss_kb", "anonymous_kb")])
    yield "Memory of a daemon, KB", ["", "idle: resident", "anonymous", "after TCP: resident", "anonymous"], rows


MAKERS = {"tcp": [tcp], "udp": [udp], "ping": [ping], "plain": [wire], "loss": [wire], "relay": [relay], "peers": [peers],
          "memory": [memory]}


def tables(result):
    """(title, header, rows) of what was measured; a contender without any figure in a table is left out of it."""
    scenes = {one["scene"] for one in result.measurements}
    makers = []
    for scene, some in MAKERS.items():
        if scene in scenes:
            makers += [maker for maker in some if maker not in makers]
    for maker in makers:
        for title, header, rows in maker(result):
            rows = [row for row in rows if any(cell != "-" for cell in row[1:])]
            if rows:
                yield title, header, rows
    yield "Goals", ["", "measured", "goal", ""], [goal.cells() for goal in goals(result)]


def about(result):
    run = result.document
    return (f"{run['processor']}, {run['processors']} processors, Linux {run['kernel']}, {run['date']}: "
            f"{run['rounds']} rounds ({run['rounds_of_relay_and_peers']} of relay and peers), "
            f"{run['seconds_per_stream']} s each; TCP {run['tcp_congestion_control']}. Medians (least-most).")


def failures(result):
    return [f"{one['scene']}, {one['contender']}, round {one['round']}, {one['parameters']}: {one['error']}"
            for one in result.failures]


def as_text(result):
    lines = [about(result)]
    for title, header, rows in tables(result):
        widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]
        lines += ["", title]
        lines += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [header] + rows]
    if result.failures:
        lines += ["", f"{len(result.failures)} measurements failed:"] + ["  " + line for line in failures(result)]
    return "\n".join(lines)


def as_markdown(result):
    lines = [about(result)]
    for title, header, rows in tables(result):
        lines += ["", f"### {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        for row in rows:
            name = f"**{row[0]}**" if row[0] == "inet256vpn" else row[0]
            lines.append("| " + " | ".join([name] + row[1:]) + " |")
    if result.failures:
        lines += ["", f"{len(result.failures)} measurements failed:", ""] + ["- " + line for line in failures(result)]
    return "\n".join(lines)
