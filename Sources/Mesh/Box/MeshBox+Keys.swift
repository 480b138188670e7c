internal import INET256
internal import Wire

/// From a finished handshake to the keys in use.
extension MeshBox {
    /// How close together two handshakes in opposite directions count as begun at the same time.
    private static let simultaneous: Interval = .seconds(5)

    func install(_ keypair: Keypair, _ session: Session, _ arrival: Arrival, _ now: Instant) {
        counts.handshakes &+= 1
        session.lastHandshake = now
        session.lastReceived = now
        session.unansweredSince = .distantFuture
        session.peer?.forgive()
        let attempts = [session.directAttempt, session.relayedAttempt]
        let isWanted = attempts.contains { $0?.keysAreDoubtful == true && $0?.confirms(keypair) == true }
        let oldOnesServe = session.current.map { $0.confirmed && $0.maySend(now, limits) } ?? false
        if keypair.confirmed || isWanted || !oldOnesServe { adopt(keypair, session, now) }
        if keypair.confirmed {
            // The other end's handshake was faster; ours has become needless, unless it seeks a direct path as well.
            if session.relayedAttempt?.isWaiting == true { endAttempt(&session.relayedAttempt) }
            if arrival.path != nil, session.directAttempt?.isWaiting == true { endAttempt(&session.directAttempt) }
        }
        // Where the endpoint is not proven, the echo of a challenge has to come first.
        if arrival.path != nil, session.direct?.validated == true { directPathAnswers(session, now) }
        flushPending(session, now)
        wake(session, now)
    }

    /// Makes `keypair` the one to send on.
    private func adopt(_ keypair: Keypair, _ session: Session, _ now: Instant) {
        release(\.previous, of: session)
        if let old = session.current, old.initiator != keypair.initiator,
            keypair.created - old.created < Self.simultaneous, old.maySend(now, limits),
            keypair.initiator != (session.local.address < session.remote)
        {
            // Both opened at once: both ends send on the one begun by the smaller address and receive on either.
            session.previous = keypair
        } else {
            session.previous = session.current
            session.current = keypair
            noteRemoteIndex(session)
        }
        // Nobody sends on the other one any more, so nobody will confirm it.
        guard let old = session.previous else { return }
        if session.directAttempt?.confirms(old) == true { session.directAttempt = nil }
        if session.relayedAttempt?.confirms(old) == true { session.relayedAttempt = nil }
    }

    /// The first authenticated datagram under a keypair: message 3 needs no repeating, and the keys may be used.
    func confirmed(_ session: Session, _ keypair: Keypair, _ now: Instant) {
        keypair.confirmed = true
        if session.current !== keypair, session.previous !== keypair { adopt(keypair, session, now) }
        if session.directAttempt?.confirms(keypair) == true { session.directAttempt = nil }
        if session.relayedAttempt?.confirms(keypair) == true { session.relayedAttempt = nil }
    }

    /// Message 3 was not confirmed for as long as the other end waits for it: these keys will never work.
    func giveUp(_ keypair: Keypair, _ session: Session, _ now: Instant) {
        guard session.current === keypair else { return }
        release(\.current, of: session)
        swap(&session.current, &session.previous)
        noteRemoteIndex(session)
        if session.current == nil, session.directAlive { directPathDied(session, now) }
    }

    func release(_ place: ReferenceWritableKeyPath<Session, Keypair?>, of session: Session) {
        guard let old = session[keyPath: place] else { return }
        indices.release(old.localIndex)
        noteEnd(of: old, session)
        session.endLoss(of: old)
        session[keyPath: place] = nil
        noteRemoteIndex(session)
    }

    func endAttempt(_ attempt: inout Attempt?) {
        guard let old = attempt else { return }
        attempt = nil
        switch old.stage {
        case .waiting:
            indices.release(old.index)
        case .confirming(let keypair, _):
            // Once it is in use, the index is the keypair's.
            if old.session.current !== keypair, old.session.previous !== keypair {
                indices.release(old.index)
                noteEnd(of: keypair, old.session)
            }
        }
    }
}

extension Attempt {
    /// Does it still wait for message 2?
    fileprivate var isWaiting: Bool {
        if case .waiting = stage { true } else { false }
    }

    /// Does it repeat message 3 until something sealed under `keypair` comes in?
    fileprivate func confirms(_ keypair: Keypair) -> Bool {
        guard case .confirming(let own, _) = stage else { return false }
        return own === keypair
    }
}
