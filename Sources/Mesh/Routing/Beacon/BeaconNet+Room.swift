internal import INET256
internal import Wire

/// Who may fill the table how far.
///
/// Each neighbour has a share that the others cannot take: an equal one, but that strangers, however many, leave three quarters to
/// configured peers. Room that nobody needs is anybody's, but for an
/// eighth that is kept free for those below their share. A neighbour above its share can then have more only by
/// giving up origins that are at least twice as far. So a flood of made-up origins displaces nothing but what came from
/// the same neighbour, and of that the farthest first. Origins that were lost count too, as long as their feasibility
/// distance must be kept.
extension BeaconNet {
    /// Origins that count: a neighbour's own and a local node's always have room.
    private var counted: Int { table.origins.count - ownOrigins }
    /// How far the table may be filled by neighbours above their share,
    private var commonRoom: Int { limits.origins * BeaconNetLimits.commonEighths / 8 }
    /// and how far while they exchange far origins for near ones, which for a while takes two places.
    private var exchangeRoom: Int { (commonRoom + limits.origins) / 2 }
    private func share(of id: NeighbourID) -> Int {
        let equal = commonRoom / max(1, neighbours.count)
        let peers = neighbours.count - strangers
        guard strangers > 0, peers > 0 else { return equal }
        return neighbours[id]?.isStranger == true
            ? min(equal, commonRoom / 4 / strangers) : max(equal, commonRoom * 3 / 4 / peers)
    }
    /// Time after which every neighbour that answers at all has acknowledged a retraction: nobody believes in our
    /// feasibility distance then, and it can be forgotten if the room is needed.
    private static let retractionSettled = Interval.seconds(5)

    /// Whether an origin that has no route could get one of that many hops through `id`. Cheap: asked before the
    /// signature is checked.
    func mayAdmit(_ address: Address, from id: NeighbourID, metric: UInt8) -> Bool {
        guard direct[address] == nil else { return true }
        guard let charges = neighbours[id]?.charges else { return false }
        let share = share(of: id)
        let isNearer = charges.worst.map { $0 / 2 >= metric } ?? false
        if table[address] != nil { return charges.total <= share || charged < commonRoom || isNearer }
        if charges.total < share { return counted < limits.origins || forgettableAt <= clock }
        return counted < commonRoom || forgettableAt <= clock || counted < exchangeRoom && isNearer
    }

    /// Whether one that was refused would find room now without anybody's giving up a place. A place that is free for a
    /// moment, while ways change, is none: all would change again.
    func hasRoom(for id: NeighbourID) -> Bool {
        if hasSettledRoom { return true }
        guard let charges = neighbours[id]?.charges else { return false }
        return charges.total < share(of: id) && counted < limits.origins
    }

    /// Origins that can have a place while nobody is below its share, and whether as many have one.
    var room: Int { commonRoom }
    var isFull: Bool { charged >= commonRoom }
    var hasSettledRoom: Bool { !isFull && lastFull + Self.roomSettles <= clock }
    static let roomSettles = Interval.seconds(10)

    /// Makes the room that `mayAdmit` promised; false when there is none after all.
    mutating func admit(_ address: Address, from id: NeighbourID, metric: UInt8) -> Bool {
        guard direct[address] == nil else { return true }
        guard let total = neighbours[id]?.charges.total else { return false }
        let share = share(of: id)
        if table[address] != nil {
            return total <= share || charged < commonRoom || demote(1, of: id, asFarAs: metric * 2) == 1
        }
        // Whoever fills the part that is kept free has it freed again.
        if counted >= commonRoom { sweep(by: clock) }
        let room = total < share ? limits.origins : commonRoom
        forgetLost(counted + 1 - room)
        if counted < room { return true }
        return total >= share && counted < exchangeRoom && demote(1, of: id, asFarAs: metric * 2) == 1
    }

    /// Puts the origin's place in the neighbours' shares right, after its route changed.
    mutating func recharge(_ address: Address) {
        guard let origin = table[address] else { return }
        let payer = origin.charge?.neighbour
        var charge: Origin.Charge?
        if direct[address] != nil {
            charge = nil
        } else if let route = origin.route {
            // Whoever brought it first goes on paying while its way lasts: others gain nothing by outbidding it.
            let stays = payer.flatMap { origin.adjacency(of: $0)?.neighbour }
            charge = Origin.Charge(neighbour: stays ?? route.nextHop, metric: route.distance.metric)
        } else if let payer {
            charge = Origin.Charge(neighbour: payer, metric: nil)
        }
        if let neighbour = charge?.neighbour, neighbours[neighbour] == nil { charge = nil }
        setCharge(charge, of: address)
    }

    /// A neighbour is gone, and its share with it: what it brought is others' now, or nobody's.
    mutating func dissolveShare(of id: NeighbourID, _ charges: Charges) {
        charged -= charges.live
        for address in table.known where table[address]?.charge?.neighbour == id {
            table.update(address) { $0.charge = nil }
            recharge(address)
        }
    }

    mutating func setCharge(_ charge: Origin.Charge?, of address: Address) {
        guard let origin = table[address], origin.charge != charge else { return }
        if isFull { lastFull = clock }
        defer { if isFull { lastFull = clock } }
        if let old = origin.charge {
            neighbours[old.neighbour]?.charges.remove(old.metric)
            if old.metric != nil { charged -= 1 }
        }
        if let charge {
            neighbours[charge.neighbour]?.charges.add(charge.metric)
            if charge.metric != nil { charged += 1 }
        }
        table.update(address) { $0.charge = charge }
    }

    /// Forgets up to `count` of those that have been without a route for longest, if that is long enough.
    private mutating func forgetLost(_ count: Int) {
        guard count > 0, forgettableAt <= clock else { return }
        var settled: [(address: Address, lostAt: Instant)] = []
        var next = clock + Self.retractionSettled
        for address in table.known {
            guard let origin = table[address], origin.isLost, direct[address] == nil else { continue }
            if origin.lostAt + Self.retractionSettled <= clock {
                settled.append((address, origin.lostAt))
            } else {
                next = min(next, origin.lostAt + Self.retractionSettled)
            }
        }
        settled.sort { $0.lostAt != $1.lostAt ? $0.lostAt < $1.lostAt : $0.address < $1.address }
        for origin in settled.prefix(count) { forget(origin.address) }
        // No use in looking again before.
        if settled.count < count { forgettableAt = next }
    }

    /// Gives up to `count` of a neighbour's farthest origins up; returns how many. Origins that somebody below its
    /// share knows a way to as well go over into that share instead.
    private mutating func demote(_ count: Int, of id: NeighbourID, asFarAs metric: UInt8) -> Int {
        var candidates: [(address: Address, metric: UInt8)] = []
        for address in table.known {
            guard let origin = table[address], origin.charge?.neighbour == id, let route = origin.route else {
                continue
            }
            let other = origin.adjacencies.first {
                guard $0.neighbour != id, let total = neighbours[$0.neighbour]?.charges.total else { return false }
                return total < share(of: $0.neighbour)
            }
            if let other {
                setCharge(Origin.Charge(neighbour: other.neighbour, metric: route.distance.metric), of: address)
            } else if route.distance.metric >= metric {
                candidates.append((address, route.distance.metric))
            }
        }
        candidates.sort { $0.metric != $1.metric ? $0.metric > $1.metric : $0.address > $1.address }
        for candidate in candidates.prefix(count) {
            table.update(candidate.address) { $0.removeAll() }
            refuse(candidate.address, from: id)
            chooseAgain(candidate.address, search: false)
        }
        return min(count, candidates.count)
    }

    /// Frees the part of the table that is kept for neighbours below their share, at the cost of those above it.
    mutating func makeCommonRoom() {
        // Neighbours that left have left their origins behind, and local nodes that ended their withdrawals.
        forgetLost(counted - limits.origins)
        // Each is looked at once: what one gives up, another may then have.
        for _ in neighbourOrder {
            let excess = charged - commonRoom
            guard excess > 0 else { return }
            var richest: (id: NeighbourID, over: Int)?
            for id in neighbourOrder {
                let over = (neighbours[id]?.charges.live ?? 0) - share(of: id)
                if over > max(0, richest?.over ?? 0) { richest = (id, over) }
            }
            guard let richest, demote(min(excess, richest.over), of: richest.id, asFarAs: 0) > 0 else { return }
        }
    }
}
