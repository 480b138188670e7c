/// A shape of mesh: how many nodes, and who has a cable with whom.
package struct Topology: CustomStringConvertible, Sendable {
    package let name: String
    package let nodes: Int
    package private(set) var cables: [(Int, Int)]

    package var description: String { name }

    package init(name: String, nodes: Int, cables: [(Int, Int)]) {
        self.name = name
        self.nodes = nodes
        self.cables = cables
    }

    /// Lays one more cable, if it is one.
    package mutating func join(_ a: Int, _ b: Int) {
        let pair = (min(a, b), max(a, b))
        if a != b, !cables.contains(where: { (min($0.0, $0.1), max($0.0, $0.1)) == pair }) { cables.append(pair) }
    }

    package static func chain(_ count: Int) -> Topology {
        Topology(name: "chain of \(count)", nodes: count, cables: (1..<count).map { ($0 - 1, $0) })
    }

    package static func ring(_ count: Int) -> Topology {
        Topology(name: "ring of \(count)", nodes: count, cables: (0..<count).map { ($0, ($0 + 1) % count) })
    }

    package static func star(_ count: Int) -> Topology {
        Topology(name: "star of \(count)", nodes: count, cables: (1..<count).map { (0, $0) })
    }

    /// A random tree, so that all are connected, and `extra` cables more.
    package static func random(_ count: Int, extra: Int, seed: UInt64) -> Topology {
        let random = SeededRandom(seed: seed)
        let tree = (1..<count).map { (random.below($0), $0) }
        var topology = Topology(name: "random of \(count), seed \(seed)", nodes: count, cables: tree)
        let wanted = min(tree.count + extra, count * (count - 1) / 2)
        while topology.cables.count < wanted {
            let a = random.below(count)
            let b = random.below(count)
            topology.join(a, b)
        }
        return topology
    }
}
