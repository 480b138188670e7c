import Glibc
import Netlink
import Portal
import TestSupport
import Testing
import Wire

@Suite struct PortalConflictTests {
    private static func refusal(_ plan: PortalPlan, _ socket: NetlinkSocket) throws -> String {
        let before = picture()
        var plumbing = PortalPlumbing(plan, socket)
        let error = try #require(throws: PortalError.self) { _ = try plumbing.prepare() }
        // Not even the cleaning up afterwards touches anything.
        try plumbing.tearDown()
        #expect(picture() == before)
        return "\(error)"
    }

    @Test func aNameOfSomebodyElseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip link set lan alias uplink")
            #expect(
                try Self.refusal(try portalPlan(interface: "lan"), socket)
                    == "lan is a veth interface with alias \"uplink\" that somebody else made: choose another "
                    + "`portal.interface`, or remove it (ip link delete lan)")
            // Not even as a persistent one: it is no TUN device.
            #expect(
                try Self.refusal(try portalPlan(interface: "lan", persistent: true), socket).hasPrefix("lan is a veth"))
            run("ip tuntap add tun9 mode tun")
            #expect(
                try Self.refusal(try portalPlan(interface: "tun9"), socket).hasPrefix("tun9 is a tun interface that"))
        }
    }

    @Test func aDeviceInUseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let tun = try Tun("inet256")
            #expect(
                try Self.refusal(try portalPlan(persistent: true), socket).hasPrefix(
                    "inet256 is in use by another process"))
            tun.close()
        }
    }

    @Test func aPrefixOfSomebodyElseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 route add fd00::/8 via 2001:db8::77 dev lan metric 50")
            let route = "fd00::/8 via 2001:db8::77 dev lan metric 50"
            let expected =
                "fd00::/8 is already routed: \(route); choose another `portal.prefix`, or remove that route "
                + "(ip -6 route delete \(route))"
            #expect(try Self.refusal(try portalPlan(), socket) == expected)
            // The main table counts even where the portal's own table is another.
            #expect(try Self.refusal(try portalPlan(table: 1000), socket) == expected)
            var other = PortalPlumbing(try portalPlan(address: "0212::1", prefix: "200::/7"), socket)
            #expect(try other.prepare().warnings.isEmpty)
            try other.tearDown()
        }
    }

    @Test func anotherLivingPortalIsRefusedAndUnharmed() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var first = PortalPlumbing(try portalPlan(), socket)
            _ = try first.prepare()
            let tun = try Tun("inet256")
            try first.bringUp()
            #expect(try Self.refusal(try portalPlan(), socket).contains("is another inet256vpn running?"))
            #expect(
                try Self.refusal(try portalPlan(interface: "second"), socket).contains("another inet256vpn serves it"))
            // With another prefix both live side by side, and the second's cleaning spares the first's hold.
            var second = PortalPlumbing(
                try portalPlan(interface: "second", address: "0212::1", prefix: "200::/7"), socket)
            #expect(try second.prepare().cleaned.isEmpty)
            #expect(try first.missing().isEmpty)
            try second.tearDown()
            #expect(try first.missing().isEmpty)
            try first.tearDown()
            tun.close()
        }
    }

    @Test func moreSpecificRoutesAreWarnedOf() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 address add fd12:3::1/64 dev lan nodad; ip -6 route add unreachable fdff::/16")
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            let warnings = try plumbing.prepare().warnings
            #expect(
                warnings.map(\.description).sorted() == [
                    "fd12:3::/64 dev lan metric 256 is more specific than fd00::/8 and keeps its traffic out of the portal",
                    "unreachable fdff::/16 dev lo metric 1024 is more specific than fd00::/8 and keeps its traffic out of "
                        + "the portal",
                ])
            let tun = try Tun("inet256")
            try plumbing.bringUp()
            let lan = try #require(try Links(socket).find("lan")).index
            #expect(try Routes(socket).lookup(try #require(IPv6Address("fd12:3::2"))).interface == lan)
            tun.close()
        }
    }

    @Test(arguments: [
        ("interface \"a b\"", "a b", "fd12::34", UInt32(1400), UInt32(1024), UInt32(254)),
        ("address 2001:db8::1", "inet256", "2001:db8::1", 1400, 1024, 254),
        ("mtu 1279", "inet256", "fd12::34", 1279, 1024, 254),
        ("mtu 65536", "inet256", "fd12::34", 65536, 1024, 254),
        ("metric 0", "inet256", "fd12::34", 1400, 0, 254),
        ("metric 4294967294", "inet256", "fd12::34", 1400, 4_294_967_294, 254),
        ("table 0", "inet256", "fd12::34", 1400, 1024, 0),
    ])
    func badPlansNameTheField(
        field: String, interface: String, address: String, mtu: UInt32, metric: UInt32, table: UInt32
    ) throws {
        let error = try #require(throws: PortalError.self) {
            _ = try portalPlan(interface: interface, address: address, mtu: mtu, metric: metric, table: table)
        }
        #expect("\(error)".hasPrefix(field), "\(error)")
    }
}
