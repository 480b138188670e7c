internal import Wire

/// Whether one address is in the hands of two daemons: the same key on two machines, as a copied disk or a restored backup
/// makes it. A daemon that starts again has a new run number and none of its keys, and never comes back to either; where runs
/// alternate, or keys of before are still used elsewhere, there are two.
struct TwinWatch {
    /// Runs that said hello, the last one last.
    private var runs: [UInt64] = []
    private static let remembered = 4
    private var returns = 0
    private var lastReturn: Instant = .distantPast
    /// When there was last a sign of two; nil while there is none.
    private(set) var seen: Instant?
    /// When the one that has the link was last told.
    private var toldAt: Instant = .distantPast

    /// A run that comes back once may be a datagram that was under way for long.
    private static let signs = 2
    /// Signs count together for this long.
    private static let memory: Interval = .seconds(120)
    /// The one that has the link is told this often.
    private static let tellingInterval: Interval = .seconds(10)
    /// A box that was told that another one has the link calls again after this long.
    static let calm: Interval = .seconds(10)

    /// One of the two has the link, and the other is kept out.
    func isActive(_ now: Instant) -> Bool { seen.map { now - $0 < Self.memory } ?? false }

    /// A hello of that run came. True if that is a sign of two.
    mutating func saw(_ run: UInt64, _ now: Instant) -> Bool {
        guard runs.last != run else { return false }
        let isBack = runs.contains(run)
        runs.removeAll { $0 == run }
        runs.append(run)
        if runs.count > Self.remembered { runs.removeFirst() }
        return isBack && sign(now)
    }

    /// Something came from another place than the one that has the link. True if that is a sign of two.
    mutating func sawElsewhere(_ now: Instant) -> Bool { sign(now) }

    private mutating func sign(_ now: Instant) -> Bool {
        if now - lastReturn > Self.memory { returns = 0 }
        returns += 1
        lastReturn = now
        guard returns >= Self.signs else { return false }
        seen = now
        return true
    }

    /// Whether the one that has the link is to be told now, again.
    mutating func tells(_ now: Instant) -> Bool {
        guard now - toldAt >= Self.tellingInterval else { return false }
        toldAt = now
        return true
    }

    /// The other one called and was kept out.
    mutating func keptOut(_ now: Instant) { seen = now }
}
