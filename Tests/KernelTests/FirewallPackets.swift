/// The program in Python that listens, asks, floods and makes packets by hand: its source. It runs in the boxes'
/// namespaces and needs raw sockets only.
enum FirewallPackets {
    static let source = #"""
        import errno, os, select, signal, socket, struct, sys, threading, time

        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())

        def say(*words):
            os.write(1, (" ".join(map(str, words)) + "\n").encode())

        def parts(service):
            kind, port = service.split("/")
            return kind, int(port)

        def new(kind):
            return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)

        def listen(*services):
            # Sends datagrams back, and says what comes: datagrams, connections, and how many bytes each of these carried.
            poll, live = select.poll(), {}

            def add(service, s, carried=None):
                s.setblocking(False)
                live[s.fileno()] = [service, s, carried]
                poll.register(s, select.POLLIN)

            for service in services:
                kind, port = parts(service)
                s = new(kind)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("::", port))
                if kind == "tcp":
                    s.listen(4096)
                add(service, s)
            say("ready")
            while not ended.is_set():
                for fd, _ in poll.poll(200):
                    service, s, carried = live[fd]
                    try:
                        if carried is not None:
                            data = s.recv(1 << 18)
                            live[fd][2] += len(data)
                            if data:
                                continue
                            say(service, "carried", carried)
                        elif service.startswith("tcp"):
                            other, peer = s.accept()
                            say(service, "accepted", peer[0])
                            add(service, other, 0)
                            continue
                        else:
                            data, peer = s.recvfrom(65536)
                            say(service, "received", peer[0], data[:40].decode("ascii", "replace").rstrip("."))
                            s.sendto(data, peer)
                            continue
                    except BlockingIOError:
                        continue
                    except OSError as error:
                        if carried is None:
                            continue
                        say(service, "broken", carried, errno.errorcode.get(error.errno))
                    poll.unregister(s)
                    del live[fd]
                    s.close()

        def ask(target, seconds, *services):
            # Tries all services at once and says of each what came of it, in their order.
            answers = [None] * len(services)

            def one(place):
                kind, port = parts(services[place])
                s = new(kind)
                s.settimeout(float(seconds))
                try:
                    s.connect((target, port))
                    if kind == "udp":
                        s.send(b"question")
                        s.recv(100)
                    answers[place] = "answered"
                except TimeoutError:
                    answers[place] = "silent"
                except OSError as error:
                    answers[place] = errno.errorcode.get(error.errno, str(error))
                s.close()

            threads = [threading.Thread(target=one, args=(place,)) for place in range(len(services))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            say(*answers)

        def flood(target, *ports):
            # Connects to all ports again and again, and says of each, ten times a second, how many tries there were, how many
            # were opened and how many reset.
            tries = dict.fromkeys(ports, 0)
            counts = {port: {"opened": 0, "reset": 0} for port in ports}
            live, poll, said = {}, select.poll(), None

            def drop(fd):
                s = live.pop(fd)[0]
                poll.unregister(fd)
                s.close()

            def tell():
                say(*(f"{p}:{tries[p]}:{c['opened']}:{c['reset']}" for p, c in counts.items()))

            last = 0
            while not ended.is_set():
                now = time.monotonic()
                for port in ports:
                    s = new("tcp")
                    s.setblocking(False)
                    # Closed with a reset: nothing lingers.
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    code = s.connect_ex((target, int(port)))
                    tries[port] += 1
                    if code not in (0, errno.EINPROGRESS):
                        s.close()
                        continue
                    live[s.fileno()] = (s, port, now)
                    poll.register(s, select.POLLOUT)
                for fd, _ in poll.poll(2):
                    s, port, _ = live[fd]
                    code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        counts[port]["opened"] += 1
                    elif code in (errno.ECONNREFUSED, errno.ECONNRESET):
                        counts[port]["reset"] += 1
                    drop(fd)
                for fd in [fd for fd, (_, _, since) in live.items() if now - since > 0.3]:
                    drop(fd)
                if now - last > 0.1:
                    tell()
                    last = now
            tell()

        def stream(target, port):
            # Sends as much as it can over one connection until it is told to end, then says how much that was.
            s = new("tcp")
            s.connect((target, int(port)))
            sent, chunk, last = 0, bytes(65536), 0
            s.settimeout(5)
            while not ended.is_set():
                sent += s.send(chunk)
                if time.monotonic() - last > 0.1:
                    last = time.monotonic()
                    say("sent", sent)
            say("sent", sent)
            s.shutdown(socket.SHUT_WR)
            s.recv(1)
            say("closed")

        def order(table, link):
            # Says when a table and a link come and go, in the order in which that happens. The table's news are read first:
            # what came first must have been there a moment before.
            def heard(family, group):
                s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
                s.bind((0, 0))
                # NETLINK_ADD_MEMBERSHIP of SOL_NETLINK.
                s.setsockopt(270, 1, group)
                s.setblocking(False)
                return s

            # NETLINK_NETFILTER with NFNLGRP_NFTABLES, NETLINK_ROUTE with RTNLGRP_LINK.
            tables, links = heard(12, 7), heard(0, 1)
            names = {tables: table.encode() + b"\0", links: link.encode() + b"\0"}
            # NEWTABLE, DELTABLE; RTM_NEWLINK, RTM_DELLINK.
            words = {(tables, 0xA00): "table", (tables, 0xA02): "no table", (links, 16): "link", (links, 17): "no link"}
            seen, last = None, "no link"
            say("ready")
            while not ended.is_set():
                select.select([tables, links], [], [], 0.2)
                for s in (tables, links):
                    while True:
                        try:
                            data = s.recv(1 << 18)
                        except BlockingIOError:
                            break
                        while len(data) >= 16:
                            size, kind = struct.unpack("IH", data[:6])
                            word = words.get((s, kind))
                            if word and names[s] in data[16:size]:
                                if s is tables:
                                    seen = word
                                elif word != last:
                                    last = word
                                    say(word)
                            # Of a transaction what it ends with counts, which NEWGEN tells.
                            if s is tables and kind == 0xA0F and seen:
                                say(seen)
                                seen = None
                            data = data[(size + 3) // 4 * 4 :]

        PADN = b"\x01\x04\x00\x00\x00\x00"

        def checksum(data):
            total = sum(struct.unpack(f"!{len(data) // 2}H", data))
            while total >> 16:
                total = (total & 0xFFFF) + (total >> 16)
            return ~total & 0xFFFF

        def upper(service, source, target, own, token):
            # A datagram with 64 bytes, or a SYN with 20 bytes of options that mean nothing and 24 bytes behind it.
            kind, port = parts(service)
            number = 17 if kind == "udp" else 6

            def made(check):
                if kind == "udp":
                    return struct.pack("!HHHH", own, port, 72, check) + token.encode().ljust(64, b".")
                head = struct.pack("!HHIIBBHHH", own, port, own, 0, 10 << 4, 2, 65535, check, 0)
                return head + b"\x01" * 20 + bytes(24)

            pseudo = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
            body = made(0)
            check = checksum(pseudo + struct.pack("!II", len(body), number) + body)
            return number, made(check or 0xFFFF)

        def fragment(number, offset, more, identity, piece):
            return struct.pack("!BBHI", number, 0, offset | more, identity) + piece

        def forms(form, number, body, identity):
            # The first header's number and what follows the IPv6 header, for each packet that a form is made of.
            options = bytes([number, 0]) + PADN
            pieces = lambda number, whole, at: [
                (44, fragment(number, 0, 1, identity, whole[:at])), (44, fragment(number, at, 0, identity, whole[at:]))]
            return {
                "plain": lambda: [(number, body)],
                "hop-by-hop": lambda: [(0, options + body)],
                "destination": lambda: [(60, options + body)],
                "both": lambda: [(0, bytes([60, 0]) + PADN + options + body)],
                # 264 bytes of options that nobody knows and that are to be skipped.
                "long": lambda: [(60, bytes([number, 32]) + b"\x1e\xff" + bytes(255) + b"\x1e\x03" + bytes(3) + body)],
                # Of an experimental kind, with no way left to go.
                "routing": lambda: [(43, bytes([number, 0, 253, 0, 0, 0, 0, 0]) + body)],
                "atomic": lambda: [(44, fragment(number, 0, 0, identity, body))],
                "fragments": lambda: pieces(number, body, 40 if number == 6 else 16),
                "reversed": lambda: pieces(number, body, 40 if number == 6 else 16)[::-1],
                "options-in-fragments": lambda: pieces(60, options + body, 48 if number == 6 else 24),
                "options-before-fragments": lambda: [
                    (0, bytes([44, 0]) + PADN + piece) for _, piece in pieces(number, body, 40 if number == 6 else 16)],
                # The header that rules look at is in the second fragment.
                "late-header": lambda: pieces(60, options + body, 8),
                "late-flags": lambda: pieces(number, body, 8),
            }[form]()

        def send(source, target, seconds, *requests):
            # Sends FORM:SERVICE by hand, each with its form as its text, and says which TCP ones were answered.
            out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            back = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_TCP)
            back.settimeout(float(seconds))
            asked = {}
            base = 20000 + os.getpid() % 20000
            for place, request in enumerate(requests):
                form, service = request.split(":")
                number, body = upper(service, source, target, base + place, form)
                if number == 6:
                    asked[base + place] = request
                for header, rest in forms(form, number, body, (base << 8) + place):
                    packet = struct.pack("!IHBB", 6 << 28, len(rest), header, 64)
                    packet += socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
                    out.sendto(packet + rest, (target, 0))
            answers = set()
            end = time.monotonic() + float(seconds)
            while time.monotonic() < end and len(answers) < len(asked):
                try:
                    data = back.recv(2000)
                except TimeoutError:
                    break
                port, flags = struct.unpack("!H", data[2:4])[0], data[13]
                if port in asked:
                    answers.add(asked[port] + ("=open" if flags & 0x12 == 0x12 else "=reset"))
            say("sent", *sorted(answers))

        dict(listen=listen, ask=ask, flood=flood, stream=stream, order=order, send=send)[sys.argv[1]](*sys.argv[2:])
        """#
}
