#!/usr/bin/env python3
"""A client of the INET256 API, in one file and with the standard library alone.

    from inet256 import Node
    with Node.open(key) as node:
        node.send(address, b"hello")
        source, payload = node.receive(timeout=5)

A key is the 81 bytes of a key file, or its base64 text: `inet256vpn keygen`. docs/api.md describes the wire.
"""
import argparse
import base64
import hashlib
import json
import os
import queue
import socket
import struct
import sys
import threading

MTU = 65535
LONGEST_FRAME = 4 + 32 + MTU
KEEP_EVERY = 1.0
SILENCE = 3.0
LONGEST_HEAD = 16384

STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ORDERED = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
PUBLIC_HEADER = struct.pack("<H", 7) + b"ed25519"
PRIVATE_HEADER = struct.pack("<H", 15) + b"ed25519.private"


class Inet256Error(Exception):
    """The daemon refused, answered with an error, or is gone."""


def address_text(address):
    """The 43 characters of a 32-byte address: base64 in the order of ASCII, without padding."""
    return base64.b64encode(address).rstrip(b"=").translate(bytes.maketrans(STANDARD, ORDERED)).decode()


def address_bytes(text):
    """The 32 bytes of an address's text."""
    raw = text.encode("ascii")
    if len(raw) != 43 or any(c not in ORDERED for c in raw):
        raise ValueError("an address has 43 characters of -0-9A-Z_a-z")
    address = base64.b64decode(raw.translate(bytes.maketrans(ORDERED, STANDARD)) + b"=")
    if address_text(address) != text:
        raise ValueError("the address's last character is not one that an address can end with")
    return address


def address_of_public(public):
    """The address of a serialized public key (41 bytes): the first 256 bits of its SHAKE256."""
    return hashlib.shake_256(public).digest(32)


def parse_key(data):
    """The 81 bytes of a private key, from the binary or the text form of a key file."""
    if 0 not in data[:2]:
        data = base64.b64decode(b"".join(data.split()))
    if len(data) != len(PRIVATE_HEADER) + 64 or not data.startswith(PRIVATE_HEADER):
        raise ValueError("this is no INET256 private key")
    return data


def address_of_private(key):
    """The address of a private key: its last 32 bytes are the public half."""
    return address_of_public(PUBLIC_HEADER + key[-32:])


def connect(endpoint=None, timeout=10):
    """A socket to the daemon: at `endpoint`, else $INET256_API, else the usual place."""
    endpoint = endpoint or os.environ.get("INET256_API") or "unix:///run/inet256vpn/api.sock"
    if endpoint.startswith("unix://"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(endpoint[len("unix://"):])
    elif endpoint.startswith("tcp://"):
        host, _, port = endpoint[len("tcp://"):].rpartition(":")
        sock = socket.create_connection((host.strip("[]"), int(port)), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        raise ValueError("an endpoint is unix:///path or tcp://host:port")
    return sock


def request(sock, method, key):
    """Sends a request about the key's node. Returns what was read behind the answer's head."""
    body = json.dumps({"private_key": base64.b64encode(key).decode()}).encode()
    name = address_text(address_of_private(key))
    head = f"{method} /nodes/{name} HTTP/1.1\r\nHost: \r\nContent-Length: {len(body)}\r\n\r\n"
    sock.sendall(head.encode() + body)
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part or len(data) > LONGEST_HEAD:
            raise Inet256Error("the daemon closed the connection before it had answered")
        data += part
    head, rest = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    if 200 <= status < 300:
        return rest
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
    wanted = int(fields.get("content-length", 0))
    while len(rest) < wanted:
        part = sock.recv(65536)
        if not part:
            break
        rest += part
    try:
        reason = json.loads(rest)["error"]
    except (ValueError, KeyError, TypeError):
        reason = rest.decode("utf-8", "replace").strip() or lines[0]
    raise Inet256Error(f"the daemon refuses ({status}): {reason}")


def drop(key, endpoint=None):
    """Removes the key's node from the daemon, whoever has it open."""
    with connect(endpoint) as sock:
        request(sock, "DELETE", key)


class Node:
    """An address in the network. All methods may be called from any thread."""

    def __init__(self, key, sock, rest):
        self.address = address_text(address_of_private(key))
        self._sock = sock
        self._buffer = bytearray(rest)
        self._messages = queue.Queue(maxsize=16384)
        self._answers = {}
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._ended = threading.Event()
        self._reason = "the node is closed"
        self.dropped = 0
        sock.settimeout(SILENCE)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._keep, daemon=True).start()

    @classmethod
    def open(cls, key, endpoint=None):
        """Opens the node of a key (81 bytes), or joins it where it is open."""
        sock = connect(endpoint)
        try:
            return cls(key, sock, request(sock, "CONNECT", key))
        except BaseException:
            sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, address, payload):
        """Sends 0 to 65,535 bytes to an address (text). Delivery is best effort."""
        if len(payload) > MTU:
            raise ValueError(f"a message has at most {MTU} bytes")
        self._write(b"DATA", address_bytes(address) + payload)

    def receive(self, timeout=None):
        """The next message: (source, payload). Raises TimeoutError, or Inet256Error when the node has ended."""
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError("no message came in time") from None
        if message is None:
            self._messages.put(None)
            raise Inet256Error(self._reason)
        return message

    def find(self, prefix, bits, timeout=10):
        """An address (text) that begins with the first `bits` bits of `prefix` (bytes)."""
        if not 0 <= bits <= 256 or len(prefix) * 8 < bits:
            raise ValueError("a prefix has 0 to 256 bits")
        text = base64.b64encode(prefix[:(bits + 7) // 8]).decode()
        return self._ask(b"FIND", {"prefix": text, "nbits": bits}, timeout)["addr"]

    def lookup(self, address, timeout=10):
        """The serialized public key (41 bytes) of an address."""
        public = base64.b64decode(self._ask(b"PUBK", {"target": address}, timeout)["public_key"])
        if address_text(address_of_public(public)) != address:
            raise Inet256Error("the daemon answered with another node's key")
        return public

    def close(self):
        """Takes the node out of the network, unless another client has it open too."""
        self._end("the node is closed")

    def _ask(self, kind, question, timeout):
        number = os.urandom(16)
        answer = queue.Queue(maxsize=1)
        with self._lock:
            self._answers[number] = answer
        try:
            self._write(kind, number + json.dumps(question).encode())
            result = answer.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError("no answer came in time") from None
        finally:
            with self._lock:
                self._answers.pop(number, None)
        if result is None:
            raise Inet256Error(self._reason)
        if result.get("error"):
            raise Inet256Error(result["error"])
        return result["ok"]

    def _write(self, kind, body):
        frame = struct.pack(">I", len(kind) + len(body)) + kind + body
        with self._write_lock:
            if self._ended.is_set():
                raise Inet256Error(self._reason)
            try:
                self._sock.sendall(frame)
            except OSError as error:
                # Half a frame may have gone out: nothing can follow it.
                self._end(f"the connection broke off: {error}")
                raise Inet256Error(self._reason) from error

    def _keep(self):
        while not self._ended.wait(KEEP_EVERY):
            try:
                self._write(b"KEEP", b"")
            except Inet256Error:
                return

    def _read(self):
        try:
            while not self._ended.is_set():
                self._take_frames()
                part = self._sock.recv(262144)
                if not part:
                    return self._end("the daemon closed the connection")
                self._buffer += part
        except TimeoutError:
            self._end("the daemon has been silent for three seconds")
        except (OSError, ValueError, KeyError) as error:
            self._end(f"the connection broke off: {error}")

    def _take_frames(self):
        start = 0
        while len(self._buffer) - start >= 4:
            (length,) = struct.unpack_from(">I", self._buffer, start)
            if not 4 <= length <= LONGEST_FRAME:
                raise ValueError(f"a frame of {length} bytes")
            if len(self._buffer) - start < 4 + length:
                break
            self._take(bytes(self._buffer[start + 4:start + 4 + length]))
            start += 4 + length
        del self._buffer[:start]

    def _take(self, frame):
        kind, body = frame[:4], frame[4:]
        if kind == b"DATA" and len(body) >= 32:
            try:
                self._messages.put_nowait((address_text(body[:32]), body[32:]))
            except queue.Full:
                self.dropped += 1
        elif kind in (b"FIND", b"PUBK") and len(body) >= 16:
            with self._lock:
                answer = self._answers.pop(body[:16], None)
            if answer:
                answer.put(json.loads(body[16:]))
        elif kind != b"KEEP" or body:
            raise ValueError(f"an unknown frame {kind!r}")

    def _end(self, reason):
        with self._lock:
            if self._ended.is_set():
                return
            self._reason = reason
            self._ended.set()
            waiting, self._answers = list(self._answers.values()), {}
        for answer in waiting:
            answer.put(None)
        try:
            self._messages.put_nowait(None)
        except queue.Full:
            self._messages.get_nowait()
            self._messages.put_nowait(None)
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()


def main():
    parser = argparse.ArgumentParser(description="A small client of the INET256 API.")
    parser.add_argument("--api", help="the endpoint (default: $INET256_API, else the usual socket)")
    parser.add_argument("--key", required=True, help="a private key file: inet256vpn keygen --output FILE")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("echo", help="send every message back")
    send = commands.add_parser("send", help="send a message, and print the answer")
    send.add_argument("address")
    send.add_argument("text")
    send.add_argument("--wait", type=float, default=5, help="seconds to wait for an answer; 0: do not (default 5)")
    # An address may begin with "-": behind the subcommand nothing of that kind is an option.
    words = ["./" + w if len(w) == 43 and w.startswith("-") else w for w in sys.argv[1:]]
    arguments = parser.parse_args(words)
    with open(arguments.key, "rb") as file:
        key = parse_key(file.read())
    with Node.open(key, arguments.api) as node:
        if arguments.command == "echo":
            print(node.address, flush=True)
            while True:
                source, payload = node.receive()
                node.send(source, payload)
        node.send(arguments.address.removeprefix("./"), arguments.text.encode())
        if arguments.wait > 0:
            source, payload = node.receive(arguments.wait)
            print(f"{source} {payload.decode('utf-8', 'replace')}")


if __name__ == "__main__":
    try:
        main()
    except (Inet256Error, OSError, ValueError) as problem:
        sys.exit(f"inet256.py: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
