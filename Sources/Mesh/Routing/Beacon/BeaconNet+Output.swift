internal import INET256
internal import Wire

/// What neighbours are told.
extension BeaconNet {
    /// Writes the acknowledgements owed to `id` and as many updates as may be under way.
    mutating func writeFrames(to id: NeighbourID, into output: inout [ControlFrame]) {
        guard var neighbour = neighbours.removeValue(forKey: id) else { return }
        for bytes in neighbour.takeAcknowledgements() { output.append(ControlFrame(to: id, bytes: bytes)) }
        while !neighbour.queue.isHeld(now: clock), neighbour.queue.canSend,
            let bytes = updatesFrame(for: id, &neighbour)
        {
            output.append(ControlFrame(to: id, bytes: bytes))
        }
        wake(at: neighbour.queue.deadline)
        neighbours[id] = neighbour
    }

    /// One frame of what changed and, if that leaves room, of the pass over the whole table; nil for nothing.
    private func updatesFrame(for id: NeighbourID, _ neighbour: inout BeaconNeighbour) -> [UInt8]? {
        var frame = BeaconFrame.header(.updates, epoch: neighbour.epoch)
        frame.appendBig(neighbour.queue.serial)
        var told: [UpdateQueue.Item] = []
        while let item = neighbour.queue.peek() {
            let mark = frame.count
            guard write(item, for: id, queue: neighbour.queue, into: &frame) else {
                neighbour.queue.pop()
                neighbour.queue.drop(item)
                continue
            }
            guard frame.count <= ControlFrame.maximumBytes else {
                frame.removeLast(frame.count - mark)
                break
            }
            neighbour.queue.pop()
            told.append(item)
        }
        writeTable(for: id, &neighbour.queue, into: &frame, &told)
        guard !told.isEmpty else { return nil }
        neighbour.queue.sent(told, now: clock)
        return frame
    }

    /// Goes on with the pass over the whole table for as far as the frame has room.
    private func writeTable(
        for id: NeighbourID, _ queue: inout UpdateQueue, into frame: inout [UInt8],
        _ told: inout [UpdateQueue.Item]
    ) {
        guard let start = queue.tablePass else { return }
        var index = table.position(of: start)
        while index < table.known.count {
            let address = table.known[index]
            let mark = frame.count
            if isWorthTelling(address, to: id, lost: queue.passTellsLost),
                write(.route(address), for: id, queue: queue, into: &frame)
            {
                guard frame.count <= ControlFrame.maximumBytes else {
                    frame.removeLast(frame.count - mark)
                    return queue.passed(to: address.raw)
                }
                told.append(.route(address))
            }
            index += 1
        }
        queue.passed(to: nil)
    }

    private func isWorthTelling(_ address: Address, to id: NeighbourID, lost: Bool) -> Bool {
        if locals[address] != nil { return true }
        guard let origin = table[address] else { return false }
        guard let route = origin.route else { return lost || origin.latest.isWithdrawal }
        return route.nextHop != id && route.distance.metric < limits.reach
    }

    /// Appends how things are with `item`; false when there is nothing to say.
    private func write(
        _ item: UpdateQueue.Item, for id: NeighbourID, queue: UpdateQueue, into frame: inout [UInt8]
    ) -> Bool {
        switch item {
        case .request(let address):
            guard let request = queue.request(for: address) else { return false }
            BeaconItem.appendRequest(address, request, to: &frame)
        case .echo(let address):
            guard let origin = table[address] else { return false }
            BeaconItem.appendBeacon(origin.latest, metric: BeaconFrame.unreachable, age: 0, to: &frame)
        case .route(let address):
            if let local = locals[address] {
                BeaconItem.appendBeacon(local.beacon, metric: 0, age: age(of: local.beacon, at: nil), to: &frame)
            } else if let origin = table[address] {
                write(origin, for: id, into: &frame)
            } else {
                BeaconItem.appendRetraction(address, to: &frame)
            }
        }
        return true
    }

    private func write(_ origin: Origin, for id: NeighbourID, into frame: inout [UInt8]) {
        if let route = origin.route, route.nextHop != id, route.distance.metric < limits.reach,
            let adjacency = origin.routeAdjacency
        {
            let age = age(of: adjacency.beacon, at: adjacency.expires)
            BeaconItem.appendBeacon(adjacency.beacon, metric: route.distance.metric, age: age, to: &frame)
        } else if origin.isLost && origin.latest.isWithdrawal {
            BeaconItem.appendBeacon(origin.latest, metric: BeaconFrame.unreachable, age: 0, to: &frame)
        } else {
            BeaconItem.appendRetraction(origin.latest.address, to: &frame)
        }
    }

    /// Whole seconds, rounded up, of a beacon's lifetime that have passed. Ours count from when they were made,
    /// others from what is left of the way they came by.
    private func age(of beacon: Beacon, at expires: Instant?) -> UInt16 {
        let lifetime = Interval.seconds(Int64(beacon.lifetime))
        let passed = lifetime - ((expires ?? beacon.firstSeen + lifetime) - clock)
        let seconds = max(0, (passed.nanoseconds + 999_999_999) / 1_000_000_000)
        return UInt16(min(seconds, Int64(beacon.lifetime)))
    }
}
