import Testing
import Wire

@testable import Mesh
@testable import MeshSim

/// NATs alone, and boxes behind them.
@Suite struct NATTests {
    let start = Instant(nanoseconds: 1_000_000_000)

    private func endpoint(_ number: UInt64, port: UInt16 = 1000) -> Endpoint {
        Endpoint(address: IPv6Address(high: 1, low: number), port: port)
    }

    private func nat(_ mapping: NAT.Mapping) -> NAT {
        NAT(address: IPv6Address(high: 2, low: 1), mapping: mapping, timeout: .seconds(30))
    }

    @Test func oneEndpointForAll() {
        var nat = nat(.endpointIndependent)
        let (inside, a, b) = (endpoint(1), endpoint(2), endpoint(3))
        let outside = nat.outbound(from: inside, to: a, now: start)
        #expect(outside.address == nat.address)
        #expect(nat.inbound(to: outside, from: b, now: start) == nil, "nobody sent there")
        #expect(nat.outbound(from: inside, to: b, now: start) == outside)
        #expect(nat.inbound(to: outside, from: b, now: start) == inside)
        #expect(nat.inbound(to: outside, from: endpoint(2, port: 7), now: start) == nil, "another port")
        #expect(nat.outbound(from: endpoint(9), to: a, now: start) != outside)
    }

    @Test func anEndpointForEach() {
        var nat = nat(.endpointDependent)
        let (inside, a, b) = (endpoint(1), endpoint(2), endpoint(3))
        let (toA, toB) = (nat.outbound(from: inside, to: a, now: start), nat.outbound(from: inside, to: b, now: start))
        #expect(toA != toB && toA.address == toB.address)
        #expect(nat.inbound(to: toA, from: a, now: start) == inside)
        #expect(nat.inbound(to: toA, from: b, now: start) == nil)
        #expect(nat.inbound(to: toB, from: b, now: start) == inside)
    }

    @Test(arguments: [NAT.Mapping.endpointIndependent, .endpointDependent]) func silenceEndsIt(mapping: NAT.Mapping) {
        var nat = nat(mapping)
        let (inside, a) = (endpoint(1), endpoint(2))
        let first = nat.outbound(from: inside, to: a, now: start)
        // What goes out keeps it; what comes in does not.
        #expect(nat.outbound(from: inside, to: a, now: start + .seconds(29)) == first)
        #expect(nat.inbound(to: first, from: a, now: start + .seconds(58)) == inside)
        #expect(nat.inbound(to: first, from: a, now: start + .seconds(59)) == nil)
        let second = nat.outbound(from: inside, to: a, now: start + .seconds(59))
        #expect(second != first)
        #expect(nat.inbound(to: second, from: a, now: start + .seconds(59)) == inside)
        nat.forget()
        #expect(nat.inbound(to: second, from: a, now: start + .seconds(59)) == nil)
    }

    @Test func portsAreUsedAgain() {
        var nat = nat(.endpointDependent)
        var now = start
        var seen: Set<UInt16> = []
        for number in 0..<70_000 as Range<UInt64> {
            seen.insert(nat.outbound(from: endpoint(1), to: endpoint(number + 2), now: now).port)
            now = now + .milliseconds(1)
        }
        #expect(seen.count == Int(UInt16.max) - 1023 && seen.min() == 1024, "\(seen.count)")
    }

    // MARK: Boxes

    /// Box 0 behind a NAT, with cables to 1 and 2.
    private func mesh(_ mapping: NAT.Mapping, seed: UInt64, timeout: Interval = .seconds(120)) -> (Simulation, nat: Int)
    {
        let simulation = Simulation(seed: seed)
        for _ in 0..<3 { simulation.addNode() }
        let nat = simulation.addNAT(mapping, timeout: timeout)
        for other in 1...2 { simulation.connect(0, other, .clean.with(.nat(nat, inside: 0))) }
        return (simulation, nat)
    }

    private func seen(_ simulation: Simulation, by other: Int) -> Endpoint? {
        simulation.session(other, 0)?.direct?.path.remote
    }

    @Test(arguments: [NAT.Mapping.endpointIndependent, .endpointDependent])
    func aBoxBehindANATIsAPeerAsAnyOther(mapping: NAT.Mapping) throws {
        let (simulation, nat) = mesh(mapping, seed: 31, timeout: .seconds(30))
        try #require(simulation.run(until: { simulation.allFound([0, 1, 2]) }, within: .seconds(30)))
        let ends = (1...2).compactMap { seen(simulation, by: $0) }
        #expect(ends.count == 2 && ends.allSatisfy { $0.address == simulation.addressOfNAT(nat) })
        #expect((Set(ends).count == 1) == (mapping == .endpointIndependent))
        // Signs of life keep its ports open.
        simulation.run(for: .seconds(300))
        #expect((1...2).compactMap { seen(simulation, by: $0) } == ends)
        for other in 1...2 { #expect(simulation.exchange([7], from: other, to: 0) == [[7]]) }
    }

    /// The NAT begins anew: its box is seen elsewhere, and reached again at once.
    @Test func aNATThatForgets() throws {
        let (simulation, nat) = mesh(.endpointIndependent, seed: 32)
        try #require(simulation.run(until: { simulation.allFound([0, 1, 2]) }, within: .seconds(30)))
        simulation.run(for: .seconds(10))
        let before = seen(simulation, by: 1)
        simulation.restartNAT(nat)
        let reached = simulation.secondsUntilReached(from: 1, to: 0, within: .seconds(20))
        #expect(reached.map { $0 < .seconds(8) } == true, "\(String(describing: reached?.inSeconds)) s")
        simulation.run(for: .seconds(5))
        #expect(seen(simulation, by: 1) != before && seen(simulation, by: 1)?.address == before?.address)
    }

    /// Two boxes behind a NAT each, who know each other's inside endpoints only, never meet; through a third they do.
    @Test func twoBehindNATs() throws {
        let simulation = Simulation(seed: 33)
        for _ in 0..<3 { simulation.addNode() }
        let nats = (0..<2).map { _ in simulation.addNAT(.endpointDependent) }
        simulation.connect(0, 1, .clean.with(.nat(nats[0], inside: 0)).with(.nat(nats[1], inside: 1)))
        simulation.connect(0, 2, .clean.with(.nat(nats[0], inside: 0)))
        simulation.connect(1, 2, .clean.with(.nat(nats[1], inside: 1)))
        try #require(simulation.run(until: { simulation.allFound([0, 1, 2]) }, within: .seconds(30)))
        simulation.run(for: .seconds(30))
        #expect(simulation.box(0)?.nextHop(to: simulation.address(1)) == simulation.address(2))
        #expect(simulation.unanswered(from: [0, 1], to: [0, 1], patience: .seconds(5)).isEmpty)
    }

    /// A NAT behind a NAT.
    @Test func twoNATsInARow() throws {
        let simulation = Simulation(seed: 34)
        for _ in 0..<2 { simulation.addNode() }
        let nats = (0..<2).map { _ in simulation.addNAT(.endpointIndependent) }
        simulation.connect(0, 1, .clean.with(.nat(nats[0], inside: 0)).with(.nat(nats[1], inside: 0)))
        try #require(simulation.run(until: { simulation.allFound([0, 1]) }, within: .seconds(30)))
        #expect(simulation.unanswered(from: [0, 1], to: [0, 1], patience: .seconds(5)).isEmpty)
        #expect(seen(simulation, by: 1)?.address == simulation.addressOfNAT(nats[1]))
    }
}
