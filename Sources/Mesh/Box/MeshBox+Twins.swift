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
    func isFromSecond(_ session: Session, _ keypair: Keypair, _ arrival: Arrival, _ now: Instant) -> Bool {
        guard keypair === session.previous, let path = arrival.path, session.directAlive, !session.isOwn(path),
            now - session.keys.lastHandshake > Self.underWay
        else { return false }
        if session.twins.sawElsewhere(now) { keepOut(keypair, session, path, now) }
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
        if session.twins.tells(now) { emitShort(.sameKey(otherHasLink: false), session, now) }
    }

    /// A neighbour says that another machine has our key.
    func receiveSameKey(_ otherHasLink: Bool, _ session: Session, _ now: Instant) {
        guard session.local.isBox else {
            drops.count(.malformedFrame)
            return
        }
        // Links' ends know; anybody else could only pretend to.
        guard session.usesDirectPath, acceptsLink(session) else { return }
        noteTwin(session.local.address, now)
        guard otherHasLink else { return }
        receiveGoodbye(session, now)
        session.keys.calm(until: now + TwinWatch.calm)
        blame(session, .sameKey)
    }

    /// An address whose key is on two machines, one of them perhaps this one.
    func noteTwin(_ address: Address, _ now: Instant) {
        if twins.note(address, now) { note(.sameKey(address)) }
    }

    /// Takes over what the routing algorithm noticed.
    func noteContested() {
        for address in twins.take(routes.network.contested) { note(.sameKey(address)) }
    }
}
