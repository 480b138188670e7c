import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

extension Simulation {
    /// Boxes in a row, each linked with the next, once all of them know the way to the last.
    static func chain(
        _ count: Int, seed: UInt64, quality: CableQuality = .clean, settings: BoxSettings = Simulation.smallBoxes()
    ) throws -> Simulation {
        let simulation = Simulation(seed: seed, settings: settings)
        for _ in 0..<count { simulation.addNode() }
        for place in 1..<count { simulation.connect(place - 1, place, quality) }
        let last = simulation.address(count - 1)
        let found = simulation.run(
            until: { (0..<count - 1).allSatisfy { simulation.box($0)?.routes.network.nextHop(to: last) != nil } },
            within: .seconds(30))
        try #require(found, "the chain does not come up, seed \(seed)")
        return simulation
    }

    /// What `a` has with `b`, main node to main node.
    func session(_ a: Int, _ b: Int) -> Session? {
        guard let box = box(a), let main = box.node(.main) else { return nil }
        return box.session(main, address(b))
    }

    func drops(_ node: Int) -> DropCounters { box(node)?.drops ?? DropCounters() }

    /// Sends, and gives back what arrived within a second.
    func exchange(_ message: [UInt8], from a: Int, to b: Int) -> [[UInt8]] {
        clearReceived()
        send(message, from: a, to: address(b))
        run(for: .seconds(1))
        return received(b).map(\.message)
    }
}

/// A message that tells which one it is and is `count` bytes long.
func numbered(_ number: Int, count: Int = 100) -> [UInt8] {
    var out: [UInt8] = []
    out.appendBig(UInt32(number))
    return out + (0..<max(0, count - 4)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
}

/// The number that `numbered` gave a message.
func number(of message: [UInt8]) -> Int {
    message.prefix(4).reduce(0) { $0 << 8 | Int($1) }
}
