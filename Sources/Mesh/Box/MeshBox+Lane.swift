public import INET256
public import Wire

/// A way that is known and has keys, looked up once for the packets of a burst to one address. Good until the box is handed
/// anything else but the packets of this lane.
public struct Lane {
    /// The largest packet that goes in one datagram, in bytes.
    public let capacity: Int
    /// Whether that is what the path carries, and not only what is known so far while larger sizes are tried.
    public let isSettled: Bool
    let session: Session
    let keypair: Keypair
    /// The link whose relay frames carry it; nil on a direct path.
    let link: Session?
    /// From the datagram's first byte to the packet's.
    let lead: Int

    fileprivate static let direct = TransportLayout.header + 1
    fileprivate static let relayed = TransportLayout.header + RelayLayout.header + direct
}

/// The way out for packets that are written where they are sealed: nothing is copied, and what a burst has in common is
/// looked up once.
extension MeshBox {
    /// The lane to `remote`, or nil while there is none: `send` then knows what to do.
    public func lane(from id: NodeID, to remote: Address, now: Instant) -> Lane? {
        guard let local = node(id), let session = session(local, remote), let keypair = session.current,
            session.pending.isEmpty, keypair.maySend(now, limits)
        else { return nil }
        let capacity: Int
        let link: Session?
        if session.directAlive, session.direct != nil, !session.isAvoided {
            guard let room = frameCapacity(session) else { return nil }
            (capacity, link) = (room, nil)
        } else {
            guard let next = relayLink(to: remote), next.current?.maySend(now, limits) == true, next.directAlive,
                next.direct != nil
            else { return nil }
            (capacity, link) = (relayedDatagramCapacity(session, next) - TransportLayout.overhead, next)
        }
        noteData(session, keypair, now)
        if let link { noteData(link, now) }
        return Lane(
            capacity: capacity - 1, isSettled: isSizeSettled(session), session: session, keypair: keypair, link: link,
            lead: link == nil ? Lane.direct : Lane.relayed)
    }

    /// Where the next packet of the lane is to be written, with room for `lane.capacity` bytes; nil (and counted) when the
    /// burst is full.
    @inline(__always)
    public func room(_ lane: borrowing Lane) -> UnsafeMutableRawPointer? {
        let tags = lane.link == nil ? TransportLayout.tag : 2 * TransportLayout.tag
        guard let start = outbox.reserve(lane.lead + lane.capacity + tags) else {
            drops.count(.outboxFull)
            return nil
        }
        return start + lane.lead
    }

    /// Seals the packet of `count` bytes that was written to `packet`, the lane's room. A `partial` one bears only the sum of
    /// the pseudo-header in its TCP or UDP checksum; `trafficClass` is for the packet that carries it. False (and counted)
    /// when it could not be sent.
    @inline(__always)
    public func dispatch(
        _ packet: UnsafeMutableRawPointer, count: Int, isPartial: Bool, trafficClass: UInt8, _ lane: borrowing Lane,
        now: Instant
    ) -> Bool {
        outbox.trafficClass = trafficClass
        defer { outbox.trafficClass = 0 }
        let kind: FrameKind = isPartial ? .partialPacket : .message
        (packet - 1).storeBytes(of: kind.rawValue, as: UInt8.self)
        let session = lane.session
        let inner = lane.keypair.seal(at: packet - Lane.direct, frameCount: count + 1)
        guard let link = lane.link else {
            return commit(inner, session, now)
        }
        guard let outer = link.current, outer.maySend(now, limits) else {
            drops.count(.keyExpired)
            return false
        }
        session.note(sent: inner, now)
        let frame = packet - Lane.direct - RelayLayout.header
        writeRelayHead(frame, session.remote, session.local.address, stamp: linkDatagramCapacity(link))
        let sealed = outer.seal(at: frame - TransportLayout.header, frameCount: RelayLayout.header + inner)
        return commit(sealed, link, now)
    }

    /// Takes the datagram that was reserved last for the session's direct path.
    @inline(__always)
    private func commit(_ count: Int, _ session: Session, _ now: Instant) -> Bool {
        guard let path = session.direct?.route(count) else {
            drops.count(.amplificationLimit)
            return false
        }
        outbox.commit(count, path)
        session.note(sent: count, now)
        return true
    }
}
