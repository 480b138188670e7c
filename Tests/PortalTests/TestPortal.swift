import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

/// A portal on a network of its own, driven by hand.
final class TestPortal {
    static let own = "fd00::1"
    let tun: TunDevice
    let filter: PortalFilter
    var errors: ICMPv6Errors
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private let reply = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    init(networks: PortalNetworks = .none) throws {
        tun = try TunDevice(name: "portal")
        filter = PortalFilter(
            own: try address(Self.own), prefix: try #require(IPv6Prefix("fd00::/8")), networks: networks)
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

    /// Turns an echo request around and writes it back: what the other end would do, here the node `sender`, or the
    /// one that has the destination itself.
    func echo(_ packet: IPv6Header, from sender: IPv6Address? = nil) throws {
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
        guard case .pass = filter.inbound(written, from: sender ?? packet.destination) else {
            Issue.record("the reply would not pass inbound")
            return
        }
        #expect(try tun.write(written))
    }
}
