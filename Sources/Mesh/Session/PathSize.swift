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
    static let retry: Interval = .milliseconds(300)
    /// A found size is asked for again this often: paths shrink.
    static let confirmEvery: Interval = .seconds(15)
    /// Larger ones are tried again this often: paths grow.
    static let searchEvery: Interval = .seconds(600)
    /// A search whose probes were lost for another reason, on a machine or a path with too much to do, has found too little.
    /// So after one that stayed below Ethernet's size the next larger is asked for, after this time and each time thrice as
    /// much; if it gets through everything is tried again.
    static let doubtAfter: Interval = .seconds(10)

    /// The largest size known to get through.
    private(set) var confirmed = base
    private var low = 0
    private var high = ladder.count
    private var probing: Int?
    private var triesLeft = 0
    private(set) var nextProbe: Instant = .distantPast
    private var searchAgainAt: Instant = .distantFuture
    private var doubtAt: Instant = .distantFuture
    private var doubtPause = doubtAfter
    /// Whether the probe that is out is one of doubt.
    private var doubting = false
    private(set) var number: UInt32 = 0

    /// Whether the largest size is found, for the time being.
    var isSettled: Bool { !searching || doubting }

    private var searching: Bool { low + 1 < high }

    /// The size to probe now, if one is due.
    mutating func tick(_ now: Instant) -> Int? {
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
            } else if now >= doubtAt, low + 1 < Self.ladder.count {
                high = low + 2
                doubting = true
                doubtAt = now + doubtPause
                doubtPause = min(doubtPause * 3, Self.searchEvery)
            }
        }
        let size: Int
        if searching {
            let middle = low == 0 && high == Self.ladder.count ? Self.first : (low + high) / 2
            size = Self.ladder[middle]
        } else {
            if searchAgainAt <= now || searchAgainAt == .distantFuture { searchAgainAt = now + Self.searchEvery }
            if low >= Self.first {
                doubtAt = .distantFuture
            } else if doubtAt == .distantFuture {
                doubtAt = now + doubtPause
                doubtPause = doubtPause * 3
            }
            guard confirmed > Self.base else {
                nextProbe = min(searchAgainAt, doubtAt)
                return nil
            }
            size = confirmed
        }
        probing = size
        triesLeft = doubting ? 0 : Self.tries - 1
        number &+= 1
        nextProbe = now + Self.retry
        return size
    }

    /// The far end got probe `number` whole.
    mutating func answered(_ number: UInt32, _ now: Instant) {
        guard let size = probing, number == self.number else { return }
        probing = nil
        if size > confirmed { confirmed = size }
        if let step = Self.ladder.lastIndex(where: { $0 <= size }), step > low { low = step }
        if doubting {
            doubting = false
            high = Self.ladder.count
        }
        nextProbe = searching ? now : min(now + Self.confirmEvery, doubtAt)
    }

    /// The kernel refused a packet as too large for the interface, or a probe was lost too often.
    mutating func failed(_ size: Int, _ now: Instant) {
        probing = nil
        doubting = false
        nextProbe = now
        if size <= confirmed {
            // What got through before does not any more: from the start.
            let lower = Self.ladder.lastIndex { $0 < size } ?? 0
            confirmed = Self.base
            low = 0
            high = max(lower + 1, 1)
        } else if let step = Self.ladder.firstIndex(where: { $0 >= size }) {
            high = max(step, low + 1)
        }
    }

    /// Data went out and nothing came back: is it the size? Asks at once instead of at the next turn.
    mutating func suspect(_ now: Instant) {
        if probing == nil, confirmed > Self.base { nextProbe = min(nextProbe, now) }
    }

    /// The path changed: what was known of the old one says nothing about the new one.
    mutating func restart(_ now: Instant) {
        let number = self.number
        self = PathSize()
        self.number = number
        nextProbe = now
    }
}
