import INET256
import Testing
import Wire

@testable import Mesh
@testable import MeshSim

/// A node that asks to be called again and again fails its run, whatever the test looks at.
@Suite struct RunFaultTests {
    /// An algorithm that does nothing but to set its deadline, so much behind its tick.
    struct Restless: Network {
        static let name = "restless"
        let pause: Interval
        var deadline: Instant
        var ticks = 0

        init(pause: Interval, now: Instant) {
            self.pause = pause
            deadline = now + .milliseconds(10)
        }

        mutating func tick(now: Instant) {
            ticks += 1
            deadline = now + pause
        }

        mutating func addLocal(_ key: PrivateKey, now: Instant) {}
        mutating func removeLocal(_ address: Address, now: Instant) {}
        mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {}
        mutating func neighbourDown(_ id: NeighbourID, now: Instant) {}
        mutating func distinguish(_ id: NeighbourID, isPeer: Bool) {}
        mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) {}
        mutating func receive(
            _ frame: UnsafeRawBufferPointer, from: NeighbourID, now: Instant
        ) throws(RoutingError) {}
        func nextHop(to destination: Address) -> NeighbourID? { nil }
        func find(prefix: Address, bits: Int) -> Address? { nil }
        func publicKey(of address: Address) -> PublicKey? { nil }
        mutating func wanted(_ destination: Address, now: Instant) {}
        mutating func takeOutput() -> [ControlFrame] { [] }
        var version: UInt64 { 0 }
        var statistics: NetworkStatistics { NetworkStatistics() }
        var contested: [Address: Instant] { [:] }
    }

    /// What ends a run of three seconds in which one of two nodes pauses for that long.
    private func run(pause: Interval) -> (fault: RunFault?, told: [RunFault], fabric: Fabric<Restless>) {
        var made = 0
        let fabric = Fabric(seed: 1) { _, now in
            made += 1
            return Restless(pause: made == 2 ? pause : .milliseconds(100), now: now)
        }
        var told: [RunFault] = []
        fabric.onFault = { fault, _ in told.append(fault) }
        fabric.build(.chain(2))
        fabric.run(for: .seconds(3))
        return (fabric.fault, told, fabric)
    }

    @Test func aDeadlineThatDoesNotMove() {
        let (fault, told, fabric) = run(pause: .zero)
        #expect(fault?.node == 1 && fault?.kind == .again(ticks: TickPace.ticksPerInstant + 1))
        #expect(told == [fault].compactMap { $0 })
        #expect(fault?.description.contains("node 1 is due again and again") == true)
        // It ends the run there.
        #expect(fabric.nodes[1].algorithm.ticks == TickPace.ticksPerInstant)
        fabric.run(for: .seconds(1))
        #expect(fabric.nodes[1].algorithm.ticks == TickPace.ticksPerInstant)
    }

    @Test func aDeadlineThatCreeps() {
        let fault = run(pause: Interval(nanoseconds: 1)).fault
        #expect(fault?.node == 1 && fault?.kind == .restless(ticks: TickPace.ticksPerSecond + 1))
    }

    @Test func whoIsBusyIsNoFault() {
        let (fault, told, fabric) = run(pause: .milliseconds(2))
        #expect(fault == nil && told.isEmpty)
        #expect(fabric.nodes[1].algorithm.ticks > 1400)
    }

    /// What a box finds out about itself.
    @Test func aBoxThatIsStuck() throws {
        let simulation = Topology.chain(2).build(seed: 1, network: "beaconnet")
        var told: [RunFault] = []
        simulation.onFault = { fault, _ in told.append(fault) }
        simulation.run(for: .seconds(5))
        #expect(simulation.fault == nil)
        let box = try #require(simulation.box(1))
        box.counts.stuckDeadlines = 1
        box.counts.stuckReason = DeadlineReason.newKeys.rawValue
        simulation.run(for: .seconds(20))
        #expect(told.count == 1 && told.first?.node == 1 && told.first?.kind == .stuck)
        #expect(told.first?.description.contains("does not move (newKeys)") == true)
        #expect(simulation.fault == told.first)
        let ended = simulation.run(until: { false }, within: .seconds(1))
        #expect(!ended && told.count == 1)
    }
}
