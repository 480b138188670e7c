internal import INET256
internal import Wire

/// Where neighbours see this box's datagrams come from. Believed for probing and nothing else; a few neighbours' word is kept.
struct ObservedEndpoints {
    struct Sight {
        let neighbour: Address
        fileprivate(set) var endpoint: Endpoint
        fileprivate(set) var at: Instant
        /// How often it may change its mind.
        fileprivate var changes = TokenBucket(burst: ReachLimits.changes.burst, every: ReachLimits.changes.every)
    }

    /// Oldest first; one for each neighbour and family.
    private(set) var sights: [Sight] = []

    static let kept = 4
    /// What nobody has repeated for so long is forgotten.
    static let lifetime: Interval = .seconds(300)

    /// A neighbour says what it sees. True where that is news.
    mutating func note(_ endpoint: Endpoint, by neighbour: Address, _ now: Instant) -> Bool {
        sights.removeAll { now - $0.at > Self.lifetime }
        let place = sights.firstIndex { $0.neighbour == neighbour && $0.endpoint.isIPv4 == endpoint.isIPv4 }
        if let place, sights[place].endpoint != endpoint, !sights[place].changes.take(now: now) { return false }
        let known = place.map { sights.remove(at: $0) }
        let isNews = known?.endpoint != endpoint
        if sights.count >= Self.kept { sights.removeFirst() }
        var sight = known ?? Sight(neighbour: neighbour, endpoint: endpoint, at: now)
        sight.endpoint = endpoint
        sight.at = now
        sights.append(sight)
        return isNews
    }

    /// What a neighbour said last, of the family of another endpoint.
    func endpoint(by neighbour: Address, like other: Endpoint) -> Endpoint? {
        sights.first { $0.neighbour == neighbour && $0.endpoint.isIPv4 == other.isIPv4 }?.endpoint
    }

    /// The link with a neighbour is gone, and what it says with it. True where that is news.
    mutating func forget(_ neighbour: Address) -> Bool {
        let before = sights.count
        sights.removeAll { $0.neighbour == neighbour }
        return sights.count != before
    }

    /// Each once, the newest first.
    func endpoints(_ now: Instant) -> [Endpoint] {
        var found: [Endpoint] = []
        for sight in sights.reversed() where now - sight.at <= Self.lifetime && !found.contains(sight.endpoint) {
            found.append(sight.endpoint)
        }
        return found
    }

    /// Whether two neighbours see the same address with different ports: the router gives each destination another one
    /// (address-dependent or address-and-port-dependent mapping, RFC 4787 section 4.1). Nil where fewer than two say anything.
    func hasHardNAT(_ now: Instant) -> Bool? {
        let fresh = sights.filter { now - $0.at <= Self.lifetime }
        var compared = false
        for (place, one) in fresh.enumerated() {
            for other in fresh[(place + 1)...]
            where one.neighbour != other.neighbour && one.endpoint.address == other.endpoint.address {
                compared = true
                if one.endpoint.port != other.endpoint.port { return true }
            }
        }
        return compared ? false : nil
    }
}
