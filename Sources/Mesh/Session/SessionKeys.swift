internal import INET256
internal import Wire

/// The keys of a session: those in use, those before them, and the handshakes that are to bring the next. It says what its owner has
/// to give back, and nobody else writes them.
struct SessionKeys {
    /// Sends and receives.
    private(set) var current: Keypair?
    /// Receives only, until it is too old: datagrams on their way when the keys changed.
    private(set) var previous: Keypair?
    /// The attempt over UDP and the one through relays; at most one each.
    private(set) var direct: Attempt?
    private(set) var relayed: Attempt?
    private(set) var lastHandshake: Instant = .distantPast
    /// The other end does not want to be called before.
    private(set) var calmUntil: Instant = .distantPast
    /// When a hint last said that the other end does not know its index.
    private var lastHint: Instant = .distantPast
    /// What was lost under keys that are gone.
    private var lostBefore: UInt64 = 0
    /// Of two handshakes that were begun at once, the one that the smaller address began is sent on.
    private let prefersOwn: Bool

    /// How close together two handshakes in opposite directions count as begun at the same time.
    private static let simultaneous: Interval = .seconds(5)
    /// Between two hints that are heeded, and before keys are doubted at all.
    private static let hintPause: Interval = .milliseconds(500)
    /// How far back a hint may refer, in datagrams.
    private static let hintMemory: UInt64 = 1024

    /// What is over: an index that is free again, and the keys that it stood for, if it came to that.
    struct Ended {
        let index: UInt32
        let keypair: Keypair?
    }

    init(prefersOwn: Bool) { self.prefersOwn = prefersOwn }

    var hasAny: Bool { current != nil || previous != nil }
    var hasAttempt: Bool { direct != nil || relayed != nil }

    /// What it may be sent on.
    @inline(__always)
    func sending(_ now: Instant, _ limits: MeshLimits) -> Keypair? {
        guard let current, current.maySend(now, limits) else { return nil }
        return current
    }

    // MARK: Attempts

    func attempt(_ way: Attempt.Way) -> Attempt? {
        switch way {
        case .direct: direct
        case .relayed: relayed
        }
    }

    mutating func begin(_ attempt: Attempt) { set(attempt, attempt.way) }

    /// Ends an attempt, if there is one.
    mutating func end(_ way: Attempt.Way) -> [Ended] {
        guard let old = attempt(way) else { return [] }
        set(nil, way)
        switch old.stage {
        case .waiting:
            return [Ended(index: old.index, keypair: nil)]
        case .confirming(let keypair, _):
            // Once it is in use, the index is the keypair's.
            return isInUse(keypair) ? [] : [Ended(index: old.index, keypair: keypair)]
        }
    }

    mutating func endAttempts() -> [Ended] { end(.direct) + end(.relayed) }

    /// The other end does not want to be called before.
    mutating func calm(until instant: Instant) { calmUntil = instant }

    /// A hint says that the other end does not know the index that it is sent to, by a datagram with this counter. True where that
    /// may be and none came just before.
    mutating func heedsHint(_ counter: UInt64, _ now: Instant) -> Bool {
        guard let current, counter < current.nextCounter, current.nextCounter - counter <= Self.hintMemory,
            now - current.created > Self.hintPause, now - lastHint > Self.hintPause
        else { return false }
        lastHint = now
        return true
    }

    // MARK: New keys

    /// A handshake has ended with these, which came straight or through relays.
    mutating func install(_ keypair: Keypair, straight: Bool, _ now: Instant, _ limits: MeshLimits) -> [Ended] {
        lastHandshake = now
        let isWanted = [direct, relayed].contains { $0?.keysAreDoubtful == true && $0?.confirms(keypair) == true }
        let oldOnesServe = current.map { $0.confirmed && $0.maySend(now, limits) } ?? false
        var ended: [Ended] = []
        if keypair.confirmed || isWanted || !oldOnesServe { ended += adopt(keypair, now, limits) }
        if keypair.confirmed {
            // The other end's handshake was faster; ours has become needless, unless it seeks a direct path as well.
            if relayed?.isWaiting == true { ended += end(.relayed) }
            if straight, direct?.isWaiting == true { ended += end(.direct) }
        }
        return ended
    }

    /// The first authenticated datagram under a keypair: message 3 needs no repeating, and the keys may be used.
    mutating func confirm(_ keypair: Keypair, _ now: Instant, _ limits: MeshLimits) -> [Ended] {
        keypair.confirm()
        let ended = isInUse(keypair) ? [] : adopt(keypair, now, limits)
        forgetAttempts(for: keypair)
        return ended
    }

    /// Makes `keypair` the one to send on.
    private mutating func adopt(_ keypair: Keypair, _ now: Instant, _ limits: MeshLimits) -> [Ended] {
        let ended = dropPrevious()
        if let old = current, old.initiator != keypair.initiator,
            keypair.created - old.created < Self.simultaneous, old.maySend(now, limits),
            keypair.initiator != prefersOwn
        {
            // Both opened at once: both ends send on the one begun by the smaller address and receive on either.
            previous = keypair
        } else {
            previous = current
            current = keypair
        }
        // Nobody sends on the other one any more, so nobody will confirm it.
        if let previous { forgetAttempts(for: previous) }
        return ended
    }

    // MARK: The end of keys

    /// Message 3 was not confirmed for as long as the other end waits for it: these keys will never work. Nil where they are not in
    /// use.
    mutating func giveUp(_ keypair: Keypair) -> [Ended]? {
        guard current === keypair else { return nil }
        let ended = dropCurrent()
        swap(&current, &previous)
        return ended
    }

    /// Those that are too old, or have seen too many forgeries, go.
    mutating func expire(_ now: Instant, _ limits: MeshLimits) -> [Ended] {
        var ended: [Ended] = []
        if previous?.mayReceive(now, limits) == false { ended += dropPrevious() }
        if current?.mayReceive(now, limits) == false { ended += dropCurrent() }
        return ended
    }

    /// When the first of them will be too old.
    func end(_ limits: MeshLimits) -> Instant {
        guard let first = [previous?.created, current?.created].compactMap(\.self).min() else { return .distantFuture }
        return first + limits.rejectAfter
    }

    mutating func dropCurrent() -> [Ended] {
        defer { current = nil }
        return drop(current)
    }

    mutating func dropPrevious() -> [Ended] {
        defer { previous = nil }
        return drop(previous)
    }

    /// Both.
    mutating func drop() -> [Ended] { dropCurrent() + dropPrevious() }

    private mutating func drop(_ keypair: Keypair?) -> [Ended] {
        guard let keypair else { return [] }
        keypair.endLoss()
        lostBefore = lostBefore.saturated(plus: keypair.lost)
        return [Ended(index: keypair.localIndex, keypair: keypair)]
    }

    // MARK: Loss

    /// Datagrams that the other end sent and that did not come in, under all keys; see `LossCount`.
    var lost: UInt64 { lostBefore.saturated(plus: current?.lost ?? 0).saturated(plus: previous?.lost ?? 0) }

    /// True as long as it has to be looked again though nothing more should come.
    func lookForLoss(_ now: Instant) -> Bool {
        let isOpen = [current?.lookForLoss(now), previous?.lookForLoss(now)]
        return isOpen.contains(true)
    }

    // MARK: Private parts

    private func isInUse(_ keypair: Keypair) -> Bool { current === keypair || previous === keypair }

    /// Message 3 of these keys need not be repeated.
    private mutating func forgetAttempts(for keypair: Keypair) {
        if direct?.confirms(keypair) == true { direct = nil }
        if relayed?.confirms(keypair) == true { relayed = nil }
    }

    private mutating func set(_ attempt: Attempt?, _ way: Attempt.Way) {
        switch way {
        case .direct: direct = attempt
        case .relayed: relayed = attempt
        }
    }
}
