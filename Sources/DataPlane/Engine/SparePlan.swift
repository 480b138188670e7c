internal import INET256
internal import Wire

/// When a transport has a spare port, from which routers see another sender: on time that is handed in, without any port.
///
/// A router that lost its rules for a moment sends a flow on as it is, untranslated, and goes on so for as long as packets of that
/// flow come, however the box calls. Another source port is another flow.
struct SparePlan {
    private enum State {
        case closed
        /// Peers that do not answer are called by it.
        case trial(until: Instant)
        /// When a session was last seen to go by it, and when it is looked at again.
        case kept(used: Instant, lookAt: Instant)
    }

    /// What a peer has to wait for before a spare is tried for it again.
    private struct Rest {
        var until: Instant
        var pause: Interval
    }

    private var state = State.closed
    /// Whom the trial is for.
    private var callers: Set<Address> = []
    private var rests: [Address: Rest] = [:]

    /// Three calls or four.
    static let trial: Interval = .seconds(6)
    /// After a second trial in vain; the next one is twice as long. The first is followed by another one, since the router may have been
    /// without its rules for the whole of it.
    static let firstPause: Interval = .seconds(6)
    static let longestPause: Interval = .seconds(60)
    /// A spare that no session uses is closed after this long.
    static let keep: Interval = .seconds(300)
    /// How often a spare that was kept is looked at.
    static let look: Interval = .seconds(30)
    /// Peers that are remembered.
    static let mostRests = 1024

    enum Step: Equatable { case none, open, close }

    /// Whether fruitless calls go by it as well.
    var isTried: Bool { if case .trial = state { true } else { false } }

    /// Whether it has led somewhere: what may leave by either leaves by it, so that who is told where this box was seen is called from
    /// there.
    var isKept: Bool { if case .kept = state { true } else { false } }

    /// When to call `tick`.
    var deadline: Instant {
        switch state {
        case .closed: .distantFuture
        case .trial(let until): until
        case .kept(_, let lookAt): lookAt
        }
    }

    /// A peer does not answer. `isUsed`: a session goes by the spare.
    mutating func wanted(by peer: Address, isUsed: Bool, now: Instant) -> Step {
        if let rest = rests[peer], now < rest.until { return .none }
        if callers.count < Self.mostRests { callers.insert(peer) }
        switch state {
        case .trial: return .none
        case .closed:
            state = .trial(until: now + Self.trial)
            return .open
        case .kept:
            state = .trial(until: now + Self.trial)
            // A port that led nobody anywhere lately may be what is stuck.
            return isUsed ? .none : .open
        }
    }

    /// A trial or a stay is over.
    mutating func tick(isUsed: Bool, now: Instant) -> Step {
        switch state {
        case .closed: return .none
        case .trial(let until):
            guard now >= until else { return .none }
            rest(now)
            return settle(isUsed ? now : .distantPast, now)
        case .kept(let used, let lookAt):
            guard now >= lookAt else { return .none }
            return settle(isUsed ? now : used, now)
        }
    }

    /// There is a link with the peer: the next time is the first.
    mutating func answered(_ peer: Address) {
        rests[peer] = nil
        callers.remove(peer)
    }

    /// The machine is somewhere else: what was in vain there says nothing here.
    mutating func surroundingsChanged() { rests.removeAll() }

    private mutating func settle(_ used: Instant, _ now: Instant) -> Step {
        guard used != .distantPast, now - used < Self.keep else {
            state = .closed
            return .close
        }
        state = .kept(used: used, lookAt: now + Self.look)
        return .none
    }

    private mutating func rest(_ now: Instant) {
        if rests.count + callers.count > Self.mostRests { rests = rests.filter { now < $0.value.until } }
        for peer in callers where rests.count < Self.mostRests {
            let before = rests[peer]?.pause
            let pause = before.map { $0 == .zero ? Self.firstPause : min($0 * 2, Self.longestPause) } ?? .zero
            rests[peer] = Rest(until: now + pause, pause: pause)
        }
        callers.removeAll()
    }
}
