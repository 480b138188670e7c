internal import Wire

/// Finds the largest datagram that a direct path carries, by probing (RFC 8899). Sizes are those of whole IP packets;
/// the caller turns them into UDP payloads.
struct PathSize {
    /// What any IPv6 path carries (RFC 8200 section 5). Nothing is sent larger before a probe got through.
    static let base = 1280
    /// Sizes worth trying: common tunnels and access lines, Ethernet, jumbo frames.
    static let ladder = [1280, 1320, 1360, 1380, 1400, 1420, 1440, 1460, 1480, 1492, 1500, 4000, 9000]
    /// Most paths carry Ethernet's size: that is tried first.
    private static let first = 10
    static let tries = 3
    /// A size that was known to get through is not given up for mere loss.
    static let confirmTries = 5
    static let retry: Interval = .milliseconds(300)
    /// A found size is asked for again this often: paths shrink.
    static let confirmEvery: Interval = .seconds(15)
    /// And this often while so much was sent since. Small datagrams may go both ways all the time, so that nothing looks
    /// amiss, while none of the large ones arrives; and TCP waits twice as long after each loss.
    static let confirmBusyEvery: Interval = .seconds(2)
    static let busyBytes: UInt64 = 20_000
    /// Larger ones are tried again this often: paths grow.
    static let searchEvery: Interval = .seconds(600)
    /// For the first time after it shrank: perhaps it was only loss.
    static let searchAfterShrinking: Interval = .seconds(60)
    /// A search whose probes were lost for another reason, on a machine or a path with too much to do, has found too little.
    /// So after one that stayed below Ethernet's size the next larger is asked for, after this time and each time thrice as
    /// much; if it gets through everything is tried again.
    static let secondLookAfter: Interval = .seconds(10)

    /// The largest size known to get through.
    private(set) var confirmed = base
    private var low = 0
    private var high = ladder.count
    private var probing: Int?
    private var triesLeft = 0
    private(set) var nextProbe: Instant = .distantPast
    private var searchAgainAt: Instant = .distantFuture
    /// When it was last confirmed, and what had been sent when that was asked for.
    private var confirmedAt: Instant = .distantPast
    private var sentBefore: UInt64 = 0
    private var isDoubted = false
    private var secondLookAt: Instant = .distantFuture
    private var secondLookPause = secondLookAfter
    /// Whether the probe that is out is that of a second look.
    private var isSecondLook = false
    private(set) var number: UInt32 = 0

    /// Whether the largest size is found, for the time being.
    var isSettled: Bool { !searching || isSecondLook }

    private var searching: Bool { low + 1 < high }

    /// The size to probe now, if one is due. `sent` counts the bytes that went out on the path.
    mutating func tick(_ now: Instant, sent: UInt64 = 0) -> Int? {
        if probing == nil, !searching, confirmed > Self.base, sent &- sentBefore >= Self.busyBytes {
            nextProbe = min(nextProbe, confirmedAt + Self.confirmBusyEvery)
        }
        guard now >= nextProbe else { return nil }
        if let probing {
            if triesLeft > 0 {
                triesLeft -= 1
                nextProbe = now + Self.retry
                return probing
            }
            failed(probing, now)
        }
        if !searching {
            if now >= searchAgainAt {
                high = Self.ladder.count
            } else if now >= secondLookAt, low + 1 < Self.ladder.count {
                high = low + 2
                isSecondLook = true
                secondLookAt = now + secondLookPause
                secondLookPause = min(secondLookPause * 3, Self.searchEvery)
            }
        }
        let size: Int
        if searching {
            let middle = low == 0 && high == Self.ladder.count ? Self.first : (low + high) / 2
            size = Self.ladder[middle]
        } else {
            if searchAgainAt <= now || searchAgainAt == .distantFuture { searchAgainAt = now + Self.searchEvery }
            if low >= Self.first {
                secondLookAt = .distantFuture
            } else if secondLookAt == .distantFuture {
                secondLookAt = now + secondLookPause
                secondLookPause = secondLookPause * 3
            }
            guard confirmed > Self.base else {
                nextProbe = min(searchAgainAt, secondLookAt)
                return nil
            }
            size = confirmed
        }
        probing = size
        let tries = size == confirmed && !isDoubted ? Self.confirmTries : Self.tries
        triesLeft = isSecondLook ? 0 : tries - 1
        isDoubted = false
        sentBefore = sent
        number &+= 1
        nextProbe = now + Self.retry
        return size
    }

    /// The far end got probe `number` whole.
    mutating func answered(_ number: UInt32, _ now: Instant) {
        guard let size = probing, number == self.number else { return }
        probing = nil
        confirmedAt = now
        if size > confirmed { confirmed = size }
        if let step = Self.ladder.lastIndex(where: { $0 <= size }), step > low { low = step }
        if isSecondLook {
            isSecondLook = false
            high = Self.ladder.count
        }
        nextProbe = searching ? now : min(now + Self.confirmEvery, secondLookAt)
    }

    /// The kernel refused a packet as too large for the interface, or a probe was lost too often.
    mutating func failed(_ size: Int, _ now: Instant) {
        probing = nil
        isSecondLook = false
        nextProbe = now
        if size <= confirmed {
            // What got through before does not any more: from the start.
            let lower = Self.ladder.lastIndex { $0 < size } ?? 0
            confirmed = Self.base
            low = 0
            high = max(lower + 1, 1)
            searchAgainAt = now + Self.searchAfterShrinking
        } else if let step = Self.ladder.firstIndex(where: { $0 >= size }) {
            high = max(step, low + 1)
        }
    }

    /// Data went out and nothing came back: is it the size? Asks at once instead of at the next turn.
    mutating func suspect(_ now: Instant) {
        guard probing == nil, confirmed > Self.base else { return }
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
}
