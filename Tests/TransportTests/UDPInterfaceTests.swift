import Glibc
import System
import TestSupport
import Testing
import Wire

@testable import Transport

/// Sockets with a mark, and sockets of one interface, which comes and goes.
@Suite struct UDPInterfaceTests {
    private static let any = Endpoint(address: .unspecified, port: 25632)

    private static func option(_ name: Int32, of port: any DatagramPort) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(port.descriptor, SOL_SOCKET, name, &value, &length)
        return value
    }

    /// What becomes of a datagram to an address.
    private static func outcome(_ port: any DatagramPort, _ text: String) throws -> SendOutcome {
        let payload: [UInt8] = [1, 2, 3]
        return try payload.withUnsafeBytes { bytes in
            var record = OutgoingDatagram(
                bytes: bytes, path: Path(remote: Endpoint(address: try text.address, port: 9)))
            return try withUnsafeMutablePointer(to: &record) {
                _ = try port.send(UnsafeMutableBufferPointer(start: $0, count: 1))
                return $0.pointee.outcome
            }
        }
    }

    /// An interface that is up and leads nowhere.
    private static func make(_ name: String, _ address: String) throws {
        try shell("ip", "link", "add", name, "type", "veth", "peer", "name", "far-\(name)")
        try shell("ip", "address", "add", address, "dev", name)
        for end in [name, "far-\(name)"] { try shell("ip", "link", "set", end, "up") }
    }

    @Test func aMarkIsOnEachSocketOfATransport() throws {
        try NetworkNamespace.run {
            let source = UDPTransport(Self.any, offload: true, mark: 0xdead_beef)
            let opened = try source.open(2, number: 0)
            let spare = try #require(try source.spare(number: 1))
            for port in [opened.first, spare] + opened.others {
                #expect(UInt32(bitPattern: Self.option(SO_MARK, of: port)) == 0xdead_beef)
            }
            #expect(spare.facts.bound.port != Self.any.port && spare.number == 1)
            #expect(spare.facts.bound.address == opened.first.facts.bound.address)
            #expect(source.renewed(opened.first) == nil)
        }
    }

    @Test func anInterfaceIsWaitedForAndFoundAgain() throws {
        try NetworkNamespace.run {
            try Self.make("other0", "192.0.2.1/24")
            let source = UDPTransport(Self.any, offload: true, interface: "way0")

            let absent = try source.open(2, number: 3)
            #expect(absent.first is AbsentPort && absent.others.isEmpty && absent.refusal != nil)
            #expect(absent.warnings.count == 1 && absent.first.number == 3)
            #expect(try Self.outcome(absent.first, "192.0.2.9") == .unreachable)
            #expect(absent.first.counters.unreachable == 1 && absent.first.reaches(Self.any))
            #expect(source.renewed(absent.first) == nil)

            try Self.make("way0", "198.51.100.1/24")
            let port = try #require(source.renewed(absent.first) as? UDPSocket)
            #expect(port.number == 3 && port.boundInterface == if_nametoindex("way0"))
            #expect(port.local.port == Self.any.port && source.renewed(port) == nil)
            #expect(try Self.outcome(port, "198.51.100.9") == .sent)
            // Bound before the port is: a transport on another interface has the same one.
            let other = try UDPTransport(Self.any, offload: true, interface: "other0").open(1, number: 4).first
            #expect(other.facts.bound.port == Self.any.port)

            try shell("ip", "link", "del", "way0")
            #expect(try Self.outcome(port, "198.51.100.9") == .unreachable)
            let gone = try #require(source.renewed(port) as? AbsentPort)
            // Another one of the same name is another interface.
            try Self.make("way0", "198.51.100.1/24")
            #expect((source.renewed(gone) as? UDPSocket)?.boundInterface == if_nametoindex("way0"))
            #expect((source.renewed(port) as? UDPSocket)?.boundInterface == if_nametoindex("way0"))
        }
    }
}
