internal import INET256
internal import Wire

/// From a finished handshake to the keys in use, and to their end.
extension MeshBox {
    /// A handshake has ended: with whom, is proven.
    func install(_ keypair: Keypair, of key: PublicKey, _ session: Session, _ arrival: Arrival, _ now: Instant) {
        counts.handshakes &+= 1
        session.proved(key)
        session.traffic.agreed(now)
        session.peer?.forgive()
        retire(session.keys.install(keypair, straight: arrival.path != nil, now, limits), of: session)
        // Where the endpoint is not proven, the echo of a challenge has to come first.
        if arrival.path != nil, session.path.isProven { directPathAnswers(session, now) }
        flushPending(session, now)
        wake(session, now)
    }

    /// The first authenticated datagram under a keypair.
    func confirmed(_ session: Session, _ keypair: Keypair, _ now: Instant) {
        retire(session.keys.confirm(keypair, now, limits), of: session)
    }

    /// Message 3 was not confirmed for as long as the other end waits for it: these keys will never work.
    func giveUp(_ keypair: Keypair, _ session: Session, _ now: Instant) {
        guard let ended = session.keys.giveUp(keypair) else { return }
        retire(ended, of: session)
        if session.current == nil, session.directAlive { directPathDied(session, now) }
    }

    func endAttempt(_ way: Attempt.Way, of session: Session) { retire(session.keys.end(way), of: session) }

    /// Gives back what has ended, and finds the session by the keys that it has now.
    func retire(_ ended: [SessionKeys.Ended], of session: Session) {
        for end in ended {
            indices.release(end.index)
            if let keypair = end.keypair { noteEnd(of: keypair, session) }
        }
        sessions.noteRemoteIndex(session)
    }
}
