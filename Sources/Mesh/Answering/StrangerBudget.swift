internal import INET256
internal import Wire

/// How much work and how many answers there are for those who are not known yet: of each source, in a turn and in all.
struct StrangerBudget {
    private let limits: MeshLimits
    /// Handshake work done in this turn of the loop.
    private var workThisTurn = 0
    /// Arrivals in the second that began then.
    private var arrivals = 0
    private var secondBegan: Instant
    private var strainedUntil: Instant = .distantPast
    /// What each source may have, and what it may have that has shown a cookie.
    private var calls: SourceBudget
    private var provenCalls: SourceBudget
    private var hints: SourceBudget
    private var services = TokenBucket(burst: 100, every: .milliseconds(10))
    private var hintsInAll = TokenBucket(burst: 500, every: .milliseconds(2))

    /// Everybody has to show a cookie for so long when too much came.
    private static let strain: Interval = .seconds(10)

    init(limits: MeshLimits, random: any RandomSource, now: Instant) {
        self.limits = limits
        secondBegan = now
        calls = SourceBudget(
            burst: limits.callsOfSource.burst, every: limits.callsOfSource.every, seed: random.next64())
        provenCalls = SourceBudget(
            burst: limits.provenCallsOfSource.burst, every: limits.provenCallsOfSource.every, seed: random.next64())
        hints = SourceBudget(
            burst: limits.hintsForSource.burst, every: limits.hintsForSource.every, seed: random.next64())
    }

    mutating func beginTurn() { workThisTurn = 0 }

    /// Counts handshake messages a second; too many, and everybody must show a cookie for a while.
    mutating func noteArrival(_ now: Instant) {
        if now - secondBegan >= .seconds(1) {
            secondBegan = now
            arrivals = 0
        }
        arrivals += 1
        if arrivals > limits.handshakesPerSecondBeforeCookies { strainedUntil = now + Self.strain }
    }

    /// Whether a call of this source has to show a cookie. A source address is easily said: whoever is behind one too many
    /// calls has to show that it receives there, and while the box is strained everybody has to, peers too, whose addresses
    /// are no secret.
    mutating func mustShow(_ source: UInt64, _ now: Instant) -> Bool {
        now < strainedUntil || !calls.take(source, now: now)
    }

    /// A call of a source that has shown one.
    mutating func takeProven(_ source: UInt64, _ now: Instant) -> Bool { provenCalls.take(source, now: now) }

    /// A quarter of each turn's handshake work is kept for configured peers.
    mutating func takeWork(isExpected: Bool) -> Bool {
        let share = isExpected ? limits.handshakesPerTurn : limits.handshakesPerTurn - limits.handshakesPerTurn / 4
        guard workThisTurn < share else { return false }
        workThisTurn += 1
        return true
    }

    /// What a stranger's daemon says to this one's.
    mutating func takeService(_ now: Instant) -> Bool { services.take(now: now) }

    mutating func takeHint(_ source: UInt64, _ now: Instant) -> Bool {
        hints.take(source, now: now) && hintsInAll.take(now: now)
    }
}
