package import INET256
package import Wire

/// The way out: a message of a local node to an address.
extension MeshBox {
    /// The largest message, in bytes (INET256 specification).
    package static let messageLimit = 65_535

    /// Sends a message of 0 to 65,535 bytes. It is copied before this returns.
    ///
    /// One that is larger than a datagram of the path carries goes in pieces; the outcome then names the size that would go in
    /// one, so that the portal can tell the sender.
    /// `trafficClass` is for the packets that carry it; it is lost on messages that wait.
    package func send(
        _ message: UnsafeRawBufferPointer, from id: NodeID, to remote: Address, trafficClass: UInt8 = 0, now: Instant
    ) -> SendOutcome {
        outbox.trafficClass = trafficClass
        defer { outbox.trafficClass = 0 }
        guard let local = node(id) else { return drop(.nodeClosed) }
        guard message.count <= Self.messageLimit else { return drop(.messageTooLarge) }
        if let session = session(local, remote) { return send(.message, message, session, now) }
        if let other = nodes[remote] { return .loopback(other.id) }
        guard let session = openSession(local, remote, now) else { return drop(.sessionsFull) }
        return send(.message, message, session, now)
    }

    /// Asks an address for an echo of `payload` bytes. `BoxEvent.pong` with `id` follows if it answers.
    package func ping(_ remote: Address, id: UInt64, payload: Int, now: Instant) -> SendOutcome {
        guard let local = node(knownAs(to: remote)) else { return drop(.nodeClosed) }
        if nodes[remote] != nil {
            note(.pong(id: id, from: remote, bytes: payload))
            return .loopback(.main)
        }
        guard payload >= 0, payload <= Self.messageLimit - 8 else { return drop(.messageTooLarge) }
        guard let session = openSession(local, remote, now) else { return drop(.sessionsFull) }
        return EchoBody.question(id, payload: payload).withUnsafeBytes { send(.ping, $0, session, now) }
    }

    /// The largest message that goes to `remote` in one datagram, in bytes, as far as is known.
    package func messageCapacity(to remote: Address, from id: NodeID) -> Int? {
        guard let local = node(id), let session = session(local, remote) else { return nil }
        return frameCapacity(session).map { $0 - 1 }
    }

    /// Whether that capacity is what the path carries, and not only what is known so far while larger sizes are tried.
    package func isSizeSettled(to remote: Address, from id: NodeID) -> Bool {
        guard let local = node(id), let session = session(local, remote) else { return false }
        return isSizeSettled(session)
    }

    func isSizeSettled(_ session: Session) -> Bool {
        if session.directAlive, session.direct != nil, !session.isAvoided { return session.size.isSettled }
        return session.relayed.capacity != nil && relayLink(to: session.remote)?.size.isSettled == true
    }

    /// The largest message, in bytes, that goes in one datagram to the neighbour whose path carries most; nil as long as
    /// that is known of nobody.
    package var largestPacket: Int? {
        allSessions.lazy
            .filter { $0.local.isBox && $0.link.neighbour != nil && $0.usesDirectPath && $0.size.isSettled }
            .compactMap { self.frameCapacity($0) }.max().map { $0 - 1 }
    }

    func drop(_ reason: DropReason) -> SendOutcome {
        drops.count(reason)
        return .dropped(reason)
    }

    /// Seals a frame, or lets it wait for keys or a route; behind what waits already.
    @inline(__always)
    func send(_ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant) -> SendOutcome {
        if !session.pending.isEmpty {
            // A way has come back, and the tick has not come by yet.
            flushPending(session, now)
            guard session.pending.isEmpty else { return park(kind, body, session, now) }
        }
        return sendAtOnce(kind, body, session, now)
    }

    @inline(__always)
    private func sendAtOnce(
        _ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant
    ) -> SendOutcome {
        guard let keypair = session.current, keypair.maySend(now, limits), let capacity = frameCapacity(session) else {
            return park(kind, body, session, now)
        }
        // What the routing algorithm sends it sends again until it is acknowledged, and a pong answers for the other end.
        if kind != .control { noteData(session, keypair, now) }
        if 1 + body.count <= capacity {
            return emit(kind, body, session, now) ? .sent : .dropped(.outboxFull)
        }
        return emitPieces(kind, body, session, capacity, now) ? .fragmented(limit: capacity - 1) : .dropped(.outboxFull)
    }

    /// Data goes out: an answer is awaited, and the keys wear.
    @inline(__always)
    func noteData(_ session: Session, _ keypair: Keypair, _ now: Instant) {
        noteData(session, now)
        if keypair.isWornOut { wake(session, now) }
    }

    @inline(__always)
    func noteData(_ session: Session, _ now: Instant) {
        session.traffic.sentData(now)
        if session.usesDirectPath, !session.isAvoided {
            if session.path.sentData(now, limits) {
                wake(session, session.path.nextQuestion ?? now, for: .signOfLife)
            }
        } else if session.traffic.awaitsAnswer(now) {
            wake(session, now + limits.silenceBeforeHandshake, for: .silence)
            // It may have rested while nothing went.
            if session.reach.nextTelling <= now, wantsDirect(session) { wake(session, now, for: .reach) }
        }
    }

    /// Keeps a frame until there are keys and a route, and sees to it that they come.
    private func park(
        _ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant
    ) -> SendOutcome {
        guard sessions.park(kind, body, session, limits, now) else { return drop(.pendingFull) }
        session.traffic.sentData(now)
        wake(session, now + limits.pendingLifetime, for: .pending)
        seekWay(session, now)
        return .queued
    }

    /// Starts what is missing for a session with traffic: a route, or keys.
    func seekWay(_ session: Session, _ now: Instant) {
        if !session.usesDirectPath && relayLink(to: session.remote) == nil {
            routes.network.wanted(session.remote, now: now)
            networkMoved(now)
        }
        if let keypair = session.current, keypair.maySend(now, limits) {
            flushPending(session, now)
            return
        }
        if session.usesDirectPath || session.peer?.endpoints.isEmpty == false {
            startDirectAttempt(session, now)
        }
        if !session.usesDirectPath && relayLink(to: session.remote) != nil {
            startRelayedAttempt(session, now)
        }
    }

    /// Sends what waited, now that there are keys. What finds no route goes on waiting.
    func flushPending(_ session: Session, _ now: Instant) {
        guard !session.pending.isEmpty, let keypair = session.current, keypair.maySend(now, limits) else { return }
        while frameCapacity(session) != nil, let frame = sessions.unpark(session) {
            guard let kind = frame.first.flatMap(FrameKind.init) else { continue }
            frame.withUnsafeBytes { bytes in
                _ = sendAtOnce(kind, UnsafeRawBufferPointer(rebasing: bytes[1...]), session, now)
            }
        }
    }

    /// Gives up what has waited since before `instant`, and says so above.
    func failPending(_ session: Session, olderThan instant: Instant) {
        while session.pending.oldest < instant, let frame = sessions.unpark(session) {
            drops.count(.pendingExpired)
            guard frame.first == FrameKind.message.rawValue else { continue }
            let message = Array(frame.dropFirst())
            note(.undeliverable(node: session.local.id, destination: session.remote, message: message))
        }
    }
}
