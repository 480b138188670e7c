internal import Wire

/// A neighbour's way to an origin, as it last advertised it.
struct Adjacency {
    let neighbour: NeighbourID
    /// The neighbour's own distance.
    var distance: Distance
    var beacon: Beacon
    /// When the beacon has outlived its lifetime.
    var expires: Instant
    /// When the neighbour first advertised this sequence number.
    var since: Instant
    /// What the link to the neighbour costs.
    var cost: UInt8 = 1
    /// Our distance by this way.
    var total: Distance { distance.over(cost) }
    /// The frame that said so: what older frames say is out of date.
    var serial: UInt64
}

/// What a box knows of one origin of others.
struct Origin {
    /// The newest beacon known. It is kept as long as the origin, so that a replay is recognised without a check.
    var latest: Beacon
    /// Feasible ways, at most `BeaconNetLimits.adjacencies`.
    private(set) var adjacencies: [Adjacency] = []
    /// The way in use.
    private(set) var route: Route?
    /// The smallest distance that `route` ever had (RFC 8966 section 3.2.5). It outlives the route, until nobody can
    /// believe in it any more.
    private(set) var feasibility: Distance?
    /// In whose share of the table this origin is counted; nil for neighbours themselves and for what a neighbour
    /// that is gone left behind.
    var charge: Charge?
    /// When the last route was lost.
    var lostAt = Instant.distantPast
    /// When the origin, if it has no route, can be forgotten.
    var forgetAt = Instant.distantFuture
    var search: Search?
    /// The longest lifetime, in seconds, of the beacons that routes came from: for how long others may believe us.
    private(set) var longestLifetime: UInt16 = 0

    struct Route: Hashable {
        var nextHop: NeighbourID
        /// Our own distance.
        var distance: Distance
    }

    struct Charge: Hashable {
        let neighbour: NeighbourID
        /// Hops of the route; nil when it is lost.
        let metric: UInt8?
    }

    /// Asking for a lost route.
    struct Search {
        var attempts: Int
        var next: Instant
    }

    init(latest: Beacon) { self.latest = latest }

    var isLost: Bool { route == nil }

    /// The adjacency of the way in use.
    var routeAdjacency: Adjacency? { route.flatMap { adjacency(of: $0.nextHop) } }

    func adjacency(of neighbour: NeighbourID) -> Adjacency? {
        adjacencies.first { $0.neighbour == neighbour }
    }

    /// The verified beacon with that sequence number, if it is still here.
    func beacon(sequence: UInt64) -> Beacon? {
        if latest.sequence == sequence { return latest }
        return adjacencies.first { $0.beacon.sequence == sequence }?.beacon
    }

    /// RFC 8966 section 3.5.1.
    func isFeasible(_ advertised: Distance) -> Bool {
        guard let feasibility else { return true }
        return advertised < feasibility
    }

    /// Stores a feasible way. A full list gives up its worst one that is not in use, or refuses.
    mutating func put(_ adjacency: Adjacency, limit: Int) {
        if adjacency.distance.sequence > latest.sequence { latest = adjacency.beacon }
        if let index = adjacencies.firstIndex(where: { $0.neighbour == adjacency.neighbour }) {
            adjacencies[index] = adjacency
            return
        }
        if adjacencies.count >= limit {
            let spare = adjacencies.indices.filter { adjacencies[$0].neighbour != route?.nextHop }
            guard let worst = spare.max(by: { adjacencies[$0].distance < adjacencies[$1].distance }),
                adjacency.distance < adjacencies[worst].distance
            else { return }
            adjacencies.remove(at: worst)
        }
        adjacencies.append(adjacency)
    }

    /// Keeps a beacon in mind that no way came with, so that its origin can be told.
    mutating func learn(_ beacon: Beacon) {
        if beacon.sequence > latest.sequence { latest = beacon }
    }

    mutating func remove(_ neighbour: NeighbourID) {
        adjacencies.removeAll { $0.neighbour == neighbour }
    }

    /// Gives up every way.
    mutating func removeAll() { adjacencies = [] }

    /// A link costs something else now. True when a way goes by it.
    mutating func weigh(_ neighbour: NeighbourID, cost: UInt8) -> Bool {
        guard let place = adjacencies.firstIndex(where: { $0.neighbour == neighbour }) else { return false }
        adjacencies[place].cost = cost
        return true
    }

    mutating func removeExpired(now: Instant) {
        adjacencies.removeAll { $0.expires <= now }
    }

    /// The origin took itself back: only a later beacon is a way again.
    mutating func withdraw(_ beacon: Beacon) {
        latest = beacon
        adjacencies.removeAll { $0.distance.sequence <= beacon.sequence }
        let nothing = Distance(sequence: beacon.sequence, metric: 0)
        feasibility = feasibility.map { min($0, nothing) } ?? nothing
    }

    /// Chooses the way again and moves the feasibility distance with it. Ways older than `oldest` are not
    /// considered, nor are those that have been overtaken for longer than `settle`.
    mutating func choose(now: Instant, settle: Interval, oldest: UInt64 = 0) {
        var oldest = oldest
        for adjacency in adjacencies where adjacency.since + settle <= now && isFeasible(adjacency.distance) {
            oldest = max(oldest, adjacency.distance.sequence)
        }
        var best: Adjacency?
        for adjacency in adjacencies
        where adjacency.distance.sequence >= oldest && isFeasible(adjacency.distance) {
            guard let sofar = best, !isBetter(adjacency, than: sofar) else {
                best = adjacency
                continue
            }
        }
        guard let best else {
            // What is left is not feasible and never will be: the feasibility distance only falls.
            adjacencies = []
            route = nil
            return
        }
        let distance = best.total
        route = Route(nextHop: best.neighbour, distance: distance)
        longestLifetime = max(longestLifetime, best.beacon.lifetime)
        let nearest = feasibility.map { min($0, distance) } ?? distance
        feasibility = nearest
        adjacencies.removeAll { $0.distance >= nearest }
    }

    /// Fewer hops first; then the way in use, so that equal ways do not flap; then the newer beacon.
    private func isBetter(_ a: Adjacency, than b: Adjacency) -> Bool {
        if a.total.metric != b.total.metric { return a.total.metric < b.total.metric }
        if a.neighbour == route?.nextHop { return true }
        if b.neighbour == route?.nextHop { return false }
        if a.distance.sequence != b.distance.sequence { return a.distance.sequence > b.distance.sequence }
        return a.neighbour < b.neighbour
    }

    /// When this origin wants to be looked at again.
    func wake(settle: Interval) -> Instant {
        var wake = isLost ? forgetAt : .distantFuture
        for adjacency in adjacencies {
            wake = min(wake, adjacency.expires)
            if let route, adjacency.distance.sequence > route.distance.sequence {
                wake = min(wake, adjacency.since + settle)
            }
        }
        if let search { wake = min(wake, search.next) }
        return wake
    }
}
