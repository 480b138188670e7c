internal import INET256
internal import Wire

/// A neighbour as beacon routing sees it.
struct BeaconNeighbour {
    let key: PublicKey
    /// Which run of the link we are in. The neighbour starts over when it sees a new one.
    let epoch: UInt64
    /// Which run the neighbour is in; nil until it said something.
    private(set) var theirEpoch: UInt64?
    private var lastHeard = Instant.distantPast
    /// Frames with smaller serial numbers come too late: a retraction overtook them. The neighbour, having got no
    /// acknowledgement, tells their content again as far as it still holds.
    var staleBelow: UInt64 = 0
    /// Serial numbers to be acknowledged.
    private(set) var owed: [UInt64] = []
    var queue: UpdateQueue
    var checks: TokenBucket
    var requests: TokenBucket
    /// Newer beacons of origins that it knows by older ones.
    var reminders: TokenBucket
    /// The neighbour's part of the table.
    var charges = Charges()
    /// What its link counts as, in good links.
    var cost: UInt8 = 1
    /// Not a configured peer.
    var isStranger = false
    /// What it brought and found no room.
    var refused: RefusedMemory

    init(key: PublicKey, epoch: UInt64, limits: BeaconNetLimits) {
        self.key = key
        self.epoch = epoch
        queue = UpdateQueue(limits: limits)
        refused = RefusedMemory(capacity: limits.origins)
        checks = TokenBucket(burst: limits.neighbourChecks.burst, every: limits.neighbourChecks.every)
        requests = TokenBucket(burst: limits.neighbourRequests.burst, every: limits.neighbourRequests.every)
        reminders = TokenBucket(burst: limits.reminders.burst, every: limits.reminders.every)
        queue.tellAll(includingLost: false)
    }

    enum EpochChange { case none, startedOver, stale }

    /// Notes a well-formed frame of the neighbour's run `epoch`.
    mutating func heard(epoch: UInt64, now: Instant) -> EpochChange {
        var change = EpochChange.none
        if let current = theirEpoch, epoch != current {
            guard epoch > current || now - lastHeard > BeaconNetLimits.epochSilence else { return .stale }
            change = .startedOver
            staleBelow = 0
            owed = []
            queue.tellAll(includingLost: false)
        }
        theirEpoch = epoch
        lastHeard = now
        queue.heard()
        return change
    }

    mutating func owe(_ serial: UInt64) {
        // What finds no room is sent again by the neighbour, and acknowledged then.
        if owed.count < 4 * BeaconFrame.maximumSerials && !owed.contains(serial) { owed.append(serial) }
    }

    mutating func takeAcknowledgements() -> [[UInt8]] {
        guard let theirEpoch, !owed.isEmpty else { return [] }
        var frames: [[UInt8]] = []
        var rest = owed[...]
        while !rest.isEmpty {
            let part = rest.prefix(BeaconFrame.maximumSerials)
            frames.append(BeaconFrame.acknowledgement(epoch: epoch, of: theirEpoch, serials: part))
            rest = rest.dropFirst(part.count)
        }
        owed.removeAll(keepingCapacity: true)
        return frames
    }
}

/// The origins that count against one neighbour's share of the table: those with a route by metric, and lost ones.
struct Charges {
    private(set) var live = 0
    private var lost = 0
    private var byMetric = [UInt32](repeating: 0, count: Int(BeaconFrame.largestMetric) + 2)

    var total: Int { live + lost }

    mutating func add(_ metric: UInt8?) {
        guard let metric else {
            lost += 1
            return
        }
        live += 1
        byMetric[Int(metric)] += 1
    }

    mutating func remove(_ metric: UInt8?) {
        guard let metric else {
            lost -= 1
            return
        }
        live -= 1
        byMetric[Int(metric)] -= 1
    }

    /// The largest metric among them.
    var worst: UInt8? { byMetric.lastIndex { $0 > 0 }.map { UInt8($0) } }
}
