import Foundation
import Testing

/// Whole attacks by seed: handshakes, sealed frames, pieces, relays and counters around every limit, on virtual time. What a
/// run does follows from its seed alone.
@Suite struct StatefulTests {
    /// Runs, and steps of each: about 20 seconds in a debug build on two slow cores.
    private static let runs: UInt64 = 60
    private static let steps = 160

    @Test func attacksBySeed() {
        let fixed = ProcessInfo.processInfo.environment["MESH_TEST_SEED"].flatMap { UInt64($0) }
        // The same ones each time: scripts/fuzz session is there to draw new ones.
        let first = fixed ?? 1
        for seed in first..<first + Self.runs {
            let fault = SessionWorld.run(SessionStep.list(seed: seed, count: Self.steps))
            #expect(fault == nil, "seed \(seed): \(fault ?? ""); to shorten it: scripts/fuzz --seed \(seed)")
            if fault != nil { break }
        }
    }

    /// The same steps do the same, byte for byte.
    @Test func aRunIsRepeated() {
        let steps = SessionStep.list(seed: 7, count: 40)
        var traces: [[String]] = [[], []]
        for place in traces.indices { _ = SessionWorld.run(steps) { traces[place].append($0) } }
        #expect(traces[0].count > 100)
        #expect(traces[0] == traces[1])
    }

    /// Any bytes are steps, and the bytes of steps are those steps.
    @Test func stepsAreBytes() {
        let steps = SessionStep.list(seed: 3, count: 50)
        #expect(SessionStep.list(SessionStep.bytes(steps)) == steps)
        let random = FixedRandom(5)
        var bytes = [UInt8](repeating: 0, count: 1000)
        bytes.withUnsafeMutableBytes { random.fill($0) }
        #expect(SessionStep.list(bytes).count == 1000 / SessionStep.count)
    }
}
