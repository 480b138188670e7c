package import INET256
internal import Mesh

/// Where a packet would go.
extension Fabric {
    /// Follows the next hops to `destination`, which may be of any node. A cut cable ends the walk, unless
    /// `acrossCuts`: before both ends have noticed the cut, next hops across it must not go around either.
    package func walk(from start: Int, to destination: Address, acrossCuts: Bool = false) -> Walk {
        var path = [start]
        while let at = path.last {
            if address(at) == destination { return .arrived(hops: path.count - 1) }
            guard let hop = nodes[at].algorithm.nextHop(to: destination) else { return .noRoute(at: at) }
            let next = Int(hop.rawValue)
            guard nodes[next].isAlive, let session = nodes[at].sessions[hop], nodes[next].sessions[id(at)] == session,
                acrossCuts || self.session(at, next) == session
            else { return .deadLink(from: at, to: next) }
            if path.contains(next) { return .loop(through: path + [next]) }
            path.append(next)
        }
        return .noRoute(at: start)
    }

    /// Pairs that a way exists between but next hops do not lead along, with `shortest` none but a shortest one.
    package func unreached(shortest: Bool = false) -> [(from: Int, to: Int, walk: Walk)] {
        var failures: [(from: Int, to: Int, walk: Walk)] = []
        let cabled = cabled
        for from in nodes.indices where nodes[from].isAlive {
            for (to, hops) in distances(from: from, cabled, isOpen: { nodes[$0].isAlive }) where to != from {
                let walk = walk(from: from, to: address(to))
                guard case .arrived(let walked) = walk, !shortest || walked == hops else {
                    failures.append((from, to, walk))
                    continue
                }
            }
        }
        return failures
    }

    package var allReached: Bool { unreached().isEmpty }
}

/// How a walk along next hops ends.
package enum Walk: Equatable, Sendable {
    case arrived(hops: Int)
    case noRoute(at: Int)
    /// The next hop does not hear this node, whatever it believes.
    case deadLink(from: Int, to: Int)
    case loop(through: [Int])
}
