package import INET256
package import Wire

/// Links with neighbours: configured peers, or anybody where the box is a public one.
extension MeshBox {
    // MARK: Configured peers

    /// Adds a configured peer or changes its endpoints. A link with it is sought from now on.
    package func setPeer(_ settings: PeerSettings, now: Instant) {
        guard nodes[settings.address] == nil else { return }
        guard let peer = links.setPeer(settings), let local = node(peer.knowsUs) else { return }
        guard let session = openSession(local, settings.address, now) else { return }
        session.configure(as: peer)
        if let neighbour = session.link.neighbour { routes.network.distinguish(neighbour, isPeer: true) }
        if !session.usesDirectPath {
            // New endpoints may be the right ones: do not wait for the old attempt's next turn.
            endAttempt(.direct, of: session)
        }
        // Before the link comes up here and routes are told by it: the other end would not know yet that it may take them.
        greet(session, now)
        evaluateLink(session, now)
        wake(session, now)
    }

    /// The other end does not know yet whether a link with it is accepted now.
    func greet(_ session: Session, _ now: Instant) {
        guard session.usesDirectPath, session.current != nil, session.local.isBox else { return }
        sendHello(session, wantsAnswer: true, now)
    }

    /// Forgets a configured peer; its link goes down unless anybody may have one.
    package func removePeer(_ address: Address, now: Instant) {
        guard links.removePeer(address) else { return }
        for id in boxNodes {
            guard let local = node(id), let session = session(local, address) else { continue }
            session.configure(as: nil)
            if let neighbour = session.link.neighbour { routes.network.distinguish(neighbour, isPeer: false) }
            if !links.acceptsAnybody {
                sayGoodbye(session, now)
                remove(session, now)
            }
        }
    }

    /// Changes whether anybody gets a link, or configured peers only.
    package func setAcceptsAnybody(_ accepts: Bool, now: Instant) {
        links.acceptsAnybody = accepts
        for session in allSessions {
            let before = session.link.neighbour
            if acceptsLink(session), before == nil { greet(session, now) }
            evaluateLink(session, now)
            wake(session, now)
        }
    }

    /// A peer may be at this address, of which it is not known yet whether it can be called: who speaks from there, as after
    /// a restart of this box, gets hints.
    package func expect(_ address: IPv6Address) { answering.acquaint(address) }

    // MARK: What the driver noticed

    /// The machine's addresses or routes changed: paths choose their source anew, and show a sign of life at once.
    package func surroundingsChanged(now: Instant) {
        for session in allSessions {
            session.path.surroundingsChanged(now)
            session.reach.surroundingsChanged(now)
            session.keys.direct?.hurry(now)
            wake(session, now)
        }
    }

    /// The box is going away: tells every session, so that nobody waits for it.
    package func shutDown(now: Instant) {
        for session in allSessions { sayGoodbye(session, now) }
    }

    func sayGoodbye(_ session: Session, _ now: Instant) {
        guard frameCapacity(session) != nil else { return }
        emitShort(.goodbye, session, now)
    }

    // MARK: Up and down

    func acceptsLink(_ session: Session) -> Bool {
        session.local.isBox && (session.peer != nil || links.acceptsAnybody || mayBeKnownOtherwise(session))
            && !hasLinkOtherwise(session)
    }

    /// The direct path carried something authenticated: it is alive.
    func directPathAnswers(_ session: Session, _ now: Instant) {
        attribute(session)
        if session.path.answers(now, limits, isLink: session.link.neighbour != nil),
            let path = session.direct?.path
        {
            answering.acquaint(path.remote.address)
        }
        if session.path.isProven, let path = session.direct?.path { session.peer?.noteProven(path.remote) }
        session.traffic.answered()
        if session.local.isBox, session.link.neighbour == nil {
            session.link.greet(now)
            wake(session, now)
        }
    }

    func sendHello(_ session: Session, wantsAnswer: Bool, _ now: Instant) {
        let hello = HelloFrame(acceptsLink: acceptsLink(session), wantsAnswer: wantsAnswer, run: context.run)
        session.link.saidHello(now)
        emitShort(.hello(hello), session, now)
        if let prefix = context.prefix { emitShort(.prefix(prefix), session, now) }
        tellObserved(session, now)
    }

    /// The other end says where its portal has all nodes: where that is elsewhere, the two do not know nodes by the same names.
    func receivePrefix(_ prefix: IPv6Prefix, _ session: Session) {
        guard session.local.isBox else {
            drops.count(.malformedFrame)
            return
        }
        guard session.link.heard(prefix) else { return }
        if let own = context.prefix, own != prefix { note(.prefixDiffers(session.remote, prefix)) }
    }

    func receiveHello(_ hello: HelloFrame, _ session: Session, _ now: Instant) {
        guard session.local.isBox else {
            drops.count(.malformedFrame)
            return
        }
        guard session.usesDirectPath else { return }
        if session.twins.saw(hello.run, now) { noteTwin(session.remote, now) }
        switch session.link.heard(hello, spacing: limits.runChangeSpacing, now) {
        case .known: break
        case .changed: takeLinkDown(session, now)
        case .tooSoon: return drops.count(.helloTooSoon)
        }
        heedName(session, now)
        if hello.wantsAnswer { sendHello(session, wantsAnswer: false, now) }
        evaluateLink(session, now)
    }

    func evaluateLink(_ session: Session, _ now: Instant) {
        guard session.usesDirectPath, session.link.remoteRun != nil else { return }
        guard acceptsLink(session) else {
            if session.link.neighbour != nil { takeLinkDown(session, now) }
            if session.link.remoteAccepts { remember(session, now) }
            return
        }
        guard session.link.remoteAccepts else {
            takeLinkDown(session, now)
            blame(session, .notAccepted)
            return
        }
        if session.link.neighbour == nil { bringLinkUp(session, now) }
    }

    private func bringLinkUp(_ session: Session, _ now: Instant) {
        guard let key = session.remoteKey, let direct = session.direct else { return }
        guard makeRoomForLink(session, now) else { return }
        let neighbour = links.add(session)
        session.link.up(as: neighbour)
        // The first sign of life also measures the round trip.
        session.path.askSoon(now)
        session.peer?.linkIsUp()
        note(.linkUp(session.remote, direct.path.remote))
        // What it carries may have been known before it was one, and counts for the portal from now on.
        if session.size.isSettled { note(.sized(session.remote)) }
        routes.network.neighbourUp(neighbour, key: key, now: now)
        routes.network.distinguish(neighbour, isPeer: session.peer != nil)
        if session.path.cost.cost > 1 { routes.network.weigh(neighbour, cost: session.path.cost.cost, now: now) }
        networkMoved(now)
        wake(session, now)
    }

    /// Whether the session may become a link.
    private func makeRoomForLink(_ session: Session, _ now: Instant) -> Bool {
        switch links.room(for: session) {
        case .free:
            return true
        case .instead(let victim):
            takeLinkDown(victim, now)
            return true
        case .none:
            if session.peer == nil {
                drops.count(.linksFull)
            } else {
                blame(session, .linksFull(limits.maximumLinks))
            }
            return false
        }
    }

    func takeLinkDown(_ session: Session, _ now: Instant) {
        guard let neighbour = session.link.down() else { return }
        session.path.setAvoided(false)
        links.remove(neighbour)
        reach.forget(session.remote)
        note(.linkDown(session.remote))
        routes.network.neighbourDown(neighbour, now: now)
        networkMoved(now)
        greetOtherwise(session, now)
    }

    /// The direct path does not answer any more. The session goes on through relays if there is a way.
    func directPathDied(_ session: Session, _ now: Instant) {
        takeLinkDown(session, now)
        attribute(session)
        session.path.died(now)
        if session.path.isKeptOpen { reach.counts.lost &+= 1 }
        session.reach.lost(now)
        session.link.pathDied()
        blame(session, .lost(session.direct?.path.remote))
        wake(session, now)
    }

    func receiveGoodbye(_ session: Session, _ now: Instant) {
        takeLinkDown(session, now)
        retire(session.keys.drop(), of: session)
        retire(session.keys.endAttempts(), of: session)
        attribute(session)
        session.path.stopped()
        session.link.forget()
        blame(session, .stopped)
        wake(session, now)
    }

    /// Keeps the last few strangers whose links were not accepted, for `status`.
    private func remember(_ session: Session, _ now: Instant) {
        guard let endpoint = session.direct?.path.remote else { return }
        if links.refuse(session.remote, at: endpoint, now) { note(.stranger(session.remote, endpoint)) }
    }
}
