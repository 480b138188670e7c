import INET256
import Mesh
import Portal
import System
import Testing
import Transport
import Wire

@testable import DataPlane

/// A box with a portal over memory.
final class PortalPlace {
    let number: Int
    let box: MeshBox
    let device: MemoryDevice
    let bridge: PortalBridge<MemoryDevice, MeshBox>
    let desk: PortalDesk<MemoryDevice>
    let hosted: HostedNodes
    let worker: Worker<MemoryDevice, PortalPlace>

    convenience init(
        _ number: Int, _ key: PrivateKey, offloads: PortalOffloads, now: Instant,
        _ change: (inout EngineSetup.PortalSetup) -> Void
    ) throws {
        let settings = BoxSettings(startMilliseconds: 1)
        let box = MeshBox(key: key, settings: settings, random: SystemRandom(), now: now)
        try self.init(number, box, offloads: offloads, change)
    }

    /// Beside a box that there is.
    init(
        _ number: Int, _ box: MeshBox, offloads: PortalOffloads = [],
        _ change: (inout EngineSetup.PortalSetup) -> Void
    ) throws {
        self.number = number
        self.box = box
        hosted = HostedNodes(box: box, gate: .everybody, limit: 16)
        device = try MemoryDevice(offloads: offloads)
        var setup = EngineSetup.PortalSetup("memory", map: PortalWorld.map, gate: .everybody) { _ in InterfaceRecorder()
        }
        change(&setup)
        let rules = PortalRules(setup, main: box.mainAddress, ownPorts: [25632])
        bridge = PortalBridge(device: device, ways: box, rules: rules, gate: setup.gate)
        desk = PortalDesk(bridge, hosted: hosted)
        worker = try Worker(sealer: box.sealer, seed: 1, now: BootClock.now())
        try worker.open(bridge)
    }

    var address: IPv6Address { PortalWorld.map.address(of: box.mainAddress) }
    var endpoint: Endpoint { Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)), port: 25632) }

    /// A turn of the loop: what came in, then what the machine sends.
    func turn(_ datagrams: [(bytes: [UInt8], from: Endpoint, trafficClass: UInt8)], _ now: Instant) throws {
        box.beginTurn()
        worker.beginTurn()
        for var datagram in datagrams {
            let path = Path(remote: datagram.from, local: endpoint.address, interface: 1, socket: 0)
            try datagram.bytes.withUnsafeMutableBytes { bytes in
                try receive(bytes, path, datagram.trafficClass, now)
                try bridge.endBurst()
            }
        }
        try sendQueued(now)
        if now >= box.deadline { box.tick(now: now) }
        try lookAfter(now)
    }

    /// What the machine sends.
    func sendQueued(_ now: Instant) throws {
        try worker.readPortal(now)
        try worker.sendQueued(self, now)
        box.report(now: now)
    }

    /// What became of packets that had to wait.
    func lookAfter(_ now: Instant) throws {
        try desk.tick(now: now)
        for event in box.takeEvents() {
            if case .undeliverable(.main, _, let message) = event { try desk.undeliverable(message, now: now) }
        }
    }

    private func receive(
        _ datagram: UnsafeMutableRawBufferPointer, _ path: Path, _ trafficClass: UInt8, _ now: Instant
    ) throws {
        if let delivery = box.receive(datagram, from: path, trafficClass: trafficClass, now: now) { try take(delivery) }
        while box.hasOvertaken, let delivery = box.nextOvertaken(now: now) { try take(delivery) }
    }

    func take(_ delivery: Delivery) throws {
        guard delivery.node == .main else { return hosted.receive(delivery) }
        try bridge.inbound(
            delivery.message, from: delivery.source, isPartial: delivery.isPartial, ecn: delivery.ecn,
            isFleeting: delivery.isFleeting)
    }

    /// Everything that is to be sent, with where to.
    func takeOut() -> [(bytes: [UInt8], to: Endpoint, trafficClass: UInt8)] {
        defer { box.outbox.removeAll() }
        return box.outbox.runs.flatMap { run in
            let bytes = Array(box.outbox.bytes(of: run))
            return stride(from: 0, to: bytes.count, by: run.segment).map {
                (Array(bytes[$0..<min($0 + run.segment, bytes.count)]), run.path.remote, run.trafficClass)
            }
        }
    }
}

/// As the engine: what the bridge leaves is done before the next packet comes.
extension PortalPlace: WorkerCore {
    typealias Ways = MeshBox

    var isSettled: Bool { true }

    func beginBatch() {}

    func take(_ datagram: IncomingDatagram, _ now: Instant) throws {
        try receive(datagram.bytes, datagram.path, datagram.trafficClass, now)
    }

    func take(_ packet: PortalPacket, _ now: Instant) throws {
        try desk.outbound(packet, now: now)
        bridge.settle()
    }

    func willSend(_ now: Instant) {}

    func socketPlace(_ path: Path) -> Int? { nil }

    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) { box.refused(refusal, for: path, now: now) }

    func opened(_ path: Path, now: Instant) { box.pathOpened(path, now: now) }

    func closed(_ path: Path, now: Instant) { box.pathClosed(path, now: now) }
}

/// Boxes with portals, wired to each other on a clock of the test's own.
final class PortalWorld {
    static let map = IPv6Map.standard
    private(set) var places: [PortalPlace] = []
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// Datagrams that are larger are lost, headers of 48 bytes included.
    var cable = 1500
    /// Marks what crosses as having met congestion.
    var isCongested = false
    private static let delay: Interval = .milliseconds(1)

    static func keys(_ count: Int) -> [PrivateKey] {
        (0..<count).map { _ in PrivateKey(generatedFrom: SystemRandom()) }
    }

    /// All linked with each other, or as `links` says.
    init(
        _ keys: [PrivateKey], links: [(Int, Int)]? = nil, offloads: PortalOffloads = [],
        _ change: (Int, inout EngineSetup.PortalSetup) -> Void = { _, _ in }
    ) throws {
        for (number, key) in keys.enumerated() {
            places.append(try PortalPlace(number, key, offloads: offloads, now: now) { change(number, &$0) })
        }
        let all = (0..<keys.count).flatMap { a in (a + 1..<keys.count).map { (a, $0) } }
        for (a, b) in links ?? all {
            for (here, there) in [(a, b), (b, a)] {
                let peer = places[there]
                places[here].box.setPeer(
                    PeerSettings(address: peer.box.mainAddress, endpoints: [peer.endpoint]), now: now)
            }
        }
        try run(for: .seconds(8))
        for place in places { _ = place.device.takeWritten() }
    }

    subscript(_ number: Int) -> PortalPlace { places[number] }

    func run(for span: Interval) throws {
        let end = now + span
        while now < end { try step() }
    }

    /// A millisecond: what one put out reaches the others in the next.
    func step() throws {
        var arriving = places.map { _ in [(bytes: [UInt8], from: Endpoint, trafficClass: UInt8)]() }
        for place in places {
            for datagram in place.takeOut() where datagram.bytes.count + 48 <= cable {
                guard let target = places.first(where: { $0.endpoint == datagram.to }) else { continue }
                let mark = isCongested && datagram.trafficClass & ECN.mask != 0 ? ECN.congested : 0
                arriving[target.number].append((datagram.bytes, place.endpoint, datagram.trafficClass | mark))
            }
        }
        now = now + Self.delay
        for place in places { try place.turn(arriving[place.number], now) }
    }

    /// What each machine got within some milliseconds after the first sent `packets`.
    func send(_ packets: [[UInt8]], from number: Int, for span: Interval = .milliseconds(30)) throws -> [[[UInt8]]] {
        for place in places { _ = place.device.takeWritten() }
        places[number].device.send(packets)
        try run(for: span)
        return places.map { $0.device.takeWritten() }
    }

    /// What a box whose software follows no rules puts into the mesh as a message.
    func force(_ message: [UInt8], from number: Int, to other: Int) throws -> [[UInt8]] {
        for place in places { _ = place.device.takeWritten() }
        _ = message.withUnsafeBytes {
            places[number].box.send($0, from: .main, to: places[other].box.mainAddress, now: now)
        }
        try run(for: .milliseconds(30))
        return places[other].device.takeWritten()
    }
}
