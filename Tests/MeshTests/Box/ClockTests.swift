import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Boxes that start again with a wrong clock are reached like any other, whoever else started again, and in whatever order.
@Suite struct ClockTests {
    /// What a clock says when a box starts.
    enum Clock: CaseIterable, CustomTestStringConvertible {
        case tenSecondsBehind, aMinuteBehind, anHourBehind, year1971, zero, year2090, beyondAll

        func milliseconds(_ right: UInt64) -> UInt64 {
            switch self {
            case .tenSecondsBehind: right - 10_000
            case .aMinuteBehind: right - 60_000
            case .anHourBehind: right - 3_600_000
            case .year1971: 31_536_000_000
            case .zero: 0
            case .year2090: 3_786_912_000_000
            case .beyondAll: .max
            }
        }

        var testDescription: String { "\(self)" }
    }

    /// Boxes of a chain that are killed, in the order in which they start again; the last of the chain has the wrong clock.
    static let orders: [[Int]] = [
        [2], [1, 2], [2, 1], [0, 2], [2, 0], [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
    ]

    /// How long it takes from now on until the ends know ways to one another and messages go both ways.
    private func untilJoined(_ simulation: Simulation, _ a: Int, _ b: Int, limit: Interval) -> Interval? {
        let start = simulation.now
        func knows(_ from: Int, _ to: Int) -> Bool {
            simulation.box(from)?.nextHop(to: simulation.address(to)) != nil
        }
        guard simulation.run(until: { knows(a, b) && knows(b, a) }, within: limit) else { return nil }
        simulation.clearReceived()
        while simulation.now - start < limit {
            simulation.send([1], from: a, to: simulation.address(b))
            simulation.send([2], from: b, to: simulation.address(a))
            simulation.run(for: .milliseconds(50))
            if !simulation.received(a).isEmpty, !simulation.received(b).isEmpty { return simulation.now - start }
        }
        return nil
    }

    @Test(arguments: Clock.allCases) func everyOrderOfRestarts(clock: Clock) throws {
        for order in Self.orders {
            let seed = Seeds.fresh()
            let simulation = try Simulation.chain(3, seed: seed)
            simulation.run(for: .seconds(30))
            for place in order { simulation.killNode(place) }
            simulation.run(for: .milliseconds(300))
            for place in order {
                let time = place == 2 ? clock.milliseconds(simulation.wallClock) : simulation.wallClock
                simulation.startNode(place, clock: time)
                simulation.run(for: .milliseconds(200))
            }
            let joined = untilJoined(simulation, 0, 2, limit: .seconds(200))
            #expect(joined.map { $0 < .seconds(3) } == true, "\(order): \(joined?.inSeconds ?? -1) s, seed \(seed)")
            // And it stays so.
            simulation.run(for: .seconds(150))
            let still = untilJoined(simulation, 0, 2, limit: .seconds(10))
            #expect(still.map { $0 < .seconds(1) } == true, "\(order): \(still?.inSeconds ?? -1) s later, seed \(seed)")
        }
    }

    /// The ones who know better and the one who does not may be far apart, and both may be away for a while.
    @Test(arguments: [3, 6, 10], [Interval.zero, .seconds(20), .seconds(100)])
    func farAway(length: Int, away: Interval) throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(length, seed: seed)
        simulation.run(for: .seconds(30))
        for place in 1..<length { simulation.killNode(place) }
        simulation.run(for: away)
        let last = length - 1
        simulation.startNode(last, clock: simulation.wallClock - 600_000)
        for place in (1..<last).reversed() { simulation.startNode(place) }
        let joined = untilJoined(simulation, 0, last, limit: .seconds(200))
        #expect(joined.map { $0 < .seconds(3) } == true, "\(joined?.inSeconds ?? -1) s, seed \(seed)")
    }

    /// A clock that goes forth and back with each start: 2090, now, 1971, now.
    @Test func forthAndBack() throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(4, seed: seed)
        for clock in [Clock.year2090, .tenSecondsBehind, .year1971, .beyondAll, .aMinuteBehind, .zero, .year2090] {
            simulation.run(for: .seconds(25))
            for place in [2, 3] { simulation.killNode(place) }
            simulation.run(for: .milliseconds(100))
            simulation.startNode(3, clock: clock.milliseconds(simulation.wallClock))
            simulation.startNode(2)
            let joined = untilJoined(simulation, 0, 3, limit: .seconds(200))
            #expect(joined.map { $0 < .seconds(3) } == true, "\(clock): \(joined?.inSeconds ?? -1) s, seed \(seed)")
        }
    }

    /// A box with a wrong clock in the middle of a ring: those who still believe in the way round hear of it too.
    @Test(arguments: Clock.allCases) func inARing(clock: Clock) throws {
        let seed = Seeds.fresh()
        let simulation = try Simulation.chain(6, seed: seed)
        simulation.connect(0, 5)
        simulation.run(for: .seconds(30))
        for place in [2, 3, 4] { simulation.killNode(place) }
        simulation.run(for: .milliseconds(100))
        simulation.startNode(3, clock: clock.milliseconds(simulation.wallClock))
        for place in [4, 2] { simulation.startNode(place) }
        let joined = untilJoined(simulation, 0, 3, limit: .seconds(200))
        #expect(joined.map { $0 < .seconds(3) } == true, "\(joined?.inSeconds ?? -1) s, seed \(seed)")
    }
}
