import INET256
import Mesh
import Portal
import Testing
import Wire

@testable import DataPlane

/// The portal's promise: the source of a packet is its sender's, both ways, with networks behind others, whatever boxes do that follow
/// no rules.
@Suite struct PortalPromiseTests {
    /// Three boxes; behind the second lie fdbb:2::/32, inside the mesh's prefix, and 2001:db8:2::/48.
    private func world() throws -> PortalWorld {
        let keys = PortalWorld.keys(3)
        return try PortalWorld(keys) { number, setup in
            let owner = keys[1].address
            let derived = PortalWorld.map.address(of: owner)
            let networks = try? Self.networks()
            let list = networks ?? []
            setup.networks =
                (number == 1
                    ? try? PortalNetworks(local: list, remote: [])
                    : try? PortalNetworks(local: [], remote: list.map { ($0, derived) })) ?? .none
            if number != 1 { setup.owners = [derived: owner] }
        }
    }

    private static func networks() throws -> [IPv6Prefix] {
        [try #require(IPv6Prefix("fdbb:2::/32")), try #require(IPv6Prefix("2001:db8:2::/48"))]
    }

    @Test func packetsCrossBothWaysUnaltered() throws {
        let world = try world()
        for (from, to) in [(0, 1), (1, 0), (2, 0), (0, 2)] {
            let packets = (0..<5).map {
                TestPacket.make(world[from].address, world[to].address, payload: Array(repeating: UInt8($0), count: 64))
            }
            let got = try world.send(packets, from: from)
            #expect(got[to] == packets)
            #expect(got.enumerated().allSatisfy { $0.offset == to || $0.element.isEmpty })
        }
    }

    @Test func whatIsBehindABoxCrossesBothWays() throws {
        let world = try world()
        for text in ["fdbb:2::5", "2001:db8:2:1::7"] {
            let host = try TestPacket.address(text)
            let there = TestPacket.make(world[0].address, host)
            #expect(try world.send([there], from: 0)[1] == [there])
            let back = TestPacket.make(host, world[0].address)
            #expect(try world.send([back], from: 1)[0] == [back])
        }
    }

    @Test func aSourceThatIsNotOursDoesNotLeave() throws {
        let world = try world()
        let other = try TestPacket.address("2001:db8:9::1")
        for source in [other, world[1].address, try TestPacket.address("fdbb:2::5")] {
            let got = try world.send([TestPacket.make(source, world[2].address)], from: 0)
            #expect(got.joined().isEmpty)
        }
        #expect(world[0].bridge.drops[.sourceNotOurs] == 3)
    }

    /// A hostile box says whatever it likes in messages of its own.
    @Test func aSourceThatIsNotTheSendersDoesNotComeIn() throws {
        let world = try world()
        let to = world[0].address
        let claims = [
            world[1].address, to, try TestPacket.address("fdbb:2::5"), try TestPacket.address("2001:db8:2::1"),
            try TestPacket.address("2001:db8:9::1"), try TestPacket.address("::1"), try TestPacket.address("fe80::1"),
            try TestPacket.address("ff02::1"), .unspecified,
        ]
        for claim in claims {
            #expect(try world.force(TestPacket.make(claim, to), from: 2, to: 0).isEmpty, "\(claim)")
        }
        #expect(world[0].bridge.drops[.sourceNotSender] == UInt64(claims.count))
        let honest = TestPacket.make(world[2].address, to)
        #expect(try world.force(honest, from: 2, to: 0) == [honest])
    }

    @Test func thePortalIsNoWayThrough() throws {
        let world = try world()
        let source = world[2].address
        let wrong = [
            world[1].address, try TestPacket.address("2001:db8:9::1"), try TestPacket.address("ff02::1"),
            try TestPacket.address("fe80::1"), try TestPacket.address("fdbb:2::5"),
        ]
        for target in wrong {
            #expect(try world.force(TestPacket.make(source, target), from: 2, to: 0).isEmpty, "\(target)")
        }
        #expect(world[0].bridge.drops.total == UInt64(wrong.count))
        // Behind the second box it is at home.
        let host = try TestPacket.address("fdbb:2::5")
        let packet = TestPacket.make(source, host)
        #expect(try world.force(packet, from: 2, to: 1) == [packet])
    }

    /// Whoever has the owner's derived address with another key owns nothing.
    @Test func aNetworkIsItsOwnersByTheFullAddress() throws {
        let keys = PortalWorld.keys(2)
        let network = try #require(IPv6Prefix("fdbb:2::/32"))
        let derived = PortalWorld.map.address(of: keys[1].address)
        let named = PortalWorld.keys(1)[0].address
        let world = try PortalWorld(keys) { number, setup in
            guard number == 0, let networks = try? PortalNetworks(local: [], remote: [(network, derived)]) else {
                return
            }
            setup.networks = networks
            setup.owners = [derived: named]
        }
        let host = try TestPacket.address("fdbb:2::5")
        #expect(try world.force(TestPacket.make(host, world[0].address), from: 1, to: 0).isEmpty)
        #expect(world[0].bridge.drops[.sourceNotSender] == 1)
        // Nor does it get what is for that network, which waits for its owner.
        let got = try world.send([TestPacket.make(world[0].address, host)], from: 0, for: .milliseconds(300))
        #expect(got[1].isEmpty)
        // Its own address is its own.
        let own = TestPacket.make(world[1].address, world[0].address)
        #expect(try world.force(own, from: 1, to: 0) == [own])
    }

    /// An error is believed if it quotes what its receiver sent to where its sender is, and no other.
    @Test func errorsAreBelievedOfThoseWhomTheyConcern() throws {
        let world = try world()
        let (own, mallory, victim) = (world[0].address, world[2].address, world[1].address)
        func tooBig(_ quoted: [UInt8]) -> [UInt8] {
            TestPacket.icmp(mallory, own, type: 2, body: [0, 0, 5, 0] + quoted)
        }
        let founded = tooBig(TestPacket.make(own, mallory))
        #expect(try world.force(founded, from: 2, to: 0) == [founded])
        for quoted in [
            TestPacket.make(own, victim), TestPacket.make(victim, mallory), TestPacket.make(mallory, own), [0x45],
            Array(TestPacket.make(own, mallory).prefix(39)), [],
        ] {
            #expect(try world.force(tooBig(quoted), from: 2, to: 0).isEmpty)
        }
        #expect(world[0].bridge.drops[.unfoundedError] == 6)
        let redirect = TestPacket.icmp(mallory, own, type: 137, body: [UInt8](repeating: 0, count: 36))
        #expect(try world.force(redirect, from: 2, to: 0).isEmpty)
        #expect(world[0].bridge.drops[.linkMessage] == 1)
    }

    @Test func whatIsNoPacketComesToNothing() throws {
        let world = try world()
        let good = TestPacket.make(world[2].address, world[0].address)
        var four = good
        four[0] = 0x45
        for message in [[], [0x60], four, good + [0], Array(good.dropLast()), Array(repeating: 0xff, count: 1400)] {
            #expect(try world.force(message, from: 2, to: 0).isEmpty)
            #expect(try world.send([message], from: 0).joined().isEmpty)
        }
        let drops = world[0].bridge.drops
        #expect(drops[.malformed] + drops[.notIPv6] == 11, "an empty read is none")
    }

    @Test func theGateIsAskedBothWays() throws {
        let keys = PortalWorld.keys(3)
        let world = try PortalWorld(keys) { number, setup in
            if number == 0 { setup.gate = .only([keys[1].address]) }
        }
        let inward = TestPacket.make(world[2].address, world[0].address)
        #expect(try world.send([inward], from: 2)[0].isEmpty)
        let outward = TestPacket.make(world[0].address, world[2].address)
        let got = try world.send([outward], from: 0)
        #expect(got[2].isEmpty && got[0].map(TestPacket.icmpKind) == [[1, 1]], "administratively prohibited")
        #expect(world[0].bridge.prohibited == 2)
        let allowed = TestPacket.make(world[0].address, world[1].address)
        #expect(try world.send([allowed], from: 0)[1] == [allowed])
        world[0].bridge.gate = .outside([IPv6Prefix(host: world[1].address)], PortalWorld.map)
        #expect(try world.send([allowed], from: 0)[1].isEmpty)
        #expect(try world.send([outward], from: 0)[2] == [outward])
    }
}
