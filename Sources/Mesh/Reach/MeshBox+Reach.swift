internal import INET256
package import Wire

/// Straight paths for sessions that ride through relays: both ends tell each other where they may be, and probe. What answers a probe
/// becomes the session's path; the relays stay as they are behind it.
extension MeshBox {
    // MARK: What the driver says

    /// With whom straight paths are sought. Those that there are stay until they fail.
    package func setDirect(_ policy: DirectPolicy, now: Instant) {
        reach.policy = policy
        for session in allSessions { wake(session, now, for: .reach) }
    }

    /// Where this box may be reached, as the machine knows: own addresses, ports that a router opened, what is configured.
    package func setOwnCandidates(_ candidates: [Candidate], now: Instant) {
        let prefix = context.prefix
        // What leads into the portal would carry itself.
        let outside = candidates.filter { prefix?.contains($0.endpoint.address) != true }
        guard reach.setOwn(outside) else { return }
        candidatesChanged(now)
    }

    /// Servers see this box's datagrams come from there: as good as a neighbour's word.
    package func setSeen(_ endpoints: [Endpoint], now: Instant) {
        guard reach.setSeen(endpoints.filter(\.isCallable)) else { return }
        candidatesChanged(now)
    }

    /// What there is to tell is something else: those who search, or have found each other, are told.
    private func candidatesChanged(_ now: Instant) {
        for session in allSessions where session.reach.hasHeard || session.reach.since != nil {
            wake(session, now, for: .reach)
        }
    }

    // MARK: Wanting

    /// Whether a straight path with the other end is wanted by this one.
    func wantsDirect(_ session: Session) -> Bool {
        reach.policy.admits(session.remote, isPeer: session.peer != nil)
    }

    /// What the search has to do now.
    func serveReach(_ session: Session, _ now: Instant) {
        guard reachDue(session, now) <= now else { return }
        while let probe = session.reach.takeProbe(now) {
            guard reach.mayProbe(probe.endpoint, now) else {
                reach.counts.refused &+= 1
                continue
            }
            reach.counts.probes &+= 1
            let path = Path(remote: probe.endpoint, socket: Path.anySocket)
            emitShort(.challenge(probe.number), session, to: path, now)
        }
        serveSpray(session, now)
        guard tellingDue(session, now) <= now else { return }
        if session.current == nil {
            startRelayedAttempt(session, now)
            session.reach.called(now)
        } else {
            tellCandidates(session, isQuestion: !session.usesDirectPath && session.reach.asks(now), now)
        }
    }

    /// When the search has something to do.
    func reachDue(_ session: Session, _ now: Instant) -> Instant {
        let probing = session.current == nil ? .distantFuture : min(session.reach.nextProbe, sprayDue(session, now))
        return min(probing, tellingDue(session, now))
    }

    private func tellingDue(_ session: Session, _ now: Instant) -> Instant {
        guard wantsDirect(session) else { return .distantFuture }
        if session.usesDirectPath {
            return session.current == nil
                ? .distantFuture : session.reach.tellingDue(reach.generation, isDirect: true)
        }
        if session.current == nil {
            // A peer that a common neighbour knows is called through it: that is how the two come to a path of their own.
            guard session.peer != nil, session.keys.relayed == nil, relayLink(to: session.remote) != nil else {
                return .distantFuture
            }
            return session.reach.nextCall
        }
        // Peers are wanted as neighbours, others while there is traffic.
        let isUsed = session.peer != nil || now - session.traffic.lastData < ReachLimits.interest
        guard isUsed, relayLink(to: session.remote) != nil else { return .distantFuture }
        return session.reach.tellingDue(reach.generation, isDirect: false)
    }

    /// Whether other routes may be what a search waits for: those to a peer with which there is no path yet.
    func seeksByRoutes(_ session: Session) -> Bool {
        session.peer != nil && !session.usesDirectPath && wantsDirect(session)
    }

    private func tellCandidates(_ session: Session, isQuestion: Bool, _ now: Instant) {
        let candidates = reach.candidates(for: session.reach.candidates.map(\.endpoint), now)
        var frame = CandidatesFrame(
            candidates, wantsAnswer: isQuestion, hasHardNAT: reach.hasHardNAT(now) == true)
        frame.wantsSpray = wantsSpray(session)
        if isQuestion { reach.counts.searches &+= 1 }
        emitShort(.candidates(frame), session, now)
        session.reach.tells(
            candidates, reach.generation, isQuestion: isQuestion,
            isUsed: now - session.traffic.lastData < ReachLimits.interest, now)
    }

    // MARK: Hearing

    /// Whether what came from another endpoint than the session's own is part of a search, or comes by another path that answers, and
    /// so does not mean that the other end has moved.
    func isSearch(_ kind: FrameKind?, _ session: Session, from path: Path) -> Bool {
        if kind == .challenge || kind == .challengeResponse { return wantsDirect(session) }
        return session.usesDirectPath && session.choosesPath && session.reach.answered(path.remote)
    }

    /// The other end tells where it may be.
    func receiveCandidates(_ frame: CandidatesFrame, _ session: Session, _ now: Instant) {
        guard wantsDirect(session) else {
            if frame.wantsAnswer, session.reach.mayAnswer(now) {
                emitShort(.candidates(.unwanted), session, now)
                session.reach.tells([], reach.generation, isQuestion: false, now)
            }
            return
        }
        let prefix = context.prefix
        var frame = frame
        frame.candidates.removeAll { prefix?.contains($0.endpoint.address) == true }
        if frame.isSpraying { return receiveSprayCall(frame, session, now) }
        session.reach.hear(frame, now) { random.next64() }
        // What was said before may be too little now that it is known where the other end is.
        let mine = reach.candidates(for: frame.candidates.map(\.endpoint), now)
        if frame.wantsAnswer || mine != session.reach.told {
            if session.reach.mayAnswer(now) {
                tellCandidates(session, isQuestion: false, now)
            } else {
                // What was said a moment ago may have been lost on the way.
                session.reach.owes()
            }
        }
        wake(session, now, for: .reach)
    }

    /// A challenge came that is not about the session's own path: somebody looks for a straight one.
    func receiveProbe(_ session: Session, from path: Path, _ now: Instant) {
        guard wantsDirect(session), !session.usesDirectPath else { return }
        answerSpray(session, from: path, now)
        session.reach.hearProbe(from: path.remote, now) { random.next64() }
        wake(session, now, for: .reach)
    }

    /// An echo that is not one of the session's own path's.
    func receiveProbeEcho(_ number: UInt64, _ session: Session, from path: Path, _ now: Instant) {
        if endsSpray(number, session, from: path, now) { return promote(session, to: path, now) }
        guard let candidate = session.reach.confirm(number, from: path.remote, now) else { return }
        if session.usesDirectPath, let direct = session.direct {
            // One of the two chooses among paths that answer, and the other follows it.
            guard session.choosesPath, !direct.path.remote.isSame(as: path.remote),
                session.reach.isBetter(
                    candidate, than: direct.path.remote, taking: direct.life.roundTrip)
            else { return }
        }
        promote(session, to: path, now)
    }

    /// What answered a probe is the session's path from now on.
    private func promote(_ session: Session, to path: Path, _ now: Instant) {
        let wasDirect = session.usesDirectPath
        attribute(session)
        session.path.promote(to: path, now)
        if wasDirect { note(.moved(session.remote, path.remote)) } else { cameStraight(session, path, now) }
        // The other end hears by it at once that it works, and has its own router open.
        session.path.askSoon(now)
        wake(session, now)
    }

    /// A session that rode through relays has a path now, found by this end or by the other.
    func cameStraight(_ session: Session, _ path: Path, _ now: Instant) {
        note(.straight(session.remote, path.remote))
        reach.counts.found &+= 1
        if let took = session.reach.found(now) { reach.counts.timeToDirect &+= UInt64(clamping: took.nanoseconds) }
        session.path.staysOpen()
        directPathAnswers(session, now)
    }

    // MARK: Bytes

    /// Counts what went through a session since the last time as what its way is, or was until now.
    func attribute(_ session: Session) {
        let bytes = session.traffic.takeUnattributed()
        if session.usesDirectPath { reach.counts.directBytes &+= bytes } else { reach.counts.relayedBytes &+= bytes }
    }

    // MARK: Observed endpoints

    /// A router that has forgotten this box is noticed by what goes out to neighbours, and nobody gets in before: one that was of use
    /// lately is asked more often.
    func watchRouter(_ link: Session, _ now: Instant) {
        guard reach.isBehindNAT, now - link.traffic.lastData < ReachLimits.watchedFor else { return }
        link.path.ask(by: now + ReachLimits.watch)
    }

    /// A neighbour says where this box's datagrams come from.
    func receiveObserved(_ endpoint: Endpoint, _ session: Session, _ arrival: Arrival, _ now: Instant) {
        guard session.link.isUp, arrival.path != nil, endpoint.isCallable else { return }
        guard let news = reach.observe(endpoint, by: session.remote, now) else { return }
        candidatesChanged(now)
        // The router gave this box another address for several neighbours at once: no path through it is what it was.
        guard news == .moved else { return }
        for session in allSessions where session.usesDirectPath {
            session.path.askSoon(now)
            wake(session, now, for: .signOfLife)
        }
    }

    /// Tells a neighbour where its datagrams come from, where it may not know.
    func tellObserved(_ session: Session, _ now: Instant) {
        // What is not proven yet has its share of bytes for the proof.
        guard session.link.isUp, session.path.isProven, let path = session.direct?.path,
            session.link.tellsObserved(path.remote, now)
        else { return }
        emitShort(.observed(path.remote), session, to: path, now)
    }
}
