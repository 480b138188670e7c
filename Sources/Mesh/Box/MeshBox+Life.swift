internal import INET256
internal import Wire

/// Signs of life of direct paths: pings that are answered the way they came.
extension MeshBox {
    /// Asks what is due, gives up a path that does not answer, and weighs what it loses.
    func serveLife(_ step: SessionPath.LifeStep, _ session: Session, _ now: Instant) {
        switch step {
        case .wait, .rest: break
        case .ask:
            let id = askForLife(session, now)
            session.path.asked(id, now, limits)
        case .die: directPathDied(session, now)
        }
        weigh(session, now)
        turnFromLoss(session, now)
    }

    /// Turns to another endpoint of the peer, where the one in use loses much and another may lose less. What answers no
    /// challenge is left again at once.
    private func turnFromLoss(_ session: Session, _ now: Instant) {
        guard let peer = session.peer, peer.mayTurn(now), session.usesDirectPath, let direct = session.direct,
            direct.validated, direct.life.lossPermille >= LinkCost.bad,
            let other = peer.turn(from: direct.path.remote, losing: direct.life.lossPermille, now)
        else { return }
        _ = session.path.move(
            to: Path(remote: other, socket: Path.anySocket), bytes: InitiationLayout.count, challenge: random.next64(),
            now: now)
        wake(session, now)
    }

    /// Tells the routing algorithm of a link that loses more, or less, than before.
    private func weigh(_ session: Session, _ now: Instant) {
        guard let neighbour = session.link.neighbour, session.path.weigh(now) else { return }
        routes.network.weigh(neighbour, cost: session.path.cost.cost, now: now)
        networkMoved(now)
    }

    /// Whether data to a neighbour goes around its link: the routes have changed.
    func avoidBadLinks() {
        for session in links.all where session.path.cost.cost > 1 || session.isAvoided {
            session.path.setAvoided(relayLink(to: session.remote).map { $0 !== session } ?? false)
        }
    }

    /// Sends a ping by the direct path: a number, and how long ago the other end was last heard there.
    private func askForLife(_ session: Session, _ now: Instant) -> UInt64 {
        let id = random.next64()
        guard let direct = session.direct else { return id }
        EchoBody.life(id, heardAgo: now - direct.life.heard).withUnsafeBytes {
            emitShort(.ping(EchoBody($0)), session, to: direct.path, now)
        }
        session.peer?.noteCalled(direct.path.remote)
        return id
    }

    /// A longer one is not answered by two ways.
    private static let shortPingBytes = 1000

    func receivePing(_ echo: EchoBody, _ session: Session, _ arrival: Arrival, _ now: Instant) {
        guard let path = arrival.path, echo.bytes.count <= Self.shortPingBytes else {
            session.traffic.receivedData(now)
            _ = send(.pong, echo.bytes, session, now)
            return
        }
        // It asks about this path, so it is answered by this path.
        emitShort(.pong(echo), session, to: path, now)
        let isOwn = session.isOwn(path) && session.usesDirectPath
        // Whoever asks about the other end, and not about a path, gets the answer although this one carries nothing that way.
        if !isOwn { _ = send(.pong, echo.bytes, session, now) }
        guard let age = echo.heardAgo else {
            session.traffic.receivedData(now)
            return
        }
        guard isOwn else { return }
        tellObserved(session, now)
        session.path.told(heardAgo: age, now, limits)
        wake(session, session.path.nextQuestion ?? now, for: .signOfLife)
    }

    func receivePong(_ echo: EchoBody, _ session: Session, _ arrival: Arrival, _ now: Instant) {
        let id = echo.id
        let isLink = session.link.neighbour != nil
        guard
            session.path.answered(
                id, by: arrival.path, lastData: session.traffic.lastDataReceived, isLink: isLink, now, limits)
        else {
            note(.pong(id: id, from: session.remote, bytes: echo.payload))
            return
        }
        if !session.directAlive, session.path.isProven { directPathAnswers(session, now) }
        if session.link.neighbour != nil {
            session.path.watchIfBad(now)
            watchRouter(session, now)
        }
        wake(session, session.path.nextQuestion ?? now, for: .signOfLife)
        wake(session, session.size.nextProbe, for: .size)
    }
}
