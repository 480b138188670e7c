internal import INET256
internal import Wire

/// What a box knows of where it may be reached itself, whom it tells, and what the search for straight paths has done.
struct BoxReach {
    var policy: DirectPolicy
    /// Of the machine: own addresses, ports that a router opened, what is configured.
    private(set) var own: [Candidate] = []
    private(set) var observed = ObservedEndpoints()
    /// What others than neighbours see this box's datagrams come from.
    private(set) var seen: [Endpoint] = []
    /// Neighbours that saw this box move lately, at most as many as are heeded.
    private var moves: [(neighbour: Address, at: Instant)] = []
    private static let atOnce: Interval = .seconds(10)
    /// Grows when what there is to tell changes.
    private(set) var generation: UInt64 = 1
    /// Probes for one address, whatever sessions they are for: many far ends may point at one third party.
    private var budget: SourceBudget
    var sprays = Sprays()
    var counts = ReachCounts()

    /// Candidates that the machine may have.
    private static let maximumOwn = 32

    init(_ policy: DirectPolicy, seed: UInt64) {
        self.policy = policy
        budget = SourceBudget(burst: 48, every: .milliseconds(250), seed: seed)
    }

    /// True where they are others than before.
    mutating func setOwn(_ candidates: [Candidate]) -> Bool {
        let candidates = Array(candidates.prefix(Self.maximumOwn))
        guard candidates != own else { return false }
        own = candidates
        generation &+= 1
        return true
    }

    /// True where that is news.
    mutating func setSeen(_ endpoints: [Endpoint]) -> Bool {
        let endpoints = Array(endpoints.prefix(ObservedEndpoints.kept))
        guard endpoints != seen else { return false }
        seen = endpoints
        generation &+= 1
        return true
    }

    enum Sighting {
        case new
        /// Several neighbours saw this box elsewhere until a moment ago.
        case moved
    }

    /// A neighbour says where this box's datagrams come from. Nil where that is known.
    mutating func observe(_ endpoint: Endpoint, by neighbour: Address, _ now: Instant) -> Sighting? {
        let before = observed.endpoint(by: neighbour, like: endpoint)
        guard observed.note(endpoint, by: neighbour, now) else { return nil }
        generation &+= 1
        guard before != nil else { return .new }
        let lately = moves.filter { now - $0.at < Self.atOnce && $0.neighbour != neighbour }
        moves = lately.suffix(ObservedEndpoints.kept) + [(neighbour, now)]
        return moves.count > 1 ? .moved : .new
    }

    mutating func forget(_ neighbour: Address) {
        if observed.forget(neighbour) { generation &+= 1 }
    }

    /// Neighbours see this box elsewhere than it is.
    var isBehindNAT: Bool {
        guard let seen = observed.sights.last?.endpoint.address else { return false }
        return !own.contains { $0.kind == .host && $0.endpoint.address == seen }
    }

    /// Whether the router gives each destination another port; nil where fewer than two of those outside say anything.
    func hasHardNAT(_ now: Instant) -> Bool? {
        let ports = observed.endpoints(now) + seen
        let isHard = ports.contains { one in ports.contains { $0.address == one.address && $0.port != one.port } }
        if isHard { return true }
        let isTold = seen.count > 1 || observed.endpoints(now).contains { one in seen.contains(one) }
        return isTold ? false : observed.hasHardNAT(now)
    }

    /// Whether one more probe may go to the address.
    mutating func mayProbe(_ endpoint: Endpoint, _ now: Instant) -> Bool { budget.take(endpoint.sourceKey, now: now) }

    /// What one other end is told: the best first. Addresses of a site's own only where the other end shares the outer address, or
    /// where nothing else is known. `others`: what is known of where the other end is.
    func candidates(for others: [Endpoint], _ now: Instant) -> [Candidate] {
        let seen = observed.endpoints(now) + self.seen
        var all = own
        for endpoint in seen where !all.contains(where: { $0.endpoint == endpoint }) {
            all.append(Candidate(endpoint, .observed))
        }
        let outer = Set(seen.map(\.address))
        // IPv6 behind one router shares the first half alone.
        let nets = Set(seen.lazy.filter { !$0.isIPv4 }.map(\.address.high))
        let isNear = others.contains { outer.contains($0.address) || !$0.isIPv4 && nets.contains($0.address.high) }
        let isScoped: (Candidate) -> Bool = { $0.kind == .host && $0.endpoint.address.isPrivate }
        let open = all.filter { !isScoped($0) }
        // Neighbours see a private address where they are of the same site.
        if !isNear, !open.isEmpty { all = open }
        // A stable order: what is told again is the same.
        let order = all.enumerated().sorted { ($0.element.kind, $0.offset) < ($1.element.kind, $1.offset) }
        let ranked = order.map(\.element).filter { $0.endpoint.isCallable }
        guard isNear else { return Array(ranked.prefix(ReachLimits.candidates)) }
        return Array((ranked.filter(isScoped) + ranked.filter { !isScoped($0) }).prefix(ReachLimits.candidates))
    }
}

/// What the search for straight paths has done since the box was made.
package struct ReachCounts: Sendable, Equatable {
    /// Candidates told, and what came of them.
    package internal(set) var searches: UInt64 = 0
    package internal(set) var probes: UInt64 = 0
    /// Sessions that came to a straight path.
    package internal(set) var found: UInt64 = 0
    /// Of those, how long it took from the first search on, in nanoseconds, all together.
    package internal(set) var timeToDirect: UInt64 = 0
    /// Straight paths that were given up.
    package internal(set) var lost: UInt64 = 0
    /// Probes that were not sent, since others went to the same address.
    package internal(set) var refused: UInt64 = 0
    /// Sprays that this box took part in, and the datagrams that it sent for them.
    package internal(set) var sprays: UInt64 = 0
    package internal(set) var sprayed: UInt64 = 0
    /// Bytes of sessions' datagrams, in and out, that went straight, and through relays. What a link relays for others is in its own.
    package internal(set) var directBytes: UInt64 = 0
    package internal(set) var relayedBytes: UInt64 = 0
}
