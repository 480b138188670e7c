internal import INET256
package import Wire

/// What links cost: those that lose much are worth a way around.
extension BeaconNet {
    /// Of the ways by a link that has become worse, those for which another is asked at once.
    private static let searchesAtOnce = 32

    package mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) {
        advance(to: now)
        guard let neighbour = neighbours[id], neighbour.cost != cost else { return }
        let isWorse = cost > neighbour.cost
        neighbours[id]?.cost = max(1, cost)
        let own = neighbour.key.address
        var searches = 0
        for address in [own] + table.known.filter({ $0 != own }) {
            let isBy = table.update(address) { $0.weigh(id, cost: max(1, cost)) }
            guard isBy == true else { continue }
            chooseAgain(address, search: true)
            // Longer ways are not feasible as of the newest beacon: of the next one they are (RFC 8966 section 3.5.1).
            if isWorse, searches < Self.searchesAtOnce, table[address]?.route?.nextHop == id {
                searches += 1
                beginSearch(address)
            }
        }
        refreshHop(own)
        table.bumpVersion()
    }
}
