internal import Wire

/// Beacons of a local node's key that this box did not make.
///
/// One or a few are its own, from before it started again. When each of ours is outdone at once, another machine
/// has the same key, and the two would go on for ever. So whoever has been outdone often enough yields: it leaves the other
/// one alone, whose beacons are the newer ones then, until nothing was heard of it for long, or until somebody looks
/// for the node and the other one does not answer.
struct Rivalry {
    private var outdone = 0
    private var since = Instant.distantPast
    /// The highest number of a beacon that is not ours; its signature was checked.
    private(set) var highest: UInt64 = 0
    /// When there was last a sign of another machine.
    private(set) var seen: Instant?
    private(set) var yieldsUntil: Instant?
    private var takesOverAt = Instant.distantFuture

    /// Beacons are counted for this long.
    static let memory: Interval = .seconds(600)
    /// So many are no accident,
    static let signs = 3
    /// and with so many we yield: by then the other one has seen the signs as well.
    static let patience = 4
    /// How long the other one may take to answer a request before we do.
    static let grace: Interval = .seconds(2)

    var yields: Bool { yieldsUntil != nil }
    /// When it yields no more.
    var deadline: Instant { min(yieldsUntil ?? .distantFuture, takesOverAt) }

    /// A beacon that outdoes ours; true if ours is to outdo it in turn.
    mutating func heard(_ sequence: UInt64, lifetime: Interval, now: Instant) -> Bool {
        if now - since > Self.memory { (outdone, since) = (0, now) }
        outdone += 1
        highest = max(highest, sequence)
        if outdone >= Self.signs { seen = now }
        guard outdone >= Self.patience else { return true }
        // The next one is soon enough for another try.
        (outdone, since) = (Self.patience, now)
        yieldsUntil = now + lifetime
        takesOverAt = .distantFuture
        return false
    }

    /// Somebody looks for a beacon newer than all that were heard.
    mutating func wanted(now: Instant) { takesOverAt = min(takesOverAt, now + Self.grace) }

    mutating func end() {
        yieldsUntil = nil
        takesOverAt = .distantFuture
    }
}
