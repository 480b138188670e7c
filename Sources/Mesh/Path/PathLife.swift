internal import Wire

/// Whether a direct path carries datagrams, both ways: what came *by this path*, and answers to what was sent by it. What
/// arrives through relays says nothing about it, and what arrives by it says nothing about the other direction.
///
/// While data goes out it is asked, again and again, for a sign of life (a ping that is to be answered the way it came), a
/// link that is idle now and then. No answer to several questions in a row is death; sooner where the other end says that it
/// hears nothing, later where data still comes in: then answers may only be late, as behind a queue that has filled.
struct PathLife {
    /// What a question was, to recognise its answer.
    private struct Question {
        let id: UInt64
        let asked: Instant
    }

    /// Answers that are awaited, newest last.
    private var questions: [Question] = []
    private static let remembered = 12

    /// The numbers of those.
    var awaited: [UInt64] { questions.map(\.id) }

    /// When something authentic last came by the path.
    private(set) var heard: Instant
    /// Since when data goes out for which nothing proves that it arrives.
    private(set) var waitingSince: Instant = .distantFuture
    /// When to ask.
    private(set) var nextQuestion: Instant = .distantFuture
    private var lastQuestion: Instant = .distantPast
    /// When the newest question was asked that has an answer.
    private(set) var answeredTo: Instant = .distantPast
    /// Questions without an answer since the last one, and when the first of them was asked.
    private(set) var unanswered = 0
    private var askedSince: Instant = .distantFuture
    /// Since when the kernel refuses to send, and when it last did.
    private var refusedSince: Instant = .distantFuture
    private var lastRefused: Instant = .distantPast
    /// The other end says that it hears nothing.
    private var isUnheard = false
    /// Smoothed round-trip time and its variation (RFC 6298 section 2).
    private(set) var roundTrip: Interval?
    private var variation: Interval = .zero
    /// Of a thousand questions, how many get no answer: a moving average. Questions to a path that is given up are no loss.
    private(set) var missedPermille = 0
    /// The same over more of them: what the path is judged by among others.
    private(set) var lossPermille = 0
    /// The same over the last few questions, if that is more.
    private var missedLately = 0
    var mostMissedPermille: Int { max(missedPermille, missedLately) }
    private var isEnded = false

    /// A path that has just carried something both ways.
    init(_ now: Instant) { heard = now }

    /// It is given up: nothing is awaited any more, and what the other end is told of is what was heard before.
    mutating func end(_ now: Instant) {
        let heard = heard
        restart(now)
        self.heard = heard
        isEnded = true
    }

    /// Begins anew on the same path, with what is known of its round trip.
    mutating func restart(_ now: Instant) {
        var next = PathLife(now)
        next.roundTrip = roundTrip
        next.variation = variation
        next.missedPermille = missedPermille
        next.lossPermille = lossPermille
        self = next
    }

    // MARK: What happens on the path

    /// Data goes out. True when that changed `nextQuestion`.
    @inline(__always)
    mutating func sentData(_ now: Instant, _ limits: MeshLimits) -> Bool {
        guard waitingSince == .distantFuture else { return false }
        waitingSince = now
        nextQuestion = min(nextQuestion, max(now + suspicion(limits), lastQuestion + limits.linkProbeRetry))
        return true
    }

    /// Something authentic came by it.
    @inline(__always)
    mutating func hear(_ now: Instant) { heard = now }

    /// The kernel would not send.
    mutating func refused(_ now: Instant) {
        if refusedSince == .distantFuture { refusedSince = now }
        lastRefused = now
        askSoon(now)
    }

    /// A sign of life is wanted at once, though not faster than answers can come.
    mutating func askSoon(_ now: Instant) {
        nextQuestion = min(nextQuestion, max(now, lastQuestion + Self.leastPause))
    }

    /// A sign of life is wanted by then at the latest.
    mutating func ask(by instant: Instant) { nextQuestion = min(nextQuestion, instant) }

    /// The network changed: a sign of life is wanted at once, and soon again from a path that is given up.
    mutating func hurry(_ now: Instant) {
        if isEnded { unanswered = min(unanswered, 1) }
        // Answers to what was asked before say nothing about what is now.
        questions.removeAll()
        askSoon(now)
    }

    /// The other end last heard this one `age` ago, by this path. Where questions went out all that time, none arrives.
    mutating func told(heardAgo age: Interval, _ now: Instant, _ limits: MeshLimits) {
        let since = min(waitingSince, askedSince)
        guard unanswered > 1, age >= limits.linkSilence, now - since >= limits.linkSilence + margin else { return }
        isUnheard = true
        nextQuestion = now
    }

    /// An answer came by the path. True when it is one to a question of this path: then data arrives.
    mutating func answered(_ id: UInt64, _ now: Instant, _ limits: MeshLimits, isLink: Bool) -> Bool {
        guard let place = questions.firstIndex(where: { $0.id == id }) else { return false }
        measured(now - questions[place].asked)
        // Those before it are lost, or were answered late.
        if !isEnded { for _ in 0..<place { missed() } }
        missedPermille -= (missedPermille + 15) / 16
        missedLately -= (missedLately + 3) / 4
        lossPermille -= (lossPermille + 31) / 32
        answeredTo = max(answeredTo, questions[place].asked)
        questions.removeFirst(place + 1)
        proven(now, limits, isLink: isLink)
        return true
    }

    /// A round trip was made by other means, such as a handshake.
    mutating func proven(_ now: Instant, _ limits: MeshLimits, isLink: Bool) {
        heard = now
        waitingSince = .distantFuture
        unanswered = 0
        askedSince = .distantFuture
        refusedSince = .distantFuture
        isUnheard = false
        nextQuestion = isLink ? now + limits.linkProbeInterval : .distantFuture
    }

    // MARK: Time

    enum Step: Equatable { case wait, ask, dead }

    /// What is due.
    func step(_ now: Instant, _ limits: MeshLimits, hasSpare: Bool = false) -> Step {
        guard now >= nextQuestion else { return .wait }
        return isDead(now, limits, hasSpare) ? .dead : .ask
    }

    /// A question with this number goes out.
    mutating func ask(_ id: UInt64, _ now: Instant, _ limits: MeshLimits) {
        if questions.count == Self.remembered {
            questions.removeFirst()
            if !isEnded { missed() }
        }
        questions.append(Question(id: id, asked: now))
        if unanswered == 0 { askedSince = now }
        unanswered += 1
        lastQuestion = now
        nextQuestion = now + (refusedSince == .distantFuture ? retry(limits) : Self.leastPause)
    }

    /// It is dead: asks more and more rarely whether it lives again.
    mutating func askWhileDead(_ id: UInt64, _ now: Instant, _ limits: MeshLimits) {
        ask(id, now, limits)
        nextQuestion = now + min(limits.linkProbeRetry * Int64(min(unanswered, 25)), limits.linkProbeInterval)
    }

    /// `hasSpare`: there is another way at hand, and little is lost by leaving this one too soon.
    private func isDead(_ now: Instant, _ limits: MeshLimits, _ hasSpare: Bool) -> Bool {
        guard unanswered > 0 else { return false }
        if isUnheard { return true }
        // Questions too, twice, some time apart: not a moment's want of a neighbour's address.
        if unanswered > 1, lastRefused >= lastQuestion, lastRefused - refusedSince >= Self.leastPause { return true }
        let silence = now - askedSince
        if silence >= limits.linkPatience + margin { return true }
        // What was on its way when the first question went does not count as something that still comes.
        func isSilent(for span: Interval) -> Bool { min(silence, now - heard) >= span + margin }
        if hasSpare, unanswered > 1, isSilent(for: limits.linkSilence / 2) { return true }
        return unanswered >= tries(limits) && isSilent(for: limits.linkSilence)
    }

    /// Lossy paths get more questions before they are given up, though a few only: a death is to be noticed within two seconds
    /// all the same, and one that was none is over with the next answer.
    private func tries(_ limits: MeshLimits) -> Int {
        switch missedPermille {
        case ..<40: limits.linkProbesLost
        case ..<120: limits.linkProbesLost + 1
        default: limits.linkProbesLost + 3
        }
    }

    /// Between questions, even when they are wanted at once.
    private static let leastPause: Interval = .milliseconds(100)

    private func suspicion(_ limits: MeshLimits) -> Interval {
        max(limits.linkSuspicion, (roundTrip ?? .zero) + variation * 2)
    }

    private func retry(_ limits: MeshLimits) -> Interval { max(limits.linkProbeRetry, (roundTrip ?? .zero) / 2) }

    /// What a long round trip adds.
    private var margin: Interval {
        guard let roundTrip else { return .zero }
        return max(.zero, roundTrip + variation * 4 - .milliseconds(200))
    }

    private mutating func missed() {
        missedPermille += (1000 - missedPermille) / 16
        missedLately += (1000 - missedLately) / 4
        lossPermille += (1000 - lossPermille) / 32
    }

    private mutating func measured(_ sample: Interval) {
        guard let old = roundTrip else {
            (roundTrip, variation) = (sample, sample / 2)
            return
        }
        let error = sample > old ? sample - old : old - sample
        variation = variation * 3 / 4 + error / 4
        roundTrip = old * 7 / 8 + sample / 8
    }
}
