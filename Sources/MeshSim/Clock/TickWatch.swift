package import Wire

/// What ends a run, whatever its test looks at: a node that asks for its timer without getting on.
package struct RunFault: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        /// Its deadline did not move, as the box itself found out.
        case stuck
        /// So many ticks in one instant, in which nothing else came to it.
        case again(ticks: Int)
        /// So many ticks in a second.
        case restless(ticks: Int)
    }

    package let node: Int
    package let kind: Kind
    package let at: Instant
    /// What is due again and again, where the node knows.
    package var reason: String?

    package var description: String {
        let what =
            switch kind {
            case .stuck: "has a deadline that does not move\(reason.map { " (\($0))" } ?? "")"
            case .again(let ticks): "is due again and again, \(ticks) times"
            case .restless(let ticks): "ticks \(ticks) times in a second"
            }
        return "node \(node) \(what), at \(at.nanoseconds) ns"
    }

    /// Ends the process, and with it the test run.
    package static let stop: @Sendable (RunFault, _ seed: UInt64) -> Void = { fault, seed in
        preconditionFailure("seed \(seed): \(fault)")
    }
}

/// How often the timer of a node rings.
struct TickPace {
    /// In a second of virtual time: some dozens at the busiest.
    static let ticksPerSecond = 1000
    /// In one instant: a burst that is full is continued in a tick of its own.
    static let ticksPerInstant = 64

    private var second: Instant = .distantPast
    private var last: Instant = .distantPast
    private var atOnce = 0
    private(set) var ticks = 0
    /// The most in a second.
    private(set) var most = 0

    /// The timer rings; what is wrong with that.
    mutating func rings(_ now: Instant) -> RunFault.Kind? {
        if now - second >= .seconds(1) { (second, ticks) = (now, 0) }
        ticks += 1
        most = max(most, ticks)
        atOnce = now == last ? atOnce + 1 : 1
        last = now
        if atOnce > Self.ticksPerInstant { return .again(ticks: atOnce) }
        return ticks > Self.ticksPerSecond ? .restless(ticks: ticks) : nil
    }

    /// Something came to the node, which may want its timer for that.
    mutating func disturbed() { atOnce = 0 }
}
