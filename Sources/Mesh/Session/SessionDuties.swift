internal import INET256
internal import Wire

/// What a session has to be looked at for, in the order in which it is asked. A deadline bears one of these.
enum DeadlineReason: String, CaseIterable {
    /// It is new, or something happened that makes everything else be asked anew.
    case news
    case keysEnd
    case challenge
    /// A straight path is looked for: the other end is told where this one may be, or somewhere is probed.
    case reach
    case size
    case signOfLife
    case hello
    /// A peer is to be called, or wants to be left alone for a while.
    case call
    case newKeys
    case relaySize
    case keepalive
    case silence
    case pending
    /// A message of a handshake is to be repeated: over UDP, and through relays.
    case handshake
    case relayedHandshake
    case idle
}

/// What a session's owner has to do for it. It does that before it asks for the next: what was done may change what is due.
enum SessionStep {
    case none
    /// Keys are too old. `current`: those that it sent on are among them.
    case retire([SessionKeys.Ended], current: Bool)
    case challenge(UInt64, Path)
    /// The path is given up.
    case loseWay
    /// What size the path carries. `isNews`: that is known anew.
    case size(probe: (Frame, Path)?, isNews: Bool)
    /// Signs of life; what the path loses is weighed as well.
    case life(SessionPath.LifeStep)
    case hello
    case call(Attempt.Way)
    /// A frame goes the session's way.
    case tell(Frame)
    /// What was sent is not answered: the other end may have lost the keys.
    case doubtKeys
    /// What waits for keys or a route is given up, or sent.
    case servePending
    case repeatMessage(Attempt)
    case giveUp(Attempt)
    /// Nobody uses it.
    case forget
}

extension Session {
    /// The side that was called waits a little longer for new keys, so that both do not begin at once.
    private static let courtesy: Interval = .seconds(10)
    /// How long a session without keys is kept.
    private static let keylessLife: Interval = .seconds(5)
    /// How often it is looked whether what waits can go.
    private static let pendingPause: Interval = .milliseconds(250)

    // MARK: What is due

    /// What is to be done now. `acceptsLink`: this box wants the session to be a link. `hasRelay`: there is a way through others.
    func step(
        _ reason: DeadlineReason, acceptsLink: Bool, hasRelay: @autoclosure () -> Bool = false, _ now: Instant,
        _ limits: MeshLimits
    ) -> SessionStep {
        switch reason {
        // What a search does is the box's to know.
        case .news, .reach: return .none
        case .keysEnd:
            let hadCurrent = current != nil
            let ended = keys.expire(now, limits)
            return ended.isEmpty ? .none : .retire(ended, current: hadCurrent && current == nil)
        case .challenge: return proofStep(now)
        case .size: return sizeStep(now, limits)
        case .signOfLife: return lifeStep(hasSpare: !link.isUp && path.isKeptOpen && hasRelay(), now, limits)
        case .hello:
            return mayGreet && link.helloIsDue(now, accepts: acceptsLink) ? .hello : .none
        case .call: return wantsCall && now >= keys.calmUntil ? .call(.direct) : .none
        case .newKeys:
            guard let at = newKeysAt(now, limits), now >= at else { return .none }
            return .call(usesDirectPath ? .direct : .relayed)
        case .relaySize:
            guard current != nil, let size = relayed.report(now) else { return .none }
            return .tell(.relaySize(size))
        case .keepalive:
            guard let at = keepaliveAt(limits), now >= at else { return .none }
            return .tell(.keepalive)
        case .silence:
            guard let at = silenceAt(limits), now >= at else { return .none }
            traffic.answered()
            return .doubtKeys
        case .pending: return pending.isEmpty ? .none : .servePending
        case .handshake: return attemptStep(.direct, now, limits)
        case .relayedHandshake: return attemptStep(.relayed, now, limits)
        case .idle:
            guard let at = idleAt(limits), now >= at else { return .none }
            return .forget
        }
    }

    private func proofStep(_ now: Instant) -> SessionStep {
        guard current != nil, direct != nil else { return .none }
        return switch path.serveProof(now) {
        case .none: .none
        case .challenge(let number, let path): .challenge(number, path)
        case .lost: .loseWay
        }
    }

    private func sizeStep(_ now: Instant, _ limits: MeshLimits) -> SessionStep {
        guard wantsSize(now, limits) else { return .none }
        let due = path.serveSize(now, large: traffic.sentLarge)
        let probe = due.map { size, path in
            let count = size - self.path.overhead(of: path) - TransportLayout.overhead
            return (Frame.sizeProbe(number: self.size.number, count: count), path)
        }
        return .size(probe: probe, isNews: path.isNewlySized())
    }

    /// `hasSpare`: the path is one besides the way through relays, which is at hand.
    private func lifeStep(hasSpare: Bool, _ now: Instant, _ limits: MeshLimits) -> SessionStep {
        guard current != nil, path.isProven else { return .none }
        let step = path.lifeStep(
            now, limits, isNeeded: isAsked(now, limits), isUsed: isUsed(now), hasSpare: hasSpare)
        return step == .rest ? .none : .life(step)
    }

    private func attemptStep(_ way: Attempt.Way, _ now: Instant, _ limits: MeshLimits) -> SessionStep {
        guard let attempt = keys.attempt(way), now >= attempt.nextSend else { return .none }
        return attempt.isHopeless(now, limits) ? .giveUp(attempt) : .repeatMessage(attempt)
    }

    // MARK: When it is due

    /// When to ask again, by the state that it is in; not at all where that is the distant future. To be asked after `step`: what could
    /// not be done now is due no more for that alone.
    func due(_ reason: DeadlineReason, _ now: Instant, _ limits: MeshLimits) -> Instant {
        switch reason {
        case .news, .reach: .distantFuture
        case .keysEnd: keys.end(limits)
        case .challenge: current == nil ? .distantFuture : path.proofDeadline ?? .distantFuture
        case .size: wantsSize(now, limits) ? size.nextProbe : .distantFuture
        case .signOfLife: lifeDue(now, limits)
        case .hello: mayGreet && !link.isUp ? link.nextHello : .distantFuture
        case .call: wantsCall ? later(keys.calmUntil, now) : .distantFuture
        case .newKeys: later(newKeysAt(now, limits), now)
        case .relaySize: current == nil ? .distantFuture : relayed.reportDue
        case .keepalive: later(keepaliveAt(limits), now)
        case .silence: later(silenceAt(limits), now)
        case .pending:
            pending.isEmpty
                ? .distantFuture : min(pending.oldest + limits.pendingLifetime, now + Self.pendingPause)
        case .handshake: keys.direct?.nextSend ?? .distantFuture
        case .relayedHandshake: keys.relayed?.nextSend ?? .distantFuture
        case .idle: idleAt(limits) ?? .distantFuture
        }
    }

    private func later(_ instant: Instant?, _ now: Instant) -> Instant {
        guard let instant, instant > now else { return .distantFuture }
        return instant
    }

    private func lifeDue(_ now: Instant, _ limits: MeshLimits) -> Instant {
        guard current != nil, path.isProven, let at = path.nextQuestion else { return .distantFuture }
        // A dead path that nobody needs is not asked, nor is one that routers would have to keep open.
        guard now >= at else { return at }
        let rests = directAlive ? path.isIdlyOpen(isUsed: isUsed(now)) : !isAsked(now, limits)
        return rests ? .distantFuture : at
    }

    /// Whether there was traffic, so that a path that routers have to keep open is worth it.
    private func isUsed(_ now: Instant) -> Bool { link.isUp || now - traffic.lastData < ReachLimits.keptFor }

    // MARK: Conditions

    /// Somebody wants to know whether a dead path lives again.
    private func isAsked(_ now: Instant, _ limits: MeshLimits) -> Bool {
        peer != nil || now - traffic.lastDataSent < limits.keepaliveAfter
    }

    /// Hellos go out until the link is up.
    private var mayGreet: Bool { local.isBox && usesDirectPath && current != nil }

    private var wantsCall: Bool { peer?.endpoints.isEmpty == false && !usesDirectPath }

    private func wantsSize(_ now: Instant, _ limits: MeshLimits) -> Bool {
        current != nil && usesDirectPath && path.isProven
            && (link.isUp || now - traffic.lastDataSent < limits.keepaliveAfter)
    }

    /// When new keys are wanted; nil where nobody uses those in use.
    private func newKeysAt(_ now: Instant, _ limits: MeshLimits) -> Instant? {
        guard let current, link.isUp || now - traffic.lastData < limits.rekeyAfter else { return nil }
        if current.isWornOut { return now }
        return current.created + limits.rekeyAfter + (current.initiator ? .zero : Self.courtesy)
    }

    /// When data that came and was not answered is to be acknowledged; links are asked for signs of life.
    private func keepaliveAt(_ limits: MeshLimits) -> Instant? {
        guard current != nil, !link.isUp, traffic.lastDataReceived > traffic.lastSent else { return nil }
        return traffic.lastDataReceived + limits.keepaliveAfter
    }

    private func silenceAt(_ limits: MeshLimits) -> Instant? {
        guard current != nil, !link.isUp, traffic.unansweredSince < .distantFuture else { return nil }
        return traffic.unansweredSince + limits.silenceBeforeHandshake
    }

    /// When it is forgotten: neither a peer's nor a link, nothing waits, nothing came for long. Nil where somebody needs it.
    private func idleAt(_ limits: MeshLimits) -> Instant? {
        guard peer == nil, !link.isUp, !keys.hasAttempt, pending.isEmpty else { return nil }
        guard keys.hasAny else { return traffic.lastHeard + Self.keylessLife }
        return max(traffic.lastHeard, traffic.lastSent) + limits.sessionIdle
    }
}
