package import INET256
package import Wire

/// What an engine beside the first one needs of the mesh: the keys and ways that the box shares, and nothing else. It opens
/// and seals messages of direct sessions; whatever is not such a message is the first engine's, and is handed to it. No I/O
/// and no clock, one thread at a time.
///
/// Order: a message that is handed over must not be overtaken by the next one, which might go straight. So the rest of its
/// session's messages follow it until the driver has heard that the first engine is through with it, and says `settle()`.
package final class SideBox: LaneSource {
    package let sealer: Sealer

    private let limits: MeshLimits
    private var keypairs: [UInt32: SideKeypair] = [:]
    private var sessions: [Address: SideSession] = [:]
    /// Bursts come under one key.
    private var recent: SideKeypair?
    /// Sessions that wait for `settle()`.
    private var detoured: [SideSession] = []

    package init(limits: MeshLimits = MeshLimits()) {
        self.limits = limits
        sealer = Sealer(limits)
    }

    package var outbox: Outbox { sealer.outbox }
    package var drops: DropCounters { sealer.drops }

    // MARK: What the first engine says

    package func apply(_ change: ShareChange) {
        switch change {
        case .keys(let shared):
            guard let remote = shared.remote, keypairs[shared.localIndex]?.keys.shared !== shared else { return }
            let session = sessions[remote] ?? SideSession(remote: remote)
            sessions[remote] = session
            keypairs[shared.localIndex] = SideKeypair(shared, session)
        case .forget(let index):
            guard let keypair = keypairs.removeValue(forKey: index) else { return }
            if recent === keypair { recent = nil }
            let session = keypair.session
            if session.way?.keypair === keypair.keys.shared { session.end() }
            if session.way == nil, !keypairs.values.contains(where: { $0.session === session }) {
                sessions[session.remote] = nil
            }
        case .way(let way):
            // Without its keys it is of no use, and they were said before it.
            guard let keypair = keypairs[way.keypair.localIndex], keypair.keys.shared === way.keypair else { return }
            keypair.session.way = way
            keypair.session.sending = keypair.keys
        case .noWay(let remote):
            sessions[remote]?.end()
        }
    }

    /// Forgets everything; what there is will be said anew.
    package func forgetAll() {
        keypairs.removeAll()
        for session in sessions.values { session.end() }
        sessions.removeAll()
        recent = nil
    }

    /// The first engine is through with everything that it was handed.
    package func settle() {
        for session in detoured { session.isDetoured = false }
        detoured.removeAll(keepingCapacity: true)
    }

    // MARK: In

    /// What is to become of a datagram.
    package enum Receipt {
        case message(Delivery)
        /// It is for the first engine, as it came.
        case sealed
        /// It is for the first engine and was opened in place. Where order matters, nothing of its session may overtake it.
        case opened(isNewest: Bool, orderMatters: Bool)
        /// It was no good, and is counted.
        case dropped
    }

    /// Takes a datagram, which is opened in place.
    package func receive(
        _ datagram: UnsafeMutableRawBufferPointer, from path: Path, trafficClass: UInt8, now: Instant
    ) -> Receipt {
        guard datagram.count >= TransportLayout.minimum, datagram[0] == DatagramKind.transport.rawValue else {
            return .sealed
        }
        let index: UInt32 = UnsafeRawBufferPointer(datagram).little(TransportLayout.receiver)
        guard let keypair = keypair(index) else { return .sealed }
        guard let (_, isNewest) = keypair.keys.take(datagram, now, limits, &sealer.drops) else { return .dropped }
        let session = keypair.session
        let kind = FrameKind(rawValue: datagram[TransportLayout.header])
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

    /// Whether a datagram is sealed under keys that are not known here.
    package func isForeign(_ datagram: UnsafeMutableRawBufferPointer) -> Bool {
        guard datagram.count >= TransportLayout.minimum, datagram[0] == DatagramKind.transport.rawValue else {
            return false
        }
        return keypair(UnsafeRawBufferPointer(datagram).little(TransportLayout.receiver)) == nil
    }

    @inline(__always)
    private func keypair(_ index: UInt32) -> SideKeypair? {
        if let recent, recent.keys.shared.localIndex == index { return recent }
        guard let found = keypairs[index] else { return nil }
        recent = found
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
