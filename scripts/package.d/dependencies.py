#!/usr/bin/env python3
"""Compares what SwiftPM has taken with what this commit is for: dependencies.py Package.resolved dependencies"""

import json
import sys


def wanted(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {row[0]: row[1] for row in rows}


def taken(path):
    with open(path, encoding="utf-8") as file:
        pins = json.load(file)["pins"]
    return {pin["identity"]: pin["state"].get("version") or pin["state"].get("revision", "?") for pin in pins}


def main():
    have, want = taken(sys.argv[1]), wanted(sys.argv[2])
    wrong = [name for name in sorted(have.keys() | want.keys()) if have.get(name) != want.get(name)]
    for name in wrong:
        print(f"{name}: {have.get(name, 'none')} was taken, {want.get(name, 'none')} is written down", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
