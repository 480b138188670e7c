"""What a router does to datagrams, seen from both sides. Standard library alone.

outside PORT              answers each datagram with the endpoint that it came from
inside PORT A:P B:P       asks two of these from one socket over and over, and prints "seen A ENDPOINT" for each answer and
                          "heard WORD ENDPOINT" for whatever else comes
knock PORT A:P WORD       sends "knock WORD" from PORT to an endpoint, three times
"""
import socket
import sys
import time


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def opened(port):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", port))
    return made


def outside(port):
    made = opened(int(port))
    print("ready", flush=True)
    while True:
        _, source = made.recvfrom(2048)
        made.sendto(("seen %s:%d" % source).encode(), source)


def inside(port, *targets):
    made = opened(int(port))
    made.settimeout(0.1)
    targets = [endpoint(target) for target in targets]
    while True:
        for target in targets:
            made.sendto(b"where", target)
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            try:
                data, source = made.recvfrom(2048)
            except (TimeoutError, ConnectionError):
                break
            words = data.decode().split()
            if words[0] == "seen":
                print("seen %s:%d %s" % (source + (words[1],)), flush=True)
            else:
                print("heard %s %s:%d" % ((words[1],) + source), flush=True)


def knock(port, target, word):
    made = opened(int(port))
    for _ in range(3):
        made.sendto(("knock " + word).encode(), endpoint(target))


{"outside": outside, "inside": inside, "knock": knock}[sys.argv[1]](*sys.argv[2:])
