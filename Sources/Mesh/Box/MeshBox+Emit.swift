internal import INET256
internal import Wire

/// From a frame to a datagram in the outbox: sealed in place, wrapped for a relay where there is no direct path.
extension MeshBox {
    /// The largest frame (kind byte included) that goes out in one datagram, or nil when there is no way.
    @inline(__always)
    func frameCapacity(_ session: Session) -> Int? {
        if session.directAlive, let path = session.direct?.path, !session.isAvoided {
            return session.size.confirmed - links.ports.overhead(of: path) - TransportLayout.overhead
        }
        guard let link = relayLink(to: session.remote) else { return nil }
        return relayedDatagramCapacity(session, link) - TransportLayout.overhead
    }

    /// The largest datagram of a relayed session that is not cut into pieces on the first link, nor, as far as the far end said, on
    /// one after it.
    func relayedDatagramCapacity(_ session: Session, _ link: Session) -> Int {
        let first = linkDatagramCapacity(link)
        return min(first, max(session.relayed.capacity ?? first, Self.leastRelayedDatagram - routes.flowBytes))
    }

    /// What the far end may talk us down to: the worth of a link that carries what any IPv4 host takes.
    static let leastRelayedDatagram = 576 - 48 - TransportLayout.overhead - RelayLayout.header

    func linkDatagramCapacity(_ link: Session) -> Int {
        // The path alone: a copy of all that is known of it would be made for each packet.
        let headers = if let path = link.direct?.path { links.ports.overhead(of: path) } else { 48 }
        return link.size.confirmed - headers - TransportLayout.overhead - relayHeader
    }

    /// Seals one frame that fits and puts it into the outbox. False (and counted) when it could not be.
    @inline(__always)
    func emit(_ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ now: Instant) -> Bool {
        emit(session, frameCount: 1 + body.count, followsRoutes: kind.followsRoutes, now) { frame in
            frame.storeBytes(of: kind.rawValue, as: UInt8.self)
            if let base = body.baseAddress { (frame + 1).copyMemory(from: base, byteCount: body.count) }
        }
    }

    /// Cuts a frame into equal pieces and emits them.
    func emitPieces(
        _ kind: FrameKind, _ body: UnsafeRawBufferPointer, _ session: Session, _ capacity: Int, _ now: Instant
    ) -> Bool {
        let total = 1 + body.count
        let room = capacity - FragmentLayout.header
        guard room > 0 else {
            drops.count(.messageTooLarge)
            return false
        }
        let pieces = (total + room - 1) / room
        guard pieces <= FragmentLayout.maximumPieces, let base = body.baseAddress else {
            drops.count(.messageTooLarge)
            return false
        }
        let pieceCount = (total + pieces - 1) / pieces
        let number = session.takeFragmentNumber()
        for piece in 0..<pieces {
            let start = piece * pieceCount
            let length = min(pieceCount, total - start)
            let sent = emit(
                session, frameCount: FragmentLayout.header + length, followsRoutes: kind.followsRoutes, now
            ) { frame in
                FragmentFrame.Head(
                    number: number, piece: UInt8(piece), pieces: UInt8(pieces), total: UInt32(total)
                ).write(to: frame)
                let target = frame + FragmentLayout.header
                // The frame's first byte is its kind, which does not stand in front of the body in memory.
                if piece == 0 {
                    target.storeBytes(of: kind.rawValue, as: UInt8.self)
                    (target + 1).copyMemory(from: base, byteCount: length - 1)
                } else {
                    target.copyMemory(from: base + start - 1, byteCount: length)
                }
            }
            guard sent else { return false }
        }
        return true
    }

    /// Finds the way, lets `write` put `frameCount` bytes in place, seals and commits.
    @inline(__always)
    func emit(
        _ session: Session, frameCount: Int, followsRoutes: Bool = false, _ now: Instant,
        write: (UnsafeMutableRawPointer) -> Void
    ) -> Bool {
        guard let keypair = session.current else { return false }
        if session.usesDirectPath, !(followsRoutes && session.isAvoided) {
            return emitDirect(session, keypair, frameCount, now, write)
        }
        guard let link = relayLink(to: session.remote) else {
            drops.count(.relayNoRoute)
            return false
        }
        return emitRelayed(session, keypair, link, frameCount, now, write)
    }

    @inline(__always)
    private func emitDirect(
        _ session: Session, _ keypair: Keypair, _ frameCount: Int, _ now: Instant,
        _ write: (UnsafeMutableRawPointer) -> Void
    ) -> Bool {
        let count = frameCount + TransportLayout.overhead
        guard let path = session.path.route(count) else {
            drops.count(.amplificationLimit)
            return false
        }
        guard let target = outbox.reserve(count) else {
            drops.count(.outboxFull)
            return false
        }
        write(target + TransportLayout.header)
        _ = session.seal(keypair, at: target, frameCount: frameCount, now)
        outbox.commit(count, path)
        return true
    }

    /// Lays the inner datagram out where it will stand inside the link's datagram, and seals both there.
    private func emitRelayed(
        _ session: Session, _ keypair: Keypair, _ link: Session, _ frameCount: Int, _ now: Instant,
        _ write: (UnsafeMutableRawPointer) -> Void
    ) -> Bool {
        guard let outer = link.current, outer.maySend(now, limits) else {
            drops.count(.keyExpired)
            return false
        }
        let inner = frameCount + TransportLayout.overhead
        let capacity = linkDatagramCapacity(link)
        let head = relayHead(to: session.remote, from: session.local.address, by: link, stamp: capacity)
        let relayFrame = head.count + inner
        session.traffic.sent(inner, now)
        noteData(link, now)
        if inner > capacity {
            // Larger than the first link carries in one: put together aside, then cut.
            guard let base = outbox.room(aside: relayFrame) else { return false }
            head.write(to: base)
            write(base + head.count + TransportLayout.header)
            _ = keypair.seal(at: base + head.count, frameCount: frameCount)
            let body = UnsafeRawBufferPointer(start: base + 1, count: relayFrame - 1)
            return emitPieces(.relay, body, link, capacity + head.count, now)
        }
        return emit(link, frameCount: relayFrame, now) { frame in
            head.write(to: frame)
            write(frame + head.count + TransportLayout.header)
            _ = keypair.seal(at: frame + head.count, frameCount: frameCount)
        }
    }

    /// Sends a finished datagram (a handshake message, cookie or hint) through relays. `fallback` is the link that the question
    /// came by: the answer may go back there when no route is known.
    func relay(_ datagram: [UInt8], to destination: Address, from source: Address, fallback: Session?, _ now: Instant) {
        guard let link = relayLink(to: destination) ?? fallback, link.link.neighbour != nil else {
            drops.count(.relayNoRoute)
            return
        }
        guard link.current?.maySend(now, limits) == true else {
            drops.count(.keyExpired)
            return
        }
        let capacity = linkDatagramCapacity(link)
        let head = relayHead(to: destination, from: source, by: link, stamp: max(capacity, 0))
        if datagram.count > capacity, datagram.count <= InitiationLayout.count,
            let base = outbox.room(aside: head.count + datagram.count)
        {
            // A link over a path for which even a handshake message is large.
            head.write(to: base)
            datagram.withUnsafeBytes {
                (base + head.count).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
            let body = UnsafeRawBufferPointer(start: base + 1, count: head.count + datagram.count - 1)
            _ = emitPieces(.relay, body, link, capacity + head.count, now)
            return
        }
        _ = emit(link, frameCount: head.count + datagram.count, now) { frame in
            head.write(to: frame)
            datagram.withUnsafeBytes {
                (frame + head.count).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
        }
    }

    /// Sends a finished datagram back to where its question came from.
    func answer(_ datagram: [UInt8], _ arrival: Arrival, from local: BoxNode, _ now: Instant) {
        switch arrival.way {
        case .direct(let path):
            if !outbox.append(datagram, path) { drops.count(.outboxFull) }
        case .relayed(let link, let source, _):
            relay(datagram, to: source, from: local.address, fallback: link, now)
        }
    }
}
