internal import Wire

/// Where a worker seals: its outbox, and the keys that it used in this turn. Packets are written where they are sealed, so nothing is
/// copied, and what a burst has in common is looked up once (`Lane`). One thread at a time.
package final class Sealer {
    /// What is to be sent. The driver sends and empties it after every burst.
    package let outbox: Outbox
    /// What was dropped, by reason.
    package internal(set) var drops = DropCounters()
    /// Keys with something to report.
    private var active: [WorkerKeys] = []

    init(_ limits: MeshLimits) {
        outbox = Outbox(bytes: limits.outboxBytes, datagrams: limits.outboxDatagrams)
    }

    /// Where the next packet of the lane is to be written, with room for `lane.capacity` bytes; nil (and counted) when the
    /// burst is full.
    @inline(__always)
    package func room(_ lane: borrowing Lane) -> UnsafeMutableRawPointer? {
        guard let start = outbox.reserve(lane.lead + lane.capacity + lane.tags) else {
            drops.count(.outboxFull)
            return nil
        }
        return start + lane.lead
    }

    /// Seals the packet of `count` bytes that was written to `packet`, the lane's room. A `partial` one bears only the sum of
    /// the pseudo-header in its TCP or UDP checksum; `trafficClass` is for the packet that carries it. False (and counted)
    /// when it could not be sent.
    @inline(__always)
    package func dispatch(
        _ packet: UnsafeMutableRawPointer, count: Int, isPartial: Bool, trafficClass: UInt8, _ lane: borrowing Lane
    ) -> Bool {
        let kind: FrameKind = isPartial ? .partialPacket : .message
        (packet - 1).storeBytes(of: kind.rawValue, as: UInt8.self)
        guard var length = lane.keys.sealInLimit(at: packet - Lane.direct, frameCount: count + 1) else {
            drops.count(.keyExpired)
            return false
        }
        noteSent(length, lane.keys)
        if let relay = lane.relay {
            let head = relay.head.count
            let frame = packet - Lane.direct - head
            relay.head.write(to: frame)
            guard
                let outer = relay.keys.sealInLimit(
                    at: frame - TransportLayout.header, frameCount: head + length)
            else {
                drops.count(.keyExpired)
                return false
            }
            length = outer
            noteSent(length, relay.keys)
        }
        outbox.trafficClass = trafficClass
        outbox.commit(length, lane.path)
        outbox.trafficClass = 0
        return true
    }

    /// Seals a relay frame for the next link, with a head that says so. Exactly as the box itself does it. False (and counted) when
    /// it could not be sent.
    @inline(__always)
    func pass(_ frame: RelayFrame, by way: RelayWay, _ keys: WorkerKeys, congestion: UInt8) -> Bool {
        let count = frame.bytes.count
        guard let base = frame.bytes.baseAddress, let target = outbox.reserve(count + TransportLayout.overhead) else {
            drops.count(.outboxFull)
            return false
        }
        frame.pass(over: way.capacity)
        (target + TransportLayout.header).copyMemory(from: base, byteCount: count)
        guard let length = keys.sealInLimit(at: target, frameCount: count) else {
            drops.count(.keyExpired)
            return false
        }
        noteSent(length, keys)
        // What the link before said of congestion holds on the next.
        outbox.trafficClass = congestion & ECN.mask
        outbox.commit(length, way.path)
        outbox.trafficClass = 0
        return true
    }

    // MARK: Reports

    @inline(__always)
    func noteSent(_ bytes: Int, _ keys: WorkerKeys) {
        if keys.done.isNone { active.append(keys) }
        keys.noteSent(bytes)
    }

    @inline(__always)
    func noteReceived(_ bytes: Int, _ keys: WorkerKeys, isData: Bool = true) {
        if keys.done.isNone { active.append(keys) }
        keys.noteReceived(bytes, isData: isData)
    }

    /// Has keys tell what this turn did with them, each handed to `body` afterwards. At the end of a turn.
    @inline(__always)
    func report(_ now: Instant, _ body: (SharedKeypair) -> Void = { _ in }) {
        guard !active.isEmpty else { return }
        for keys in active {
            keys.report(now)
            body(keys.shared)
        }
        active.removeAll(keepingCapacity: true)
    }
}
