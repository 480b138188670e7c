internal import INET256
internal import Wire

/// How routes come and go.
extension BeaconNet {
    /// Chooses the way to `address` again after something about it changed, and tells whom it concerns. With `search`
    /// a route that is lost is asked for; one that ran out, or that its origin took back, is not.
    mutating func chooseAgain(_ address: Address, search: Bool, oldest: UInt64 = 0) {
        let (now, limits) = (clock, limits)
        let change = table.update(address) { origin -> (old: Origin.Route?, new: Origin.Route?) in
            let old = origin.route
            origin.removeExpired(now: now)
            origin.choose(now: now, settle: limits.settle, oldest: oldest)
            if old != nil && origin.isLost {
                origin.lostAt = now
                origin.forgetAt = now + .seconds(Int64(origin.longestLifetime)) + limits.feasibilityMargin
            }
            if !origin.isLost { origin.search = nil }
            return (old, origin.route)
        }
        guard let (old, new) = change else { return }
        let wasTold = old.map { $0.distance.metric < limits.reach } ?? false
        recharge(address)
        if old != new { refreshHop(address) }
        if let new {
            if old != new && (wasTold || new.distance.metric < limits.reach) {
                // A beacon like the one before is in no hurry, unless somebody asked for it.
                let isRefresh =
                    old.map { $0.nextHop == new.nextHop && $0.distance.metric == new.distance.metric } ?? false
                let isUrgent = !isRefresh || askedOnward.remembers(address, for: Self.patience, now: clock)
                announce(address, except: new.nextHop, isUrgent: isUrgent)
                // Split horizon: the neighbour that we now go through must not think that it can go through us.
                if let old, wasTold, old.nextHop != new.nextHop { tell(.route(address), to: new.nextHop) }
            }
        } else if old != nil {
            counters.routesLost += 1
            if hasRefused { sweep(by: clock + Self.roomSettles) }
            if wasTold { announce(address) }
            if search { beginSearch(address) }
        }
        if let wake = table[address]?.wake(settle: limits.settle) { sweep(by: wake) }
    }

    /// How long an answer to a request may take.
    private static let patience = Interval.seconds(10)

    mutating func tell(_ item: UpdateQueue.Item, to id: NeighbourID) {
        neighbours[id]?.queue.tell(item)
        talk(to: id)
    }

    /// Takes over the route, or the direct link, as the answer of `nextHop`.
    mutating func refreshHop(_ address: Address) {
        let way = table[address]?.route?.nextHop
        var hop = direct[address] ?? way
        // A good link to the destination is always the way, a bad one as others are.
        if let way, let link = direct[address], neighbours[link]?.cost ?? 1 > 1 { hop = way }
        table.setHop(locals[address] != nil ? nil : hop, for: address)
    }

    /// A neighbour has no way to `address` any more.
    mutating func dropAdjacency(of id: NeighbourID, to address: Address, search: Bool) {
        let had = table.update(address) { origin in
            let had = origin.adjacency(of: id) != nil
            origin.remove(id)
            return had
        }
        if had == true { chooseAgain(address, search: search) }
    }

    /// A neighbour is gone, or has forgotten everything.
    mutating func dropAdjacencies(of id: NeighbourID) {
        for address in table.known { dropAdjacency(of: id, to: address, search: true) }
    }

    /// Forgets an address that is no origin's, neighbour's or local node's any more.
    mutating func forgetIfNothing(_ address: Address) {
        if table[address] == nil && direct[address] == nil && locals[address] == nil { table.unknow(address) }
    }

    /// Looks at every origin: expired ways, overtaken ways, requests to repeat, feasibility distances to forget.
    mutating func sweepTable() {
        for address in table.known {
            guard let origin = table[address] else { continue }
            let wake = origin.wake(settle: limits.settle)
            guard wake <= clock else {
                sweep(by: wake)
                continue
            }
            if origin.isLost && origin.forgetAt <= clock {
                forget(address)
                continue
            }
            if let search = origin.search, search.next <= clock { continueSearch(address) }
            chooseAgain(address, search: false)
        }
        makeCommonRoom()
        offerRoom()
    }
}
