import Glibc
import Testing
import Wire

@testable import Portal

/// A portal on a network of its own, driven by hand.
private final class TestPortal {
    static let own = "fd00::1"
    let tun: TunDevice
    let filter: PortalFilter
    var errors: ICMPv6Errors
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    init() throws {
        tun = try TunDevice(name: "portal")
        filter = PortalFilter(own: try address(Self.own), prefix: try #require(IPv6Prefix("fd00::/8")))
        errors = ICMPv6Errors(source: try address(Self.own))
        try shell("ip", "link", "set", "portal", "addrgenmode", "none", "mtu", "4000")
        try shell("ip", "addr", "add", "\(Self.own)/128", "dev", "portal", "nodad")
        try shell("ip", "link", "set", "portal", "up")
        try shell("ip", "route", "add", "fd00::/8", "dev", "portal")
        // The kernel makes the address's own route in a work queue, even without duplicate detection: until it
        // is there, packets to the address are dropped (Ip6InAddrErrors).
        let isThere = "ip -6 route show table local | grep -q '^local \(Self.own) '"
        try shell("sh", "-c", "for i in $(seq 500); do \(isThere) && exit 0; done; exit 1")
    }

    deinit {
        buffer.deallocate()
        reply.deallocate()
    }

    /// Waits at most five seconds for a packet that may pass outbound.
    func next() throws -> IPv6Header {
        while true {
            var waiting = pollfd(fd: tun.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(poll(&waiting, 1, 5000) == 1, "no packet came")
            let count = try tun.read(into: buffer)
            let packet = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if count > 0, case .pass(let header) = filter.outbound(packet) { return header }
        }
    }

    /// Writes the error that answers `packet` back into the portal.
    func answer(_ packet: IPv6Header, with error: ICMPv6Error) throws {
        let length = try errors.answer(packet, with: error, into: reply, now: Instant(nanoseconds: 1))
        #expect(try tun.write(UnsafeRawBufferPointer(rebasing: reply[..<length])))
    }

    /// Turns an echo request around and writes it back: what the other end would do.
    func echo(_ packet: IPv6Header) throws {
        let size = packet.totalLength
        IPv6Header.write(
            to: try #require(reply.baseAddress), payloadLength: UInt16(packet.payloadLength),
            nextHeader: IPProtocol.icmpv6, hopLimit: 64, source: packet.destination, destination: packet.source)
        UnsafeMutableRawBufferPointer(rebasing: reply[IPv6Header.size..<size]).copyMemory(from: packet.payload)
        // Echo reply, RFC 4443 section 4.2.
        reply[40] = 129
        reply[42] = 0
        reply[43] = 0
        var checksum = InternetChecksum()
        checksum.addPseudoHeader(
            source: packet.destination, destination: packet.source, length: packet.payloadLength,
            nextHeader: IPProtocol.icmpv6)
        checksum.add(UnsafeRawBufferPointer(rebasing: reply[IPv6Header.size..<size]))
        reply.storeBytes(of: checksum.value.bigEndian, toByteOffset: 42, as: UInt16.self)
        let written = UnsafeRawBufferPointer(rebasing: reply[..<size])
        guard case .pass = filter.inbound(written, from: packet.destination) else {
            Issue.record("the reply would not pass inbound")
            return
        }
        #expect(try tun.write(written))
    }
}

/// A connected UDP socket that wants to hear of every ICMPv6 error.
private final class Client {
    let descriptor: Int32

    init(to destination: String) throws {
        descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVERR, &on, 4)
        // Ten seconds at most, should no error come.
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var remote = sockaddr_in6()
        remote.sin6_family = sa_family_t(AF_INET6)
        remote.sin6_port = UInt16(9).bigEndian
        try #require(inet_pton(AF_INET6, destination, &remote.sin6_addr) == 1)
        let result = withUnsafePointer(to: remote) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    func send(_ count: Int) -> Int32 {
        let bytes = [UInt8](repeating: 0, count: count)
        return Glibc.send(descriptor, bytes, count, 0) == count ? 0 : errno
    }

    /// The errno that the next receive gives, or 0.
    func receiveError() -> Int32 {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) < 0 ? errno : 0
    }

    /// What the kernel thinks of the path.
    var mtu: Int32 {
        var value: Int32 = 0
        var length = socklen_t(4)
        getsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU, &value, &length)
        return value
    }
}

@Suite struct PortalTrafficTests {
    @Test(arguments: [56, 1400, 3000]) func pingIsReadAndAnswered(size: Int) throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let ping = try ChildProcess("ping", "-6", "-c", "3", "-i", "0.1", "-w", "8", "-s", "\(size)", "fd00::2")
            do {
                for _ in 0..<3 {
                    let request = try portal.next()
                    #expect(request.destination == (try address("fd00::2")) && request.payloadLength == size + 8)
                    #expect(request.payload.first == 128)
                    try portal.echo(request)
                }
            } catch {
                // Not left behind: ping ends by itself at its deadline.
                _ = ping.wait()
                throw error
            }
            #expect(ping.wait() == 0)
            #expect(portal.tun.counters.read >= 3 && portal.tun.counters.written == 3)
        }
    }

    @Test(arguments: [
        (ICMPv6Error.noRoute, ENETUNREACH), (.prohibited, EACCES), (.addressUnreachable, EHOSTUNREACH),
        (.hopLimitExceeded, EHOSTUNREACH),
    ])
    func anErrorIsHeardByTheSender(error: ICMPv6Error, code: Int32) throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let client = try Client(to: "fd00::2")
            #expect(client.send(3000) == 0)
            try portal.answer(try portal.next(), with: error)
            #expect(client.receiveError() == code)
        }
    }

    @Test func tooBigSetsTheMTUOfThePath() throws {
        try NetworkNamespace.run {
            let portal = try TestPortal()
            let client = try Client(to: "fd00::2")
            #expect(client.mtu == 4000)
            #expect(client.send(3000) == 0)
            try portal.answer(try portal.next(), with: .tooBig(mtu: 1400))
            #expect(client.mtu == 1400)
        }
    }
}
