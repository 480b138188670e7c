internal import INET256
package import Wire

/// What neighbours say.
extension BeaconNet {
    package mutating func receive(
        _ frame: UnsafeRawBufferPointer, from id: NeighbourID, now: Instant
    ) throws(RoutingError) {
        advance(to: now)
        counters.framesReceived += 1
        do throws(RoutingError) {
            try take(frame, from: id)
        } catch {
            counters.framesRejected += 1
            if error == .forged { counters.forgeries += 1 }
            if error == .noRoom { counters.refusedForRoom += 1 }
            if error == .rateLimited { counters.putOff += 1 }
            throw error
        }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, from id: NeighbourID) throws(RoutingError) {
        guard neighbours[id] != nil else { throw .unknownNeighbour }
        switch try ReceivedBeaconFrame(bytes) {
        case .acknowledgement(let epoch, let ours, var serials):
            try heard(id, epoch: epoch)
            guard neighbours[id]?.epoch == ours else { return }
            while let serial = serials.big(UInt64.self) {
                neighbours[id]?.queue.acknowledged(serial, now: clock)
            }
        case .updates(let epoch, let serial, let items):
            try heard(id, epoch: epoch)
            // No error: links reorder.
            guard let neighbour = neighbours[id], serial >= neighbour.staleBelow else { return }
            try take(items, serial: serial, from: id)
        }
    }

    private mutating func heard(_ id: NeighbourID, epoch: UInt64) throws(RoutingError) {
        talk(to: id)
        switch neighbours[id]?.heard(epoch: epoch, now: clock) {
        case .stale: throw .staleEpoch
        case .startedOver: dropAdjacencies(of: id)
        case .some(.none), nil: break
        }
    }

    /// Takes items up to the first forgery. A fault of one does not keep others from being taken.
    private mutating func take(
        _ items: ByteReader, serial: UInt64, from id: NeighbourID
    ) throws(RoutingError) {
        var items = items
        var fault: RoutingError?
        var acknowledge = true
        while !items.isEmpty {
            let item = try BeaconItem(&items)
            do throws(RoutingError) {
                switch item {
                case .beacon(let view, let metric, let age):
                    try takeBeacon(view, metric: metric, age: age, serial: serial, from: id)
                case .retraction(let address):
                    takeRetraction(of: address, serial: serial, from: id)
                case .request(let address, let request):
                    try takeRequest(for: address, request, from: id)
                }
            } catch {
                fault = fault ?? error
                if error == .forged { throw error }
                // Unacknowledged, it is told again when there is time for it.
                if error == .rateLimited { acknowledge = false }
            }
        }
        if acknowledge { neighbours[id]?.owe(serial) }
        if let fault { throw fault }
    }

    private mutating func takeRetraction(of address: Address, serial: UInt64, from id: NeighbourID) {
        guard locals[address] == nil else { return }
        if let adjacency = table[address]?.adjacency(of: id), adjacency.serial > serial { return }
        if let neighbour = neighbours[id], serial > neighbour.staleBelow {
            neighbours[id]?.staleBelow = serial
        }
        dropAdjacency(of: id, to: address, search: true)
    }

    private mutating func takeBeacon(
        _ view: BeaconView, metric: UInt8, age: UInt16, serial: UInt64, from id: NeighbourID
    ) throws(RoutingError) {
        guard let key = try? PublicKey(serialized: view.keyBytes) else { throw .invalidKey }
        let address = key.address
        guard locals[address] == nil else { return try takeOwnBeacon(view, address, from: id) }
        let origin = table[address]
        if let adjacency = origin?.adjacency(of: id), adjacency.serial > serial { return }
        if staysRefused(address, from: id) { throw .noRoom }

        let advertised = Distance(sequence: view.sequence, metric: metric)
        let isWay = metric < limits.reach && age < view.lifetime
        if let origin, origin.latest.sequence > view.sequence, metric == 0 || isWay && origin.isLost {
            // The origin's own box, it seems, does not know what it said last.
            remind(id, of: address)
        }
        let beacon: Beacon
        if let known = origin?.beacon(sequence: view.sequence) {
            guard known.matches(view) else {
                if isWay { askForNext(known, from: id) }
                throw .conflicting
            }
            beacon = known
            if known.isWithdrawal { return dropAdjacency(of: id, to: address, search: false) }
        } else {
            // A signature is checked only if the beacon can change something.
            let isNewer = view.sequence > origin?.latest.sequence ?? 0
            let withdraws = view.lifetime == 0 && isNewer && origin != nil
            let serves = isWay && origin?.isFeasible(advertised) ?? true
            let reminds = metric == BeaconFrame.unreachable && isNewer && origin != nil
            guard serves || withdraws || reminds else { return turnDown(id, to: address, isWay: isWay) }
            if serves && origin?.isLost ?? true && !mayAdmit(address, from: id, metric: metric + 1) {
                refuse(address, from: id)
                throw .noRoom
            }
            beacon = try check(view, key: key, from: id)
            if withdraws {
                table.update(address) { $0.withdraw(beacon) }
                let hadRoute = table[address]?.isLost == false
                chooseAgain(address, search: false)
                // With a route the loss is announced anyway.
                if !hadRoute && limits.reach > 1 { announce(address, except: id) }
                return
            }
        }
        if metric == BeaconFrame.unreachable { takeReminder(beacon, from: id) }
        guard isWay, origin?.isFeasible(advertised) ?? true else {
            return turnDown(id, to: address, isWay: isWay)
        }
        if origin?.isLost ?? true {
            guard admit(address, from: id, metric: metric + 1) else {
                refuse(address, from: id)
                throw .noRoom
            }
        }
        putAdjacency(beacon, advertised, age: age, serial: serial, from: id)
    }

    /// What a neighbour says is no way for us. If it has one, though, and we have none, a newer beacon would make it one:
    /// that is asked for (RFC 8966 section 3.8.2.2), for the origin's own next beacon may be minutes away.
    private mutating func turnDown(_ id: NeighbourID, to address: Address, isWay: Bool) {
        dropAdjacency(of: id, to: address, search: true)
        guard isWay, let origin = table[address], origin.isLost, origin.search == nil, !origin.latest.isWithdrawal
        else { return }
        beginSearch(address)
    }

    private mutating func putAdjacency(
        _ beacon: Beacon, _ advertised: Distance, age: UInt16, serial: UInt64, from id: NeighbourID
    ) {
        let lifetime = Interval.seconds(Int64(beacon.lifetime))
        var adjacency = Adjacency(
            neighbour: id, distance: advertised, beacon: beacon,
            expires: min(clock + lifetime - .seconds(Int64(age)), beacon.firstSeen + lifetime),
            since: clock, cost: neighbours[id]?.cost ?? 1, serial: serial)
        guard adjacency.expires > clock else {
            return dropAdjacency(of: id, to: beacon.address, search: true)
        }
        if table[beacon.address] == nil { store(Origin(latest: beacon)) }
        if let earlier = table[beacon.address]?.adjacency(of: id),
            earlier.distance.sequence == advertised.sequence
        {
            // A copy makes nothing younger.
            adjacency.since = earlier.since
            adjacency.expires = min(adjacency.expires, earlier.expires)
        }
        let limit = limits.adjacencies
        table.update(beacon.address) { [adjacency] in $0.put(adjacency, limit: limit) }
        chooseAgain(beacon.address, search: true)
    }

    /// Checks a signature, if the neighbour and all of them together have not asked for too many.
    mutating func check(
        _ view: BeaconView, key: PublicKey, from id: NeighbourID
    ) throws(RoutingError) -> Beacon {
        guard totalChecks.hasToken(now: clock), neighbours[id]?.checks.take(now: clock) == true else {
            throw .rateLimited
        }
        _ = totalChecks.take(now: clock)
        counters.signaturesChecked += 1
        guard key.verify(signature: view.signature, purpose: purpose, message: view.signedPart) else {
            throw .forged
        }
        return Beacon(verified: view, key: key, now: clock)
    }
}
