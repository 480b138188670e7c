internal import INET256
internal import Wire

/// What a frame does, once it is authenticated.
extension MeshBox {
    func receiveFrame(
        _ frame: UnsafeMutableRawBufferPointer, _ session: Session, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        guard let kind = FrameKind(rawValue: frame[0]) else {
            drops.count(.unknownFrame)
            return nil
        }
        let body = UnsafeRawBufferPointer(rebasing: frame[1...])
        // One that is relayed may be longer, by the head that it has.
        guard body.count <= Self.messageLimit || kind == .relay else {
            drops.count(.malformedFrame)
            return nil
        }
        switch kind {
        case .message, .partialPacket:
            session.lastDataReceived = now
            if session.lastSent + limits.keepaliveAfter < session.deadline {
                wake(session, now + limits.keepaliveAfter)
            }
            return Delivery(
                node: session.local.id, source: session.remote, message: body, isPartial: kind == .partialPacket,
                ecn: arrivingClass & ECN.mask)
        case .relay:
            return receiveRelay(frame, session, arrival, now)
        case .fragment:
            return receiveFragment(frame, session, arrival, now)
        case .keepalive, .challenge, .challengeResponse, .sizeProbe, .sizeProbeAnswer, .relaySize:
            receiveUpkeep(kind, body, session, arrival, now)
        case .control:
            receiveControl(body, session, now)
        case .hello:
            if !isFromSecond(session, arrival, now) { receiveHello(body, session, now) }
        case .prefix:
            receivePrefix(body, session)
        case .ping:
            if !isFromSecond(session, arrival, now) { receivePing(body, session, arrival, now) }
        case .pong:
            receivePong(body, session, arrival, now)
        case .goodbye:
            receiveGoodbye(session, now)
        case .sameKey:
            receiveSameKey(body, session, now)
        }
        return nil
    }

    private func receiveFragment(
        _ frame: UnsafeMutableRawBufferPointer, _ session: Session, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        var dropped = 0
        defer { drops.count(.fragmentExpired, by: dropped) }
        let outcome = reassembler.accept(
            UnsafeRawBufferPointer(frame), owner: session.number,
            isReserved: session.peer != nil || session.lastDataSent != .distantPast, now: now, dropped: &dropped)
        switch outcome {
        case .waiting:
            return nil
        case .malformed:
            drops.count(.fragmentMalformed)
            return nil
        case .complete(let whole):
            // A fragment inside a fragment has no use but to recurse.
            guard whole[0] != FrameKind.fragment.rawValue else {
                drops.count(.fragmentMalformed)
                return nil
            }
            var delivery = receiveFrame(whole, session, arrival, now)
            delivery?.isFleeting = true
            return delivery
        }
    }

    /// Frames that keep the path in order.
    private func receiveUpkeep(
        _ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ arrival: Arrival, _ now: Instant
    ) {
        switch kind {
        case .challenge where body.count == 8:
            // The echo goes back the way it came, whatever the session's own path is.
            if let path = arrival.path { emitShort(.challengeResponse, Array(body), session, to: path, now) }
        case .challengeResponse where body.count == 8:
            guard let path = arrival.path else { return }
            if session.direct?.confirm(body.little(0), from: path) == true {
                note(.moved(session.remote, path.remote))
                session.peer?.losses[path.remote] = nil
                session.size.restart(now)
                if !session.directAlive { directPathAnswers(session, now) }
                wake(session, now)
            }
        case .sizeProbe where body.count >= 4:
            guard let path = arrival.path else { return }
            var answer = Array(body[0..<4])
            answer.appendLittle(UInt32(clamping: body.count + 1 + TransportLayout.overhead))
            emitShort(.sizeProbeAnswer, answer, session, to: path, now)
        case .sizeProbeAnswer where body.count == 8:
            session.size.answered(body.little(0), now)
            wake(session, session.size.nextProbe)
        case .relaySize where body.count == 2:
            session.relayCapacity = Int(body.little(0, as: UInt16.self))
        case .keepalive:
            break
        default:
            drops.count(.malformedFrame)
        }
    }

    // MARK: Relaying

    /// Passes a relay frame on, or takes it in when it is for a node of this box.
    private func receiveRelay(
        _ frame: UnsafeMutableRawBufferPointer, _ link: Session, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        guard link.link.neighbour != nil else {
            drops.count(.relayNotALink)
            return nil
        }
        guard frame.count > RelayLayout.header, let base = frame.baseAddress else {
            drops.count(.malformedFrame)
            return nil
        }
        guard case .direct = arrival else {
            // A relay frame inside a relayed datagram: no box sends that.
            drops.count(.relayNested)
            return nil
        }
        let destination = Address(raw: Bytes32(loading: base + RelayLayout.destination))
        if nodesByAddress[destination] != nil {
            let source = Address(raw: Bytes32(loading: base + RelayLayout.source))
            let stamp = Int(UnsafeRawBufferPointer(frame).little(RelayLayout.stamp, as: UInt16.self))
            let inner = UnsafeMutableRawBufferPointer(rebasing: frame[RelayLayout.header...])
            return receive(inner, .relayed(link: link, source: source, stamp: stamp), now)
        }
        forward(frame, base, destination, from: link, now)
        return nil
    }

    private func forward(
        _ frame: UnsafeMutableRawBufferPointer, _ base: UnsafeMutableRawPointer, _ destination: Address,
        from link: Session,
        _ now: Instant
    ) {
        let hops = frame[RelayLayout.hopLimit]
        guard hops > 1, hops <= RelayLayout.initialHopLimit else {
            drops.count(.relayHopLimit)
            return
        }
        guard let next = relayLink(to: destination), next !== link else {
            drops.count(.relayNoRoute)
            network.wanted(destination, now: now)
            networkMoved(now)
            return
        }
        let capacity = linkDatagramCapacity(next)
        let stamp = min(Int(UnsafeRawBufferPointer(frame).little(RelayLayout.stamp, as: UInt16.self)), capacity)
        base.putLittle(hops - 1, RelayLayout.hopLimit)
        base.putLittle(UInt16(clamping: stamp), RelayLayout.stamp)
        noteData(next, now)
        guard let outer = next.current, outer.maySend(now, limits) else {
            drops.count(.keyExpired)
            return
        }
        let body = UnsafeRawBufferPointer(rebasing: frame[1...])
        // What the link before said of congestion holds on the next.
        outbox.trafficClass = arrivingClass & ECN.mask
        defer { outbox.trafficClass = 0 }
        if frame.count <= capacity + RelayLayout.header {
            _ = emit(.relay, body, next, now)
        } else {
            _ = emitPieces(.relay, body, next, capacity + RelayLayout.header, now)
        }
        relayedFrames &+= 1
        relayedBytes &+= UInt64(frame.count)
    }

    // MARK: Routing

    private func receiveControl(_ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant) {
        guard let neighbour = session.link.neighbour else {
            drops.count(.controlNotALink)
            // The other end has the link, and what it said of that was lost.
            if acceptsLink(session), session.usesDirectPath, now - session.link.helloAt >= .seconds(1) {
                session.link.nextHello = now
                wake(session, now)
            }
            return
        }
        do {
            try network.receive(body, from: neighbour, now: now)
        } catch {
            drops.count(.controlRefused)
        }
        networkMoved(now)
    }

    /// Sends what the routing algorithm wants sent and retries what waited for a route.
    func networkMoved(_ now: Instant) {
        for frame in network.takeOutput() {
            guard let link = link(frame.to) else { continue }
            let large = link.sentLarge
            _ = frame.bytes.withUnsafeBytes { send(.control, $0, link, now) }
            link.sentLarge = large
        }
        if network.deadline < deadline { deadline = network.deadline }
        if network.version != networkVersion {
            networkVersion = network.version
            nextHops.removeAll(keepingCapacity: true)
            avoidBadLinks()
            noteContested()
            // Sessions with something waiting look again.
            for session in allSessions where !session.pending.isEmpty { wake(session, now) }
        }
    }
}
