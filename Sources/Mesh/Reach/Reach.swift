internal import Wire

/// A session's search for a straight path: the other end's candidates, the probes to them, and when to tell it this end's. Says what
/// is to be sent; what answers is the session's path from then on (`SessionPath`), which it only ever promotes.
struct Reach {
    /// What the other end says of where it is, and what became of it.
    struct Target {
        let candidate: Candidate
        /// What a probe has in it, that the answer must have.
        var number: UInt64
        /// When the next probe goes.
        var next: Instant
        var sent = 0
        /// When the last of them went.
        var last: Instant = .distantPast
        var roundTrip: Interval?

        /// It may still answer.
        func isOpen(_ now: Instant) -> Bool {
            roundTrip == nil && (next < .distantFuture || now - last < ReachLimits.lateness)
        }
    }

    /// An endpoint that was probed and has not answered.
    private struct Memory {
        let endpoint: Endpoint
        var count: Int
        let since: Instant
    }

    private(set) var targets: [Target] = []
    private var memory: [Memory] = []
    private var lastProbe: Instant?
    /// Endpoints that have answered, with the round trip.
    private var answers: [(endpoint: Endpoint, kind: Candidate.Kind, roundTrip: Interval)] = []

    /// When the other end is told candidates, again.
    private(set) var nextTelling: Instant = .distantPast
    private var repeatsLeft = 0
    /// Searches in vain, one after the other.
    private var vain = 0
    /// What it was told last, of which generation of the box's.
    private(set) var told: [Candidate] = []
    private var toldGeneration: UInt64 = 0
    private var answeredAt: Instant = .distantPast
    /// The other end is to be told soon: it was too soon after the last time.
    private var isOwing = false
    /// The search began then; nil while there is none.
    private(set) var since: Instant?

    /// When a peer without keys is called through relays.
    private(set) var nextCall: Instant = .distantPast

    mutating func called(_ now: Instant) { nextCall = now + pause }

    /// What the other end says of itself.
    private(set) var isUnwanted = false
    private(set) var hasHardNAT = false
    /// It would spray.
    private(set) var wantsSpray = false
    private(set) var hasHeard = false
    /// Where the other end may be, as it said last.
    private(set) var candidates: [Candidate] = []

    // MARK: Telling

    /// When this end's candidates are to be told. `generation`: what there is to tell; `isDirect`: there is a path.
    func tellingDue(_ generation: UInt64, isDirect: Bool) -> Instant {
        // There is something new to tell to somebody who heeds it.
        let pause = isDirect ? ReachLimits.renewalPause : ReachLimits.answerPause
        let renewal =
            hasHeard && toldGeneration != generation
            ? answeredAt + pause : isOwing ? answeredAt + ReachLimits.answerPause : .distantFuture
        return isDirect ? renewal : min(nextTelling, renewal)
    }

    /// The other end is told `candidates` now. `isQuestion`: its own are wanted. `isUsed`: there is traffic.
    mutating func tells(
        _ candidates: [Candidate], _ generation: UInt64, isQuestion: Bool, isUsed: Bool = true, _ now: Instant
    ) {
        if generation != toldGeneration { vain = 0 }
        told = candidates
        toldGeneration = generation
        answeredAt = now
        isOwing = false
        guard isQuestion else { return }
        if since == nil { since = now }
        if repeatsLeft == 0 {
            repeatsLeft = ReachLimits.repeats.count + 1
            vain = isUsed ? 0 : vain + 1
        }
        repeatsLeft -= 1
        let step = ReachLimits.repeats.count - repeatsLeft
        nextTelling = repeatsLeft > 0 ? now + ReachLimits.repeats[step] : now + pause
    }

    /// Until the next search: longer and longer where nobody needs it.
    private var pause: Interval { ReachLimits.pause * Int64(1 << min(max(vain - 1, 0), ReachLimits.doublings)) }

    /// Whether the other end's question may be answered now.
    func mayAnswer(_ now: Instant) -> Bool { now - answeredAt >= ReachLimits.answerPause }

    /// The other end has to be told something, and it is too soon.
    mutating func owes() { isOwing = true }

    /// Whether what is told now asks as well.
    func asks(_ now: Instant) -> Bool { nextTelling <= now }

    // MARK: Hearing

    /// The other end tells where it is. `number` makes what its probes have in them.
    mutating func hear(_ frame: CandidatesFrame, _ now: Instant, number: () -> UInt64) {
        hasHeard = true
        isUnwanted = frame.isUnwanted
        hasHardNAT = frame.hasHardNAT
        wantsSpray = frame.wantsSpray
        // It is there, and knows or is told now: no need to ask before long.
        repeatsLeft = 0
        nextTelling = now + pause
        candidates = frame.candidates
        targets.removeAll { target in !frame.candidates.contains(target.candidate) && target.roundTrip == nil }
        for candidate in frame.candidates.sorted(by: { $0.kind < $1.kind }) { aim(at: candidate, now, number) }
    }

    /// Something that proves who it is came from there, to find out whether this end is here: worth a probe.
    mutating func hearProbe(from endpoint: Endpoint, _ now: Instant, number: () -> UInt64) {
        guard let place = targets.firstIndex(where: { $0.candidate.endpoint == endpoint }) else {
            return aim(at: Candidate(endpoint, .observed), now, number)
        }
        guard targets[place].sent > 0, targets[place].roundTrip == nil else { return }
        // Its router is open for us now.
        targets[place].next = min(targets[place].next, max(now, targets[place].last + ReachLimits.echoPause))
    }

    private mutating func aim(at candidate: Candidate, _ now: Instant, _ number: () -> UInt64) {
        let place = targets.firstIndex { $0.candidate.endpoint == candidate.endpoint }
        if let place, targets[place].roundTrip == nil, targets[place].next < .distantFuture { return }
        forgetOld(now)
        // What has had its probes stays as what was tried.
        guard allowance(candidate.endpoint) > 0 else { return }
        if let place { targets.remove(at: place) }
        if targets.count >= ReachLimits.endpointsOfSession { targets.removeFirst() }
        let waiting = targets.count { $0.sent == 0 }
        targets.append(
            Target(candidate: candidate, number: number(), next: now + ReachLimits.stagger * Int64(waiting)))
    }

    // MARK: Probes

    /// The next probe that is due.
    mutating func takeProbe(_ now: Instant) -> (number: UInt64, endpoint: Endpoint)? {
        guard
            let place = targets.indices.filter({ targets[$0].next <= now }).min(by: {
                targets[$0].next < targets[$1].next
            })
        else { return nil }
        let endpoint = targets[place].candidate.endpoint
        forgetOld(now)
        guard allowance(endpoint) > 0 else {
            targets[place].next = .distantFuture
            return takeProbe(now)
        }
        remember(endpoint, now)
        lastProbe = now
        targets[place].sent += 1
        targets[place].last = now
        let sent = targets[place].sent
        targets[place].next =
            sent < ReachLimits.schedule.count
            ? now + (ReachLimits.schedule[sent] - ReachLimits.schedule[sent - 1]) : .distantFuture
        return (targets[place].number, endpoint)
    }

    /// When the last of the probes that went out will have been in vain; nil while more are to go out, or none did.
    var failedAt: Instant? { nextProbe < .distantFuture ? nil : lastProbe.map { $0 + ReachLimits.lateness } }

    /// When the next probe goes out.
    var nextProbe: Instant { targets.lazy.map(\.next).min() ?? .distantFuture }

    /// An echo came. Gives what it proves, if it is one of a probe that went to where it comes from.
    mutating func confirm(_ echo: UInt64, from endpoint: Endpoint, _ now: Instant) -> Candidate? {
        guard let place = targets.firstIndex(where: { $0.number == echo && $0.sent > 0 }),
            targets[place].candidate.endpoint.isSame(as: endpoint), now - targets[place].last <= ReachLimits.patience
        else { return nil }
        let roundTrip = now - targets[place].last
        let candidate = targets[place].candidate
        targets[place].roundTrip = min(targets[place].roundTrip ?? roundTrip, roundTrip)
        targets[place].next = .distantFuture
        memory.removeAll { $0.endpoint == candidate.endpoint }
        answers.removeAll { $0.endpoint == candidate.endpoint }
        if answers.count >= ReachLimits.endpointsOfSession { answers.removeFirst() }
        answers.append((candidate.endpoint, candidate.kind, roundTrip))
        return candidate
    }

    /// Whether an endpoint is known to answer, beside the one in use.
    func answered(_ endpoint: Endpoint) -> Bool { answers.contains { $0.endpoint == endpoint } }

    /// Whether `candidate`, which answered just now, is worth leaving `current` for.
    func isBetter(_ candidate: Candidate, than current: Endpoint, taking roundTrip: Interval?) -> Bool {
        guard let new = answers.first(where: { $0.endpoint == candidate.endpoint }) else { return false }
        let known = answers.first { $0.endpoint == current }
        guard let old = roundTrip ?? known?.roundTrip else { return true }
        let gain = max(old * ReachLimits.gain.percent / 100, ReachLimits.gain.least)
        if let known, new.kind < known.kind { return new.roundTrip <= old + gain }
        return new.roundTrip + gain < old
    }

    // MARK: Beginning and ending

    /// There is a straight path. Gives how long the search took.
    mutating func found(_ now: Instant) -> Interval? {
        defer { since = nil }
        repeatsLeft = 0
        nextTelling = now
        return since.map { now - $0 }
    }

    /// The path is gone: the other end is asked anew at once.
    mutating func lost(_ now: Instant) {
        repeatsLeft = 0
        nextTelling = now
        answers.removeAll()
    }

    /// The machine's network changed: nothing that was found out holds any more.
    mutating func surroundingsChanged(_ now: Instant) {
        memory.removeAll()
        targets.removeAll()
        lastProbe = nil
        answers.removeAll()
        toldGeneration = 0
        repeatsLeft = 0
        nextTelling = now
    }

    // MARK: Memory

    private func allowance(_ endpoint: Endpoint) -> Int {
        guard let known = memory.first(where: { $0.endpoint == endpoint }) else {
            return memory.count < ReachLimits.endpointsOfSession ? ReachLimits.probesOfEndpoint : 0
        }
        return ReachLimits.probesOfEndpoint - known.count
    }

    private mutating func remember(_ endpoint: Endpoint, _ now: Instant) {
        if let place = memory.firstIndex(where: { $0.endpoint == endpoint }) {
            memory[place].count += 1
        } else {
            memory.append(Memory(endpoint: endpoint, count: 1, since: now))
        }
    }

    private mutating func forgetOld(_ now: Instant) { memory.removeAll { now - $0.since >= ReachLimits.memory } }
}

extension Endpoint {
    /// The same place, whatever interface a link-local address was said with.
    func isSame(as other: Endpoint) -> Bool { address == other.address && port == other.port }
}
