/// An undirected graph: who has a link with whom.
struct Graph {
    let nodes: Int
    private(set) var edges: [(Int, Int)] = []

    init(nodes: Int) { self.nodes = nodes }

    mutating func join(_ a: Int, _ b: Int) {
        let edge = (min(a, b), max(a, b))
        if a != b && !edges.contains(where: { $0 == edge }) { edges.append(edge) }
    }

    static func chain(_ nodes: Int) -> Graph {
        var graph = Graph(nodes: nodes)
        for node in 1..<nodes { graph.join(node - 1, node) }
        return graph
    }

    static func ring(_ nodes: Int) -> Graph {
        var graph = chain(nodes)
        graph.join(nodes - 1, 0)
        return graph
    }

    /// Connected, with `extra` edges besides those of a random tree.
    static func random(_ nodes: Int, extra: Int, seed: UInt64) -> Graph {
        let random = SeededRandom(seed: seed)
        var graph = Graph(nodes: nodes)
        for node in 1..<nodes { graph.join(node, Int(random.next() % UInt64(node))) }
        let wanted = graph.edges.count + min(extra, nodes * (nodes - 1) / 2 - graph.edges.count)
        while graph.edges.count < wanted {
            graph.join(Int(random.next() % UInt64(nodes)), Int(random.next() % UInt64(nodes)))
        }
        return graph
    }
}
