import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

/// What two ends of a tunnel do to packets, without a mesh between: the kernel's own stack on both sides judges it.
private final class Tunnel {
    let ends: [TunDevice]
    /// The longest packet that the path carries, in bytes.
    let limit: Int
    /// Checksums may cross unfinished.
    let partial: Bool
    private let joiners: [Joiner]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: TunDevice.readSize, alignment: 16)
    private let burst = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 22, alignment: 16)
    private(set) var longestRead = 0
    /// Of those that were split.
    private(set) var longestSegment = 0
    /// Super-packets written to each end.
    private(set) var joined = [0, 0]
    private(set) var partials = 0

    init(_ ends: [TunDevice], limit: Int, partial: Bool) {
        self.ends = ends
        self.limit = limit
        self.partial = partial
        joiners = ends.map { Joiner(offloads: $0.offloads) }
    }

    deinit {
        buffer.deallocate()
        burst.deallocate()
    }

    /// Carries what is there, both ways: 16 reads make a burst.
    func turn() throws {
        for side in 0...1 {
            var place = 0
            let joiner = joiners[1 - side]
            for _ in 0..<16 {
                let count = try ends[side].read(into: buffer)
                guard count > 0 else { break }
                longestRead = max(longestRead, count)
                let read = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                let size = ends[side].headerSize
                let header = try IPv6Header(UnsafeRawBufferPointer(rebasing: read[size...]))
                var splitter = try SegmentSplitter(
                    header, size > 0 ? VirtioHeader(read) : nil, limit: limit, partial: partial)
                while let next = splitter.nextSize {
                    if place + next > burst.count {
                        try write(joiner, to: 1 - side)
                        place = 0
                    }
                    let target = UnsafeMutableRawBufferPointer(rebasing: burst[place..<place + next])
                    _ = splitter.next(into: target)
                    if splitter.count > 1 { longestSegment = max(longestSegment, next) }
                    partials += splitter.isPartial ? 1 : 0
                    place += next
                    #expect(joiner.add(target, isPartial: splitter.isPartial))
                    try drain(joiner, to: 1 - side)
                }
            }
            try write(joiner, to: 1 - side)
        }
    }

    private func write(_ joiner: Joiner, to side: Int) throws {
        joiner.flush()
        try drain(joiner, to: side)
    }

    private func drain(_ joiner: Joiner, to side: Int) throws {
        while let packet = joiner.next() {
            joined[side] += packet.packets > 1 ? 1 : 0
            #expect(try ends[side].write(packet))
        }
    }
}

/// The network counters of the calling thread's namespace that would tell of a bad packet.
private func complaints() throws -> [String: Int] {
    var found: [String: Int] = [:]
    for (file, prefix) in [("snmp6", ""), ("snmp", "Tcp:")] {
        let text = try text(of: "/proc/thread-self/net/\(file)")
        let lines = text.split(separator: "\n").filter { $0.hasPrefix(prefix) }.map {
            $0.split(whereSeparator: \.isWhitespace)
        }
        if prefix.isEmpty {
            for line in lines where line.count == 2 { found[String(line[0])] = Int(line[1]) }
        } else if lines.count == 2 {
            for (name, value) in zip(lines[0], lines[1]).dropFirst() { found["Tcp\(name)"] = Int(value) }
        }
    }
    return found
}

private func text(of path: String) throws -> String {
    let descriptor = open(path, O_RDONLY)
    try #require(descriptor >= 0, "\(path)")
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &piece, piece.count), count > 0 { bytes += piece[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

private func expectNoComplaints() throws {
    let counters = try complaints()
    for name in ["TcpInCsumErrors", "TcpInErrs", "Udp6InCsumErrors", "Udp6InErrors", "Ip6InHdrErrors"] {
        let value = try #require(counters[name], "no counter \(name)")
        #expect(value == 0, "\(name)")
    }
    // Nothing was lost; but on a busy machine the kernel takes a pause of ours for a loss now and then.
    let again = try #require(counters["TcpRetransSegs"])
    let sent = try #require(counters["TcpOutSegs"])
    #expect(again * 50 <= sent, "\(again) of \(sent) segments sent again")
}

/// A non-blocking IPv6 socket of the namespace that it was made in, whichever thread uses it.
private final class Socket {
    let descriptor: Int32

    init(_ kind: __socket_type) throws {
        descriptor = socket(AF_INET6, Int32(kind.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try #require(descriptor >= 0)
        var size: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4)
    }

    init(taking descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func with(_ address: String, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) throws -> Int32 {
        var place = sockaddr_in6()
        place.sin6_family = sa_family_t(AF_INET6)
        place.sin6_port = UInt16(5001).bigEndian
        try #require(inet_pton(AF_INET6, address, &place.sin6_addr) == 1)
        return withUnsafePointer(to: place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    func waits(_ events: Int32) -> Bool {
        var state = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&state, 1, 0) == 1
    }
}

private func setUp(_ own: String, mtu: Int) throws {
    try shell("ip", "link", "set", "portal", "addrgenmode", "none", "mtu", "\(mtu)")
    try shell("ip", "addr", "add", "\(own)/128", "dev", "portal", "nodad")
    try shell("ip", "link", "set", "portal", "up")
    try shell("ip", "route", "add", "fd00::/8", "dev", "portal")
    let isThere = "ip -6 route show table local | grep -q '^local \(own) '"
    try shell("sh", "-c", "for i in $(seq 500); do \(isThere) && exit 0; done; exit 1")
}

@Suite struct OffloadTrafficTests {
    struct Way: CustomStringConvertible, Sendable {
        var modes: [OffloadMode]
        var limit = 1400
        var partial: Bool
        var description: String { "\(modes) limit \(limit) partial \(partial)" }

        static let all = [
            Way(modes: [.auto, .auto], partial: true), Way(modes: [.auto, .auto], partial: false),
            // Super-packets for a path that has become narrower than the interface.
            Way(modes: [.auto, .auto], limit: 1300, partial: true),
            Way(modes: [.off, .off], partial: true), Way(modes: [.auto, .off], partial: true),
        ]
    }

    /// Runs `body` with a tunnel between two namespaces, sockets of the kind in both, and demands that neither complains.
    private func run(
        _ way: Way, _ kind: __socket_type, _ body: @escaping @Sendable (Tunnel, Socket, Socket) throws -> Void
    ) throws {
        try NetworkNamespace.run {
            let near = try TunDevice(name: "portal", offload: way.modes[0])
            try setUp("fd00::1", mtu: 1400)
            nonisolated(unsafe) let client = (near, try Socket(kind))
            try NetworkNamespace.run {
                let far = try TunDevice(name: "portal", offload: way.modes[1])
                try setUp("fd00::2", mtu: 1400)
                let tunnel = Tunnel([client.0, far], limit: way.limit, partial: way.partial)
                let server = try Socket(kind)
                #expect(try server.with("fd00::2", { bind($0, $1, $2) }) == 0)
                try body(tunnel, client.1, server)
                try expectNoComplaints()
                for end in tunnel.ends {
                    #expect(end.counters.droppedRefused == 0 && end.counters.droppedFull == 0)
                    #expect(end.offloads.contains(.tcpJoining) == (end.headerSize > 0), "nothing was refused")
                }
                let isAuto = client.0.headerSize > 0
                if !isAuto { #expect(tunnel.longestRead <= 1400 && tunnel.partials == 0) }
                if way.modes[1] == .off { #expect(tunnel.joined[1] == 0) }
            }
            try expectNoComplaints()
        }
    }

    /// Four megabytes each way at once, every byte compared.
    @Test(arguments: Way.all) func tcpArrivesWhole(way: Way) throws {
        try run(way, SOCK_STREAM) { tunnel, client, server in
            let total = 4 << 20
            #expect(listen(server.descriptor, 1) == 0)
            _ = try client.with("fd00::2") { connect($0, $1, $2) }
            var random = SplitMix(seed: 7)
            let pattern = random.bytes(65_521)
            let twice = pattern + pattern
            var ends = [client]
            var sent = [0, 0]
            var received = [0, 0]
            var room = [UInt8](repeating: 0, count: 65_521)
            let deadline = time(nil) + 120
            while received != [total, total] {
                try #require(time(nil) < deadline, "sent \(sent), received \(received)")
                try tunnel.turn()
                if ends.count == 1, server.waits(POLLIN) {
                    let accepted = accept(server.descriptor, nil, nil)
                    try #require(accepted >= 0)
                    ends.append(Socket(taking: accepted))
                }
                for (index, end) in ends.enumerated() {
                    if sent[index] < total {
                        let place = sent[index] % 65_521
                        let count = twice.withUnsafeBytes {
                            send(
                                end.descriptor, $0.baseAddress.map { $0 + place }, min(65_521, total - sent[index]),
                                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                        }
                        if count > 0 { sent[index] += count }
                    }
                    let count = recv(end.descriptor, &room, room.count, Int32(MSG_DONTWAIT))
                    guard count > 0 else { continue }
                    let place = received[index] % 65_521
                    let isEqual = room[..<count] == twice[place..<place + count]
                    try #require(isEqual, "another byte among \(received[index])..<\(received[index] + count)")
                    received[index] += count
                }
            }
            #expect(tunnel.longestSegment <= way.limit)
            if tunnel.ends[0].offloads.contains(.tcpSplitting) {
                #expect(tunnel.longestRead > 10_000, "no super-packets")
                #expect((tunnel.partials > 0) == way.partial)
            }
            if tunnel.ends[1].offloads.contains(.tcpJoining) { #expect(tunnel.joined[1] > 20, "nothing joined") }
        }
    }

    /// Datagrams that the sender has the kernel cut (UDP_SEGMENT): each keeps its boundaries, whichever end splits.
    @Test(arguments: Way.all) func udpArrivesInItsDatagrams(way: Way) throws {
        try run(way, SOCK_DGRAM) { tunnel, client, server in
            #expect(try client.with("fd00::2") { connect($0, $1, $2) } == 0)
            // UDP_SEGMENT at the level IPPROTO_UDP.
            var segment: Int32 = 1200
            #expect(setsockopt(client.descriptor, Int32(IPPROTO_UDP), 103, &segment, 4) == 0)
            var random = SplitMix(seed: 8)
            let pool = random.bytes(65_536)
            let deadline = time(nil) + 120
            for round in 0..<200 {
                let bytes = Array(pool[round...].prefix(1200 * (round % 40) + 1 + round))
                #expect(send(client.descriptor, bytes, bytes.count, 0) == bytes.count)
                var received: [UInt8] = []
                var room = [UInt8](repeating: 0, count: 65_536)
                while received.count < bytes.count {
                    try #require(time(nil) < deadline, "\(received.count) of \(bytes.count) in round \(round)")
                    try tunnel.turn()
                    while case let count = recv(server.descriptor, &room, room.count, 0), count > 0 {
                        #expect(count == min(1200, bytes.count - received.count))
                        received += room[..<count]
                    }
                }
                try #require(received == bytes)
            }
            if tunnel.ends[0].offloads.contains(.udpSplitting) { #expect(tunnel.longestRead > 10_000) }
            if tunnel.ends[1].offloads.contains(.udpJoining) { #expect(tunnel.joined[1] > 20, "nothing joined") }
        }
    }
}
