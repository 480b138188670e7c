internal import INET256
package import Wire

/// What the driver says of its ports.
extension MeshBox {
    /// What the ports are like, in the order of their numbers. To be said before anything comes by them.
    package func setPorts(_ traits: [PortTraits], now: Instant) {
        links.ports = PortTable(traits)
        for session in allSessions { session.path.setPorts(links.ports) }
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
