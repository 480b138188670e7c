internal import Wire

/// Finds the largest datagram that a direct path carries, by probing (RFC 8899). Sizes are those of whole IP packets;
/// the caller turns them into UDP payloads.
///
/// Whatever it does when it is due, it is due later afterwards: `tick` leaves `nextProbe` behind `now`, so that no run of
/// events makes it ask without a pause.
struct PathSize {
    /// What any IPv6 path carries (RFC 8200 section 5). Nothing is sent larger before a probe got through, and nothing
    /// smaller before a probe of this size did not: tunnels in tunnels over IPv4, and filters, may carry less.
    static let base = 1280
    /// Sizes worth trying: the least that carries a handshake message, what any IPv4 host takes (RFC 791), tunnels, access
    /// lines, Ethernet, jumbo frames.
    static let ladder = [
        296, 576, 800, 1000, 1100, 1200, 1280, 1320, 1360, 1380, 1400, 1420, 1440, 1460, 1480, 1492, 1500, 4000, 9000,
    ]
    /// The smallest size that is ever used.
    static var least: Int { ladder[0] }
    private static let baseStep = 6
    /// Where to go when even `base` does not get through: most of what is smaller carries this.
    private static let smallStep = 1
    /// Most paths carry Ethernet's size: that is tried first.
    private static let first = 16
    /// How often a probe is sent before a size is said not to get through, by how many of a thousand small questions
    /// and answers are lost on the path: mere loss is taken for a size once in a hundred thousand times.
    private static func tries(_ missedPermille: Int) -> Int {
        switch missedPermille {
        case ..<20: 3
        case ..<60: 4
        case ..<120: 5
        case ..<200: 7
        case ..<400: 10
        default: 14
        }
    }
    static let retry: Interval = .milliseconds(200)
    /// Between two probes at the least, whatever happens. Answers alone make the search go on at once.
    static let pause: Interval = .milliseconds(10)
    /// A found size is asked for again this often, however little is sent: paths shrink.
    static let confirmEvery: Interval = .seconds(60)
    /// And this long after the last time when something large is sent.
    static let confirmInUseAfter: Interval = .seconds(5)
    /// And this often while much that is large is sent. Small datagrams may go both ways all the time, so that nothing looks
    /// amiss, while none of the large ones arrives; and TCP waits twice as long after each loss.
    static let confirmBusyEvery: Interval = .milliseconds(500)
    /// Large datagrams since the last confirmation that make a path busy.
    static let busyDatagrams: UInt64 = 8
    /// From which UDP payload on a datagram is large: what is smaller passes wherever IPv4 does (RFC 791).
    static let largePayload = 576 - 28
    /// A size is doubted no sooner after it got through.
    static let doubtSpacing: Interval = .milliseconds(400)
    /// Larger ones are tried again this often: paths grow.
    static let searchEvery: Interval = .seconds(600)
    /// For the first time after it shrank: perhaps it was only loss.
    static let searchAfterShrinking: Interval = .seconds(60)
    /// A search whose probes were lost for another reason, on a machine or a path with too much to do, has found too little.
    /// So after one that stayed below Ethernet's size the next larger is asked for, after this time and each time thrice as
    /// much; if it gets through everything is tried again.
    static let secondLookAfter: Interval = .seconds(10)
    /// How long after the last try an answer to a later question is awaited, without which a lost probe is no evidence.
    static let evidenceWait: Interval = .seconds(1)
    /// How often, meanwhile, it is looked whether there is one.
    static let evidencePause: Interval = .milliseconds(100)
    /// After a probe that was no evidence.
    static let silencePause: Interval = .seconds(1)

    private enum Purpose { case confirmation, search, secondLook }

    private struct Probe {
        let size: Int
        let purpose: Purpose
        var asked: Instant
        var tried = 1
        /// Much that is large was sent before it.
        let isBusy: Bool
    }

    /// The largest size known to get through, or `base`, or less where that does not.
    private(set) var confirmed = base
    /// The step of `confirmed`, and the smallest one that does not get through.
    private var low = baseStep
    private var high = ladder.count
    /// Whether `confirmed` got through since it became that.
    private var isProven = false
    /// Whether no probe at all was answered, though other datagrams came: then `base` has to do.
    private var isMute = false
    private var probe: Probe?
    private(set) var nextProbe: Instant = .distantPast
    private var growAt: Instant = .distantFuture
    private var lookAt: Instant = .distantFuture
    private var lookPause = secondLookAfter
    /// When it was last confirmed, and how many large datagrams had been sent when that was asked for.
    private var confirmedAt: Instant = .distantPast
    private var largeBefore: UInt64 = 0
    private var isDoubted = false
    /// How long an answer may take: longer than the path's round trip.
    private var patience = retry
    private(set) var number: UInt32 = 0
    /// Said by the port and not found out: nothing is asked, and nothing changes it.
    private var isFixed = false

    /// Whether the largest size is found, for the time being.
    var isSettled: Bool { isFixed || isMute || isProven && (!searching || probe?.purpose == .secondLook) }

    private var searching: Bool { low + 1 < high }

    /// The size to probe now, if one is due; whoever sends it asks with a small datagram behind it too. `large` counts the
    /// large datagrams that went out on the path without probes. `answeredTo` is when the newest small question was asked that
    /// has an answer: where those behind a probe get none either, its loss says nothing about sizes.
    mutating func tick(
        _ now: Instant, large: UInt64 = 0, answeredTo: Instant = .distantFuture, roundTrip: Interval = .zero,
        missedPermille: Int = 0
    ) -> Int? {
        guard !isFixed else { return nil }
        if probe == nil, isProven, !searching { nextProbe = min(nextProbe, confirmationDue(large)) }
        guard now >= nextProbe else { return nil }
        patience = max(Self.retry, roundTrip * 3 / 2)
        defer { if nextProbe <= now { nextProbe = now + Self.pause } }
        if let lost = probe {
            if lost.tried < tries(lost.purpose, missedPermille) {
                probe?.tried += 1
                probe?.asked = now
                nextProbe = now + patience
                return lost.size
            }
            guard answeredTo >= lost.asked else {
                nextProbe = now + Self.evidencePause
                guard now - lost.asked >= patience + Self.evidenceWait else { return nil }
                probe = nil
                isDoubted = lost.purpose == .confirmation
                nextProbe = now + Self.silencePause
                return nil
            }
            probe = nil
            if isMute {
                wait(now)
            } else {
                refuse(lost.size, now, isSilent: true)
            }
            guard now >= nextProbe else { return nil }
        }
        guard let (size, purpose) = next(now, large) else {
            nextProbe = min(confirmationDue(large), growAt, lookAt)
            return nil
        }
        let isBusy = large &- largeBefore >= Self.busyDatagrams
        probe = Probe(size: size, purpose: purpose, asked: now, isBusy: isBusy)
        if purpose == .confirmation {
            isDoubted = false
            largeBefore = large
        }
        number &+= 1
        nextProbe = now + patience
        return size
    }

    /// Whether a probe is under way, for which a small question is wanted as well.
    var wantsEvidence: Bool { probe != nil }

    private func tries(_ purpose: Purpose, _ missedPermille: Int) -> Int {
        switch purpose {
        case .secondLook: 1
        case .confirmation where isMute: 1
        case .confirmation where !isProven: Self.tries(missedPermille) + 1
        case .search, .confirmation: Self.tries(missedPermille)
        }
    }

    /// When the size in use is to be asked for again, by what was sent since.
    private func confirmationDue(_ large: UInt64) -> Instant {
        switch large &- largeBefore {
        case 0: confirmedAt + Self.confirmEvery
        case ..<Self.busyDatagrams: confirmedAt + Self.confirmInUseAfter
        default: confirmedAt + Self.confirmBusyEvery
        }
    }

    /// What to ask for next: the size in use before any other.
    private mutating func next(_ now: Instant, _ large: UInt64) -> (Int, Purpose)? {
        if !isProven || isDoubted { return (confirmed, .confirmation) }
        if !searching {
            settle(now)
            if now >= growAt {
                growAt = now + Self.searchEvery
                high = Self.ladder.count
            } else if now >= lookAt {
                lookAt = now + lookPause
                lookPause = min(lookPause * 3, Self.searchEvery)
                if low + 1 < Self.ladder.count {
                    high = low + 2
                    return (Self.ladder[low + 1], .secondLook)
                }
            }
        }
        if searching {
            return (Self.ladder[middle], .search)
        }
        return now >= confirmationDue(large) ? (confirmed, .confirmation) : nil
    }

    /// What to try next between what gets through and what does not: the most common sizes first.
    private var middle: Int {
        if low < Self.baseStep, high > Self.baseStep { return Self.baseStep }
        if low < Self.first, high == Self.ladder.count { return Self.first }
        return (low + high) / 2
    }

    /// Plans when to look for more, after a search.
    private mutating func settle(_ now: Instant) {
        if growAt == .distantFuture { growAt = now + Self.searchEvery }
        if low >= Self.first {
            lookAt = .distantFuture
            lookPause = Self.secondLookAfter
        } else if lookAt == .distantFuture {
            lookAt = now + lookPause
            lookPause = min(lookPause * 3, Self.searchEvery)
        }
    }

    /// The far end got probe `number` whole.
    mutating func answered(_ number: UInt32, _ now: Instant) {
        guard let answered = probe, number == self.number else { return }
        probe = nil
        confirmedAt = now
        isProven = true
        isMute = false
        if answered.size > confirmed, let step = Self.ladder.firstIndex(of: answered.size) {
            confirmed = answered.size
            low = step
            high = max(high, low + 1)
            if answered.purpose == .secondLook { high = Self.ladder.count }
        }
        if searching {
            nextProbe = now
        } else {
            settle(now)
            nextProbe = min(now + (answered.isBusy ? Self.confirmBusyEvery : Self.confirmEvery), growAt, lookAt)
        }
    }

    /// The kernel refused a packet of `size` bytes as too large for the interface: nothing of that size gets out.
    mutating func failed(_ size: Int, _ now: Instant) {
        guard !isFixed else { return }
        if let probe, probe.size >= size { self.probe = nil }
        refuse(size, now, isSilent: false)
        // Not at once: what the kernel refuses costs no time on the wire, and the next size may be refused as well.
        if probe == nil { nextProbe = now + Self.pause }
    }

    /// Packets of `size` bytes do not get through. Where nobody says so, it takes long to find out the same of the next size:
    /// until `base` is known to get through, which takes a round trip, what is smaller is used.
    private mutating func refuse(_ size: Int, _ now: Instant, isSilent: Bool) {
        let step = Self.ladder.firstIndex { $0 >= size } ?? Self.ladder.count
        guard size <= confirmed else {
            high = max(min(high, step), low + 1)
            return
        }
        // What is in use does not get through any more, or never did. In the first case perhaps it was only loss.
        let wasProven = isProven
        if isProven { growAt = now + Self.searchAfterShrinking }
        probe = nil
        isProven = false
        high = step
        if step > Self.baseStep {
            low = wasProven && isSilent ? Self.smallStep : Self.baseStep
        } else if step > 0 {
            low = step > Self.smallStep ? Self.smallStep : 0
        } else {
            // Not even the least, though other datagrams come: whoever is there answers no probes.
            isMute = true
            low = Self.baseStep
            high = Self.ladder.count
            wait(now)
        }
        confirmed = Self.ladder[low]
    }

    /// Asks again when some time has passed, each time a longer one.
    private mutating func wait(_ now: Instant) {
        nextProbe = now + lookPause
        lookPause = min(lookPause * 3, Self.searchEvery)
    }

    /// Data went out and nothing came back: is it the size? Asks at once instead of at the next turn.
    mutating func suspect(_ now: Instant) {
        guard probe == nil, isProven, !isDoubted, now - confirmedAt >= Self.doubtSpacing else { return }
        isDoubted = true
        nextProbe = min(nextProbe, now)
    }

    /// The path changed: what was known of the old one says nothing about the new one.
    mutating func restart(_ now: Instant) {
        let number = self.number
        self = PathSize()
        self.number = number
        nextProbe = now
    }

    /// The same, where it is known that packets of `size` bytes get through and no larger ones.
    mutating func restart(fixedAt size: Int) {
        let number = self.number
        self = PathSize()
        self.number = number
        confirmed = size
        isFixed = true
        nextProbe = .distantFuture
    }
}
