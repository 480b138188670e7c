internal import INET256
internal import Wire

/// Who may fill the table how far.
///
/// Each neighbour has an equal share that the others cannot take. Room that nobody needs is anybody's, but for an
/// eighth that is kept free for those below their share. A neighbour above its share can then have more only by
/// giving up farther origins for nearer ones. So a flood of made-up origins displaces nothing but what came from
/// the same neighbour, and of that the farthest first.
extension BeaconNet {
    /// Origins that count: a neighbour's own and a local node's always have room.
    private var counted: Int { table.origins.count - ownOrigins }
    private var commonRoom: Int { limits.origins * BeaconNetLimits.commonEighths / 8 }
    private var share: Int { commonRoom / max(1, neighbours.count) }

    /// Whether an origin that has no route could get one through `id` with that metric. Cheap: asked before the
    /// signature is checked.
    func mayAdmit(_ address: Address, from id: NeighbourID, metric: UInt8) -> Bool {
        guard direct[address] == nil else { return true }
        guard let charges = neighbours[id]?.charges else { return false }
        // Charged origins have a route; the rest are lost ones, of which some may be old enough to go.
        guard table[address] != nil || counted < limits.origins || charged < counted else { return false }
        if charges.total < share || charged < commonRoom { return true }
        return charges.worst.map { $0 > metric } ?? false
    }

    /// Makes the room that `mayAdmit` promised; false when there is none after all.
    mutating func admit(_ address: Address, from id: NeighbourID, metric: UInt8) -> Bool {
        guard direct[address] == nil else { return true }
        if table[address] == nil && counted >= limits.origins && !forgetOneLost() { return false }
        guard let total = neighbours[id]?.charges.total else { return false }
        if total < share || charged < commonRoom { return true }
        return demote(1, of: id, fartherThan: metric) == 1
    }

    /// Moves the origin's place in the neighbours' shares along with its route, which was `old`.
    mutating func recharge(_ address: Address, from old: Origin.Route?) {
        guard let origin = table[address] else { return }
        var payer: NeighbourID?
        if let route = origin.route, direct[address] == nil {
            // Whoever brought it first goes on paying while its way lasts: others gain nothing by outbidding it.
            payer = origin.chargedTo.flatMap { origin.adjacency(of: $0)?.neighbour } ?? route.nextHop
        }
        if payer == origin.chargedTo && old?.distance.metric == origin.route?.distance.metric { return }
        if let was = origin.chargedTo, let old { release(was, old.distance.metric) }
        table.update(address) { $0.chargedTo = nil }
        if let payer, let route = origin.route { charge(address, to: payer, metric: route.distance.metric) }
    }

    /// Takes an origin that is about to be forgotten out of everybody's share.
    mutating func uncharge(_ origin: Origin) {
        if let payer = origin.chargedTo, let route = origin.route { release(payer, route.distance.metric) }
    }

    private mutating func charge(_ address: Address, to id: NeighbourID, metric: UInt8) {
        guard neighbours[id] != nil else { return }
        neighbours[id]?.charges.add(metric)
        charged += 1
        table.update(address) { $0.chargedTo = id }
    }

    private mutating func release(_ id: NeighbourID, _ metric: UInt8) {
        guard neighbours[id] != nil else { return }
        neighbours[id]?.charges.remove(metric)
        charged -= 1
    }

    /// Forgets the origin that has been without a route for longest, if that is long enough for every neighbour that
    /// answers at all to have acknowledged the retraction: then nobody believes in our feasibility distance.
    private mutating func forgetOneLost() -> Bool {
        var oldest: (address: Address, lostAt: Instant)?
        for address in table.known {
            guard let origin = table[address], origin.isLost, direct[address] == nil else { continue }
            if oldest.map({ origin.lostAt < $0.lostAt }) ?? true { oldest = (address, origin.lostAt) }
        }
        guard let oldest, oldest.lostAt + .seconds(5) <= clock else { return false }
        forget(oldest.address)
        return true
    }

    /// Gives up to `count` of a neighbour's farthest origins up; returns how many. Origins that somebody below its
    /// share knows a way to as well go over into that share instead.
    private mutating func demote(_ count: Int, of id: NeighbourID, fartherThan metric: UInt8) -> Int {
        var candidates: [(address: Address, metric: UInt8)] = []
        for address in table.known {
            guard let origin = table[address], origin.chargedTo == id, let route = origin.route else { continue }
            let other = origin.adjacencies.first {
                $0.neighbour != id && (neighbours[$0.neighbour]?.charges.total ?? share) < share
            }
            if let other {
                release(id, route.distance.metric)
                charge(address, to: other.neighbour, metric: route.distance.metric)
            } else if route.distance.metric > metric {
                candidates.append((address, route.distance.metric))
            }
        }
        candidates.sort { $0.metric != $1.metric ? $0.metric > $1.metric : $0.address > $1.address }
        for candidate in candidates.prefix(count) {
            table.update(candidate.address) { $0.removeAll() }
            chooseAgain(candidate.address, search: false)
        }
        return min(count, candidates.count)
    }

    /// Frees the part of the table that is kept for neighbours below their share, at the cost of those above it.
    mutating func makeCommonRoom() {
        // Neighbours that left have left their origins behind.
        while counted > limits.origins, forgetOneLost() {}
        let excess = charged - commonRoom
        guard excess > 0 else { return }
        var richest: (id: NeighbourID, total: Int)?
        for id in neighbourOrder {
            let total = neighbours[id]?.charges.total ?? 0
            if total > max(share, richest?.total ?? 0) { richest = (id, total) }
        }
        guard let richest else { return }
        _ = demote(min(excess, richest.total - share), of: richest.id, fartherThan: 0)
        sweep(by: clock)
    }
}
