#!/usr/bin/env python3
"""Writes the bill of materials of a package: SPDX 2.3, as JSON. The same arguments give the same bytes.

https://spdx.github.io/spdx-spec/v2.3/
"""

import argparse
import datetime
import hashlib
import json
import re

RUNTIME_LICENSE = "Apache-2.0 WITH Swift-exception"


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(name, version, license_, source, comment, reference=None):
    entry = {
        "SPDXID": identifier(name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": source,
        "filesAnalyzed": False,
        "licenseConcluded": license_,
        "licenseDeclared": license_,
        "copyrightText": "NOASSERTION",
        "comment": comment,
    }
    if reference:
        entry["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": reference}
        ]
    return entry


def statically_linked(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, version, license_, source = line.split()
                place = source.removeprefix("https://")
                yield package(
                    name, version, license_, f"git+{source}@{version}", "Linked into the program.", f"pkg:swift/{place}@{version}"
                )


def shared(depends):
    for word in filter(None, (each.strip() for each in depends.split(","))):
        name, _, version = word.partition(" ")
        yield package(
            name, version.strip("()") or "NOASSERTION", "NOASSERTION", "NOASSERTION", "A package of Debian's, not included.",
            f"pkg:deb/debian/{name}",
        )


def document(options):
    with open(options.program, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    made = datetime.datetime.fromtimestamp(options.time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    root = package("inet256vpn", options.version, "Apache-2.0", "NOASSERTION", "The program and its documentation.")
    root["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    root["comment"] += " The checksum is that of /usr/bin/inet256vpn."
    linked = list(statically_linked(options.dependencies))
    linked.append(
        package("swift-runtime", options.swift, RUNTIME_LICENSE, "https://www.swift.org/install/linux", "Linked into the program.")
    )
    beside = list(shared(options.depends))
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", root["SPDXID"])]
    relations += [(root["SPDXID"], "STATIC_LINK", each["SPDXID"]) for each in linked]
    relations += [(root["SPDXID"], "DYNAMIC_LINK", each["SPDXID"]) for each in beside]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"inet256vpn-{options.version}",
        "documentNamespace": f"https://inet256vpn.example/spdx/{options.version}/{digest}",
        "creationInfo": {"created": made, "creators": ["Tool: inet256vpn scripts/package"]},
        "packages": [root, *linked, *beside],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other} for one, kind, other in relations
        ],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--time", type=int, required=True)
    parser.add_argument("--dependencies", required=True)
    parser.add_argument("--swift", required=True)
    parser.add_argument("--depends", required=True)
    parser.add_argument("--program", required=True)
    print(json.dumps(document(parser.parse_args()), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
