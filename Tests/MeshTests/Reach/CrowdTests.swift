import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Two hundred boxes, ten of which are open to all and the others behind routers of every kind.
@Suite struct CrowdTests {
    private static let count = 200
    private static let open = 10

    private func build(seed: UInt64) -> (Simulation, kinds: [SiteKind], pairs: [(Int, Int)]) {
        var settings = Simulation.smallBoxes()
        settings.direct = .any
        settings.limits.outboxBytes = 128 << 10
        settings.limits.outboxDatagrams = 512
        let simulation = Simulation(seed: seed, settings: settings)
        let random = SeededRandom(seed: seed)
        for _ in 0..<Self.count { simulation.addNode() }
        var kinds = [SiteKind](repeating: .open, count: Self.open)
        var nats = [[Int]](repeating: [], count: Self.open)
        for _ in Self.open..<Self.count {
            let kind = SiteKind.allCases[1 + Int(random.next(below: 4))]
            kinds.append(kind)
            switch kind {
            case .open: nats.append([])
            case .fullCone: nats.append([simulation.addNAT(.endpointIndependent, .endpointIndependent)])
            case .restricted: nats.append([simulation.addNAT(.endpointIndependent)])
            case .symmetric: nats.append([simulation.addNAT(.endpointDependent)])
            case .doubled: nats.append((0..<2).map { _ in simulation.addNAT(.endpointIndependent) })
            }
        }
        func behind(_ quality: CableQuality, _ place: Int) -> CableQuality {
            nats[place].reduce(quality) { $0.with(.nat($1, inside: place)) }
        }
        let quality = CableQuality(.size(mtu: 1500), .delay(.milliseconds(15)))
        for place in 0..<Self.open { simulation.connect(place, (place + 1) % Self.open, quality) }
        for place in Self.open..<Self.count {
            let first = Int(random.next(below: UInt32(Self.open)))
            for relay in [first, (first + 3) % Self.open] { simulation.connect(place, relay, behind(quality, place)) }
        }
        var pairs: [(Int, Int)] = []
        for a in Self.open..<Self.count {
            let b = Self.open + Int(random.next(below: UInt32(Self.count - Self.open)))
            guard a != b, !simulation.isConnected(a, b) else { continue }
            simulation.wire(a, b, behind(behind(quality, a), b))
            pairs.append((a, b))
        }
        for place in 0..<Self.count {
            simulation.touch(place) {
                $0.setOwnCandidates([Candidate(simulation.endpoint(place), .host)], now: simulation.now)
            }
        }
        return (simulation, kinds, pairs)
    }

    private func probes(_ simulation: Simulation) -> UInt64 {
        (0..<Self.count).reduce(0) { $0 + (simulation.box($1)?.reach.counts.probes ?? 0) }
    }

    private func talk(_ simulation: Simulation, _ pairs: [(Int, Int)], seconds: Int) {
        for _ in 0..<seconds {
            for (a, b) in pairs {
                simulation.send([1], from: a, to: simulation.address(b))
                simulation.send([2], from: b, to: simulation.address(a))
            }
            simulation.run(for: .seconds(1))
            simulation.clearReceived()
        }
    }

    private func share(_ simulation: Simulation, _ pairs: [(Int, Int)]) -> Int {
        pairs.count { a, b in
            simulation.session(a, b)?.usesDirectPath == true && simulation.session(b, a)?.usesDirectPath == true
        }
    }

    @Test func whoCanMeetsAndNobodyIsFlooded() throws {
        let (simulation, kinds, pairs) = build(seed: 71)
        simulation.run(for: .seconds(20))
        talk(simulation, pairs, seconds: 10)
        let possible = pairs.count { kinds[$0].meets(kinds[$1]) }
        let met = share(simulation, pairs)
        #expect(met == possible, "\(met) of \(possible) that can, of \(pairs.count) pairs")
        let first = probes(simulation)
        print(
            "pairs", pairs.count, "possible", possible, "met", met, "probes a box", Double(first) / Double(Self.count))
        // Three for each of two candidates and what is heard, for each of two ends.
        #expect(first <= UInt64(pairs.count * 2 * 9), "\(first) probes")
        // A minute on, those that cannot meet have tried once more, and the others not at all.
        talk(simulation, pairs, seconds: 60)
        let second = probes(simulation) - first
        print("in the minute after", Double(second) / Double(Self.count))
        #expect(second <= UInt64((pairs.count - possible) * 2 * 9 + pairs.count), "\(second) probes")

        // The public boxes fall into two halves for half a minute, some come anew, and it heals: no storm.
        for place in [2, 7] { simulation.setCable(place, (place + 1) % Self.open, up: false) }
        talk(simulation, pairs, seconds: 15)
        for place in stride(from: 20, to: 40, by: 2) { simulation.stopNode(place) }
        talk(simulation, pairs, seconds: 15)
        for place in stride(from: 20, to: 40, by: 2) {
            simulation.startNode(place)
            simulation.touch(place) {
                $0.setOwnCandidates([Candidate(simulation.endpoint(place), .host)], now: simulation.now)
            }
        }
        for place in [2, 7] { simulation.setCable(place, (place + 1) % Self.open, up: true) }
        let before = probes(simulation)
        talk(simulation, pairs, seconds: 40)
        let after = share(simulation, pairs)
        let storm = probes(simulation) - min(before, probes(simulation))
        print("met after", after, "probes a box", Double(storm) / Double(Self.count))
        #expect(after == possible, "\(after) of \(possible) again")
        #expect(storm <= UInt64(pairs.count * 2 * 9), "\(storm) probes after a partition")
    }
}
