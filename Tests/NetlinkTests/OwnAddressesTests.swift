import Netlink
import TestSupport
import Testing
import Wire

/// Which of a machine's addresses are told to others.
@Suite struct OwnAddressesTests {
    /// An interface as the kernel describes it.
    private static func link(
        _ index: UInt32, _ name: String, _ flags: InterfaceFlags = [.up, .running], carrier: UInt8? = 1
    ) throws -> NetworkInterface {
        func host<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { [UInt8]($0) } }
        func attribute(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
            host(UInt16(4 + payload.count)) + host(type) + payload
                + [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
        }
        var bytes: [UInt8] = [0, 0] + host(UInt16(1)) + host(index) + host(flags.rawValue) + host(UInt32(0))
        bytes += attribute(3, Array(name.utf8) + [0])
        if let carrier { bytes += attribute(33, [carrier]) }
        return try #require(bytes.withUnsafeBytes { NetworkInterface(decoding: $0) })
    }

    private static func address(_ text: String, _ interface: UInt32, _ flags: AddressFlags = []) throws
        -> InterfaceAddress
    {
        let v4 = IPv4Text.parse(text).map { IPv6Address(mappedIPv4: $0) }
        return InterfaceAddress(
            try #require(v4 ?? IPv6Address(text)), prefixLength: v4 == nil ? 64 : 24, interface: interface, flags: flags
        )
    }

    private static func texts(_ chosen: [OwnAddress]) -> [String] {
        chosen.map { own in
            let text = Endpoint(address: own.address, port: 1, scope: own.scope).description
            return String(text.dropLast(2))
        }
    }

    @Test func theOrder() throws {
        let links = [try Self.link(2, "eth0"), try Self.link(3, "wlan0")]
        let addresses = [
            try Self.address("fe80::2", 2), try Self.address("fd12::2", 2), try Self.address("192.168.1.2", 2),
            try Self.address("203.0.113.2", 2), try Self.address("2001:db8::2", 2), try Self.address("100.64.0.2", 3),
            try Self.address("2001:db8:1::3", 3),
        ]
        let ordered = [
            "[2001:db8::2]", "[2001:db8:1::3]", "203.0.113.2", "192.168.1.2", "[fd12::2]", "100.64.0.2", "[fe80::2%2]",
        ]
        #expect(Self.texts(OwnAddresses.choose(links, addresses)) == ordered)
        // The kernel's order is none.
        #expect(Self.texts(OwnAddresses.choose(links, addresses.reversed())) == ordered)
        // Where packets leave to the world comes before others of its kind.
        let other = OwnAddresses.choose(links, addresses, uplinks: [3])
        #expect(
            Self.texts(other) == [
                "[2001:db8:1::3]", "[2001:db8::2]", "203.0.113.2", "100.64.0.2", "192.168.1.2", "[fd12::2]",
                "[fe80::2%2]",
            ])
    }

    @Test func whatIsNotForOthers() throws {
        let links = [
            try Self.link(1, "lo", [.up, .running, .loopback]), try Self.link(2, "eth0"),
            try Self.link(3, "down0", []), try Self.link(4, "bridge0", [.up], carrier: 0), try Self.link(5, "inet256"),
            try Self.link(6, "ppp0", [.up, .running, .pointToPoint], carrier: nil),
        ]
        let addresses = [
            try Self.address("::1", 1), try Self.address("127.0.0.1", 1), try Self.address("203.0.113.1", 1),
            try Self.address("2001:db8::2", 2, .tentative), try Self.address("2001:db8::3", 2, .duplicate),
            try Self.address("2001:db8::4", 2, .deprecated), try Self.address("203.0.113.2", 2, .temporary),
            try Self.address("169.254.3.4", 2), try Self.address("10.0.0.3", 3), try Self.address("172.17.0.1", 4),
            try Self.address("fd00::7", 5), try Self.address("198.51.100.6", 6), try Self.address("10.0.0.9", 9),
        ]
        let chosen = OwnAddresses.choose(links, addresses, hidden: [5])
        // A second IPv4 address of a prefix has the flag of IPv6's temporary ones.
        #expect(Self.texts(chosen) == ["203.0.113.2", "198.51.100.6"])
    }

    @Test func temporaryOnesWhereThereIsNothingElse() throws {
        let links = [try Self.link(2, "eth0")]
        let stable = try Self.address("2001:db8::2", 2)
        let temporary = try Self.address("2001:db8::7777", 2, .temporary)
        let lonely = try Self.address("2001:db8:5::7777", 2, .temporary)
        #expect(
            Self.texts(OwnAddresses.choose(links, [temporary, stable, lonely]))
                == ["[2001:db8::2]", "[2001:db8:5::7777]"])
        // One that goes itself is no reason to leave it out.
        let going = try Self.address("2001:db8::2", 2, .deprecated)
        #expect(Self.texts(OwnAddresses.choose(links, [temporary, going])) == ["[2001:db8::7777]"])
    }

    @Test func manyOfOneKindLeaveRoomForAnother() throws {
        let links = [try Self.link(2, "eth0")]
        var addresses = try (1...20).map { try Self.address("2001:db8::\($0)", 2) }
        #expect(OwnAddresses.choose(links, addresses).count == OwnAddresses.most)
        addresses += try (1...20).map { try Self.address("192.168.1.\($0)", 2) }
        addresses += [try Self.address("203.0.113.5", 2), try Self.address("fe80::1", 2)]
        let chosen = Self.texts(OwnAddresses.choose(links, addresses))
        #expect(
            chosen == [
                "[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]", "203.0.113.5", "192.168.1.1", "192.168.1.2",
                "192.168.1.3", "[fe80::1%2]",
            ])
    }

    /// The kernel's own words.
    @Test func addressesThatComeAndGo() async throws {
        try await isolated {
            let socket = try NetlinkSocket()
            let links = Links(socket)
            func chosen() throws -> [String] {
                let portal = try links.find("inet256").map { [$0.index] } ?? []
                return Self.texts(try OwnAddresses.read(socket, hidden: Set(portal)))
                    .filter { !$0.contains("fe80") }
            }
            #expect(try chosen().isEmpty)
            try links.createPair("eth0", "far0")
            try links.createPair("inet256", "far1")
            for name in ["eth0", "far0", "inet256", "far1"] {
                try links.setUp(try #require(try links.find(name)).index)
            }
            let eth0 = try #require(try links.find("eth0")).index
            let portal = try #require(try links.find("inet256")).index
            func put(_ text: String, _ interface: UInt32) throws {
                var address = try Self.address(text, interface)
                if address.family == .ipv6 { address.flags = .noDuplicateDetection }
                try Addresses(socket).add(address)
            }
            try put("192.168.7.2", eth0)
            try put("2001:db8::9", eth0)
            try put("fd00::9", portal)
            #expect(try chosen() == ["[2001:db8::9]", "192.168.7.2"])
            try put("203.0.113.9", eth0)
            #expect(try chosen() == ["[2001:db8::9]", "203.0.113.9", "192.168.7.2"])
            try Addresses(socket).remove(try Self.address("2001:db8::9", eth0))
            #expect(try chosen() == ["203.0.113.9", "192.168.7.2"])
            try shell("ip", "link", "set", "eth0", "down")
            #expect(try chosen().isEmpty)
        }
    }

    @Test func defaultRoutes() throws {
        #expect(Route(try #require(IPv6Prefix("::/0"))).isDefault)
        #expect(Route(try #require(IPv6Prefix("::ffff:0.0.0.0/96"))).isDefault)
        #expect(!Route(try #require(IPv6Prefix("::/1"))).isDefault)
        #expect(!Route(try #require(IPv6Prefix("::ffff:10.0.0.0/104"))).isDefault)
    }
}
