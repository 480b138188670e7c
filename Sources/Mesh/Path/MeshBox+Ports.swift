internal import INET256
package import Wire

/// What the driver says of its ports.
extension MeshBox {
    /// What the ports are like, in the order of their numbers. To be said before anything comes by them.
    package func setPorts(_ traits: [PortTraits], now: Instant) {
        links.ports = PortTable(traits)
        for session in allSessions { session.path.setPorts(links.ports) }
    }

    /// Whether peers that do not answer (`BoxEvent.fruitless`) are called by a spare port as well; at once where that is new.
    package func setCallsBySpare(_ calls: Bool) {
        links.callsBySpare = calls
        guard calls else { return }
        for session in allSessions {
            guard let attempt = session.keys.direct else { continue }
            for path in attempt.paths(and: nil) { sendBySpare(attempt, to: path) }
        }
    }

    /// Whether a session's datagrams leave by this port.
    package func usesPort(_ number: UInt16) -> Bool {
        allSessions.contains { $0.usesDirectPath && $0.direct?.path.socket == number }
    }

    /// Sends what is due from another source port: where a router has lost what it knew of a flow, further calls by that repair
    /// nothing, since each keeps the router's entry as it is.
    func sendBySpare(_ attempt: Attempt, to path: Path) {
        guard links.callsBySpare, attempt.isFruitless, !links.ports[path].hasConnections else { return }
        let spare = Path(remote: path.remote, socket: Path.spareSocket)
        guard attempt.session.path.admit(attempt.due.count, to: spare) else { return }
        if !outbox.append(attempt.due, spare) { drops.count(.outboxFull) }
    }

    /// There is a way to the endpoint now: whoever waits to call somebody there calls at once.
    package func pathOpened(_ path: Path, now: Instant) {
        for session in allSessions where session.peer?.endpoints.contains(path.remote) == true {
            guard !session.usesDirectPath else { continue }
            session.keys.direct?.hurry(now)
            wake(session, now, for: .call)
        }
    }

    /// The way is gone, and nobody needs to ask it for signs of life: sessions go on through relays, or call anew.
    package func pathClosed(_ path: Path, now: Instant) {
        for session in allSessions where session.path.isOwn(path) {
            if session.directAlive { directPathDied(session, now) }
            session.path.closed()
            wake(session, now)
        }
    }
}
