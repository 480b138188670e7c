internal import INET256
internal import Wire

/// Beacons that find their way back to who made them.
///
/// A box that starts again with its clock behind announces itself below what it said before. Whoever holds the newer
/// beacon can believe in no way by an older one, and the box's neighbours may have started again as well and know
/// nothing. So the newer beacon, which is signed, is told to who comes with the older one (as a beacon with the metric
/// "no way there from here", which those who do not know of this take for just that), and from there along next hops
/// to the origin, which goes on above it.
extension BeaconNet {
    /// Tells a neighbour the newest beacon we know of an origin; at a bounded rate.
    mutating func remind(_ id: NeighbourID, of address: Address) {
        guard neighbours[id]?.reminders.take(now: clock) == true else { return }
        tell(.echo(address), to: id)
    }

    /// A neighbour without a way tells a beacon, whose signature was checked: if our way is by an older one, its origin
    /// is to hear of it.
    mutating func takeReminder(_ beacon: Beacon, from id: NeighbourID) {
        let address = beacon.address
        table.update(address) { $0.learn(beacon) }
        if let route = table[address]?.route, route.distance.sequence >= beacon.sequence { return }
        guard let hop = table.hops[address], hop != id else { return }
        // A request that comes the same way is answered by what this brings about.
        _ = askedOnward.admit(address, sequence: beacon.sequence, now: clock)
        remind(hop, of: address)
    }

    /// A neighbour knows another beacon of this number: the origin has counted to where it was before it started again.
    mutating func askForNext(_ known: Beacon, from id: NeighbourID) {
        let next = min(known.sequence + 1, BeaconNetLimits.highestSequence)
        guard askedOnward.admit(known.address, sequence: next, now: clock) else { return }
        ask([id], for: known.address, BeaconRequest(sequence: next, hops: limits.reach))
    }

    /// A beacon of a local node. If it is from after our own last one, the node was announced elsewhere, or by us
    /// before our clock went back: we go on above it. Unless that happens again and again: then another machine has the
    /// key, and one of us yields.
    mutating func takeOwnBeacon(
        _ view: BeaconView, _ address: Address, from id: NeighbourID
    ) throws(RoutingError) {
        guard let local = locals[address] else { return }
        guard view.sequence >= local.beacon.sequence, !local.beacon.matches(view) else { return }
        if local.rivalry.yields, view.sequence <= local.rivalry.highest { return }
        _ = try check(view, key: local.key.publicKey, from: id)
        locals[address]?.outdone(by: view.sequence, lifetime: limits.beaconLifetime, now: clock)
        if let seen = locals[address]?.rivalry.seen {
            if contested.updateValue(seen, forKey: address) == nil { table.bumpVersion() }
        }
        renewLocals()
        wake(at: locals[address]?.deadline)
    }
}
