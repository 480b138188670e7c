import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// What boxes say to one another while nobody has anything to say.
@Suite struct IdleTrafficTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let topology: Topology

        init(_ topology: Topology) {
            self.topology = topology
            testDescription = topology.name
        }
    }

    static let star = Topology(name: "star of 30", nodes: 30, cables: (1..<30).map { (0, $0) })
    static let shapes = [
        Shape(.chain(2)), Shape(.chain(10)), Shape(.chain(30)), Shape(star), Shape(.random(30, extra: 15, seed: 3)),
    ]

    /// What crosses one cable one way.
    struct Flow: Hashable {
        let from: Int
        let to: Int
    }

    /// IPv4 and UDP around each datagram.
    static let headers = 28
    /// Datagrams from here on are probes that confirm the path's size, which are another matter.
    static let probe = 1100

    @Test(arguments: shapes) func aLinkIsQuiet(shape: Shape) throws {
        // Fixed: with other keys beacons come at other times, and a link has some bytes more or less in ten minutes.
        let seed: UInt64 = 3
        let simulation = shape.topology.build(seed: seed, network: "beaconnet")
        let all = Array(0..<shape.topology.nodes)
        try #require(simulation.run(until: { simulation.allFound(all) }, within: .seconds(30)), "seed \(seed)")
        // Path sizes are found, and what happened at the start is over.
        simulation.run(for: .seconds(300))
        var bytes: [Flow: Int] = [:]
        simulation.tap = { from, to, datagram in
            if datagram.count < Self.probe {
                bytes[Flow(from: from, to: to), default: 0] += datagram.count + Self.headers
            }
            return datagram
        }
        let span = 600
        simulation.run(for: .seconds(Int64(span)))
        let most = (bytes.values.max() ?? 0) / span
        #expect(most <= 100, "\(most) bytes a second at the busiest side of a link, seed \(seed)")
        #expect(simulation.allFound(all), "seed \(seed)")
    }
}
