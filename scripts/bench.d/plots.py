"""The plots of scripts/bench-report: bars with whiskers from the least to the most, as SVG."""

from html import escape
from math import ceil, floor, log10

COLOURS = ["#1f6fb4", "#e0862d", "#4d9a4d"]
OTHERS = "#9aa3ad"
LEFT, RIGHT, TOP, ROW, GAP, BOTTOM, WIDTH = 170, 90, 62, 20, 14, 58, 820


def ticks(most):
    """About five round numbers from 0 to `most`."""
    if most <= 0:
        return [0, 1]
    step = 10 ** floor(log10(most / 5))
    while most / step > 6:
        step *= 2 if most / step <= 12 else 2.5 if most / step <= 15 else 5
    return [step * i for i in range(ceil(most / step) + 1)]


def text(x, y, words, anchor="start", size=12, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>{escape(words)}</text>'


def bars(title, unit, series, groups):
    """`groups` is a list of (label, [Figure or None for each of series]). Returns SVG, or None when there is nothing to show."""
    groups = [(label, figures) for label, figures in groups if any(figures)]
    if not groups:
        return None
    marks = ticks(max(one.most for _, figures in groups for one in figures if one))
    scale = (WIDTH - LEFT - RIGHT) / marks[-1]
    height = TOP + sum(len([one for one in figures if one]) * ROW + GAP for _, figures in groups) + BOTTOM
    floor_y = height - BOTTOM + 4
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' font-family="Helvetica, Arial, sans-serif" fill="#20262d">',
        f'<title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(16, 24, title, size=16, more=' font-weight="bold"'),
    ]
    if len(series) > 1:
        x = LEFT
        for number, name in enumerate(series):
            out.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{COLOURS[number % 3]}"/>')
            out.append(text(x + 17, 46, name))
            x += 40 + 7 * len(name)
    for mark in marks:
        x = LEFT + mark * scale
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{floor_y}" stroke="#dfe3e8"/>')
        out.append(text(x, floor_y + 16, f"{mark:g}", "middle"))
    y = TOP
    for label, figures in groups:
        shown = [(number, one) for number, one in enumerate(figures) if one]
        own = label.startswith("inet256vpn")
        out.append(text(LEFT - 10, y + len(shown) * ROW / 2 + 4, label, "end", more=' font-weight="bold"' if own else ""))
        for number, one in shown:
            colour = COLOURS[number % 3] if len(series) > 1 or own else OTHERS
            middle, end = y + ROW / 2 - 1, LEFT + one.middle * scale
            out.append(f'<rect x="{LEFT}" y="{y}" width="{max(end - LEFT, 1):.1f}" height="{ROW - 3}" fill="{colour}"/>')
            low, high = LEFT + one.least * scale, LEFT + one.most * scale
            out.append(
                f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8"'
                ' stroke="#20262d" fill="none"/>')
            out.append(text(max(high, end) + 6, middle + 4, f"{one.middle:.3g}", size=11))
            y += ROW
        y += GAP
    out.append(f'<line x1="{LEFT}" y1="{TOP - 6}" x2="{LEFT}" y2="{floor_y}" stroke="#20262d"/>')
    out.append(f'<line x1="{LEFT}" y1="{floor_y}" x2="{WIDTH - RIGHT}" y2="{floor_y}" stroke="#20262d"/>')
    out.append(text((LEFT + WIDTH - RIGHT) / 2, floor_y + 38, f"{unit}; medians, whiskers from the least to the most", "middle"))
    return "\n".join(out + ["</svg>"]) + "\n"


def plots(result):
    """(file name, SVG) of everything that was measured."""
    who = result.contenders
    gbit = "gbit_per_second"
    tunnels = [name for name in who if name != "raw"]

    def tcp(name, streams, direction):
        return result.figure(gbit, "tcp", name, streams=streams, direction=direction)

    drawn = {
        "throughput": bars(
            "TCP throughput", "Gbit/s", ["one stream", "four streams", "one each way, together"],
            [(name, [result.single_stream(name), tcp(name, 4, "forth"), tcp(name, 1, "both")]) for name in who]),
        "udp": bars(
            "UDP, 1300-byte datagrams, flooded: delivered", "Gbit/s", [""],
            [(name, [result.figure(gbit, "udp", name, offered="flood")]) for name in who]),
        "cpu": bars(
            "CPU time of both daemons for a gigabyte, one TCP stream", "CPU seconds per GB", [""],
            [(name, [result.single_stream(name, "daemon_seconds_per_gb")]) for name in tunnels]),
        "ping-idle": bars(
            "Round trip when idle", "milliseconds", ["median", "95 %"],
            [(name, [result.figure(f"rtt_{field}_ms", "ping", name, load="none") for field in ("median", "p95")])
             for name in who]),
        "ping-loaded": bars(
            "Round trip beside a saturating TCP stream", "milliseconds", ["median", "95 %"],
            [(name, [result.figure(f"rtt_{field}_ms", "ping", name, load="one TCP stream") for field in ("median", "p95")])
             for name in who]),
        "plain": bars(
            "One TCP stream, the wire's offloads off", "Gbit/s", [""],
            [(name, [result.figure(gbit, "plain", name)]) for name in who]),
        "loss": bars(
            "One TCP stream, packets lost on the wire", "Gbit/s", ["0 %", "0.1 %", "1 %"],
            [(name, [result.figure(gbit, "loss", name, loss_percent=percent) for percent in (0, 0.1, 1)]) for name in who]),
        "relay": bars(
            "One TCP stream through relays", "Gbit/s", ["none", "one", "three"],
            [(name, [result.figure(gbit, "relay", name, relays=relays) for relays in (0, 1, 3)]) for name in who]),
        "peers": bars(
            "Total out of one box, 100 TCP streams", "Gbit/s", [""],
            [(f"{name}, {count} peer" + "s" * (count > 1), [result.figure(gbit, "peers", name, peers=count)])
             for name in ("raw", "inet256vpn") for count in (1, 10, 100)]),
    }
    return [(name, svg) for name, svg in drawn.items() if svg]
