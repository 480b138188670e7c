"""A nameserver with a few records. Standard library alone.

nameserver.py ADDRESS RECORD...   each a word: A,NAME,ADDRESS  TXT,NAME,TEXT  SRV,NAME,PORT,TARGET  MUTE,TYPE
"""
import socket
import struct
import sys

TYPES = {1: "A", 16: "TXT", 28: "AAAA", 33: "SRV"}


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def data(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "TXT":
        return bytes([len(words[0])]) + words[0].encode()
    return struct.pack(">HHH", 1, 1, int(words[0])) + name_bytes(words[1])


def main(address, *records):
    records = [record.split(",") for record in records]
    mute = {words[1] for words in records if words[0] == "MUTE"}
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", flush=True)
    while True:
        question, source = server.recvfrom(2048)
        place, labels = 12, []
        while question[place]:
            labels.append(question[place + 1:place + 1 + question[place]].decode())
            place += 1 + question[place]
        kind = TYPES.get(struct.unpack_from(">H", question, place + 1)[0], "?")
        print(kind, ".".join(labels), flush=True)
        if kind in mute:
            continue
        name = ".".join(labels).lower()
        known = [words for words in records if words[0] != "MUTE" and words[1] == name]
        found = [data(kind, words[2:]) for words in known if words[0] == kind]
        number = {text: key for key, text in TYPES.items()}.get(kind, 0)
        answer = question[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1, len(found), 0, 0)
        answer += question[12:place + 5]
        for one in found:
            answer += struct.pack(">HHHIH", 0xc00c, number, 1, 60, len(one)) + one
        server.sendto(answer, source)


main(*sys.argv[1:])
