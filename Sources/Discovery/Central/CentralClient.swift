package import INET256
package import Wire

/// A box's side of one central server: announces where the box is, and asks where its missing peers are.
///
/// A server's name may have several endpoints. As long as none has answered all are tried at once, so that a dead address family
/// costs nothing; the first that answers is used until it falls silent.
///
/// Pure: datagrams, `now` and the wall clock go in, datagrams and news come out.
package struct CentralClient {
    let key: PrivateKey
    let settings: CentralSettings
    let random: any RandomSource

    /// Where the server may be, and where it has answered.
    private(set) var servers: [Endpoint] = []
    package private(set) var server: Endpoint?
    var cookies: [Endpoint: CentralCookie] = [:]
    /// What waits for an answer.
    var open: [UInt64: Question] = [:]
    /// Since the server last said anything.
    var unanswered = 0

    private(set) var candidates: [Candidate] = []
    /// Where the server sees this box.
    package internal(set) var observed: Endpoint?
    var announceAt: Instant = .distantPast
    var lastMilliseconds: UInt64 = 0

    private(set) var peers: Set<Address> = []
    /// Whom there is no link with: when each is asked about next, and how often it was.
    var missing: [Address: Search] = [:]
    /// What was learned of peers: their keys, and the time of the newest record.
    var known: [Address: Known] = [:]

    /// Peers that were asked about for their key alone.
    var keysAsked: Set<Address> = []
    /// Questions that are asked again for a cookie: a server that gives another one each time is not answered for ever.
    var repeats = TokenBucket(burst: 32, every: .milliseconds(500))
    /// When the server last saw this box somewhere else.
    var seenAt: Instant = .distantPast

    package internal(set) var counters = CentralClientCounters()
    var outbox: [DiscoveryDatagram] = []
    var news: [DiscoveryNews] = []

    enum About: Equatable {
        case announcement
        case lookup(Address)
    }

    struct Question {
        var about: About
        var server: Endpoint
        /// What it was asked with.
        var cookie: CentralCookie
        var until: Instant
    }

    struct Search {
        var at: Instant
        var times = 0
    }

    struct Known {
        var key: PublicKey
        var milliseconds: UInt64
        /// What the keys of both have in common, once it was needed.
        var shared: SecretBytes?
    }

    static let mostOpen = 128
    static let mostServers = 4
    static let patience: Interval = .seconds(3)
    /// Unanswered in a row: then all endpoints are tried again.
    static let mostUnanswered = 3
    /// Questions that go out together.
    static let lookupsAtOnce = 8
    static let lookupPause: Interval = .milliseconds(250)
    /// What lies between the first questions about a peer; then the period.
    static let firstPauses: [Interval] = [.seconds(1), .seconds(2), .seconds(4)]
    static let quietPeriods: Int64 = 8
    /// What is sealed is longer, and said less often.
    static let quietPeriodsOfSealed: Int64 = 12

    package init(key: PrivateKey, settings: CentralSettings, random: any RandomSource) {
        self.key = key
        self.settings = settings
        self.random = random
    }

    // MARK: What it is told

    /// Where the server's name leads.
    package mutating func setServers(_ list: [Endpoint], now: Instant) {
        let list = Array(list.prefix(Self.mostServers))
        guard list != servers else { return }
        servers = list
        cookies = cookies.filter { list.contains($0.key) }
        if let server, !list.contains(server) { self.server = nil }
        if server == nil { startAnew(now) }
    }

    /// Where this box may be reached, as it knows itself; the best first.
    package mutating func setCandidates(_ list: [Candidate], now: Instant) {
        guard list != candidates else { return }
        candidates = list
        announceAt = now
    }

    package mutating func setPeers(_ addresses: Set<Address>, now: Instant) {
        guard addresses != peers else { return }
        peers = addresses
        known = known.filter { addresses.contains($0.key) }
        missing = missing.filter { addresses.contains($0.key) }
        keysAsked.formIntersection(addresses)
        if settings.visibility == .peers { announceAt = now }
    }

    /// Peers without a link: they are looked for, at once where that is news.
    package mutating func setMissing(_ addresses: Set<Address>, now: Instant) {
        let wasQuiet = missing.isEmpty
        missing = missing.filter { addresses.contains($0.key) }
        for address in addresses where missing[address] == nil && peers.contains(address) {
            missing[address] = Search(at: now)
        }
        // The server calls by an announcement that its router still lets answers in for.
        if wasQuiet, !missing.isEmpty { announceAt = min(announceAt, now) }
    }

    /// The machine's network is another one: what the server saw of this box is old.
    package mutating func surroundingsChanged(now: Instant) {
        observed = nil
        startAnew(now)
    }

    mutating func startAnew(_ now: Instant) {
        server = nil
        unanswered = 0
        open.removeAll()
        announceAt = now
        for address in missing.keys { missing[address] = Search(at: now) }
    }

    /// It answered: the others are not needed.
    mutating func answered(_ endpoint: Endpoint) {
        unanswered = 0
        if server == nil { server = endpoint }
    }

    // MARK: What comes of it

    package mutating func takeDatagrams() -> [DiscoveryDatagram] {
        defer { outbox.removeAll() }
        return outbox
    }

    package mutating func takeNews() -> [DiscoveryNews] {
        defer { news.removeAll() }
        return news
    }

    /// When `tick` has something to do.
    package var deadline: Instant {
        guard !servers.isEmpty else { return .distantFuture }
        let lookup = missing.values.map(\.at).min() ?? .distantFuture
        let silence = open.values.map(\.until).min() ?? .distantFuture
        return min(announceAt, lookup, silence)
    }

    /// Where datagrams go now.
    var targets: [Endpoint] { server.map { [$0] } ?? servers }

    func isServer(_ endpoint: Endpoint) -> Bool { servers.contains(endpoint) }

    var period: Interval { missing.isEmpty ? longestPeriod : settings.period }

    var longestPeriod: Interval {
        settings.period * (settings.visibility == .peers ? Self.quietPeriodsOfSealed : Self.quietPeriods)
    }
}
