#!/usr/bin/env python3
"""Writes man pages from what the program says of its own command line.

    man.py FOLDER DATE VERSION < "inet256vpn --experimental-dump-help"

A page for the program and one for each command, inet256vpn-firewall-test.1 for instance. DATE is the pages' date as they print
it. The same input gives the same bytes.
"""

import json
import pathlib
import re
import sys

# A discussion has headings of its own: a line in capitals, followed by what is printed as it stands.
HEADING = re.compile(r"^[A-Z][A-Z ]+$")

FILES = """\
.TP
.I /etc/inet256vpn/config.yaml
The configuration. Its keys are in /usr/share/doc/inet256vpn/README.md, a sample in /usr/share/doc/inet256vpn/config.sample.yaml.
.TP
.I /etc/inet256vpn/private_key.inet256
The key that this box is. Whoever has it is this box.
.TP
.I /run/inet256vpn/api.sock
Where commands and applications find the daemon.
"""


def escape(text):
    """Text as roff shows it: hyphens are those that are typed, and no line is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"(?m)^\.", r"\\&.", text)


def literal(lines):
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return ".nf\n" + escape("\n".join(lines)) + "\n.fi\n" if lines else ""


def sections(discussion):
    """The discussion's text, then (heading, lines) for each heading in it."""
    found = [("", [])]
    for line in (discussion or "").split("\n"):
        if HEADING.match(line):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return found


def paragraphs(lines):
    """Prose flows; what is indented is shown as typed."""
    out, shown = [], []
    for line in lines + [""]:
        if line.startswith("  "):
            shown.append(line)
            continue
        if shown:
            out.append(literal(shown))
            shown = []
        out.append(escape(line) + "\n" if line.strip() else ".PP\n")
    text = "".join(out)
    text = re.sub(r"(\.PP\n)+", ".PP\n", text)
    return text.removeprefix(".PP\n").removesuffix(".PP\n")


def name_of(argument, name):
    return ("-" if name["kind"] == "short" else "--") + name["name"]


def is_shown(thing):
    return thing.get("shouldDisplay", True)


def synopsis(words, command):
    parts = [f".B {escape(' '.join(words))}\n"]
    for argument in filter(is_shown, command.get("arguments", [])):
        value = escape(argument.get("valueName", ""))
        if argument["kind"] == "positional":
            text = f"\\fI{value}\\fR"
        else:
            preferred = argument.get("preferredName") or argument["names"][0]
            text = f"\\fB{escape(name_of(argument, preferred))}\\fR"
            if argument["kind"] == "option":
                text += f" \\fI{value}\\fR"
        if argument["isRepeating"]:
            text += " ..."
        parts.append((f"[{text}]" if argument["isOptional"] else text) + "\n")
    if subcommands(command):
        parts.append("\\fIcommand\\fR\n")
    return "".join(parts)


def options(command):
    parts = []
    for argument in filter(is_shown, command.get("arguments", [])):
        value = escape(argument.get("valueName", ""))
        if argument["kind"] == "positional":
            head = f"\\fI{value}\\fR"
        else:
            names = sorted(argument["names"], key=lambda name: name["kind"] != "short")
            head = ", ".join(f"\\fB{escape(name_of(argument, name))}\\fR" for name in names)
            if argument["kind"] == "option":
                head += f" \\fI{value}\\fR"
        text = argument.get("abstract", "")
        if argument.get("defaultValue") is not None:
            text += f" Default: {argument['defaultValue']}."
        if argument.get("discussion"):
            text += "\n" + argument["discussion"]
        parts.append(f".TP\n{head}\n{escape(text)}\n")
    return "".join(parts)


def subcommands(command):
    return [each for each in command.get("subcommands", []) if is_shown(each) and each["commandName"] != "help"]


def page(words, command, date, version, siblings):
    title = "-".join(words)
    abstract = command.get("abstract", "").rstrip(".")
    parts = [
        f'.TH "{title.upper()}" 1 "{date}" "inet256vpn {version}" "inet256vpn"\n',
        f".SH NAME\n{escape(title)} \\- {escape(abstract[:1].lower() + abstract[1:] if abstract[1:2].islower() else abstract)}\n",
        f".SH SYNOPSIS\n{synopsis(words, command)}",
    ]
    body, *rest = sections(command.get("discussion"))
    if any(line.strip() for line in body[1]):
        parts.append(f".SH DESCRIPTION\n{paragraphs(body[1])}")
    if command.get("aliases"):
        parts.append(f".PP\nAlso called {escape(', '.join(command['aliases']))}.\n")
    if subcommands(command):
        parts.append(".SH COMMANDS\n")
        for each in subcommands(command):
            parts.append(f".TP\n.BR {escape('-'.join([title, each['commandName']]))} (1)\n{escape(each.get('abstract', ''))}\n")
    if text := options(command):
        parts.append(f".SH OPTIONS\n{text}")
    parts += [f".SH {heading}\n{literal(lines)}" for heading, lines in rest]
    if len(words) == 1:
        parts.append(f".SH FILES\n{FILES}")
    if siblings:
        parts.append(".SH SEE ALSO\n" + ",\n".join(f".BR {escape(each)} (1)" for each in siblings).replace(",\n", " ,\n") + "\n")
    return "".join(parts)


def write(folder, words, command, date, version, parent):
    title = "-".join(words)
    siblings = [parent] if parent else []
    path = folder / f"{title}.1"
    path.write_text(page(words, command, date, version, siblings), encoding="utf-8")
    for each in subcommands(command):
        write(folder, words + [each["commandName"]], each, date, version, title)


def main():
    folder, date, version = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    command = json.load(sys.stdin)["command"]
    write(folder, [command["commandName"]], command, date, version, None)


if __name__ == "__main__":
    main()
