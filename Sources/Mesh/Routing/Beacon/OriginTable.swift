internal import INET256
internal import Wire

/// The origins a box knows, and the two answers that are looked up in them: the next hop for an address, and an
/// address for a prefix.
struct OriginTable {
    private(set) var origins: [Address: Origin] = [:]
    /// Every address known, in order: origins, neighbours and local nodes. Whatever goes through all of them does so
    /// in this order, so that a run can be repeated.
    private(set) var known: [Address] = []
    /// Kept apart from `origins` because it is asked per packet: nothing in it is reference counted.
    private(set) var hops: [Address: NeighbourID] = [:]
    private(set) var version: UInt64 = 0

    subscript(_ address: Address) -> Origin? { origins[address] }

    mutating func store(_ origin: Origin) {
        let address = origin.latest.address
        if origins.updateValue(origin, forKey: address) == nil { know(address) }
    }

    /// Changes an origin in place.
    @discardableResult
    mutating func update<R>(_ address: Address, _ body: (inout Origin) -> R) -> R? {
        guard let index = origins.index(forKey: address) else { return nil }
        return body(&origins.values[index])
    }

    /// Forgets an origin. Its address stays known when it is also a neighbour's or a local node's.
    mutating func removeOrigin(_ address: Address) { origins[address] = nil }

    mutating func know(_ address: Address) {
        let index = position(of: address.raw)
        if index < known.count && known[index] == address { return }
        known.insert(address, at: index)
        version += 1
    }

    mutating func unknow(_ address: Address) {
        let index = position(of: address.raw)
        guard index < known.count, known[index] == address else { return }
        known.remove(at: index)
        version += 1
    }

    mutating func setHop(_ hop: NeighbourID?, for address: Address) {
        guard hops[address] != hop else { return }
        hops[address] = hop
        version += 1
    }

    mutating func bumpVersion() { version += 1 }

    /// The place in `known` of the first address that is not less than `raw`.
    func position(of raw: Bytes32) -> Int {
        var low = 0
        var high = known.count
        while low < high {
            let middle = (low + high) / 2
            if known[middle].raw < raw { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first address in order with that prefix that `isReachable`.
    func find(prefix: Address, bits: Int, isReachable: (Address) -> Bool) -> Address? {
        guard (0...Address.bitCount).contains(bits) else { return nil }
        var index = position(of: prefix.masked(to: bits).raw)
        while index < known.count && known[index].hasPrefix(prefix, bits: bits) {
            if isReachable(known[index]) { return known[index] }
            index += 1
        }
        return nil
    }
}
