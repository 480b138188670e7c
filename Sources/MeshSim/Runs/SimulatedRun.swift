internal import Wire

/// A run of boxes as a value: a shape, a seed and what happens. Always the same comes of it, so one that fails can be shortened,
/// printed and kept.
package struct SimulatedRun: Equatable, Sendable {
    package var seed: UInt64
    package var nodes: Int
    package var cables: [CableKey]
    package var events: [RunEvent]

    package init(seed: UInt64, nodes: Int, cables: [CableKey], events: [RunEvent]) {
        self.seed = seed
        self.nodes = nodes
        self.cables = cables
        self.events = events
    }

    /// So many events in a shape, as the seed has it.
    package static func random(seed: UInt64, in shape: Topology, count: Int) -> SimulatedRun {
        let random = SeededRandom(seed: ~seed)
        return SimulatedRun(
            seed: seed, nodes: shape.nodes, cables: shape.cables.map { CableKey($0, $1) },
            events: (0..<count).map { _ in RunEvent.random(in: shape, random) })
    }

    var shape: Topology { Topology(name: "run", nodes: nodes, cables: cables.map { ($0.low, $0.high) }) }

    /// What does not hold in it of what must, if anything: see `RunPlayer`.
    /// - Parameter check: asked after every event of the simulation besides.
    package func fault(_ promises: NetworkPromises, check: ((Simulation) -> String?)? = nil) -> String? {
        RunPlayer(self, promises, check: check).play()
    }

    /// The same with as few and simple events as fail too.
    package func shortened(_ fails: (SimulatedRun) -> Bool) -> SimulatedRun {
        func with(_ events: [RunEvent]) -> SimulatedRun {
            var changed = self
            changed.events = events
            return changed
        }
        return with(MeshSim.shortened(events, simpler: \.simpler) { fails(with($0)) })
    }

    /// As Swift has it, to be kept by a test.
    package var source: String {
        let cables = cables.map { "CableKey(\($0.low), \($0.high))" }.joined(separator: ", ")
        let events = events.map { "        \($0.source),\n" }.joined()
        return """
            SimulatedRun(
                seed: \(seed), nodes: \(nodes),
                cables: [\(cables)],
                events: [
            \(events)    ])
            """
    }
}
