internal import INET256
internal import Wire

/// What the routing algorithm says and hears.
extension MeshBox {
    /// The link to the next hop for an address.
    @inline(__always)
    func relayLink(to remote: Address) -> Session? {
        if let known = links.hop(to: remote) { return known }
        return lookUpLink(to: remote)
    }

    private func lookUpLink(to remote: Address) -> Session? {
        let found = routes.network.nextHop(to: remote).flatMap { links[$0] }
        links.note(hop: found, to: remote)
        return found
    }

    func receiveControl(_ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant) {
        guard let neighbour = session.link.neighbour else {
            drops.count(.controlNotALink)
            // The other end has the link, and what it said of that was lost.
            if acceptsLink(session), session.usesDirectPath, session.link.greetAgain(now) { wake(session, now) }
            return
        }
        do {
            try routes.network.receive(body, from: neighbour, now: now)
        } catch {
            drops.count(.controlRefused)
        }
        networkMoved(now)
    }

    /// Sends what the routing algorithm wants sent and retries what waited for a route.
    func networkMoved(_ now: Instant) {
        for frame in routes.network.takeOutput() {
            guard let link = links[frame.to] else { continue }
            let large = link.traffic.sentLarge
            _ = frame.bytes.withUnsafeBytes { send(.control, $0, link, now) }
            link.traffic.discountLarge(since: large)
        }
        deadlines.ring(by: routes.network.deadline)
        if routes.haveMoved() {
            links.forgetHops()
            avoidBadLinks()
            noteContested()
            // Sessions with something waiting look again.
            for session in allSessions where !session.pending.isEmpty { wake(session, now) }
        }
    }
}
