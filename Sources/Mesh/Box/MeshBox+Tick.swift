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
        counts.stuckReason =
            deadlines.earliest <= now ? deadlines.first?.timer.reason.rawValue : "the routing algorithm"
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
            guard !session.entry.isOver, session.timer.at <= now else { continue }
            // A burst that is full is continued in the next turn.
            guard !outbox.wantsFlush else {
                later.append(session)
                continue
            }
            serve(session, now)
            for woken in deadlines.takeDue(now) {
                guard woken.entry.place > session.entry.place else {
                    later.append(woken)
                    continue
                }
                let place = due[next...].firstIndex { $0.entry.place > woken.entry.place } ?? due.count
                due.insert(woken, at: place)
            }
        }
        for session in later where !session.entry.isOver { deadlines.putBack(session) }
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
            note(.tableFull(refused: refused, places: routes.network.places ?? 0))
        }
        let isQuiet = answering.responses.isEmpty && reassembler.count == 0
        deadlines.hasSwept(next: now + (isQuiet ? .seconds(5) : .seconds(1)))
    }

    // MARK: One session

    /// Does what is due for a session, and finds out when to look again and why.
    private func serve(_ session: Session, _ now: Instant) {
        deadlines.clear(session)
        var next = (at: Instant.distantFuture, reason: DeadlineReason.news)
        for reason in DeadlineReason.allCases {
            let step = session.step(
                reason, acceptsLink: acceptsLink(session), hasRelay: relayLink(to: session.remote) != nil, now, limits)
            perform(step, session, now)
            if reason == .reach { serveReach(session, now) }
            let at = reason == .reach ? reachDue(session, now) : session.due(reason, now, limits)
            if at < next.at { next = (at, reason) }
        }
        // What was done for it may have woken it for an earlier instant.
        wake(session, next.at, for: next.reason)
    }

    private func perform(_ step: SessionStep, _ session: Session, _ now: Instant) {
        switch step {
        case .none:
            break
        case .retire(let ended, let current):
            retire(ended, of: session)
            if current, session.directAlive { directPathDied(session, now) }
        case .challenge(let number, let path):
            emitShort(.challenge(number), session, to: path, now)
        case .loseWay:
            directPathDied(session, now)
        case .size(let probe, let isNews):
            if let (frame, path) = probe { sendProbe(frame, session, to: path, now) }
            if isNews { note(.sized(session.remote)) }
        case .life(let step):
            serveLife(step, session, now)
        case .hello:
            // Who does not want a link only answers.
            sendHello(session, wantsAnswer: acceptsLink(session), now)
        case .call(.direct):
            startDirectAttempt(session, now)
        case .call(.relayed):
            startRelayedAttempt(session, now)
        case .tell(let frame):
            emitShort(frame, session, now)
        case .doubtKeys:
            if relayLink(to: session.remote) != nil { startRelayedAttempt(session, keysAreDoubtful: true, now) }
        case .servePending:
            failPending(session, olderThan: now - limits.pendingLifetime + Interval(nanoseconds: 1))
            if !session.pending.isEmpty { seekWay(session, now) }
        case .repeatMessage(let attempt):
            if attempt.repeats >= 3, let peer = session.peer, !session.usesDirectPath, peer.isSilent {
                blame(session, .noAnswer)
            }
            if attempt.isFruitless, attempt.way == .direct, !session.usesDirectPath, session.peer?.isSentTo == true {
                note(.fruitless(session.remote))
            }
            sendDue(attempt, now)
        case .giveUp(let attempt):
            giveUp(attempt, session, now)
        case .forget:
            remove(session, now)
        }
    }

    /// A probe is no data.
    private func sendProbe(_ frame: Frame, _ session: Session, to path: Path, _ now: Instant) {
        let large = session.traffic.sentLarge
        emitShort(frame, session, to: path, now)
        session.traffic.discountLarge(since: large)
    }

    private func giveUp(_ attempt: Attempt, _ session: Session, _ now: Instant) {
        drops.count(.handshakeTimeout)
        endAttempt(attempt.way, of: session)
        if case .confirming(let keypair, _) = attempt.stage { giveUp(keypair, session, now) }
        if session.peer != nil { wake(session, now + Self.callPause, for: .call) }
    }

    /// Until a peer that did not answer is called anew.
    private static let callPause: Interval = .milliseconds(250)
}
