/// The program in Python that carries streams and datagrams between boxes and keeps account of them: its source. What it
/// says is read by `Carried`, `Collected` and the tests.
enum TrafficProgram {
    static let source = #"""
        import hashlib, os, random, select, signal, socket, struct, sys, time

        UDP_SEGMENT, IPV6_RECVTCLASS, IPV6_TCLASS, SO_RCVBUFFORCE = 103, 66, 67, 33
        POOL = random.Random(5).randbytes(1 << 17)
        HEAD = struct.Struct("!IH")

        def say(*words):
            os.write(1, (" ".join(map(str, words)) + "\n").encode())

        def serve(port):
            # Takes connections one after the other: how many bytes had come at what time, and their hash.
            listener = socket.create_server(("::", int(port)), family=socket.AF_INET6)
            say("ready")
            while True:
                stream = listener.accept()[0]
                digest, count, told = hashlib.sha256(), 0, 0
                while data := stream.recv(1 << 18):
                    digest.update(data)
                    count += len(data)
                    now = time.monotonic()
                    if now - told >= 0.05:
                        told = now
                        say("at", now, count)
                say("came", count, digest.hexdigest())
                stream.close()

        def carry(address, port, count, rate):
            # Sends so many random bytes, at most `rate` a second (0: as it goes), and waits until all were taken.
            stream = socket.create_connection((address, int(port)))
            digest, begun, sent, count, rate = hashlib.sha256(), time.monotonic(), 0, int(count), int(rate)
            while sent < count:
                data = os.urandom(min(1 << 16, count - sent))
                stream.sendall(data)
                digest.update(data)
                sent += len(data)
                if rate:
                    time.sleep(max(0, begun + sent / rate - time.monotonic()))
            stream.shutdown(socket.SHUT_WR)
            stream.recv(1)
            say("sent", sent, digest.hexdigest())

        def text(number, size):
            # The bytes of a datagram: its number and size, and a piece of the pool that begins elsewhere for each number.
            start = number * 7919 % (1 << 16)
            return HEAD.pack(number, size) + POOL[start:start + size - HEAD.size]

        def collect(port):
            # Keeps account of the datagrams of `scatter`: how many came, twice, altered, with which traffic class.
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
            s.bind(("::", int(port)))
            s.setblocking(False)
            poll = select.poll()
            poll.register(s, select.POLLIN)
            came, doubled, altered, classes, changed = set(), 0, 0, {}, False
            say("ready")
            while True:
                if not poll.poll(100):
                    if changed:
                        counts = ",".join(f"{c}:{n}" for c, n in sorted(classes.items()))
                        say("came", len(came), "doubled", doubled, "altered", altered, "classes", counts)
                    changed = False
                    continue
                for _ in range(256):
                    try:
                        data, control, _, _ = s.recvmsg(65536, 64)
                    except BlockingIOError:
                        break
                    changed = True
                    for level, kind, value in control:
                        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_TCLASS):
                            traffic_class = struct.unpack("i", value)[0]
                            classes[traffic_class] = classes.get(traffic_class, 0) + 1
                    number, size = HEAD.unpack_from(data) if len(data) >= HEAD.size else (0, 0)
                    if data != text(number, size):
                        altered += 1
                    elif number in came:
                        doubled += 1
                    else:
                        came.add(number)

        def scatter(address, port, count, size, burst, traffic_class, first):
            # Sends `count` datagrams numbered from `first`. With a burst above 1 the kernel cuts them from one message
            # (UDP_SEGMENT), the last of each burst shorter than the others.
            count, size, burst, first = int(count), int(size), int(burst), int(first)
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_TCLASS, int(traffic_class))
            s.connect((address, int(port)))
            if burst > 1:
                s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
            for start in range(first, first + count, burst):
                numbers = range(start, min(start + burst, first + count))
                sizes = [size] * len(numbers)
                if burst > 1:
                    sizes[-1] = size - start % 97
                s.send(b"".join(map(text, numbers, sizes)))
                # As fast as a slow machine with a debug build can take them.
                time.sleep(0.0005 * len(numbers))
            say("sent", count)

        def flood(address, port, size, rate, seconds):
            # Sends so many datagrams a second, whether they are taken or not.
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.connect((address, int(port)))
            begun, tried, refused = time.monotonic(), 0, 0
            while (now := time.monotonic() - begun) < float(seconds):
                while tried < now * int(rate):
                    tried += 1
                    try:
                        s.send(POOL[:int(size)])
                    except OSError:
                        refused += 1
                time.sleep(0.002)
            say("sent", tried, "refused", refused)

        def crooked(source, target, port, count):
            # UDP with a wrong checksum.
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
            s.bind((source, 0))
            for _ in range(int(count)):
                # The sum over eight bytes and this pseudo header is not 0x1234 but for one port in 65,536.
                s.sendto(struct.pack("!HHHH", 40000, int(port), 16, 0x1234) + b"crooked!", (target, 0))
            say("sent", count)

        def bend(given, made):
            # Copies a capture; the last byte of the first TCP segment with data and of the first UDP datagram is changed.
            data, place, wanted = bytearray(open(given, "rb").read()), 24, {6, 17}
            while place < len(data):
                length = struct.unpack_from("<I", data, place + 8)[0]
                packet = place + 16
                protocol = data[packet + 14 + 6]
                if protocol in wanted and length > 1000:
                    data[packet + length - 1] ^= 1
                    wanted.discard(protocol)
                place = packet + length
            open(made, "wb").write(data)
            say("bent", 2 - len(wanted))

        verbs = [serve, carry, collect, scatter, flood, crooked, bend]
        {verb.__name__: verb for verb in verbs}[sys.argv[1]](*sys.argv[2:])
        """#
}
