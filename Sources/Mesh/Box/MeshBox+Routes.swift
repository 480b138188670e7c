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
        let beginning = UnsafeRawBufferPointer(start: nil, count: 0)
        let found = link(of: routes.network.nextHops(to: remote, flow: beginning), besides: nil)
        links.note(hop: found, to: remote)
        return found
    }

    /// The first of the next hops that this box has a link with.
    private func link(of hops: NextHops, besides other: Session?) -> Session? {
        for place in 0..<hops.count {
            if let link = links[hops[place]], link !== other { return link }
        }
        return nil
    }

    // MARK: Relay frames

    /// How much longer a relay frame is than the datagram in it.
    var relayHeader: Int { RelayLayout.header + routes.flowBytes }

    /// The head of a relay frame that begins its way here.
    @inline(__always)
    func relayHead(to destination: Address, from source: Address, by link: Session, stamp: Int) -> RelayHead {
        RelayHead(
            destination: destination, source: source, stamp: stamp,
            flow: routes.flow(to: destination, by: link.link.neighbour))
    }

    /// Where a relay frame goes from here that came by `from`, to which it never goes back.
    @inline(__always)
    func nextLink(of frame: RelayFrame, to destination: Address, from: Session) -> Session? {
        // What the header does not decide was asked before.
        if routes.flowBytes == 0, let next = relayLink(to: destination), next !== from { return next }
        return link(
            of: routes.network.nextHops(to: destination, flow: UnsafeRawBufferPointer(frame.flow)), besides: from)
    }

    @inline(__always)
    func rewriteFlow(of frame: RelayFrame, to destination: Address, by next: Session) {
        guard routes.flowBytes > 0, let hop = next.link.neighbour else { return }
        routes.network.writeFlow(frame.flow, to: destination, by: hop, begins: false)
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
            for session in allSessions {
                if !session.pending.isEmpty {
                    wake(session, now)
                } else if seeksByRoutes(session) {
                    wake(session, now, for: .reach)
                }
            }
        }
    }
}
