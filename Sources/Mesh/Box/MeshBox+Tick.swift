internal import INET256
package import Wire

/// What time brings: repetitions, signs of life, new keys, and the end of what nobody uses.
extension MeshBox {
    /// Does what is due. Call it when `deadline` is reached; earlier does no harm. Afterwards `deadline` is later than `now`,
    /// unless the outbox wants to be flushed first: whatever was due has moved on, or is put off and counted as stuck.
    package func tick(now: Instant) {
        guard now >= deadline else { return }
        // What is done may make something else due at once, and so on, but not for ever.
        for _ in 0..<Self.roundsAtOnce {
            serveDue(now)
            if deadline > now || outbox.wantsFlush { return }
        }
        counts.stuckDeadlines &+= 1
        counts.stuckReason = deadlines.earliest <= now ? deadlines.first?.reason.rawValue : "the routing algorithm"
        deadlines.begin()
        deadlines.ring(by: now + Self.stuckPause)
    }

    /// Serves once what is due, and finds out when something is next.
    private func serveDue(_ now: Instant) {
        deadlines.begin()
        if routes.network.deadline <= now {
            routes.network.tick(now: now)
        }
        networkMoved(now)
        if now >= deadlines.sweep { sweep(now) }
        serveSessions(now)
        deadlines.begin()
        deadlines.ring(by: min(deadlines.earliest, routes.network.deadline, deadlines.sweep))
        if sessions.count > Self.manySessions { deadlines.putOff(to: now + Self.tickSpacing) }
    }

    /// Looks at the sessions that are due, in the order of the list. What is done for one may make another due: one that stands
    /// behind it has its turn as well, one before it has it in the next round.
    private func serveSessions(_ now: Instant) {
        var due = deadlines.takeDue(now)
        var next = 0
        var later: [Session] = []
        while next < due.count {
            let session = due[next]
            next += 1
            // What was done for another may have ended it, or have woken it a second time.
            guard !session.isOver, session.deadline <= now else { continue }
            // A burst that is full is continued in the next turn.
            guard !outbox.wantsFlush else {
                later.append(session)
                continue
            }
            session.clearDeadline()
            let (instant, reason) = service(session, now)
            // What was done for it may have woken it for an earlier instant than it asks for at the end.
            if instant < .distantFuture { wake(session, instant, for: reason) }
            for woken in deadlines.takeDue(now) {
                guard woken.place > session.place else {
                    later.append(woken)
                    continue
                }
                let place = due[next...].firstIndex { $0.place > woken.place } ?? due.count
                due.insert(woken, at: place)
            }
        }
        for session in later where !session.isOver { deadlines.set(session, session.deadline) }
    }

    /// With so many sessions what is due within a moment is served together.
    private static let manySessions = 256
    private static let tickSpacing: Interval = .milliseconds(5)

    /// How often everything is looked at in one instant.
    private static let roundsAtOnce = 8
    /// How long what is due again and again has to wait.
    private static let stuckPause: Interval = .milliseconds(10)

    /// Answered handshakes that were never finished, frames that lack pieces, datagrams that did not come.
    private func sweep(_ now: Instant) {
        for response in answering.expire(now) {
            indices.release(response.index)
            drops.count(.handshakeTimeout)
        }
        drops.count(.transportBeforeFinish, by: answering.overtaken.forget(fate: fate))
        drops.count(.fragmentExpired, by: reassembler.tick(now))
        sessions.lookForLoss(now)
        noteContested()
        if let refused = routes.refusedNodes(now) {
            note(.tableFull(refused: refused, places: limits.maximumOrigins))
        }
        let isQuiet = answering.responses.isEmpty && reassembler.count == 0
        deadlines.hasSwept(next: now + (isQuiet ? .seconds(5) : .seconds(1)))
    }

    typealias Due = (Instant, DeadlineReason) -> Void

    /// Looks at one session; returns when to look again, and why.
    private func service(_ session: Session, _ now: Instant) -> (Instant, DeadlineReason) {
        var next = (instant: Instant.distantFuture, reason: DeadlineReason.news)
        func due(_ instant: Instant, _ reason: DeadlineReason) {
            if instant < next.instant { next = (instant, reason) }
        }

        expireKeys(session, now, due)
        servicePath(session, now, due)
        serviceLife(session, now, due)
        serviceLink(session, now, due)
        serviceKeys(session, now, due)
        servicePending(session, now, due)
        serviceAttempt(session, \.directAttempt, now, due)
        serviceAttempt(session, \.relayedAttempt, now, due)
        if isForgotten(session, now, due) {
            remove(session, now)
            return (.distantFuture, .idle)
        }
        return (next.instant, next.reason)
    }

    private func expireKeys(_ session: Session, _ now: Instant, _ due: Due) {
        if let old = session.previous {
            if old.mayReceive(now, limits) {
                due(old.created + limits.rejectAfter, .keysEnd)
            } else {
                release(\.previous, of: session)
            }
        }
        guard let current = session.current else { return }
        if current.mayReceive(now, limits) {
            due(current.created + limits.rejectAfter, .keysEnd)
        } else {
            release(\.current, of: session)
            if session.directAlive { directPathDied(session, now) }
        }
    }

    /// Challenges of a new endpoint, and probes of the path's size.
    private func servicePath(_ session: Session, _ now: Instant, _ due: Due) {
        guard session.current != nil, session.direct != nil else { return }
        switch session.path.serveProof(now) {
        case .none: break
        case .challenge(let number, let path): emitShort(.challenge(number), session, to: path, now)
        case .lost: directPathDied(session, now)
        }
        if let deadline = session.path.proofDeadline { due(deadline, .challenge) }

        let isUsed = session.link.neighbour != nil || now - session.lastDataSent < limits.keepaliveAfter
        guard session.directAlive, session.path.isProven, isUsed else { return }
        if let (size, path) = session.path.serveSize(now, large: session.sentLarge) {
            let frameCount = size - path.remote.headerBytes - TransportLayout.overhead
            let large = session.sentLarge
            emitShort(.sizeProbe(number: session.size.number, count: frameCount), session, to: path, now)
            session.sentLarge = large
        }
        due(session.size.nextProbe, .size)
        if session.path.isNewlySized() { note(.sized(session.remote)) }
    }

    /// Hellos until the link is up.
    private func serviceLink(_ session: Session, _ now: Instant, _ due: Due) {
        guard session.local.isMain, session.usesDirectPath, session.current != nil else { return }
        guard session.link.neighbour == nil, session.link.nextHello != .distantFuture else { return }
        if now >= session.link.nextHello {
            // Who does not want a link only answers.
            sendHello(session, wantsAnswer: acceptsLink(session), now)
            session.link.nextHello = now + (session.link.remoteRun == nil ? .seconds(1) : .seconds(10))
            if !acceptsLink(session) { session.link.nextHello = .distantFuture }
        }
        due(session.link.nextHello, .hello)
    }

    /// New keys before the old ones end, keepalives, and a new handshake with who has fallen silent.
    private func serviceKeys(_ session: Session, _ now: Instant, _ due: Due) {
        if session.peer?.endpoints.isEmpty == false, !session.usesDirectPath {
            if now >= session.calmUntil { startDirectAttempt(session, now) } else { due(session.calmUntil, .calm) }
        }
        guard let current = session.current else { return }
        let lastData = max(session.lastDataSent, session.lastDataReceived)
        let isUsed = session.link.neighbour != nil || now - lastData < limits.rekeyAfter
        // The side that was called waits a little longer, so that both do not begin at once.
        let rekeyAt = current.created + limits.rekeyAfter + (current.initiator ? .zero : .seconds(10))
        if isUsed {
            if now >= rekeyAt || current.isWornOut {
                if session.usesDirectPath {
                    startDirectAttempt(session, now)
                } else {
                    startRelayedAttempt(session, now)
                }
            } else {
                due(rekeyAt, .newKeys)
            }
        }
        reportRelaySize(session, now, due)
        guard session.link.neighbour == nil else { return }
        if session.lastDataReceived > session.lastSent {
            if now - session.lastDataReceived >= limits.keepaliveAfter {
                emitShort(.keepalive, session, now)
            } else {
                due(session.lastDataReceived + limits.keepaliveAfter, .keepalive)
            }
        }
        if session.unansweredSince != .distantFuture {
            if now - session.unansweredSince >= limits.silenceBeforeHandshake {
                session.unansweredSince = .distantFuture
                seekKeys(session, now)
            } else {
                due(session.unansweredSince + limits.silenceBeforeHandshake, .silence)
            }
        }
    }

    private func seekKeys(_ session: Session, _ now: Instant) {
        if relayLink(to: session.remote) != nil { startRelayedAttempt(session, keysAreDoubtful: true, now) }
    }

    /// Tells the far end what its relays carry in one piece; three times, since nothing acknowledges it.
    private func reportRelaySize(_ session: Session, _ now: Instant, _ due: Due) {
        if session.stampSeen != session.stampReported {
            session.stampReported = session.stampSeen
            session.stampReportsLeft = 3
            session.nextStampReport = now
        }
        guard session.stampReportsLeft > 0 else { return }
        if now >= session.nextStampReport {
            session.stampReportsLeft -= 1
            session.nextStampReport = now + .seconds(1)
            emitShort(.relaySize(UInt16(clamping: session.stampSeen)), session, now)
        }
        if session.stampReportsLeft > 0 { due(session.nextStampReport, .relaySize) }
    }

    private func servicePending(_ session: Session, _ now: Instant, _ due: Due) {
        guard !session.pending.isEmpty else { return }
        failPending(session, olderThan: now - limits.pendingLifetime + Interval(nanoseconds: 1))
        guard !session.pending.isEmpty else { return }
        seekWay(session, now)
        due(session.pending.oldest + limits.pendingLifetime, .pending)
        due(now + .milliseconds(250), .pending)
    }

    private func serviceAttempt(
        _ session: Session, _ place: ReferenceWritableKeyPath<Session, Attempt?>, _ now: Instant,
        _ due: Due
    ) {
        guard let attempt = session[keyPath: place] else { return }
        if now >= attempt.nextSend {
            if isHopeless(attempt, now) {
                drops.count(.handshakeTimeout)
                endAttempt(&session[keyPath: place])
                if case .confirming(let keypair, _) = attempt.stage { giveUp(keypair, session, now) }
                if session.peer != nil { due(now + .milliseconds(250), .handshake) }
                return
            }
            if attempt.repeats >= 3, let peer = session.peer, !session.usesDirectPath, peer.isSilent {
                blame(session, .noAnswer)
            }
            sendDue(attempt, now)
        }
        due(attempt.nextSend, .handshake)
    }

    private func isHopeless(_ attempt: Attempt, _ now: Instant) -> Bool {
        switch attempt.stage {
        case .waiting: now - attempt.started >= limits.handshakeTimeout
        // By then the other end has forgotten what message 3 answers.
        case .confirming(let keypair, _): now - keypair.created >= limits.responseLifetime
        }
    }

    /// Nobody uses it: neither a peer's nor a link, nothing waits, nothing came for long.
    private func isForgotten(_ session: Session, _ now: Instant, _ due: Due) -> Bool {
        guard session.peer == nil, session.link.neighbour == nil, session.directAttempt == nil,
            session.relayedAttempt == nil,
            session.pending.isEmpty
        else { return false }
        if session.current == nil && session.previous == nil {
            let end = max(session.created, session.lastReceived) + .seconds(5)
            due(end, .idle)
            return now >= end
        }
        let end = max(session.created, session.lastReceived, session.lastSent) + limits.sessionIdle
        due(end, .idle)
        return now >= end
    }
}
