internal import INET256
internal import Wire

/// What a frame does, once it is authenticated.
extension MeshBox {
    /// `keypair`: what it was sealed under.
    func receiveFrame(
        _ bytes: UnsafeMutableRawBufferPointer, _ session: Session, _ keypair: Keypair, _ arrival: Arrival,
        _ now: Instant
    ) -> Delivery? {
        let frame: Frame
        do {
            frame = try Frame(bytes, flowBytes: routes.flowBytes)
        } catch {
            count(error)
            return nil
        }
        switch frame {
        case .message(let body, let isPartial):
            session.traffic.receivedData(now)
            if session.traffic.lastSent + limits.keepaliveAfter < session.timer.at {
                wake(session, now + limits.keepaliveAfter, for: .keepalive)
            }
            return Delivery(
                node: session.local.id, source: session.remote, message: body, isPartial: isPartial,
                ecn: arrival.trafficClass & ECN.mask)
        case .relay(let relay):
            return receiveRelay(relay, session, arrival, now)
        case .fragment(let fragment):
            return receiveFragment(fragment, session, keypair, arrival, now)
        default:
            receiveUpkeep(frame, session, keypair, arrival, now)
            return nil
        }
    }

    private func count(_ fault: Frame.Fault) {
        switch fault {
        case .unknown: drops.count(.unknownFrame)
        case .malformed: drops.count(.malformedFrame)
        case .malformedFragment: drops.count(.fragmentMalformed)
        }
    }

    private func receiveFragment(
        _ fragment: FragmentFrame, _ session: Session, _ keypair: Keypair, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        var dropped = 0
        defer { drops.count(.fragmentExpired, by: dropped) }
        let outcome = reassembler.accept(
            fragment, owner: session.number,
            isReserved: session.peer != nil || session.traffic.everSentData, now: now, dropped: &dropped)
        switch outcome {
        case .waiting:
            return nil
        case .malformed:
            drops.count(.fragmentMalformed)
            return nil
        case .complete(let whole):
            // A fragment inside a fragment has no use but to recurse.
            guard whole.first != FrameKind.fragment.rawValue else {
                drops.count(.fragmentMalformed)
                return nil
            }
            var delivery = receiveFrame(whole, session, keypair, arrival, now)
            delivery?.isFleeting = true
            return delivery
        }
    }

    /// Frames about the session itself, its path and its link.
    private func receiveUpkeep(
        _ frame: Frame, _ session: Session, _ keypair: Keypair, _ arrival: Arrival, _ now: Instant
    ) {
        switch frame {
        case .message, .relay, .fragment, .keepalive:
            break
        case .challenge(let number):
            // The echo goes back the way it came, whatever the session's own path is.
            guard let path = arrival.path else { return }
            emitShort(.challengeResponse(number), session, to: path, now)
            if !session.isOwn(path) || !session.usesDirectPath { receiveProbe(session, from: path, now) }
        case .challengeResponse(let number):
            if let path = arrival.path { receiveEcho(number, session, from: path, now) }
        case .sizeProbe(let number, let count):
            guard let path = arrival.path else { return }
            let size = UInt32(clamping: count + TransportLayout.overhead)
            emitShort(.sizeProbeAnswer(number: number, size: size), session, to: path, now)
        case .sizeProbeAnswer(let number, _):
            session.path.sizeAnswered(number, now)
            wake(session, session.size.nextProbe, for: .size)
        case .relaySize(let size):
            session.relayed.told(size)
        case .control(let body):
            receiveControl(body, session, now)
        case .hello(let hello):
            if !isFromSecond(session, keypair, arrival, now) { receiveHello(hello, session, now) }
        case .prefix(let prefix):
            receivePrefix(prefix, session)
        case .ping(let echo):
            if !isFromSecond(session, keypair, arrival, now) { receivePing(echo, session, arrival, now) }
        case .pong(let echo):
            receivePong(echo, session, arrival, now)
        case .goodbye:
            receiveGoodbye(session, now)
        case .sameKey(let otherHasLink):
            receiveSameKey(otherHasLink, session, now)
        case .candidates(let frame):
            receiveCandidates(frame, session, now)
        case .observed(let endpoint):
            receiveObserved(endpoint, session, arrival, now)
        case .service(let purpose, let body):
            receiveService(purpose, body, session, now)
        }
    }

    /// The echo of a challenge.
    private func receiveEcho(_ number: UInt64, _ session: Session, from path: Path, _ now: Instant) {
        guard session.path.confirm(number, from: path, now) else {
            return receiveProbeEcho(number, session, from: path, now)
        }
        session.peer?.noteProven(path.remote)
        if session.directAlive {
            note(.moved(session.remote, path.remote))
        } else if session.reach.hasHeard {
            cameStraight(session, path, now)
        } else {
            note(.moved(session.remote, path.remote))
            directPathAnswers(session, now)
        }
        tellObserved(session, now)
        wake(session, now)
    }

    // MARK: Relaying

    /// Passes a relay frame on, or takes it in when it is for a node of this box.
    private func receiveRelay(
        _ frame: RelayFrame, _ link: Session, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        guard link.link.neighbour != nil else {
            drops.count(.relayNotALink)
            return nil
        }
        guard case .direct = arrival.way else {
            // A relay frame inside a relayed datagram: no box sends that.
            drops.count(.relayNested)
            return nil
        }
        let destination = frame.destination
        if nodes[destination] != nil {
            let way = Arrival.Way.relayed(link: link, source: frame.source, stamp: frame.stamp)
            return receive(frame.datagram, Arrival(way: way, trafficClass: arrival.trafficClass), now)
        }
        forward(frame, destination, from: link, arrival, now)
        return nil
    }

    private func forward(
        _ frame: RelayFrame, _ destination: Address, from link: Session, _ arrival: Arrival, _ now: Instant
    ) {
        guard frame.mayPass else {
            drops.count(.relayHopLimit)
            return
        }
        guard let next = nextLink(of: frame, to: destination, from: link) else {
            drops.count(.relayNoRoute)
            routes.network.wanted(destination, now: now)
            networkMoved(now)
            return
        }
        if isRelayingShared { news.forwarding.note(destination) }
        let capacity = linkDatagramCapacity(next)
        frame.pass(over: capacity)
        rewriteFlow(of: frame, to: destination, by: next)
        noteData(next, now)
        guard let outer = next.current, outer.maySend(now, limits) else {
            drops.count(.keyExpired)
            return
        }
        // What the link before said of congestion holds on the next.
        outbox.trafficClass = arrival.trafficClass & ECN.mask
        defer { outbox.trafficClass = 0 }
        if frame.bytes.count <= capacity + relayHeader {
            _ = emit(.relay, frame.body, next, now)
        } else {
            _ = emitPieces(.relay, frame.body, next, capacity + relayHeader, now)
        }
        counts.noteRelayed(frame.bytes.count)
    }
}
