import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A path that shrinks and says nothing, while small datagrams get through as before: how long nothing large arrives, at
/// either end, and what it costs to find out.
@Suite struct ShrinkTests {
    private func wire(_ mtu: Int, latency: Int = 5, lossPermille: UInt32 = 0) -> CableQuality {
        var quality = CableQuality.clean
        quality.mtu = mtu
        quality.latency = .milliseconds(Int64(latency))
        quality.lossPermille = lossPermille
        return quality
    }

    private func pair(_ quality: CableQuality) throws -> Simulation {
        let simulation = try Simulation.chain(2, seed: Seeds.fresh(), quality: quality)
        simulation.run(for: .seconds(20))
        try #require(simulation.session(0, 1)?.size.confirmed == quality.mtu, "seed \(simulation.seed)")
        return simulation
    }

    /// Large and small messages both ways; the longest time between two large ones at either end.
    private func longestPause(
        _ simulation: Simulation, for span: Interval, every: Interval = .milliseconds(20), bytes: Int = 1390
    ) -> Interval {
        let start = simulation.now
        var last = [start, start]
        var longest = Interval.zero
        while simulation.now - start < span {
            simulation.clearReceived()
            for (a, b) in [(0, 1), (1, 0)] {
                simulation.send([UInt8](repeating: 1, count: bytes), from: a, to: simulation.address(b))
                simulation.send([2], from: a, to: simulation.address(b))
            }
            simulation.run(for: every)
            for node in 0...1 {
                if simulation.received(node).contains(where: { $0.message.count > 1 }) { last[node] = simulation.now }
                longest = max(longest, simulation.now - last[node])
            }
        }
        return longest
    }

    /// To what a tunnel carries, to what only IPv6's least size does, and below that. At any moment between two confirmations.
    @Test(arguments: [1400, 1300, 1200, 700], [Int64(0), 130, 260, 390])
    func underTraffic(mtu: Int, moment: Int64) throws {
        let simulation = try pair(wire(1500))
        _ = longestPause(simulation, for: .seconds(3) + .milliseconds(moment))
        simulation.setQuality(0, 1, wire(mtu))
        let pause = longestPause(simulation, for: .seconds(8))
        #expect(pause < .milliseconds(1600), "\(mtu): nothing large for \(pause.inSeconds) s, seed \(simulation.seed)")
        #expect(simulation.session(0, 1)?.size.confirmed ?? 0 <= mtu, "seed \(simulation.seed)")
        simulation.run(for: .seconds(10))
        let expected = PathSize.ladder.last { $0 <= mtu }
        for (a, b) in [(0, 1), (1, 0)] {
            #expect(simulation.session(a, b)?.size.confirmed == expected, "seed \(simulation.seed)")
        }
    }

    /// Ten large ones a second, as a call with pictures or a slow download has them.
    @Test func underLittleTraffic() throws {
        let simulation = try pair(wire(1500))
        _ = longestPause(simulation, for: .seconds(3), every: .milliseconds(100))
        simulation.setQuality(0, 1, wire(1300))
        let pause = longestPause(simulation, for: .seconds(8), every: .milliseconds(100))
        #expect(pause < .seconds(2), "nothing large for \(pause.inSeconds) s, seed \(simulation.seed)")
    }

    /// It shrank while nothing was sent: the first large ones find out.
    @Test(arguments: [1400, 1200]) func afterSilence(mtu: Int) throws {
        let simulation = try pair(wire(1500))
        simulation.run(for: .seconds(200))
        simulation.setQuality(0, 1, wire(mtu))
        simulation.run(for: .seconds(7))
        let pause = longestPause(simulation, for: .seconds(8))
        #expect(pause < .seconds(2), "nothing large for \(pause.inSeconds) s, seed \(simulation.seed)")
    }

    /// A long line takes its round trips more.
    @Test func onALongLine() throws {
        let simulation = try pair(wire(1500, latency: 150))
        _ = longestPause(simulation, for: .seconds(5))
        simulation.setQuality(0, 1, wire(1300, latency: 150))
        let pause = longestPause(simulation, for: .seconds(10))
        #expect(pause < .seconds(3), "nothing large for \(pause.inSeconds) s, seed \(simulation.seed)")
    }

    /// Loss alone is no shrinking: a good size stays in use nearly all the time.
    @Test(arguments: [UInt32(20), 100, 200]) func lossIsNoShrinking(permille: UInt32) throws {
        let simulation = try pair(wire(1500))
        simulation.setQuality(0, 1, wire(1500, lossPermille: permille))
        _ = longestPause(simulation, for: .seconds(20))
        var small = 0
        for _ in 0..<600 {
            _ = longestPause(simulation, for: .milliseconds(200))
            if simulation.session(0, 1)?.size.confirmed ?? 0 < 1500 { small += 1 }
        }
        #expect(small <= 60, "\(small) of 600 looks found less than 1,500, seed \(simulation.seed)")
    }

    /// A queue that fills is no shrinking either: what is late is not lost.
    @Test func aFilledQueueIsNoShrinking() throws {
        let simulation = try pair(wire(1500))
        _ = longestPause(simulation, for: .seconds(2))
        for step in 1...15 {
            simulation.setQuality(0, 1, wire(1500, latency: step * 100))
            _ = longestPause(simulation, for: .milliseconds(260))
            #expect(simulation.session(0, 1)?.size.confirmed == 1500, "at \(step * 100) ms, seed \(simulation.seed)")
        }
    }

    /// What an idle link costs, in bytes of datagrams a second and side.
    @Test func idleLinksCostLittle() throws {
        var ethernet = wire(1500)
        ethernet.interfaceMTU = 1500
        let simulation = try pair(ethernet)
        simulation.run(for: .seconds(60))
        var bytes = 0
        simulation.tap = { _, _, datagram in
            bytes += datagram.count
            return datagram
        }
        simulation.run(for: .seconds(560))
        let perSecond = Double(bytes) / 560 / 2
        #expect(perSecond < 75, "\(perSecond) bytes a second and side, seed \(simulation.seed)")
    }
}
