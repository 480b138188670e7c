import INET256
import Mesh
import Portal
import Testing
import Wire

@testable import DataPlane

/// What a bridge leaves to the core: packets that want an answer, a search, keys, pieces, or another node of the box.
@Suite struct PortalDeskTests {
    @Test func aPacketToAnAddressThatNobodyHasWaitsASecondAndIsAnswered() throws {
        let world = try PortalWorld(PortalWorld.keys(2))
        let nobody = PortalWorld.map.address(of: PortalWorld.keys(1)[0].address)
        let packets = (0..<6).map { TestPacket.make(world[0].address, nobody, payload: [UInt8($0)]) }
        // Four wait for a destination; the others are answered at once, one of them by the limit on errors.
        var got = try world.send(packets, from: 0, for: .milliseconds(900))
        #expect(got[0].map(TestPacket.icmpKind).allSatisfy { $0 == [1, 0] } && got[1].isEmpty)
        #expect(world[0].desk.unknown == 2)
        got = try world.send([], from: 0, for: .milliseconds(200))
        #expect(world[0].desk.unknown == 6 && !got[0].isEmpty)
        #expect(world[0].desk.deadline == .distantFuture)
    }

    @Test func aPacketWaitsForANodeThatAppears() throws {
        let keys = PortalWorld.keys(3)
        // The third is reached by the second, and is not there yet.
        let world = try PortalWorld(keys, links: [(0, 1)])
        let packet = TestPacket.make(world[0].address, world[2].address)
        #expect(try world.send([packet], from: 0, for: .milliseconds(200))[2].isEmpty)
        for (here, there) in [(1, 2), (2, 1)] {
            world[here].box.setPeer(
                PeerSettings(address: world[there].box.mainAddress, endpoints: [world[there].endpoint]), now: world.now)
        }
        try world.run(for: .milliseconds(700))
        #expect(world[2].device.takeWritten() == [packet])
        #expect(world[0].desk.unknown == 0)
        // A lane through the relay, both seals where the packet is written.
        let more = (0..<20).map { TestPacket.make(world[0].address, world[2].address, payload: [UInt8($0)]) }
        let relayed = world[1].box.status(now: world.now).relayedFrames
        #expect(try world.send(more, from: 0)[2] == more)
        #expect(world[1].box.status(now: world.now).relayedFrames >= relayed + 20)
    }

    @Test func whatIsTooLargeGoesInPiecesAndTheSenderIsTold() throws {
        let world = try PortalWorld(PortalWorld.keys(2))
        try world.run(for: .seconds(20))
        let large = TestPacket.make(
            world[0].address, world[1].address, payload: [UInt8](repeating: 9, count: 3000))
        let got = try world.send([large], from: 0)
        #expect(got[1] == [large])
        let answer = try #require(got[0].first)
        #expect(TestPacket.icmpKind(answer) == [2, 0])
        let mtu = answer[44..<48].reduce(0) { $0 << 8 | Int($1) }
        #expect(mtu == world[0].box.messageCapacity(to: world[1].box.mainAddress, from: .main))
        let fitting = TestPacket.make(
            world[0].address, world[1].address, payload: [UInt8](repeating: 9, count: mtu - 40))
        let second = try world.send([fitting], from: 0)
        #expect(second[0].isEmpty && second[1] == [fitting])
    }

    @Test func whatTheFilterAnswersIsAnswered() throws {
        let world = try PortalWorld(PortalWorld.keys(2)) { number, setup in
            guard number == 0, let local = IPv6Prefix("2001:db8:5::/48") else { return }
            setup.networks = (try? PortalNetworks(local: [local], remote: [])) ?? .none
        }
        let outside = TestPacket.make(world[0].address, try TestPacket.address("2001:db8:9::1"))
        let here = TestPacket.make(world[0].address, try TestPacket.address("2001:db8:5::1"))
        let multicast = TestPacket.make(world[0].address, try TestPacket.address("ff05::1"))
        let got = try world.send([outside, here, multicast], from: 0)
        #expect(got[0].map(TestPacket.icmpKind) == [[1, 0], [1, 3]])
        let drops = world[0].bridge.drops
        #expect(drops[.destinationOutsidePrefix] == 1 && drops[.destinationHere] == 1 && drops[.multicast] == 1)
    }

    /// Datagrams of our own sockets never enter the tunnel that they carry; those of hosts behind us may.
    @Test func ownDatagramsDoNotEnterTheTunnel() throws {
        let world = try PortalWorld(PortalWorld.keys(2)) { number, setup in
            guard let local = IPv6Prefix("2001:db8:5::/48") else { return }
            if number == 0 { setup.networks = (try? PortalNetworks(local: [local], remote: [])) ?? .none }
        }
        let own = TestPacket.udp(world[0].address, world[1].address, port: 25632)
        #expect(try world.send([own], from: 0)[1].isEmpty)
        #expect(world[0].desk.ownDatagrams == 1)
        let machine = try TestPacket.address("2001:db8:5::1")
        world[0].desk.machineAddresses = [machine]
        #expect(try world.send([TestPacket.udp(machine, world[1].address, port: 25632)], from: 0)[1].isEmpty)
        #expect(world[0].desk.ownDatagrams == 2)
        let other = TestPacket.udp(world[0].address, world[1].address, port: 25633)
        #expect(try world.send([other], from: 0)[1] == [other])
    }

    @Test func packetsToANodeOfThisBoxDoNotLeaveIt() throws {
        let world = try PortalWorld(PortalWorld.keys(2))
        let key = PortalWorld.keys(1)[0]
        let sink = Sink()
        let hold = try world[0].hosted.open(key, sink: sink, now: world.now)
        let packet = TestPacket.make(world[0].address, PortalWorld.map.address(of: key.address))
        let got = try world.send([packet], from: 0)
        world[0].hosted.handOverAll()
        #expect(sink.received.map(\.from) == [world[0].box.mainAddress] && got[0].isEmpty)
        world[0].hosted.leave(hold, now: world.now)
        #expect(try world.send([packet], from: 0, for: .seconds(4))[0].map(TestPacket.icmpKind) == [[1, 3]])
    }

    @Test func whatIsLostOnTheWayToKeysIsAnswered() throws {
        let keys = PortalWorld.keys(2)
        let world = try PortalWorld(keys, links: [])
        // Known by its configuration alone: a packet waits for keys that never come.
        world[0].box.setPeer(
            PeerSettings(
                address: keys[1].address,
                endpoints: [Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 99), port: 1)]), now: world.now)
        let packet = TestPacket.make(world[0].address, world[1].address)
        let got = try world.send([packet], from: 0, for: .seconds(4))
        #expect(got[0].map(TestPacket.icmpKind) == [[1, 3]] && got[1].isEmpty)
    }

    /// What a router between the boxes said of congestion is handed on (RFC 6040).
    @Test func marksOfCongestionAreHandedOn() throws {
        let world = try PortalWorld(PortalWorld.keys(2))
        world.isCongested = true
        let capable = TestPacket.make(world[0].address, world[1].address, trafficClass: ECN.capable0)
        let got = try world.send([capable], from: 0)[1]
        #expect(got.first.map { $0[1] >> 4 & ECN.mask } == ECN.congested)
        let plain = TestPacket.make(world[0].address, world[1].address, trafficClass: 0xb8)
        #expect(try world.send([plain], from: 0)[1] == [plain])
        // A sender that does not understand marks, on a path that makes them nevertheless: the packet goes.
        _ = try plain.withUnsafeBytes {
            var copy = Array($0)
            try copy.withUnsafeMutableBytes { bytes in
                try world[1].bridge.inbound(
                    UnsafeRawBufferPointer(bytes), from: world[0].box.mainAddress, ecn: ECN.congested, isFleeting: true)
            }
        }
        #expect(world[1].bridge.congested == 1 && world[1].device.takeWritten().isEmpty)
    }

    /// Super-packets of TCP are cut to the path, with finished or partial checksums, and joined again at the other end.
    @Test func superPacketsCross() throws {
        let offloads: PortalOffloads = [.header, .checksum, .tcpSplitting, .tcpJoining]
        let world = try PortalWorld(PortalWorld.keys(2), offloads: offloads)
        try world.run(for: .seconds(20))
        let payload = (0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let given = TestPacket.tcpBurst(world[0].address, world[1].address, payload: payload, segment: 1200)
        let got = try world.send([given], from: 0)[1]
        #expect(got.flatMap { $0.dropFirst(60) } == payload)
        #expect(got.allSatisfy { $0.count > 60 && $0[6] == IPProtocol.tcp })
        // Segments that are longer than the path carries are cut shorter, and the sender is told.
        let long = TestPacket.tcpBurst(world[0].address, world[1].address, payload: payload, segment: 4000)
        let second = try world.send([long], from: 0)
        #expect(second[1].flatMap { $0.dropFirst(60) } == payload)
        #expect(second[0].map(TestPacket.icmpKind) == [[2, 0]])
        #expect(world[0].bridge.drops.total == 0)
    }
}
