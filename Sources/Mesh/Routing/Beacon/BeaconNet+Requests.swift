package import INET256
package import Wire

/// Asking for ways that were lost (RFC 8966 section 3.8).
extension BeaconNet {
    package mutating func wanted(_ destination: Address, now: Instant) {
        advance(to: now)
        guard table.hops[destination] == nil, locals[destination] == nil, !isRefused(destination),
            askedForTraffic.admit(destination, sequence: 0, now: clock)
        else { return }
        let sequence = table[destination].map { nextSequence(for: $0) } ?? 0
        ask(neighbourOrder, for: destination, BeaconRequest(sequence: sequence, hops: limits.reach))
    }

    mutating func beginSearch(_ address: Address) {
        let search = Origin.Search(attempts: 0, next: clock)
        table.update(address) { $0.search = search }
        continueSearch(address)
    }

    /// Asks everybody, and again later, each time after twice the time.
    mutating func continueSearch(_ address: Address) {
        guard let origin = table[address], var search = origin.search else { return }
        guard search.attempts < limits.requestAttempts else {
            table.update(address) { $0.search = nil }
            return
        }
        search.next = clock + limits.requestRetry * (1 << Int64(search.attempts))
        search.attempts += 1
        table.update(address) { [search] in $0.search = search }
        sweep(by: search.next)
        let request = BeaconRequest(sequence: nextSequence(for: origin), hops: limits.reach)
        // Our own request is the one that others' like it are held back for.
        _ = askedOnward.admit(address, sequence: request.sequence, now: clock)
        ask(neighbourOrder, for: address, request)
        guard search.attempts > 1, !origin.latest.isWithdrawal else { return }
        // Nobody answers. Perhaps the origin counts from below what we heard of it, and does not know.
        for id in neighbourOrder { remind(id, of: address) }
    }

    /// The smallest sequence number that is feasible at any distance.
    private func nextSequence(for origin: Origin) -> UInt64 {
        min((origin.feasibility?.sequence ?? 0) + 1, BeaconNetLimits.highestSequence)
    }

    mutating func ask(_ ids: [NeighbourID], for address: Address, _ request: BeaconRequest) {
        for id in ids {
            neighbours[id]?.queue.ask(address, request)
            talk(to: id)
            counters.requestsSent += 1
        }
    }

    mutating func takeRequest(
        for address: Address, _ request: BeaconRequest, from id: NeighbourID
    ) throws(RoutingError) {
        guard neighbours[id]?.requests.take(now: clock) == true else { throw .rateLimited }
        counters.requestsReceived += 1
        if locals[address] != nil {
            if locals[address]?.asked(for: request.sequence, now: clock) == true {
                renewLocals()
                wake(at: locals[address]?.deadline)
            } else {
                tell(.route(address), to: id)
            }
            return
        }
        if let origin = table[address] {
            if origin.isLost && origin.latest.isWithdrawal && origin.latest.sequence + 1 >= request.sequence {
                // It is gone by its own word.
                return tell(.route(address), to: id)
            }
            if answer(request, for: address, from: id) { return }
        }
        passOn(request, for: address, from: id)
    }

    /// Answers with a way of ours, if we have one that is new enough and does not lead back to who asks.
    private mutating func answer(_ request: BeaconRequest, for address: Address, from id: NeighbourID) -> Bool {
        guard let origin = table[address], let route = origin.route else { return false }
        if route.nextHop != id && route.distance.sequence >= request.sequence && route.distance.metric < limits.reach {
            tell(.route(address), to: id)
            return true
        }
        let newer = origin.adjacencies.contains {
            $0.neighbour != id && $0.distance.sequence >= request.sequence && origin.isFeasible($0.distance)
        }
        guard newer, request.sequence > route.distance.sequence else { return false }
        // It waited for a shorter way of the same age; somebody needs it now.
        chooseAgain(address, search: true, oldest: request.sequence)
        return true
    }

    private mutating func passOn(_ request: BeaconRequest, for address: Address, from id: NeighbourID) {
        guard request.hops > 1, !isRefused(address), askedOnward.admit(address, sequence: request.sequence, now: clock)
        else { return }
        let onward = BeaconRequest(sequence: request.sequence, hops: request.hops - 1)
        if let hop = table.hops[address], hop != id {
            ask([hop], for: address, onward)
        } else {
            ask(neighbourOrder.filter { $0 != id }, for: address, onward)
        }
    }
}
