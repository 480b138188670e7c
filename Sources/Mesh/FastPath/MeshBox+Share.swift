internal import INET256
package import Wire

/// The first engine's part in sharing sessions: it says which keys and ways there are, and hears what became of them.
/// Nothing that a side engine does depends on hearing of it in time: counters and windows are shared as such, and what a side
/// engine does not know, it hands to the first.
extension MeshBox {
    /// Whether handshakes make keys that side engines can use. To be said before there are any.
    package func setShared(_ isShared: Bool) { news.isShared = isShared }

    /// Whether there is something to tell at once: before the outbox is sent, lest the other end should answer faster.
    package var hasKeyNews: Bool { !news.keys.isEmpty }

    package func takeKeyNews() -> [ShareChange] { news.takeKeys() }

    /// Looks through all sessions: takes in what side engines did, and says which ways changed. To be called when the outbox was
    /// sent. Now and then; late changes cost speed and nothing else.
    package func shareWays(now: Instant) -> [ShareChange] {
        var changes: [ShareChange] = []
        for session in allSessions where session.local.isMain {
            if let current = session.current { takeActivity(of: current, session, now) }
            if let previous = session.previous { takeActivity(of: previous, session, now) }
            let way = sharedWay(of: session, now)
            guard way != session.sharedWay else { continue }
            session.sharedWay = way
            changes.append(way.map { .way($0) } ?? .noWay(session.remote))
        }
        if let routes = shareRoutes(now: now) { changes.append(routes) }
        return changes
    }

    /// Everything once more, for an engine that has not kept up.
    package func shareAnew() -> [ShareChange] {
        var changes: [ShareChange] = []
        for session in allSessions where session.local.isMain {
            for keypair in [session.current, session.previous] {
                if let shared = keypair?.shared, shared.remote != nil { changes.append(.keys(shared)) }
            }
            if let way = session.sharedWay { changes.append(.way(way)) }
        }
        changes.append(.routes(news.forwarding.published))
        return changes
    }

    /// Takes a datagram that a side engine has opened in place.
    package func receiveOpened(
        _ datagram: UnsafeMutableRawBufferPointer, isNewest: Bool, from path: Path, trafficClass: UInt8, now: Instant
    ) -> Delivery? {
        guard datagram.count >= TransportLayout.minimum else { return nil }
        let index: UInt32 = UnsafeRawBufferPointer(datagram).little(TransportLayout.receiver)
        guard case .keypair(let session, let keypair) = indices[index], keypair.shared.remote != nil else {
            // Its keys ended while it was handed over.
            drops.count(.unknownIndex)
            return nil
        }
        return receiveOpened(
            datagram, frameCount: datagram.count - TransportLayout.overhead, newest: isNewest, session, keypair,
            .direct(path, trafficClass: trafficClass), now)
    }

    // MARK: Hooks

    /// Whom new keys of the session are shared for; nil where they are not: nodes of applications live in the first engine.
    func sharer(_ session: Session) -> Address? {
        news.isShared && session.local.isMain ? session.remote : nil
    }

    func noteKeys(_ keypair: Keypair) {
        if keypair.shared.remote != nil { news.note(.keys(keypair.shared)) }
    }

    func noteEnd(of keypair: Keypair, _ session: Session) {
        let shared = keypair.shared
        guard shared.remote != nil else { return }
        news.note(.forget(shared.localIndex))
        guard session.sharedWay?.keypair === shared else { return }
        session.sharedWay = nil
        news.note(.noWay(session.remote))
    }

    // MARK: Private parts

    /// The way that others may use: keys, a proven endpoint, and nothing that has to go first.
    private func sharedWay(of session: Session, _ now: Instant) -> SharedWay? {
        guard let keypair = session.current, keypair.shared.remote != nil, keypair.confirmed,
            keypair.maySend(now, limits), session.pending.isEmpty, session.directAlive, !session.isAvoided,
            let direct = session.direct,
            direct.validated, direct.path.socket != Path.anySocket, let capacity = frameCapacity(session)
        else { return nil }
        return SharedWay(
            remote: session.remote, keypair: keypair.shared, path: direct.path, capacity: capacity - 1,
            isSettled: isSizeSettled(session))
    }

    func takeActivity(of keypair: Keypair, _ session: Session, _ now: Instant) {
        guard let activity = keypair.shared.takeActivity() else { return }
        let work = activity.work
        if work.received > 0 {
            sessions.watchForLoss(session)
            if session.traffic.receivedElsewhere(work, activity.receivedAt, dataAt: activity.dataAt) {
                wake(session, now + limits.keepaliveAfter)
            }
            // They take messages, and what they relay, of the session's own path alone.
            session.path.heardElsewhere(activity.receivedAt)
        }
        if work.sent > 0 {
            session.traffic.sentElsewhere(work, activity.sentAt)
            if session.directAlive, session.path.sentData(activity.sentAt, limits) {
                wake(session, session.path.nextQuestion ?? activity.sentAt, for: .signOfLife)
            }
        }
        if keypair.isWornOut { wake(session, now) }
    }
}
