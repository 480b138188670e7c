internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The core of its own worker: what takes more than lanes and keys is done at once.
extension Engine: WorkerCore {
    typealias Ways = MeshBox

    var isSettled: Bool { true }

    func beginBatch() {}

    func take(_ datagram: IncomingDatagram, _ now: Instant) throws {
        try receive(datagram.bytes, from: datagram.path, trafficClass: datagram.trafficClass, now)
    }

    /// Before the next packet comes.
    func take(_ packet: PortalPacket, _ now: Instant) throws {
        try desk?.outbound(packet, now: now)
        worker.bridge?.settle()
    }

    /// The other end may use new keys once this is sent.
    func willSend(_ now: Instant) {
        if box.hasKeyNews { sides?.publishKeys(box, now) }
        // And so may neighbours the routes that they hear of.
        if box.hasRouteNews { sides?.publishRoutes(box, now) }
    }

    /// That of its path, or the first that speaks the endpoint's family, and its spare where that has shown its worth.
    func socketPlace(_ path: Path) -> Int? {
        if path.socket == Path.spareSocket { return sparePlace(path.remote) }
        if path.socket == Path.spraySocket { return sprays.searching }
        if path.socket != Path.anySocket { return Int(path.socket) < worker.lines.count ? Int(path.socket) : nil }
        guard let place = worker.lines.firstIndex(where: { $0.reaches(path.remote) }) else { return nil }
        return keptSpare(of: place) ?? place
    }

    func refused(_ refusal: SendRefusal, for path: Path, now: Instant) { box.refused(refusal, for: path, now: now) }

    func opened(_ path: Path, now: Instant) { box.pathOpened(path, now: now) }

    func closed(_ path: Path, now: Instant) { box.pathClosed(path, now: now) }

    func flush(_ now: Instant) throws { try worker.flush(self, now) }

    // MARK: In

    func receive(
        _ datagram: UnsafeMutableRawBufferPointer, from path: Path, trafficClass: UInt8, _ now: Instant
    ) throws {
        // Plain bytes are compared for each datagram, and nothing that counts references is touched.
        if let first = datagram.first, rawFirstBytes?.contains(first) == true {
            rawDatagrams?.deliver(datagram, path)
            return
        }
        if let delivery = box.receive(datagram, from: path, trafficClass: trafficClass, now: now) {
            try take(delivery)
        }
        while box.hasOvertaken, let delivery = box.nextOvertaken(now: now) { try take(delivery) }
    }

    @inline(__always)
    func take(_ delivery: Delivery) throws {
        guard delivery.node == .main || delivery.node == former else {
            hosted.receive(delivery)
            return
        }
        guard let bridge = worker.bridge else {
            unread += 1
            return
        }
        try bridge.inbound(
            delivery.message, from: delivery.source, isPartial: delivery.isPartial, ecn: delivery.ecn,
            isFleeting: delivery.isFleeting)
    }

    /// A message of an application on this box for the box itself.
    func takeForMain(_ message: UnsafeRawBufferPointer, _ source: Address) throws {
        guard let bridge = worker.bridge else {
            unread += 1
            return
        }
        try bridge.inbound(message, from: source, isFleeting: true)
    }
}
