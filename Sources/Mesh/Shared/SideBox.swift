public import INET256
public import Wire

/// What an engine beside the first one needs of the mesh: the keys and ways that the box shares, and nothing else. It opens
/// and seals messages of direct sessions; whatever is not such a message is the first engine's, and is handed to it. No I/O
/// and no clock, one thread at a time.
///
/// Order: a message that is handed over must not be overtaken by the next one, which might go straight. So the rest of its
/// session's messages follow it until the driver has heard that the first engine is through with it, and says `settle()`.
public final class SideBox {
    public let outbox: Outbox
    public private(set) var drops = DropCounters()

    private let limits: MeshLimits
    private var keypairs: [UInt32: SideKeypair] = [:]
    private var sessions: [Address: SideSession] = [:]
    /// Bursts come under one key.
    private var recent: SideKeypair?
    /// Keys with something to report, and sessions that wait for `settle()`.
    private var active: [SideKeypair] = []
    private var detoured: [SideSession] = []

    public init(limits: MeshLimits = MeshLimits()) {
        self.limits = limits
        outbox = Outbox(bytes: limits.outboxBytes, datagrams: limits.outboxDatagrams)
    }

    // MARK: What the first engine says

    public func apply(_ change: ShareChange) {
        switch change {
        case .keys(let shared):
            guard keypairs[shared.localIndex]?.shared !== shared else { return }
            let session = sessions[shared.remote] ?? SideSession(remote: shared.remote)
            sessions[shared.remote] = session
            keypairs[shared.localIndex] = SideKeypair(shared, session)
        case .forget(let index):
            guard let keypair = keypairs.removeValue(forKey: index) else { return }
            if recent === keypair { recent = nil }
            let session = keypair.session
            if session.way?.keypair === keypair.shared { session.end() }
            if session.way == nil, !keypairs.values.contains(where: { $0.session === session }) {
                sessions[session.remote] = nil
            }
        case .way(let way):
            // Without its keys it is of no use, and they were said before it.
            guard let keypair = keypairs[way.keypair.localIndex], keypair.shared === way.keypair else { return }
            keypair.session.way = way
            keypair.session.sending = keypair
        case .noWay(let remote):
            sessions[remote]?.end()
        }
    }

    /// Forgets everything; what there is will be said anew.
    public func forgetAll() {
        keypairs.removeAll()
        for session in sessions.values { session.end() }
        sessions.removeAll()
        recent = nil
    }

    /// The first engine is through with everything that it was handed.
    public func settle() {
        for session in detoured { session.isDetoured = false }
        detoured.removeAll(keepingCapacity: true)
    }

    // MARK: In

    /// What is to become of a datagram.
    public enum Receipt {
        case message(Delivery)
        /// It is for the first engine, as it came.
        case sealed
        /// It is for the first engine and was opened in place. Where order matters, nothing of its session may overtake it.
        case opened(isNewest: Bool, orderMatters: Bool)
        /// It was no good, and is counted.
        case dropped
    }

    /// Takes a datagram, which is opened in place.
    public func receive(
        _ datagram: UnsafeMutableRawBufferPointer, from path: Path, trafficClass: UInt8, now: Instant
    ) -> Receipt {
        guard datagram.count >= TransportLayout.minimum, datagram[0] == DatagramKind.transport.rawValue else {
            return .sealed
        }
        let index: UInt32 = UnsafeRawBufferPointer(datagram).little(TransportLayout.receiver)
        guard let keypair = keypair(index) else { return .sealed }
        let shared = keypair.shared
        guard shared.mayReceive(now, limits) else {
            drops.count(.keyExpired)
            return .dropped
        }
        let counter = UnsafeRawBufferPointer(datagram).little(TransportLayout.counter, as: UInt64.self)
        guard shared.mayHaveSealed(counter) else {
            drops.count(.counterBeyondLimit)
            return .dropped
        }
        guard keypair.receiveKey.open(datagram, counter) else {
            shared.noteForgery()
            drops.count(.forged)
            return .dropped
        }
        guard let isNewest = shared.accept(counter) else {
            drops.count(.replayed)
            return .dropped
        }
        let session = keypair.session
        let kind = FrameKind(rawValue: datagram[TransportLayout.header])
        let isMessage = kind == .message || kind == .partialPacket
        guard isMessage, session.way?.path == path, shared.isConfirmed, !session.isDetoured else {
            let orderMatters = isMessage || kind == .fragment
            if orderMatters, !session.isDetoured {
                session.isDetoured = true
                detoured.append(session)
            }
            return .opened(isNewest: isNewest, orderMatters: orderMatters)
        }
        note(keypair)
        keypair.received &+= 1
        keypair.receivedBytes &+= UInt64(datagram.count)
        guard let body = datagram.slice(TransportLayout.header + 1, datagram.count - TransportLayout.minimum) else {
            drops.count(.malformedDatagram)
            return .dropped
        }
        return .message(
            Delivery(
                node: .main, source: session.remote, message: UnsafeRawBufferPointer(body),
                isPartial: kind == .partialPacket, ecn: trafficClass & ECN.mask))
    }

    /// Whether a datagram is sealed under keys that are not known here.
    public func isForeign(_ datagram: UnsafeMutableRawBufferPointer) -> Bool {
        guard datagram.count >= TransportLayout.minimum, datagram[0] == DatagramKind.transport.rawValue else {
            return false
        }
        return keypair(UnsafeRawBufferPointer(datagram).little(TransportLayout.receiver)) == nil
    }

    @inline(__always)
    private func keypair(_ index: UInt32) -> SideKeypair? {
        if let recent, recent.shared.localIndex == index { return recent }
        guard let found = keypairs[index] else { return nil }
        recent = found
        return found
    }

    // MARK: Out

    /// The way to an address, or nil: then the first engine knows what to do.
    public func lane(to remote: Address, now: Instant) -> SideLane? {
        guard let session = sessions[remote], let way = session.way, let keypair = session.sending,
            keypair.shared.maySend(now, limits)
        else { return nil }
        return SideLane(capacity: way.capacity, isSettled: way.isSettled, path: way.path, keypair: keypair)
    }

    /// Where the lane's next packet is to be written; nil (and counted) when the burst is full.
    @inline(__always)
    public func room(_ lane: borrowing SideLane) -> UnsafeMutableRawPointer? {
        guard let start = outbox.reserve(SideLane.lead + lane.capacity + TransportLayout.tag) else {
            drops.count(.outboxFull)
            return nil
        }
        return start + SideLane.lead
    }

    /// Seals the packet of `count` bytes that was written to the lane's room; see `MeshBox.dispatch`.
    @inline(__always)
    public func dispatch(
        _ packet: UnsafeMutableRawPointer, count: Int, isPartial: Bool, trafficClass: UInt8, _ lane: borrowing SideLane
    ) -> Bool {
        let keypair = lane.keypair
        guard let counter = keypair.shared.takeCounterInLimit() else {
            drops.count(.keyExpired)
            return false
        }
        let kind: FrameKind = isPartial ? .partialPacket : .message
        (packet - 1).storeBytes(of: kind.rawValue, as: UInt8.self)
        let length = keypair.sendKey.seal(
            at: packet - SideLane.lead, frameCount: count + 1, to: keypair.shared.remoteIndex, counter)
        outbox.trafficClass = trafficClass
        outbox.commit(length, lane.path)
        outbox.trafficClass = 0
        note(keypair)
        keypair.sent &+= 1
        keypair.sentBytes &+= UInt64(length)
        return true
    }

    // MARK: Reports

    @inline(__always)
    private func note(_ keypair: SideKeypair) {
        guard keypair.received | keypair.sent == 0 else { return }
        active.append(keypair)
    }

    /// Tells the first engine what this turn did. At its end.
    public func report(now: Instant) {
        guard !active.isEmpty else { return }
        for keypair in active { keypair.report(now) }
        active.removeAll(keepingCapacity: true)
    }
}
