internal import INET256
internal import Wire

/// A table that is full: what it has no room for is remembered, and asked for when there is room.
extension BeaconNet {
    /// Whether a neighbour's origin was refused and there is no room for it yet. Asked before anything else is looked at.
    mutating func staysRefused(_ address: Address, from id: NeighbourID) -> Bool {
        guard let neighbour = neighbours[id], !neighbour.refused.isEmpty, neighbour.refused.contains(address),
            direct[address] == nil, table[address]?.adjacency(of: id) == nil
        else { return false }
        guard hasRoom(for: id) else {
            neighbours[id]?.refused.insert(address, now: clock)
            return true
        }
        neighbours[id]?.refused.remove(address)
        return false
    }

    mutating func refuse(_ address: Address, from id: NeighbourID) {
        neighbours[id]?.refused.insert(address, now: clock)
        hasRefused = true
    }

    /// Whether it is known that there is no room for a node: then it is not looked for.
    func isRefused(_ address: Address) -> Bool {
        guard hasRefused, isFull else { return false }
        return neighbours.values.contains { $0.refused.contains(address) }
    }

    /// Nodes that are somewhere and found no room here.
    var refusedNodes: Int {
        guard hasRefused else { return 0 }
        var all: Set<Address> = []
        for neighbour in neighbours.values {
            for address in neighbour.refused.addresses(now: clock) where table.hops[address] == nil {
                all.insert(address)
            }
        }
        return all.count
    }

    /// Asks for some of those that were refused, as far as there is room now.
    mutating func offerRoom() {
        guard hasRefused, hasSettledRoom || refusedExpireAt <= clock else { return }
        refusedExpireAt = clock + Self.expiryPause
        hasRefused = false
        for id in neighbourOrder {
            neighbours[id]?.refused.expire(now: clock)
            guard let refused = neighbours[id]?.refused, !refused.isEmpty else { continue }
            hasRefused = true
            guard hasSettledRoom else { continue }
            let free = min(room - charged, Self.offersAtOnce)
            if refused.addresses(now: clock).count > free { sweep(by: clock + Self.roomSettles) }
            for address in refused.addresses(now: clock).sorted().prefix(free) {
                neighbours[id]?.refused.remove(address)
                if table.hops[address] == nil { ask([id], for: address, BeaconRequest(sequence: 0, hops: 1)) }
            }
        }
    }

    private static let offersAtOnce = 16
    /// While there is no room, looking through them all has time.
    private static let expiryPause = Interval.seconds(60)
}
