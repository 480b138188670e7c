package import INET256
package import Wire

/// The smallest algorithm: it reaches the neighbours and the nodes that they host, and passes nothing on.
///
/// A box tells its neighbours of its nodes by signed records, acknowledged and repeated as in `BeaconNet`, whose
/// machinery with a reach of one hop this is. The records are signed for another purpose, so that they mean nothing
/// where beacons are passed on.
package struct OneHop: RoutingAlgorithm {
    package static let name = "onehop"
    package static let summary = "direct neighbours only; nothing is forwarded"
    package static let promises = RoutingPromises(reach: 1, isLoopFree: true, knowsWhoIsGone: true)

    private var core: BeaconNet

    package init(_ start: RoutingStart) { self.init(sequence: start.sequence, now: start.now) }

    /// - Parameter sequence: wall-clock milliseconds since 1970 at the start, so that records of a box that starts
    ///   again outrank its own old ones.
    package init(sequence: UInt64, now: Instant, limits: BeaconNetLimits = BeaconNetLimits()) {
        var limits = limits
        limits.reach = 1
        core = BeaconNet(sequence: sequence, now: now, limits: limits, purpose: "inet256/onehop")
    }

    package mutating func addLocal(_ key: PrivateKey, now: Instant) { core.addLocal(key, now: now) }
    package mutating func removeLocal(_ address: Address, now: Instant) { core.removeLocal(address, now: now) }
    package mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {
        core.neighbourUp(id, key: key, now: now)
    }
    package mutating func distinguish(_ id: NeighbourID, isPeer: Bool) { core.distinguish(id, isPeer: isPeer) }
    package mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) { core.weigh(id, cost: cost, now: now) }
    package mutating func neighbourDown(_ id: NeighbourID, now: Instant) { core.neighbourDown(id, now: now) }
    package mutating func receive(
        _ frame: UnsafeRawBufferPointer, from id: NeighbourID, now: Instant
    ) throws(RoutingError) {
        try core.receive(frame, from: id, now: now)
    }
    package mutating func tick(now: Instant) { core.tick(now: now) }
    package var deadline: Instant { core.deadline }
    package func nextHop(to destination: Address) -> NeighbourID? { core.nextHop(to: destination) }
    package func find(prefix: Address, bits: Int) -> Address? { core.find(prefix: prefix, bits: bits) }
    package func publicKey(of address: Address) -> PublicKey? { core.publicKey(of: address) }
    package mutating func wanted(_ destination: Address, now: Instant) { core.wanted(destination, now: now) }
    package mutating func takeOutput() -> [ControlFrame] { core.takeOutput() }
    package var version: UInt64 { core.version }
    package var statistics: NetworkStatistics { core.statistics }
    package var counts: BeaconStatistics { core.counts }
    package var contested: [Address: Instant] { core.contested }
    package var places: Int? { core.places }
}
