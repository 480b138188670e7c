internal import DequeModule
package import INET256
package import Wire

/// Routing by flooded beacons: every box announces its nodes in signed beacons, and every box keeps, per origin,
/// the neighbour through which the beacon came by the fewest hops, where a link that loses much counts as several.
///
/// It is a distance-vector algorithm with destination sequence numbers and Babel's feasibility condition (see
/// `Distance`), so next hops never form a loop, not even for a moment. When a route is lost and no other feasible
/// one is at hand, the box retracts it and asks for a newer beacon (RFC 8966 section 3.8.2.1); the request travels
/// to the origin hop by hop, which answers with a beacon at once: repair takes round trips, not beacon periods.
/// Updates are acknowledged per link and told again after a loss.
///
/// What it costs: every box holds one entry per origin and every link carries one beacon (124 bytes) per origin and
/// beacon interval (122 to 140 s). It is meant for meshes of up to some thousand nodes.
///
/// What it does not withstand: the signature covers what the origin says, not the number of hops that relays add.
/// A malicious box can claim to be near any origin whose beacons reach it, draw its traffic and drop it. It can
/// neither read nor alter it, make origins up under keys that it has not got, cause loops among honest boxes,
/// nor crowd out what its neighbours learn from others.
package struct BeaconNet: RoutingAlgorithm {
    package static let name = "beaconnet"
    package static let summary = "floods signed beacons; every node knows a next hop to every other"
    package static let promises = RoutingPromises(reach: nil, isLoopFree: true, knowsWhoIsGone: true)
    package static let options = [maxNodes]
    package static let maxNodes = RoutingOption(
        "max_nodes", .number(64...65_536, standard: BeaconNetLimits().origins),
        help: "nodes of others that there is room for, {range}; [when there are more](#limits)",
        comment: "beaconnet has room for max_nodes of others; where there are more, some are not reached.")

    let limits: BeaconNetLimits
    /// What beacons are signed for: those of one algorithm mean nothing to another.
    let purpose: String
    private let baseSequence: UInt64
    private let startedAt: Instant
    private var lastEpoch: UInt64

    /// The latest `now` that was given.
    private(set) var clock: Instant
    var locals: [Address: LocalNode] = [:]
    /// Local nodes of before whose withdrawal is kept, oldest first.
    private var withdrawn: Deque<Address> = []
    var neighbours: [NeighbourID: BeaconNeighbour] = [:]
    /// In order, so that a run can be repeated.
    private(set) var neighbourOrder: [NeighbourID] = []
    /// How many of them are not configured peers.
    var strangers = 0
    /// Neighbours by address: a link to the destination itself is always the way.
    private(set) var direct: [Address: NeighbourID] = [:]
    var table = OriginTable()
    /// Origins with a route that are charged to neighbours.
    var charged = 0
    /// Before this, no lost origin is old enough to be forgotten for its room.
    var forgettableAt = Instant.distantPast
    /// Whether neighbours may have refused origins.
    var hasRefused = false
    var refusedExpireAt = Instant.distantPast
    /// When the places that are anybody's were last all taken.
    var lastFull = Instant.distantPast
    /// Origins that are neighbours as well.
    private(set) var ownOrigins = 0
    var totalChecks: TokenBucket
    var askedOnward: RequestMemory
    var askedForTraffic: RequestMemory
    /// Neighbours for whom there may be output.
    private var talking: Set<NeighbourID> = []
    private var sweepAt = Instant.distantFuture
    private var sweptAt = Instant.distantPast
    private var wakeAt = Instant.distantFuture
    var counters = BeaconStatistics()
    /// Local nodes whose key another machine announces as well, and when there was last a sign of it.
    package internal(set) var contested: [Address: Instant] = [:]

    package init(_ start: RoutingStart) {
        self.init(
            sequence: start.sequence, now: start.now,
            limits: BeaconNetLimits(origins: start.options.number(Self.maxNodes)))
    }

    /// - Parameter sequence: wall-clock milliseconds since 1970 at the start. Beacons count up from there, so that a
    ///   box that starts again outranks its own old beacons. A clock that went back costs round trips: the box
    ///   hears its old beacon from whoever still holds it and goes on above it.
    package init(sequence: UInt64, now: Instant, limits: BeaconNetLimits = BeaconNetLimits()) {
        self.init(sequence: sequence, now: now, limits: limits, purpose: "inet256/beacon")
    }

    init(sequence: UInt64, now: Instant, limits: BeaconNetLimits, purpose: String) {
        precondition((1...64).contains(limits.reach), "a route is 1 to 64 hops long")
        self.limits = limits
        self.purpose = purpose
        baseSequence = min(max(sequence, 1), BeaconNetLimits.highestSequence / 2)
        startedAt = now
        clock = now
        lastEpoch = baseSequence
        totalChecks = TokenBucket(burst: limits.totalChecks.burst, every: limits.totalChecks.every)
        askedOnward = RequestMemory(capacity: limits.rememberedRequests, span: limits.requestSuppression)
        askedForTraffic = RequestMemory(capacity: limits.rememberedRequests, span: limits.wantedInterval)
    }

    /// Wall-clock milliseconds, as far as the start told.
    private var sequenceNow: UInt64 {
        baseSequence + UInt64(max(0, (clock - startedAt).nanoseconds / 1_000_000))
    }

    private static let refusedOfStranger = 64
    private static let contestedStays = Interval.seconds(3600)

    mutating func advance(to now: Instant) { clock = max(clock, now) }

    // MARK: Local nodes

    package mutating func addLocal(_ key: PrivateKey, now: Instant) {
        advance(to: now)
        let address = key.address
        guard locals[address] == nil else { return }
        withdrawn.removeAll { $0 == address }
        var sequence = sequenceNow
        if let origin = table[address] {
            // The node was elsewhere before, or here.
            sequence = max(sequence, origin.latest.sequence + 1)
            forget(address)
        }
        table.know(address)
        locals[address] = LocalNode(
            key: key, sequence: min(sequence, BeaconNetLimits.highestSequence), purpose: purpose, limits: limits,
            now: clock)
        refreshHop(address)
        table.bumpVersion()
        announce(address)
        wake(at: locals[address]?.deadline)
    }

    package mutating func removeLocal(_ address: Address, now: Instant) {
        advance(to: now)
        guard let local = locals.removeValue(forKey: address) else { return }
        contested[address] = nil
        // The withdrawal is kept like an origin, so that neighbours that come later hear of it too, and so that no
        // old beacon that still goes about is taken for news.
        let withdrawal = local.withdrawal(purpose: purpose, now: clock)
        var origin = Origin(latest: withdrawal)
        origin.withdraw(withdrawal)
        origin.lostAt = clock
        origin.forgetAt = clock + .seconds(Int64(limits.beaconLifetime)) + limits.feasibilityMargin
        store(origin)
        sweep(by: origin.forgetAt)
        refreshHop(address)
        table.bumpVersion()
        announce(address)
        withdrawn.append(address)
        while withdrawn.count > limits.withdrawals, let oldest = withdrawn.first {
            // Many may end at once: first all are to hear of it.
            let isTold = table[oldest].map { $0.lostAt + limits.withdrawalTold <= clock } ?? true
            guard isTold || withdrawn.count > limits.withdrawalsAtOnce else { break }
            withdrawn.removeFirst()
            forgetWithdrawal(oldest)
        }
    }

    /// The oldest make room: what comes back of such a node by then is an old beacon that soon expires.
    private mutating func forgetWithdrawal(_ address: Address) {
        if let origin = table[address], origin.isLost, origin.latest.isWithdrawal { forget(address) }
    }

    // MARK: Neighbours

    package mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {
        if neighbours[id] != nil { neighbourDown(id, now: now) }
        advance(to: now)
        lastEpoch = max(lastEpoch + 1, sequenceNow)
        neighbours[id] = BeaconNeighbour(key: key, epoch: lastEpoch, limits: limits)
        neighbourOrder.insert(id, at: neighbourOrder.firstIndex { $0 > id } ?? neighbourOrder.count)
        talking.insert(id)
        if direct.updateValue(id, forKey: key.address) == nil && table[key.address] != nil { ownOrigins += 1 }
        recharge(key.address)
        table.know(key.address)
        refreshHop(key.address)
        table.bumpVersion()
    }

    package mutating func distinguish(_ id: NeighbourID, isPeer: Bool) {
        guard let known = neighbours[id], known.isStranger == isPeer else { return }
        neighbours[id]?.isStranger = !isPeer
        // Strangers are many and say what they like.
        neighbours[id]?.refused = RefusedMemory(capacity: isPeer ? limits.origins : Self.refusedOfStranger)
        strangers += isPeer ? -1 : 1
    }

    package mutating func neighbourDown(_ id: NeighbourID, now: Instant) {
        advance(to: now)
        guard let neighbour = neighbours.removeValue(forKey: id) else { return }
        if neighbour.isStranger { strangers -= 1 }
        neighbourOrder.removeAll { $0 == id }
        talking.remove(id)
        let address = neighbour.key.address
        if direct[address] == id {
            // Another link to the same box may be up.
            direct[address] = neighbourOrder.first { neighbours[$0]?.key.address == address }
            if direct[address] == nil && table[address] != nil { ownOrigins -= 1 }
        }
        dissolveShare(of: id, neighbour.charges)
        dropAdjacencies(of: id)
        recharge(address)
        refreshHop(address)
        forgetIfNothing(address)
        table.bumpVersion()
    }

    // MARK: Origins

    mutating func store(_ origin: Origin) {
        let address = origin.latest.address
        if table[address] == nil && direct[address] != nil { ownOrigins += 1 }
        table.store(origin)
    }

    /// Forgets an origin, and its address unless it is a neighbour's or a local node's as well.
    mutating func forget(_ address: Address) {
        if table[address] != nil && direct[address] != nil { ownOrigins -= 1 }
        setCharge(nil, of: address)
        table.removeOrigin(address)
        forgetIfNothing(address)
    }

    // MARK: Time

    package var deadline: Instant { wakeAt }

    package mutating func tick(now: Instant) {
        advance(to: now)
        guard wakeAt <= clock else { return }
        renewLocals()
        for id in neighbourOrder {
            let lost = neighbours[id]?.queue.tick(now: clock) ?? 0
            if lost > 0 || neighbours[id]?.queue.release(now: clock) == true { talking.insert(id) }
            counters.framesTimedOut += UInt64(lost)
        }
        if sweepAt <= clock {
            sweepAt = .distantFuture
            sweptAt = clock
            sweepTable()
        }
        wakeAt = sweepAt
        for local in locals.values { wake(at: local.deadline) }
        for neighbour in neighbours.values { wake(at: neighbour.queue.deadline) }
    }

    /// Makes the beacons that are due.
    mutating func renewLocals() {
        guard locals.values.contains(where: { $0.deadline <= clock }) else { return }
        // Those that would be due soon go along, in the same frames.
        var company = 32
        // In order, so that a run can be repeated.
        for address in locals.keys.sorted() {
            guard let local = locals[address] else { continue }
            let isAsked = local.isAsked
            if local.deadline > clock {
                guard company > 0, !isAsked, !local.rivalry.yields, local.deadline <= clock + limits.beaconInterval / 8
                else { continue }
                company -= 1
            }
            locals[address]?.renew(purpose: purpose, limits: limits, now: clock)
            announce(address, isUrgent: isAsked)
        }
    }

    mutating func wake(at instant: Instant?) {
        if let instant { wakeAt = min(wakeAt, instant) }
    }

    /// Asks for a look at the whole table by `instant`, but not more often than the sweep interval.
    mutating func sweep(by instant: Instant) {
        guard instant < sweepAt else { return }
        sweepAt = min(sweepAt, max(instant, sweptAt + BeaconNetLimits.sweepInterval))
        wake(at: sweepAt)
    }

    // MARK: Answers

    package func nextHop(to destination: Address) -> NeighbourID? { table.hops[destination] }

    package func find(prefix: Address, bits: Int) -> Address? {
        table.find(prefix: prefix, bits: bits) { table.hops[$0] != nil || locals[$0] != nil }
    }

    package func publicKey(of address: Address) -> PublicKey? {
        if let local = locals[address] { return local.key.publicKey }
        if let id = direct[address] { return neighbours[id]?.key }
        return table[address]?.latest.key
    }

    package var version: UInt64 { table.version }
    package var places: Int? { limits.origins }

    package var statistics: NetworkStatistics { NetworkStatistics(counts) }

    package var counts: BeaconStatistics {
        var now = counters
        now.localNodes = locals.count
        now.neighbours = neighbours.count
        now.contestedNodes = contested.values.count { $0 + Self.contestedStays > clock }
        now.refusedNodes = refusedNodes
        now.reachable = table.hops.count
        now.knownOrigins = table.origins.count
        now.pendingUpdates = neighbours.values.reduce(0) { $0 + $1.queue.count }
        return now
    }

    // MARK: Output

    package mutating func takeOutput() -> [ControlFrame] {
        guard !talking.isEmpty else { return [] }
        var output: [ControlFrame] = []
        for id in talking.sorted() { writeFrames(to: id, into: &output) }
        talking.removeAll(keepingCapacity: true)
        counters.framesSent += UInt64(output.count)
        return output
    }

    mutating func talk(to id: NeighbourID) { talking.insert(id) }

    /// Tells every neighbour, save one, of our way to `address`, or that there is none. What is not urgent changes nobody's
    /// ways.
    mutating func announce(_ address: Address, except: NeighbourID? = nil, isUrgent: Bool = true) {
        for id in neighbourOrder where id != except {
            if isUrgent {
                neighbours[id]?.queue.tell(.route(address))
                talking.insert(id)
            } else {
                neighbours[id]?.queue.tell(.route(address), notBefore: clock + limits.gathering)
                wake(at: neighbours[id]?.queue.deadline)
            }
        }
    }
}
