internal import INET256
internal import Wire

/// The same key on two machines. Each takes the other's link away, again and again, unless who has it keeps it: the other one
/// is told, so is the one, and people at all three boxes.
extension MeshBox {
    /// Whether a handshake that has just ended well is that of the second machine, while the first has the link.
    func isSecond(_ session: Session, _ arrival: Arrival, _ now: Instant) -> Bool {
        guard session.twins.isActive(now), session.directAlive, let own = session.direct, own.validated,
            let path = arrival.path
        else { return false }
        return path.remote != own.path.remote
    }

    /// Whether a frame comes from the machine whose link another one took: under keys that have been replaced for a while,
    /// and from another endpoint than the one in use. Nobody who started again or moved has those keys and sends so.
    func isFromSecond(_ session: Session, _ arrival: Arrival, _ now: Instant) -> Bool {
        guard arrivesUnderOldKeys, let path = arrival.path, session.directAlive, !session.isOwn(path),
            now - session.lastHandshake > Self.underWay, let keys = session.previous
        else { return false }
        if session.twins.sawElsewhere(now) { keepOut(keys, session, path, now) }
        return true
    }

    /// So long a datagram may be on its way.
    private static let underWay: Interval = .seconds(2)

    /// Tells the second machine, under its keys, and remembers nothing else of it.
    func keepOut(_ keypair: Keypair, _ session: Session, _ path: Path, _ now: Instant) {
        session.twins.keptOut(now)
        drops.count(.secondMachine)
        noteTwin(session.remote, now)
        guard seal(.sameKey(otherHasLink: true), keypair, to: path) != nil else { return }
        guard now - session.twins.toldAt >= TwinWatch.tellingInterval else { return }
        session.twins.toldAt = now
        emitShort(.sameKey(otherHasLink: false), session, now)
    }

    /// A neighbour says that another machine has our key.
    func receiveSameKey(_ otherHasLink: Bool, _ session: Session, _ now: Instant) {
        guard session.local.isMain else {
            drops.count(.malformedFrame)
            return
        }
        // Links' ends know; anybody else could only pretend to.
        guard session.usesDirectPath, acceptsLink(session) else { return }
        noteTwin(session.local.address, now)
        guard otherHasLink else { return }
        receiveGoodbye(session, now)
        session.calmUntil = now + TwinWatch.calm
        blame(
            session, .sameKey,
            "another machine uses this box's key and has the link there; give one of the two a key of its own (keygen)"
        )
    }

    /// An address whose key is on two machines, one of them perhaps this one.
    func noteTwin(_ address: Address, _ now: Instant) {
        let earlier = twins[address]
        if earlier == nil, twins.count >= Self.maximumTwins {
            guard let oldest = twins.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return }
            twins[oldest.key] = nil
        }
        twins[address] = now
        if earlier.map({ now - $0 >= Self.twinSilence }) ?? true { note(.sameKey(address)) }
    }

    /// Takes over what the routing algorithm noticed.
    func noteContested() {
        for (address, seen) in network.contested.sorted(by: { $0.key < $1.key })
        where twins[address] ?? .distantPast < seen {
            noteTwin(address, seen)
        }
    }

    static let maximumTwins = 64
    /// After so long without a sign it is news again.
    private static let twinSilence: Interval = .seconds(600)
    /// For so long `status` says it.
    static let twinStays: Interval = .seconds(3600)
}
