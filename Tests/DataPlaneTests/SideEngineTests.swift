import INET256
import Mesh
import Portal
import System
import Testing
import Transport
import Wire

@testable import DataPlane

/// A worker whose core is far, over a device of memory and sockets on the loopback, turn by turn.
@Suite struct SideEngineTests {
    @Test func packetsGoStraightBothWays() throws {
        let pair = try SidePair()
        let packets = (0..<20).map { TestPacket.make(pair.near, pair.far, payload: [UInt8($0)]) }
        pair.device.send(packets)
        try pair.turn()
        #expect(pair.arrivedFar() == packets)
        let back = (0..<20).map { TestPacket.make(pair.far, pair.near, payload: [UInt8($0)]) }
        try pair.sendFromFar(back)
        try pair.turn()
        #expect(pair.device.takeWritten() == back)
        #expect(pair.link.ring.next() == nil && pair.side.handedOver == 0)
        let report = pair.link.report
        #expect(report.device.written == 20 && report.queue.dequeued == 20 && report.handedOver == 0)
        // And the one by which the pair learned the kernel's path.
        #expect(report.sockets.first?.received == 21)
        // The box hears what was sent and received.
        _ = pair.box.shareWays(now: pair.now)
        let session = try #require(
            pair.box.status(now: pair.now).sessions.first { $0.remote == pair.other.mainAddress })
        #expect(session.sentDatagrams >= 20 && session.receivedDatagrams >= 20)
    }

    @Test func hostileSendersMeetTheSameRules() throws {
        let pair = try SidePair()
        let claimed = PortalWorld.map.address(of: PortalWorld.keys(1)[0].address)
        try pair.sendFromFar([TestPacket.make(claimed, pair.near), TestPacket.make(pair.far, claimed), [1, 2, 3]])
        try pair.turn()
        #expect(pair.device.takeWritten().isEmpty)
        let drops = pair.side.portal.drops
        #expect(drops[.sourceNotSender] == 1 && drops[.destinationNotOurs] == 1 && drops[.notIPv6] == 1)
        pair.device.send([TestPacket.make(claimed, pair.far)])
        try pair.turn()
        #expect(drops[.sourceNotOurs] == 0 && pair.side.portal.drops[.sourceNotOurs] == 1)
        #expect(pair.arrivedFar().isEmpty)
    }

    /// What has no way is left to the core, and what follows it to the same place waits for that.
    @Test func whatTakesMoreIsHandedOverInOrder() throws {
        let pair = try SidePair()
        let unknown = PortalWorld.map.address(of: PortalWorld.keys(1)[0].address)
        let first = TestPacket.make(pair.near, unknown)
        pair.device.send([first])
        try pair.turn()
        #expect(!pair.side.isSettled && pair.side.handedOver == 1)
        let straight = TestPacket.make(pair.near, pair.far)
        pair.device.send([straight])
        try pair.turn()
        #expect(pair.arrivedFar().isEmpty, "the core is not through")
        let record = try #require(pair.link.ring.next())
        #expect(Handed(rawValue: record.kind) == .packet && Array(record.bytes) == first)
        #expect(pair.link.ring.release())
        try pair.turn()
        #expect(pair.side.isSettled && pair.arrivedFar() == [straight])
    }

    /// Networks inside the mesh's prefix are their owners': whoever has a derived address there has no way by it.
    @Test func aNetworkIsMoreThanADerivedAddress() throws {
        let owner = PortalWorld.keys(1)[0].address
        let derived = PortalWorld.map.address(of: owner)
        let pair = try SidePair { setup, other in
            let network = IPv6Prefix(host: PortalWorld.map.address(of: other))
            setup.networks = try PortalNetworks(local: [], remote: [(network, derived)])
            setup.owners = [derived: owner]
        }
        pair.device.send([TestPacket.make(pair.near, pair.far)])
        try pair.turn()
        #expect(pair.arrivedFar().isEmpty && pair.side.handedOver == 1)
        try pair.sendFromFar([TestPacket.make(pair.far, pair.near)])
        _ = pair.link.ring.next()
        _ = pair.link.ring.release()
        try pair.turn()
        #expect(pair.device.takeWritten().isEmpty && pair.side.portal.drops[.sourceNotSender] == 1)
    }

    /// A network that is declared behind the other box is reached by its way.
    @Test func whatIsBehindTheOtherBoxGoesStraight() throws {
        let network = try #require(IPv6Prefix("2001:db8:2::/48"))
        let host = try TestPacket.address("2001:db8:2::7")
        let pair = try SidePair { setup, other in
            let derived = PortalWorld.map.address(of: other)
            setup.networks = try PortalNetworks(local: [], remote: [(network, derived)])
            setup.owners = [derived: other]
        }
        let packet = TestPacket.make(pair.near, host)
        pair.device.send([packet])
        try pair.turn()
        #expect(pair.arrivedFar() == [packet] && pair.side.handedOver == 0)
        let back = TestPacket.make(host, pair.near)
        try pair.sendFromFar([back])
        try pair.turn()
        #expect(pair.device.takeWritten() == [back])
    }

    @Test func datagramsUnderOtherKeysAreHandedOverAsTheyCame() throws {
        let pair = try SidePair()
        let junk: [UInt8] = [4, 0, 0, 0, 9, 9, 9, 9] + [UInt8](repeating: 5, count: 60)
        try pair.sendRaw([junk, [1] + [UInt8](repeating: 0, count: 191)])
        try pair.turn()
        var records: [[UInt8]] = []
        while let record = pair.link.ring.next() {
            #expect(Handed(rawValue: record.kind) == .sealed)
            records.append(Array(record.bytes))
        }
        #expect(records.count == 2 && records.first == junk)
        #expect(pair.side.isSettled, "nothing of a session that is known")
    }

    @Test func theGateAndTheEndOfKeysAreHeeded() throws {
        let pair = try SidePair()
        try pair.link.mailbox.post(.setAccess(.only([])))
        try pair.sendFromFar([TestPacket.make(pair.far, pair.near)])
        try pair.turn()
        #expect(pair.device.takeWritten().isEmpty && pair.side.portal.prohibited == 1)
        try pair.link.mailbox.post(.setAccess(.everybody))
        try pair.link.mailbox.post(.changes([.noWay(pair.other.mainAddress)]))
        try pair.turn()
        let packet = TestPacket.make(pair.near, pair.far)
        pair.device.send([packet])
        try pair.turn()
        #expect(pair.arrivedFar().isEmpty && pair.side.handedOver == 1)
        while pair.link.ring.next() != nil {}
        _ = pair.link.ring.release()
        // Everything is said anew to one that has not kept up.
        try pair.link.mailbox.post(.everything(pair.box.shareAnew()))
        try pair.turn()
        pair.device.send([packet])
        try pair.turn()
        #expect(pair.arrivedFar() == [packet])
        try pair.link.mailbox.post(.stop)
        try pair.side.run(.normal)
        #expect(pair.side.box.lane(to: pair.other.mainAddress, now: pair.now) == nil)
    }
}

/// A box with an engine beside it, and another box on the loopback.
private final class SidePair {
    let box: MeshBox
    let other: MeshBox
    let device: MemoryDevice
    let link: SideLink
    let side: SideEngine<MemoryDevice>
    private(set) var now = BootClock.now() - .seconds(10)
    private let socket: UDPSocket
    private let batch = DatagramBatch(slotSize: 1 << 16)
    private let endpoints: (near: Endpoint, far: Endpoint)

    init(_ change: (inout EngineSetup.PortalSetup, _ other: Address) throws -> Void = { _, _ in }) throws {
        let keys = PortalWorld.keys(2)
        let loopback = try #require(IPv6Address("::1"))
        let ours = try UDPSocket(bind: Endpoint(address: loopback, port: 0))
        socket = try UDPSocket(bind: Endpoint(address: loopback, port: 0))
        endpoints = (ours.local, socket.local)
        box = MeshBox(key: keys[0], settings: BoxSettings(startMilliseconds: 1), random: SystemRandom(), now: now)
        other = MeshBox(key: keys[1], settings: BoxSettings(startMilliseconds: 1), random: SystemRandom(), now: now)
        box.setShared(true)
        device = try MemoryDevice()
        link = try SideLink(number: 1, handed: Wakeup())
        var setup = EngineSetup.PortalSetup("memory", map: PortalWorld.map, gate: .everybody) { _ in InterfaceRecorder()
        }
        try change(&setup, keys[1].address)
        let rules = PortalRules(setup, main: keys[0].address, ownPorts: [ours.local.port])
        let bridge = PortalBridge(device: device, ways: SideBox(), rules: rules, gate: setup.gate)
        side = try SideEngine(link: link, portal: bridge, ports: [ours], seed: 1)
        box.setPeer(PeerSettings(address: other.mainAddress, endpoints: [endpoints.far]), now: now)
        other.setPeer(PeerSettings(address: box.mainAddress, endpoints: [endpoints.near]), now: now)
        // What the kernel says of a datagram's way, by one that is thrown away.
        try sendRaw([[0]])
        try #require(try ours.receive(into: batch) == 1)
        let path = batch[0].path
        // The boxes find each other without the sockets, within ten seconds that are over when the test begins.
        for _ in 0..<5000 { exchange(by: path) }
        now = BootClock.now()
        try link.mailbox.post(.changes(box.takeKeyNews() + box.shareWays(now: now)))
        try turn()
        try #require(side.box.lane(to: other.mainAddress, now: now) != nil)
        _ = arrivedFar()
    }

    var near: IPv6Address { PortalWorld.map.address(of: box.mainAddress) }
    var far: IPv6Address { PortalWorld.map.address(of: other.mainAddress) }

    private func exchange(by path: Path) {
        now = now + .milliseconds(2)
        for (from, to, way) in [(box, other, Path(remote: endpoints.near, socket: 0)), (other, box, path)] {
            let datagrams = from.outbox.datagrams.map { Array(from.outbox.bytes(of: $0)) }
            from.outbox.removeAll()
            for var datagram in datagrams where datagram.count < 1452 {
                datagram.withUnsafeMutableBytes { _ = to.receive($0, from: way, now: now) }
            }
        }
        box.tick(now: now)
        other.tick(now: now)
    }

    /// Whatever is ready is done.
    func turn() throws {
        for _ in 0..<3 {
            now = BootClock.now()
            let ready = try side.worker.poller.wait(until: now + .milliseconds(20), now: now)
            try side.turn(ready, BootClock.now())
        }
    }

    /// Messages that came to the other box's socket.
    func arrivedFar() -> [[UInt8]] {
        var packets: [[UInt8]] = []
        while let count = try? socket.receive(into: batch), count > 0 {
            for index in 0..<count {
                let delivery = other.receive(
                    batch[index].bytes, from: Path(remote: batch[index].path.remote, socket: 0), now: BootClock.now())
                if let delivery { packets.append(Array(delivery.message)) }
            }
        }
        return packets
    }

    func sendFromFar(_ messages: [[UInt8]]) throws {
        other.outbox.removeAll()
        for message in messages {
            _ = message.withUnsafeBytes { other.send($0, from: .main, to: box.mainAddress, now: BootClock.now()) }
        }
        try sendRaw(other.outbox.datagrams.map { Array(other.outbox.bytes(of: $0)) })
        other.outbox.removeAll()
    }

    func sendRaw(_ datagrams: [[UInt8]]) throws {
        for datagram in datagrams {
            try datagram.withUnsafeBytes { bytes in
                var record = OutgoingDatagram(bytes: bytes, path: Path(remote: endpoints.near))
                try withUnsafeMutablePointer(to: &record) {
                    _ = try socket.send(UnsafeMutableBufferPointer(start: $0, count: 1))
                }
            }
        }
    }
}
