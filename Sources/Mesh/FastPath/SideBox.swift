package import INET256
package import Wire

/// What an engine beside the first one needs of the mesh: the keys, ways and routes that the box shares, and nothing else. It opens
/// and seals messages of direct sessions, and passes relay frames on; whatever is none of these is the first engine's, and is handed
/// to it. No I/O and no clock, one thread at a time.
///
/// Order: a message that is handed over must not be overtaken by the next one, which might go straight. So the rest of its
/// session's messages follow it until the driver has heard that the first engine is through with it, and says `settle()`. For relay
/// frames it is the same by destination (`Forwarder`, `settleRelays()`).
package final class SideBox: LaneSource {
    package let sealer: Sealer

    private let limits: MeshLimits
    /// By the place of their index, which is the box's.
    private var keypairs: [SideKeypair?] = []
    private var sessions: [Address: SideSession] = [:]
    private var forwarder = Forwarder()
    /// Sessions that wait for `settle()`.
    private var detoured: [SideSession] = []

    package init(limits: MeshLimits = MeshLimits()) {
        self.limits = limits
        sealer = Sealer(limits)
    }

    package var outbox: Outbox { sealer.outbox }
    package var drops: DropCounters { sealer.drops }
    /// What was relayed for others.
    package var relayedFrames: UInt64 { forwarder.frames }
    package var relayedBytes: UInt64 { forwarder.bytes }

    // MARK: What the first engine says

    package func apply(_ change: ShareChange) {
        switch change {
        case .keys(let shared):
            add(shared)
        case .forget(let index):
            if let keypair = keypair(index) { remove(keypair) }
        case .way(let way):
            // Without its keys it is of no use, and they were said before it.
            guard let keypair = keypair(way.keypair) else { return }
            keypair.session.way = way
            keypair.session.sending = keypair.keys
        case .noWay(let remote):
            sessions[remote]?.end()
        case .routes(let table):
            turn(to: table)
        }
    }

    private func add(_ shared: SharedKeypair) {
        guard let remote = shared.remote, keypair(shared) == nil else { return }
        let session = sessions[remote] ?? SideSession(remote: remote)
        sessions[remote] = session
        session.keypairs += 1
        let place = IndexTable.place(of: shared.localIndex)
        // What stood there before has ended, whether that was said or not.
        if place < keypairs.count, let old = keypairs[place] { remove(old) }
        if place >= keypairs.count { keypairs += Array(repeating: nil, count: place + 1 - keypairs.count) }
        keypairs[place] = SideKeypair(shared, session)
    }

    private func remove(_ keypair: SideKeypair) {
        keypairs[IndexTable.place(of: keypair.keys.shared.localIndex)] = nil
        forwarder.forget(keypair.keys)
        let session = keypair.session
        session.keypairs -= 1
        if session.way?.keypair === keypair.keys.shared { session.end() }
        if session.way == nil, session.keypairs == 0 { sessions[session.remote] = nil }
    }

    private func turn(to table: ForwardingTable) {
        for way in forwarder.table.links { if let way { sessions[way.remote]?.linkPath = nil } }
        forwarder.turn(to: table) { keypair($0)?.keys }
        for way in table.links { if let way { sessions[way.remote]?.linkPath = way.path } }
    }

    /// Forgets everything; what there is will be said anew.
    package func forgetAll() {
        keypairs.removeAll()
        for session in sessions.values { session.end() }
        sessions.removeAll()
        turn(to: ForwardingTable())
    }

    /// The first engine is through with everything that it was handed.
    package func settle() {
        for session in detoured { session.isDetoured = false }
        detoured.removeAll(keepingCapacity: true)
    }

    /// The first engine is through with all relay frames that it was handed.
    package func settleRelays() { forwarder.settle() }

    // MARK: In

    /// What is to become of a datagram.
    package enum Receipt {
        case message(Delivery)
        /// It is for the first engine, as it came.
        case sealed
        /// It is for the first engine and was opened in place. Where order matters, nothing of its session may overtake it.
        case opened(isNewest: Bool, orderMatters: Bool)
        /// A relay frame that is for the first engine and was opened in place. Of the first that is left where others went straight:
        /// these must leave before it.
        case relay(isNewest: Bool, isFirst: Bool)
        /// A relay frame that was passed on: it lies in the outbox.
        case passed
        /// It was no good, and is counted.
        case dropped
    }

    /// Takes a datagram, which is opened in place.
    package func receive(
        _ datagram: UnsafeMutableRawBufferPointer, from path: Path, trafficClass: UInt8, now: Instant
    ) -> Receipt {
        guard datagram.first == DatagramKind.transport.rawValue,
            let head = TransportHead(UnsafeRawBufferPointer(datagram)),
            let keypair = keypair(head.index)
        else { return .sealed }
        guard let (count, isNewest) = keypair.keys.take(datagram, now, limits, &sealer.drops) else { return .dropped }
        let session = keypair.session
        let kind = FrameKind(rawValue: datagram[TransportLayout.header])
        if kind == .relay,
            let frame = datagram.slice(TransportLayout.header, count).flatMap({ RelayFrame($0, flowBytes: 0) })
        {
            // Who has no link gets nothing passed on; the first engine counts it.
            guard let linkPath = session.linkPath else { return .relay(isNewest: isNewest, isFirst: false) }
            let isClear = linkPath == path && keypair.keys.shared.isConfirmed && !session.isDetoured
            return relay(frame, keypair, isClear: isClear, isNewest: isNewest, trafficClass, now)
        }
        let isMessage = kind == .message || kind == .partialPacket
        guard isMessage, session.way?.path == path, keypair.keys.shared.isConfirmed, !session.isDetoured else {
            let orderMatters = isMessage || kind == .fragment
            if orderMatters, !session.isDetoured {
                session.isDetoured = true
                detoured.append(session)
            }
            return .opened(isNewest: isNewest, orderMatters: orderMatters)
        }
        sealer.noteReceived(datagram.count, keypair.keys)
        guard let body = datagram.slice(TransportLayout.header + 1, datagram.count - TransportLayout.minimum) else {
            sealer.drops.count(.malformedDatagram)
            return .dropped
        }
        return .message(
            Delivery(
                node: .main, source: session.remote, message: UnsafeRawBufferPointer(body),
                isPartial: kind == .partialPacket, ecn: trafficClass & ECN.mask))
    }

    /// Passes a frame of another session on, where that is clear from what was published.
    private func relay(
        _ frame: RelayFrame, _ keypair: SideKeypair, isClear: Bool, isNewest: Bool, _ trafficClass: UInt8,
        _ now: Instant
    ) -> Receipt {
        let datagram = frame.bytes.count + TransportLayout.overhead
        switch forwarder.judge(frame, from: keypair.session.remote, isClear: isClear, now, limits) {
        case .noRoute:
            return .relay(isNewest: isNewest, isFirst: false)
        case .leave(let isFirst):
            return .relay(isNewest: isNewest, isFirst: isFirst)
        case .hopLimit:
            sealer.noteReceived(datagram, keypair.keys, isData: false)
            sealer.drops.count(.relayHopLimit)
            return .dropped
        case .pass(let way, let keys):
            sealer.noteReceived(datagram, keypair.keys, isData: false)
            guard sealer.pass(frame, by: way, keys, congestion: trafficClass) else { return .dropped }
            forwarder.notePassed(frame.bytes.count)
            return .passed
        }
    }

    /// Whether a datagram is sealed under keys that are not known here.
    package func isForeign(_ datagram: UnsafeMutableRawBufferPointer) -> Bool {
        guard datagram.first == DatagramKind.transport.rawValue,
            let head = TransportHead(UnsafeRawBufferPointer(datagram))
        else { return false }
        return keypair(head.index) == nil
    }

    /// What an index stands for, in one array access.
    @inline(__always)
    private func keypair(_ index: UInt32) -> SideKeypair? {
        let place = IndexTable.place(of: index)
        guard place < keypairs.count, let found = keypairs[place], found.keys.shared.localIndex == index else {
            return nil
        }
        return found
    }

    /// The same keys as this worker has them.
    private func keypair(_ shared: SharedKeypair) -> SideKeypair? {
        guard let found = keypair(shared.localIndex), found.keys.shared === shared else { return nil }
        return found
    }

    // MARK: Out

    /// The way to an address, or nil: then the first engine knows what to do.
    package func lane(to remote: Address, now: Instant) -> Lane? {
        guard let session = sessions[remote], let way = session.way, let keys = session.sending,
            keys.shared.maySend(now, limits)
        else { return nil }
        return Lane(capacity: way.capacity, isSettled: way.isSettled, keys: keys, path: way.path, relay: nil)
    }

    /// Tells the first engine what this turn did. At its end.
    package func report(now: Instant) { sealer.report(now) }
}

/// A side engine's view of a session.
private final class SideSession {
    let remote: Address
    var way: SharedWay?
    var sending: WorkerKeys?
    /// Messages go by the first engine until it is through with those before them.
    var isDetoured = false
    /// By which way relay frames come, while it is a link.
    var linkPath: Path?
    /// How many it has.
    var keypairs = 0

    init(remote: Address) { self.remote = remote }

    func end() {
        way = nil
        sending = nil
    }
}

/// Shared keys, and the session that they are of.
private final class SideKeypair {
    let keys: WorkerKeys
    let session: SideSession

    init(_ shared: SharedKeypair, _ session: SideSession) {
        keys = WorkerKeys(shared)
        self.session = session
    }
}
