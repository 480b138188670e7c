internal import Wire

/// What a link counts as in routing, in good links, by how many of its questions get no answer. One that loses a fifth each
/// way is worth a way around of several good ones. Worse at once, better when that has lasted: routes must not flap.
struct LinkCost {
    private(set) var cost: UInt8 = 1
    private var changed: Instant = .distantPast

    /// Of a thousand questions and answers.
    static let bad = 180
    static let veryBad = 300
    static let good = 50
    static let badCost: UInt8 = 3
    static let veryBadCost: UInt8 = 5
    /// How long a link is bad at least.
    static let hold: Interval = .seconds(30)

    /// True when it costs something else now.
    mutating func note(missedPermille: Int, _ now: Instant) -> Bool {
        let old = cost
        switch missedPermille {
        case Self.veryBad...: cost = Self.veryBadCost
        case Self.bad...: cost = max(cost, Self.badCost)
        case ..<Self.good where now - changed >= Self.hold: cost = 1
        default: break
        }
        guard cost != old else { return false }
        changed = now
        return true
    }
}
