package import Mesh
package import Wire

extension Topology {
    /// Boxes and cables of this shape, with the algorithm of that name (a precondition).
    package func build(seed: UInt64, network: String, _ quality: CableQuality = .clean) -> Simulation {
        guard let algorithm = RoutingAlgorithms.named(network) else {
            preconditionFailure("no network is named \(network)")
        }
        return build(seed: seed, algorithm, quality)
    }

    /// Boxes and cables of this shape.
    package func build(
        seed: UInt64, _ algorithm: any RoutingAlgorithm.Type, _ quality: CableQuality = .clean
    ) -> Simulation {
        build(seed: seed, Simulation.smallBoxes(algorithm), quality)
    }

    /// Boxes and cables of this shape, made with those settings.
    package func build(seed: UInt64, _ settings: BoxSettings, _ quality: CableQuality = .clean) -> Simulation {
        let simulation = Simulation(seed: seed, settings: settings)
        for _ in 0..<nodes { simulation.addNode() }
        for (a, b) in cables { simulation.connect(a, b, quality) }
        return simulation
    }
}

/// Who reaches whom.
extension Simulation {
    /// Does every box know every other address in `places`?
    package func allFound(_ places: [Int]) -> Bool {
        places.allSatisfy { a in
            places.allSatisfy { b in a == b || box(a)?.nextHop(to: address(b)) != nil }
        }
    }

    /// Sends from each of `sources` to each of `targets` and answers what arrives; returns the pairs that got no answer.
    package func unanswered(from sources: [Int], to targets: [Int], patience: Interval) -> [(Int, Int)] {
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
                    // What was sent before may still come among the answers.
                    return received(source).count >= missing.count
                        && missing.allSatisfy { hasAnswered($0, source) }
                }, within: patience)
            for target in missing.sorted() where !hasAnswered(target, source) { open.append((source, target)) }
        }
        return open
    }

    private func hasAnswered(_ target: Int, _ source: Int) -> Bool {
        received(source).contains { $0.from == address(target) && $0.message == question(target, source) }
    }

    private func question(_ from: Int, _ to: Int) -> [UInt8] { Array("from \(from) to \(to)".utf8) }

    /// Sends a message every 200 ms until one arrives; how long that took.
    package func secondsUntilReached(from: Int, to: Int, within: Interval) -> Interval? {
        let start = now
        clearReceived()
        while now - start < within {
            send(Array("are you there".utf8), from: from, to: address(to))
            if run(until: { !received(to).isEmpty }, within: .milliseconds(200)) { return now - start }
        }
        return nil
    }

    /// Follows the next hops from every box to every address; a description of the first circle.
    package func findLoop() -> String? {
        let places = Dictionary((0..<count).map { (address($0), $0) }, uniquingKeysWith: { first, _ in first })
        for target in 0..<count {
            // Boxes from which the way to the target is known to end.
            var ends = [Bool](repeating: false, count: count)
            ends[target] = true
            for start in 0..<count where !ends[start] {
                var path = [start]
                while let place = path.last, !ends[place], let next = box(place)?.nextHop(to: address(target)),
                    let hop = places[next]
                {
                    if path.contains(hop) {
                        return "to \(target) at \((now - .distantPast).inSeconds) s: \(path + [hop])"
                    }
                    path.append(hop)
                }
                for place in path { ends[place] = true }
            }
        }
        return nil
    }
}
