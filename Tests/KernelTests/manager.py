#!/usr/bin/env python3
"""What systemd does for a service that may leave descriptors with it (FileDescriptorStoreMax=, Restart=on-failure): runs the command,
keeps what it stores (FDSTORE=1), and starts it again with that when a signal has killed it. SIGTERM goes on to the command, which then ends
for good; SIGUSR1 kills it."""
import array
import os
import signal
import socket
import sys

path = f"\0inet256vpn-manager-{os.getpid()}"
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path)
notify.settimeout(0.05)
kept = {}
child = 0
stopping = False


def start():
    names = sorted(kept)
    pid = os.fork()
    if pid:
        return pid
    os.environ.update(NOTIFY_SOCKET="@" + path[1:], FDSTORE="64")
    if names:
        # Out of the way first, as the places may be taken by one another.
        moved = [os.dup(kept[name]) for name in names]
        high = [os.dup2(number, 300 + place) for place, number in enumerate(moved)]
        for place, number in enumerate(high):
            os.dup2(number, 3 + place)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
    os.execvp(sys.argv[1], sys.argv[1:])


def hear():
    try:
        data, ancillary, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(64))
    except (TimeoutError, InterruptedError):
        return
    handed = array.array("i")
    for level, kind, rights in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            handed.frombytes(rights)
    fields = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
    name = fields.get("FDNAME", "stored")
    if fields.get("FDSTORE") == "1" and handed:
        if name in kept:
            os.close(kept[name])
        kept[name] = handed.pop()
        os.set_inheritable(kept[name], False)
    elif fields.get("FDSTOREREMOVE") == "1" and name in kept:
        os.close(kept.pop(name))
    for number in handed:
        os.close(number)


def stop(*_):
    global stopping
    stopping = True
    os.kill(child, signal.SIGTERM)


def kill(*_):
    os.kill(child, signal.SIGKILL)


child = start()
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGUSR1, kill)
while True:
    hear()
    pid, status = os.waitpid(child, os.WNOHANG)
    if not pid:
        continue
    if os.WIFSIGNALED(status) and not stopping:
        print("manager: started again with " + " ".join(sorted(kept)), file=sys.stderr, flush=True)
        child = start()
        continue
    sys.exit(os.waitstatus_to_exitcode(status) & 127)
