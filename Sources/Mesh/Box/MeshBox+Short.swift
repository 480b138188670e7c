internal import INET256
internal import Wire

/// Short frames of the session itself: sealed like all others, and lost if there is no way.
extension MeshBox {
    /// The way that everything of the session goes.
    func emitShort(_ frame: Frame, _ session: Session, _ now: Instant) {
        guard let keypair = session.current, keypair.maySend(now, limits) else { return }
        _ = emit(session, frameCount: frame.count, followsRoutes: frame.kind.followsRoutes, now) { frame.write(to: $0) }
    }

    /// Straight to a path that is not (yet) the session's own: challenges and their echoes.
    func emitShort(_ frame: Frame, _ session: Session, to path: Path, _ now: Instant) {
        guard let keypair = session.current, keypair.maySend(now, limits) else { return }
        let frameCount = frame.count
        guard session.path.admit(frameCount + TransportLayout.overhead, to: path, isProof: true) else {
            drops.count(.amplificationLimit)
            return
        }
        if let count = seal(frame, keypair, to: path) { session.traffic.sent(count, now) }
    }

    /// Seals a frame under keys that need not be a session's own. Returns the datagram's length, or nil (and counted) when the
    /// burst is full.
    func seal(_ frame: Frame, _ keypair: Keypair, to path: Path) -> Int? {
        guard let target = outbox.reserve(frame.count + TransportLayout.overhead) else {
            drops.count(.outboxFull)
            return nil
        }
        frame.write(to: target + TransportLayout.header)
        let count = keypair.seal(at: target, frameCount: frame.count)
        outbox.commit(count, path)
        return count
    }
}
