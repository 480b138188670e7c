import Mesh
import MeshSim
import Testing
import Wire

/// A shape of mesh, by the places of its nodes.
struct Topology: CustomTestStringConvertible, Sendable {
    let name: String
    let nodes: Int
    let cables: [(Int, Int)]

    var testDescription: String { name }

    static func chain(_ count: Int) -> Topology {
        Topology(name: "chain of \(count)", nodes: count, cables: (1..<count).map { ($0 - 1, $0) })
    }

    static func ring(_ count: Int) -> Topology {
        Topology(name: "ring of \(count)", nodes: count, cables: (0..<count).map { ($0, ($0 + 1) % count) })
    }

    /// A random tree, so that all are connected, and `extra` cables more.
    static func random(_ count: Int, extra: Int, seed: UInt64) -> Topology {
        let random = SeededRandom(seed: seed)
        var cables: [(Int, Int)] = (1..<count).map { (Int(random.next(below: UInt32($0))), $0) }
        while cables.count < count - 1 + extra {
            let a = Int(random.next(below: UInt32(count)))
            let b = Int(random.next(below: UInt32(count)))
            let pair = (min(a, b), max(a, b))
            if a != b, !cables.contains(where: { $0 == pair }) { cables.append(pair) }
        }
        return Topology(name: "random of \(count), seed \(seed)", nodes: count, cables: cables)
    }

    /// Boxes and cables of this shape.
    func build(seed: UInt64, network: String, _ quality: CableQuality = .clean) -> Simulation {
        let simulation = Simulation(seed: seed, settings: Simulation.smallBoxes(network: network))
        for _ in 0..<nodes { simulation.addNode() }
        for (a, b) in cables { simulation.connect(a, b, quality) }
        return simulation
    }
}

extension Simulation {
    /// Does every box know every other address in `places`?
    func allFound(_ places: [Int]) -> Bool {
        places.allSatisfy { a in
            places.allSatisfy { b in a == b || box(a)?.nextHop(to: address(b)) != nil }
        }
    }

    /// Sends from each of `sources` to each of `targets` and answers what arrives; returns the pairs that got no answer.
    func unanswered(from sources: [Int], to targets: [Int], patience: Interval) -> [(Int, Int)] {
        var open: [(Int, Int)] = []
        for source in sources {
            clearReceived()
            for target in targets where target != source {
                send(question(source, target), from: source, to: address(target))
            }
            var answered: Set<Int> = []
            let missing = Set(targets.filter { $0 != source })
            _ = run(
                until: {
                    for target in missing where !answered.contains(target) {
                        let asked = received(target).contains { $0.message == question(source, target) }
                        if asked { answered.insert(target) }
                        if asked { send(question(target, source), from: target, to: address(source)) }
                    }
                    return received(source).count >= missing.count
                }, within: patience)
            for target in missing.sorted() {
                let came = received(source).contains {
                    $0.from == address(target) && $0.message == question(target, source)
                }
                if !came { open.append((source, target)) }
            }
        }
        return open
    }

    private func question(_ from: Int, _ to: Int) -> [UInt8] { Array("from \(from) to \(to)".utf8) }
}
