import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// How far a relay frame may still go.
@Suite struct HopLimitTests {
    @Test(arguments: [0, 1, 2, 64, 65, 255] as [UInt8]) func isBounded(hops: UInt8) throws {
        let bench = Bench(2) { $0.acceptsAnybody = true }
        let stranger = Stranger(bench.random)
        try #require(try bench.link(stranger, to: 0, from: bench.elsewhere(1)), bench.comment)
        // To where box 0 knows no way: what is not refused for its hop limit is refused for that.
        var frame: [UInt8] = [FrameKind.relay.rawValue, hops, 0, 4]
        frame += bench.address(1).raw.bytes + stranger.address.raw.bytes + [4]
        bench.give(stranger.seal(frame, now: bench.now), to: 0, from: bench.elsewhere(1))
        let drops = bench.boxes[0].drops
        let passes = (2...64).contains(hops)
        #expect(drops[.relayHopLimit] == (passes ? 0 : 1), bench.comment)
        #expect(drops[.relayNoRoute] == (passes ? 1 : 0), bench.comment)
    }
}
