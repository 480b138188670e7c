"""A router that opens ports, as far as a client sees it: nothing is forwarded.

    router.py silent|pcp|natpmp|igd|igd-permanent ADDRESS EXTERNAL

Says a line for each mapping: "map INSIDE OUTSIDE LIFETIME" and "unmap INSIDE" (igd: OUTSIDE). PCP and NAT-PMP give port 4000 more
than is asked for inside.
"""
import http.server
import re
import socket
import socketserver
import struct
import sys
import threading

kind, address, external = sys.argv[1:4]
EPOCH = 1000
OFFSET = 4000


def say(*words):
    print(*words, flush=True)


def mapped(text):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(text)


def pcp(data):
    if kind == "silent":
        return None
    if kind == "natpmp":
        return bytes([0, 128 | data[1], 0, 1]) + struct.pack(">I", EPOCH)
    if len(data) != 60 or data[0:2] != bytes([2, 1]):
        return None
    lifetime = struct.unpack(">I", data[4:8])[0]
    inside = struct.unpack(">H", data[40:42])[0]
    outside = (inside + OFFSET) & 0xFFFF if lifetime else 0
    say("map", inside, outside, lifetime) if lifetime else say("unmap", inside)
    head = bytes([2, 0x81, 0, 0]) + struct.pack(">II", lifetime, EPOCH) + bytes(12)
    return head + data[24:42] + struct.pack(">H", outside) + mapped(external)


def natpmp(data):
    if data == bytes([0, 0]):
        return bytes([0, 128, 0, 0]) + struct.pack(">I", EPOCH) + socket.inet_aton(external)
    if len(data) != 12 or data[1] != 1:
        return None
    inside, _, lifetime = struct.unpack(">HHI", data[4:12])
    outside = (inside + OFFSET) & 0xFFFF if lifetime else 0
    say("map", inside, outside, lifetime) if lifetime else say("unmap", inside)
    return bytes([0, 129, 0, 0]) + struct.pack(">IHHI", EPOCH, inside, outside, lifetime)


def serve_ports():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 5351))
    say("ready")
    while True:
        data, source = server.recvfrom(2048)
        answer = pcp(data) if data[:1] == b"\x02" else natpmp(data) if kind == "natpmp" else None
        if answer:
            server.sendto(answer, source)


SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
DESCRIPTION = f"""<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor>
</specVersion><device><deviceType>{DEVICE}</deviceType><deviceList><device><serviceList><service>
<serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType><controlURL>/common</controlURL>
<eventSubURL>/event</eventSubURL><SCPDURL>/common.xml</SCPDURL></service></serviceList><deviceList><device><serviceList><service>
<serviceType>{SERVICE}</serviceType><controlURL>/control</controlURL><eventSubURL>/event</eventSubURL><SCPDURL>/scpd.xml</SCPDURL>
</service></serviceList></device></deviceList></device></deviceList></device></root>"""


class Gateway(http.server.BaseHTTPRequestHandler):
    def answer(self, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(DESCRIPTION)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = self.headers["SOAPAction"].strip('"').split("#")[1]

        def field(name):
            found = re.search(f"<{name}>([^<]*)</{name}>", body)
            return found.group(1) if found else ""

        fields = ""
        if action == "GetStatusInfo":
            fields = "<NewConnectionStatus>Connected</NewConnectionStatus><NewUptime>9</NewUptime>"
        elif action == "GetExternalIPAddress":
            fields = f"<NewExternalIPAddress>{external}</NewExternalIPAddress>"
        elif action == "AddPortMapping":
            lease = field("NewLeaseDuration")
            if kind == "igd-permanent" and lease != "0":
                return self.answer(
                    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><detail><UPnPError>'
                    "<errorCode>725</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>", 500)
            say("map", field("NewInternalPort"), field("NewExternalPort"), lease)
        elif action == "DeletePortMapping":
            say("unmap", field("NewExternalPort"))
        self.answer(
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:{action}Response xmlns:u="{SERVICE}">'
            f"{fields}</u:{action}Response></s:Body></s:Envelope>")

    def log_message(self, *_):
        pass


def serve_igd():
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    # Not http.server's own, which asks for the name of the address first.
    server = socketserver.ThreadingTCPServer((address, 5000), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    search = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    search.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    search.bind(("", 1900))
    group = socket.inet_aton("239.255.255.250") + socket.inet_aton(address)
    search.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    say("ready")
    while True:
        data, source = search.recvfrom(2048)
        wanted = re.search(rb"\nST: *(\S+)", data)
        if not wanted or wanted.group(1).decode() != DEVICE:
            continue
        text = (
            f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {DEVICE}\r\nUSN: uuid:1::{DEVICE}\r\nEXT:\r\n"
            f"LOCATION: http://{address}:5000/root.xml\r\n\r\n")
        search.sendto(text.encode(), source)


serve_igd() if kind.startswith("igd") else serve_ports()
