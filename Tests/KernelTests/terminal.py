#!/usr/bin/env python3
"""Runs a command on a terminal of 40 columns and 10 lines, as a shell would, and sees what it leaves: terminal.py API COMMAND..."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

COLUMNS, LINES = 40, 10


def start(words, more):
    # The other end of the terminal stays open here, for its settings.
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    settings = termios.tcgetattr(far)
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(far, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(far, number)
        # Whoever runs the tests may want no colours himself.
        own = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        os.execvpe(words[0], words, {**own, "INET256_API": sys.argv[1], "TERM": "xterm", **more})
    return near, far, child, settings


def read(near, until, limit=20):
    text, end = b"", time.monotonic() + limit
    while not until(text) and time.monotonic() < end:
        if select.select([near], [], [], 0.1)[0]:
            text += os.read(near, 65536)
    return text


def demand(holds, what, shown=""):
    if not holds:
        sys.exit("%s: %r" % (what, shown))


def waited(child, flags=0, limit=10):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG | flags)
        if pid:
            return status
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    sys.exit("it does not end")


OPEN, CLOSE = b"\x1b[?1049h", b"\x1b[?1049l"
for ending in ["q", "Ctrl-C"]:
    for more in [{}, {"NO_COLOR": "1"}]:
        near, far, child, settings = start(sys.argv[2:], more)
        text = read(near, lambda text: text.count(b"\x1b[H") >= 3)
        demand(text.startswith(OPEN) and text.count(b"\x1b[H") >= 3, "no second screen", text)
        demand((b"\x1b[1m" in text) == (not more), "emphasis", text)
        demand(not termios.tcgetattr(far)[3] & termios.ECHO, "keys are echoed")
        for picture in text.split(b"\x1b[H")[1:-1]:
            lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", picture).decode().split("\r\n")
            demand(len(lines) <= LINES and all(len(line) <= COLUMNS for line in lines), "too large", lines)
            demand(any(line.startswith("NAME") for line in lines), "no peers", lines)
        os.kill(child, signal.SIGTSTP)
        status = waited(child, os.WUNTRACED)
        demand(os.WIFSTOPPED(status), "Ctrl-Z does not hold it", status)
        demand(termios.tcgetattr(far)[3] == settings[3], "held, and the terminal is not as it was", (termios.tcgetattr(far), settings))
        demand(CLOSE in read(near, lambda text: CLOSE in text), "held, and its screen is there")
        os.kill(child, signal.SIGCONT)
        demand(OPEN in read(near, lambda text: OPEN in text), "it does not go on")
        os.write(near, b"q" if ending == "q" else b"\x03")
        text = read(near, lambda text: text.endswith(CLOSE))
        demand(text.endswith(CLOSE) and b"\x1b[?25h" in text, "the screen is not given back", text)
        status = waited(child)
        demand(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, ending, status)
        demand(termios.tcgetattr(far)[3] == settings[3], "the terminal is not as it was")
        os.close(near)
        os.close(far)
print("given back")
