"""Flows between two boxes, for ThreadTests: `serve ADDRESS PORT` prints what arrived as JSON, `send ADDRESS PORT FLOWS BYTES
DATAGRAMS` what was sent. Each TCP flow carries random bytes and is compared by hash; each UDP flow carries numbers."""
import hashlib, json, os, socket, struct, sys, threading, time

QUIET = 3  # Seconds without anything after which a UDP flow is over.
SO_RCVBUFFORCE = 33  # Not in the module.


def serve(address, port):
    tcp = socket.create_server((address, port), family=socket.AF_INET6)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    udp.bind((address, port))
    control, _ = tcp.accept()
    hashes, flows, threads = [], {}, []

    def drain(connection):
        digest = hashlib.sha256()
        while data := connection.recv(1 << 16):
            digest.update(data)
        hashes.append(digest.hexdigest())
        connection.close()

    def collect():
        udp.settimeout(QUIET)
        while True:
            try:
                data, (_, source, *_) = udp.recvfrom(2048)
            except TimeoutError:
                if done.is_set():
                    return
                continue
            number, = struct.unpack_from("!Q", data)
            flow = flows.setdefault(source, {"count": 0, "last": -1, "late": 0, "altered": 0})
            flow["count"] += 1
            if number < flow["last"]:
                flow["late"] += 1
            flow["last"] = max(flow["last"], number)
            if data[8:] != bytes([number % 256]) * (len(data) - 8):
                flow["altered"] += 1
            if number % 16 == 0:
                udp.sendto(data[:8], (peer, source))

    peer = control.getpeername()[0]
    done = threading.Event()
    receiver = threading.Thread(target=collect)
    receiver.start()
    control.sendall(b"go")
    flow_count, = struct.unpack("!I", control.recv(4))
    for _ in range(flow_count):
        threads.append(threading.Thread(target=drain, args=(tcp.accept()[0],)))
        threads[-1].start()
    control.recv(1)
    done.set()
    for thread in threads + [receiver]:
        thread.join()
    print(json.dumps({"hashes": sorted(hashes), "flows": list(flows.values())}))


def send(address, port, flows, count, datagrams):
    control = socket.create_connection((address, port), timeout=20)
    control.recv(2)
    control.sendall(struct.pack("!I", flows))
    hashes, answered, threads = [], [], []

    def stream():
        connection = socket.create_connection((address, port), timeout=60)
        digest = hashlib.sha256()
        left = count
        while left:
            data = os.urandom(min(left, 1 << 16))
            digest.update(data)
            connection.sendall(data)
            left -= len(data)
        hashes.append(digest.hexdigest())
        connection.close()

    def numbers(size):
        udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        udp.connect((address, port))
        for number in range(datagrams):
            udp.send(struct.pack("!Q", number) + bytes([number % 256]) * size)
            if number % 8 == 7:
                time.sleep(0.004)
        udp.settimeout(1)
        answers = 0
        try:
            while udp.recv(64):
                answers += 1
        except TimeoutError:
            pass
        answered.append(answers)

    for place in range(flows):
        threads.append(threading.Thread(target=stream))
        threads.append(threading.Thread(target=numbers, args=(64 + 150 * place,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    control.sendall(b"x")
    print(json.dumps({"hashes": sorted(hashes), "answered": answered}))


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], *map(int, sys.argv[3:]))
