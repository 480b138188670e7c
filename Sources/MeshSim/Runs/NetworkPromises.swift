package import Mesh

/// An algorithm and what it promises: each test of the conformance suite takes those that promise what it asks for.
package struct NetworkPromises: Sendable, CustomStringConvertible {
    package let algorithm: any RoutingAlgorithm.Type
    private let promises: RoutingPromises

    /// - Parameter promises: what it is asked for instead of what it promises itself.
    package init(_ algorithm: any RoutingAlgorithm.Type, _ promises: RoutingPromises? = nil) {
        self.algorithm = algorithm
        self.promises = promises ?? algorithm.promises
    }

    /// The name by which the configuration selects it.
    package var network: String { algorithm.name }
    package var description: String { network }

    package var reach: Int? { promises.reach }
    package var isLoopFree: Bool { promises.isLoopFree }
    package var knowsWhoIsGone: Bool { promises.knowsWhoIsGone }

    /// It passes on what is for others, so that there are ways around.
    package var relays: Bool { reach.map { $0 > 1 } ?? true }

    /// Whom each node of a shape must reach.
    package func reached(in shape: Topology) -> [[Int]] {
        (0..<shape.nodes).map { start in
            shape.distances(from: start).filter { $0.value > 0 && $0.value <= reach ?? .max }.keys.sorted()
        }
    }
}

extension Topology {
    /// How many cables away each node is that there is a way to.
    package func distances(from start: Int) -> [Int: Int] {
        var ends = [[Int]](repeating: [], count: nodes)
        for (a, b) in cables {
            ends[a].append(b)
            ends[b].append(a)
        }
        return MeshSim.distances(from: start, ends)
    }
}

/// Counts links along the ends that each node has; those that `isOpen` denies lead nowhere.
func distances(from start: Int, _ ends: [[Int]], isOpen: (Int) -> Bool = { _ in true }) -> [Int: Int] {
    var distances = [start: 0]
    var frontier = [start]
    var next = 0
    while next < frontier.count {
        let at = frontier[next]
        next += 1
        for other in ends[at] where isOpen(other) && distances[other] == nil {
            distances[other] = (distances[at] ?? 0) + 1
            frontier.append(other)
        }
    }
    return distances
}
