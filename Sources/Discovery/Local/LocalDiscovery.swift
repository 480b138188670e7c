package import INET256
package import Wire

/// Boxes on one link find each other: each announces itself to a multicast group, readable for who knows its address (or the shared
/// secret), and who can read it asks back before anything comes of it.
///
///     announcement  A -> all   sealed for who knows A: "from this address, my mesh ports are ..."
///     challenge     B -> A     sealed likewise: a token of B's
///     answer        A -> B     sealed likewise: that token, and the ports once more
///
/// Freshness comes of the token and not of a clock: machines without one that is right (no battery, no network yet) are those that
/// have to be found. What was heard before does nothing, by its sequence; what comes from another address than it says neither; and
/// what somebody sends again from the very address it came from is asked for an answer that only the box itself can give.
///
/// Pure: datagrams and `now` in, datagrams and news out.
package struct LocalDiscovery {
    let own: Address
    let settings: LocalSettings
    let random: any RandomSource
    let run: UInt64
    let ownKey: LocalKey
    /// What this box shares with others: they are tried first.
    let groups: [LocalKey]
    var sequence: UInt64 = 0
    /// Everybody is taken for a peer who introduces itself.
    package var admitsAnybody = false
    /// Nobody is missing.
    var isQuiet = false

    private(set) var places: [LocalPlace] = []
    var peers: [Address: LocalKey] = [:]
    /// Who was there, by the address that it spoke from.
    var heard: [Spot: Heard] = [:]
    var asked: [LocalMessage.Token: Asked] = [:]
    /// When each place announces itself next.
    var due: [LocalPlace: Due] = [:]

    package private(set) var counters = LocalCounters()
    var outbox: [LocalDatagram] = []
    var news: [DiscoveryNews] = []

    var sources: SourceLimit
    /// Of all whom nobody has heard of yet: each may cost a try of every key.
    var tries: TokenBucket
    var answers = TokenBucket(burst: 32, every: .milliseconds(50))
    var challenges = TokenBucket(burst: 64, every: .milliseconds(25))
    /// Newcomers that are answered by an announcement of this box's own.
    var arrivalsHeard = TokenBucket(burst: 4, every: .seconds(2))

    /// A place that somebody spoke from.
    struct Spot: Hashable {
        var interface: UInt32
        var address: IPv6Address
    }

    /// Somebody who answered.
    struct Heard {
        var sender: Address
        var key: LocalKey
        var run: UInt64
        var sequence: UInt64
        var ports: [UInt16]
        var until: Instant
        /// Of a box that was not configured.
        var isStranger: Bool
    }

    /// Who owes an answer.
    struct Asked {
        var sender: Address
        var key: LocalKey
        var spot: Spot
        var until: Instant
    }

    /// When a place speaks next, and how often it has asked others to.
    struct Due {
        var at: Instant
        var arrivals: Int
    }

    static let mostHeard = 256
    static let mostAsked = 64
    /// Boxes that were never configured and are taken for peers at once.
    package static let mostStrangers = 64
    static let answerPatience: Interval = .seconds(2)
    /// How often a place says that it has just come, and what lies between.
    static let arrivals: [Interval] = [.milliseconds(500), .milliseconds(1500)]
    /// Between announcements while nobody is missing, in periods.
    static let quietPeriods: Int64 = 8
    /// Tries of keys in a second, about a hundredth of a processor.
    private static let triesPerSecond = 10_000

    package init(own: Address, settings: LocalSettings, random: any RandomSource) {
        self.own = own
        self.settings = settings
        self.random = random
        run = random.next64()
        ownKey = LocalKey(knowing: own)
        var groups: [LocalKey] = []
        if let secret = settings.secret { groups.append(LocalKey(secret: secret)) }
        if settings.autopeering { groups.append(.anybody) }
        self.groups = groups
        sources = SourceLimit(places: 1024, burst: 12, every: .milliseconds(250), seed: random.next64())
        tries = Self.tries(keys: groups.count)
    }

    // MARK: What it is told

    /// Whose announcements are to be read.
    package mutating func setPeers(_ addresses: Set<Address>, now: Instant) {
        let added = addresses.contains { peers[$0] == nil && $0 != own }
        peers = peers.filter { addresses.contains($0.key) }
        for address in addresses where peers[address] == nil && address != own {
            peers[address] = LocalKey(knowing: address)
        }
        heard = heard.filter { $0.value.isStranger || peers[$0.value.sender] != nil }
        tries = Self.tries(keys: groups.count + peers.count)
        // Who has been there all the time says so again.
        if added { for place in places { due[place] = Due(at: now, arrivals: 0) } }
    }

    /// Whether somebody is looked for: then announcements are more frequent.
    package mutating func setMissing(_ isMissing: Bool, now: Instant) {
        guard isQuiet == isMissing else { return }
        isQuiet = !isMissing
        guard isMissing else { return }
        let soon = now + jitter(.seconds(1))
        for (place, turn) in due where turn.at > soon { due[place]?.at = soon }
    }

    /// The links that there are now; new ones announce the box at once.
    package mutating func setPlaces(_ list: [LocalPlace], now: Instant) {
        let wanted = list.filter { !$0.ports.isEmpty }
        places = wanted
        due = due.filter { wanted.contains($0.key) }
        for place in wanted where due[place] == nil { due[place] = Due(at: now, arrivals: 0) }
        heard = heard.filter { spot, _ in wanted.contains { $0.interface == spot.interface } }
    }

    // MARK: What comes of it

    package mutating func takeDatagrams() -> [LocalDatagram] {
        defer { outbox.removeAll() }
        return outbox
    }

    package mutating func takeNews() -> [DiscoveryNews] {
        defer { news.removeAll() }
        return news
    }

    /// Whoever introduced itself and is still heard.
    package func strangers(now: Instant) -> Set<Address> {
        Set(heard.values.filter { $0.isStranger && $0.until > now }.map(\.sender))
    }

    /// When `tick` has something to do.
    package var deadline: Instant { due.values.map(\.at).min() ?? .distantFuture }

    mutating func count(_ what: WritableKeyPath<LocalCounters, UInt64>) { counters[keyPath: what] &+= 1 }

    private static func tries(keys: Int) -> TokenBucket {
        let rate = min(1000, max(4, triesPerSecond / max(1, keys)))
        return TokenBucket(rate: rate, burst: max(8, rate / 4))
    }

    /// Up to a tenth more or less, so that boxes that start together do not speak together for ever.
    func jitter(_ interval: Interval) -> Interval {
        let tenth = interval.nanoseconds / 10
        guard tenth > 0 else { return interval }
        let part = Int64(random.next(below: 2001)) - 1000
        return Interval(nanoseconds: interval.nanoseconds + tenth / 1000 * part)
    }
}
