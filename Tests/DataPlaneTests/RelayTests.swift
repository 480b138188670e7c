import INET256
import Mesh
import System
import Testing
import Transport
import Wire

@testable import DataPlane

/// Whole engines in a row, of which the middle one has several threads: whichever a frame comes to relays it, and each flow keeps
/// its order.
@Suite struct RelayTests {
    private static func endpoint(_ number: UInt16) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0xfd00 << 48, low: 1), port: number)
    }

    /// By its number it is settled to which of a box's threads another one's datagrams come (`ToyNetwork`).
    private static func engine(_ network: ToyNetwork, _ number: UInt16, threads: Int = 1) async throws -> TestEngine {
        try await TestEngine(
            threads: threads, ports: [ToyTransport(endpoint: endpoint(number), network: network)])
    }

    /// Until each finds the other by the mesh.
    private static func meet(_ a: TestEngine, _ b: TestEngine) async {
        for (from, to) in [(a, b), (b, a)] {
            while true {
                if case .answered = await from.ping(to.key.address, .seconds(2)) { break }
            }
        }
    }

    private static func packet(_ a: TestEngine, _ b: TestEngine, _ number: Int) -> [UInt8] {
        TestPacket.make(a.address, b.address, payload: [UInt8(number >> 8), UInt8(number & 255)])
    }

    private static func number(_ packet: [UInt8]) -> Int { Int(packet[40]) << 8 | Int(packet[41]) }

    /// Sends packets of these numbers, never many ahead of those that arrive, until the last one is there or `patience` is over. Gives
    /// the numbers in the order in which they came.
    private static func stream(
        _ numbers: Range<Int>, from a: TestEngine, to b: TestEngine, patience: Interval = .seconds(60)
    ) async throws -> [Int] {
        var got: [Int] = []
        var next = numbers.lowerBound
        var moved = BootClock.now()
        while got.last != numbers.upperBound - 1, BootClock.now() - moved < patience {
            if next < numbers.upperBound, next - (got.last ?? numbers.lowerBound) < 400 {
                let end = min(next + 50, numbers.upperBound)
                a.devices.devices[0].send((next..<end).map { packet(a, b, $0) })
                next = end
            }
            let arrived = b.devices.devices.flatMap { $0.takeWritten() }.map(number)
            if !arrived.isEmpty { moved = BootClock.now() }
            got += arrived
            try await Task.sleep(for: .microseconds(300))
        }
        return got
    }

    @Test(.timeLimit(.minutes(4)), arguments: [1, 2, 3]) func everyThreadRelaysInOrder(threads: Int) async throws {
        let network = ToyNetwork()
        // Those of 5 and 7 come to a side engine where there are two threads, to two of these where there are three.
        let (a, b) = (try await Self.engine(network, 5), try await Self.engine(network, 7))
        let middle = try await Self.engine(network, 2, threads: threads)
        try await a.find(middle)
        try await b.find(middle)
        await Self.meet(a, b)
        let before = try await middle.snapshot()
        let count = 4000
        for (from, to) in [(a, b), (b, a)] {
            let got = try await Self.stream(0..<count, from: from, to: to)
            #expect(got == Array(0..<count), "\(threads) threads: \(got.count)")
        }
        let after = try await middle.snapshot()
        #expect(after.threads == threads)
        let relayed = after.box.relayedFrames - before.box.relayedFrames
        #expect(relayed >= UInt64(2 * count) && after.box.relayedBytes - before.box.relayedBytes > 140 * relayed)
        if threads > 1 {
            // All came to side engines, which left next to nothing to the first one.
            let handed = after.handovers.count - before.handovers.count
            #expect(handed < relayed / 4, "\(handed) of \(relayed)")
        }
        #expect(after.handovers.refused == 0)
        for engine in [a, b, middle] { try await engine.stop() }
    }

    /// The link that frames go by is gone in the middle of a stream: they go another way, none twice and none before its turn.
    @Test(.timeLimit(.minutes(4)), arguments: [1, 2]) func aRouteThatChangesKeepsTheOrder(threads: Int) async throws {
        let network = ToyNetwork()
        let (a, b) = (try await Self.engine(network, 5), try await Self.engine(network, 7))
        let middle = try await Self.engine(network, 2, threads: threads)
        let detour = try await Self.engine(network, 9, threads: threads)
        try await a.find(middle)
        try await middle.find(detour)
        try await detour.find(b)
        try await middle.find(b)
        await Self.meet(a, b)
        let first = try await Self.stream(0..<1500, from: a, to: b)
        #expect(first == Array(0..<1500))
        let straight = try await detour.snapshot().box.relayedFrames
        async let second = Self.stream(1500..<3000, from: a, to: b, patience: .seconds(3))
        try await Task.sleep(for: .milliseconds(20))
        network.part(Self.endpoint(2), Self.endpoint(7))
        let cut = try await second
        let early = zip(cut, cut.dropFirst()).filter { $0 >= $1 }
        #expect(early.isEmpty, "none twice, and none before its turn: \(early) of \(cut.count)")
        await Self.meet(a, b)
        let third = try await Self.stream(3000..<4500, from: a, to: b)
        #expect(third == Array(3000..<4500))
        #expect(try await detour.snapshot().box.relayedFrames - straight >= 1500)
        for engine in [a, b, middle, detour] { try await engine.stop() }
    }
}
