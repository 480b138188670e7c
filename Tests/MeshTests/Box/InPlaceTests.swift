import INET256
import MeshSim
import Synchronization
import Testing
import Wire

@testable import Mesh

/// The box holds its algorithm behind an existential, and changes it where it lies: with a second owner each change would copy the
/// algorithm's tables, of some thousand nodes.
@Suite(.serialized) struct InPlaceTests {
    @Test func noVerbCopiesTheTables() throws {
        Watched.counts.reset()
        var shape = Topology.ring(4)
        shape.join(0, 2)
        let simulation = shape.build(seed: 3, Watched.self, .poor)
        #expect(simulation.run(until: { simulation.allFound([0, 1, 2, 3]) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0, 1], to: [2, 3], patience: .seconds(10)).count <= 4)
        simulation.setCable(0, 1, up: false)
        simulation.run(for: .seconds(20))
        let box = try #require(simulation.box(0))
        let node = try box.open(PrivateKey(generatedFrom: SeededRandom(seed: 9)), now: simulation.now)
        box.want(Address(raw: .zero), now: simulation.now)
        box.close(node, now: simulation.now)
        simulation.run(for: .seconds(200))
        #expect(Watched.counts.changes > 500)
        #expect(Watched.counts.copies == 0)
        // A second owner is seen.
        let kept = box.routes.network
        box.want(Address(raw: .zero), now: simulation.now)
        #expect(Watched.counts.copies == 1)
        _ = kept.version
    }
}

/// `BeaconNet` with something that has as many owners as its tables have.
private struct Watched: RoutingAlgorithm {
    static let name = "watched"
    static let summary = ""
    static let promises = BeaconNet.promises
    static let counts = Counts()

    final class Counts: Sendable {
        private let both = Mutex((changes: 0, copies: 0))
        var changes: Int { both.withLock(\.changes) }
        var copies: Int { both.withLock(\.copies) }
        func reset() { both.withLock { $0 = (0, 0) } }
        func count(isCopy: Bool) {
            both.withLock {
                $0.changes += 1
                $0.copies += isCopy ? 1 : 0
            }
        }
    }

    private final class Owned: Sendable {}

    private var core: BeaconNet
    private var owned = Owned()

    init(_ start: RoutingStart) { core = BeaconNet(start) }

    private mutating func note() {
        let isCopy = !isKnownUniquelyReferenced(&owned)
        if isCopy { owned = Owned() }
        Self.counts.count(isCopy: isCopy)
    }

    mutating func addLocal(_ key: PrivateKey, now: Instant) {
        note()
        core.addLocal(key, now: now)
    }
    mutating func removeLocal(_ address: Address, now: Instant) {
        note()
        core.removeLocal(address, now: now)
    }
    mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {
        note()
        core.neighbourUp(id, key: key, now: now)
    }
    mutating func neighbourDown(_ id: NeighbourID, now: Instant) {
        note()
        core.neighbourDown(id, now: now)
    }
    mutating func distinguish(_ id: NeighbourID, isPeer: Bool) {
        note()
        core.distinguish(id, isPeer: isPeer)
    }
    mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) {
        note()
        core.weigh(id, cost: cost, now: now)
    }
    mutating func receive(
        _ frame: UnsafeRawBufferPointer, from id: NeighbourID, now: Instant
    ) throws(RoutingError) {
        note()
        try core.receive(frame, from: id, now: now)
    }
    mutating func tick(now: Instant) {
        note()
        core.tick(now: now)
    }
    mutating func wanted(_ destination: Address, now: Instant) {
        note()
        core.wanted(destination, now: now)
    }
    mutating func takeOutput() -> [ControlFrame] {
        note()
        return core.takeOutput()
    }
    var deadline: Instant { core.deadline }
    func nextHop(to destination: Address) -> NeighbourID? { core.nextHop(to: destination) }
    func find(prefix: Address, bits: Int) -> Address? { core.find(prefix: prefix, bits: bits) }
    func publicKey(of address: Address) -> PublicKey? { core.publicKey(of: address) }
    var version: UInt64 { core.version }
    var statistics: NetworkStatistics { core.statistics }
    var contested: [Address: Instant] { core.contested }
}
