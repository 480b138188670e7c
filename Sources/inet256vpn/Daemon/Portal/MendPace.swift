internal import Portal
internal import Wire

/// How often the same damage is mended: at once, until somebody has undone it three times within a minute. Two programs that overrule each
/// other hundreds of times a second help nobody, so from then on it is once in half a minute, until it stayed whole for a minute.
struct MendPace<Kind: Hashable> {
    private struct History {
        /// The last ones, oldest first; at most `limit`.
        var repairs: [Instant] = []
        var lastSeen: Instant
        var isContested = false
    }

    private var histories: [Kind: History] = [:]

    private static var limit: Int { 3 }
    private static var window: Interval { .seconds(60) }
    private static var slowly: Interval { .seconds(30) }

    /// Whether this damage, which is there now, may be mended now.
    mutating func admits(_ kind: Kind, now: Instant) -> Bool {
        calm(now)
        histories[kind, default: History(lastSeen: now)].lastSeen = now
        guard let history = histories[kind], history.isContested, let last = history.repairs.last else { return true }
        return now >= last + Self.slowly
    }

    /// It was mended, or tried to be.
    /// - Returns: whether it is fought about from now on.
    mutating func note(_ kind: Kind, now: Instant) -> Bool {
        var history = histories[kind, default: History(lastSeen: now)]
        history.lastSeen = now
        history.repairs.append(now)
        if history.repairs.count > Self.limit { history.repairs.removeFirst() }
        let began =
            !history.isContested && history.repairs.count == Self.limit
            && now <= history.repairs[0] + Self.window
        if began { history.isContested = true }
        histories[kind] = history
        return began
    }

    /// Forgets what has been whole for long enough.
    mutating func calm(_ now: Instant) {
        histories = histories.filter { now <= $0.value.lastSeen + Self.window }
    }

    /// What is fought about.
    var contested: Set<Kind> { Set(histories.filter(\.value.isContested).keys) }

    /// When the first of these may be mended again.
    func next(of kinds: some Sequence<Kind>) -> Instant {
        kinds.map { kind in
            guard let history = histories[kind], history.isContested, let last = history.repairs.last
            else { return .distantPast }
            return last + Self.slowly
        }.min() ?? .distantFuture
    }
}
