import INET256
import NodeProtocol
import TestSupport
import Testing

@testable import API

/// Frames out of bytes, without a socket: however they are cut, and whatever they are.
@Suite struct NodeStreamTests {
    private enum Seen: Equatable {
        case message([UInt8])
        case request([UInt8])
    }

    /// What comes out when `bytes` come in pieces; `stop` ends it at that many messages and requests.
    private static func frames(
        _ bytes: [UInt8], cutAt cuts: [Int], stop: Int = .max
    ) -> (seen: [Seen], fault: NodeFrameError?, held: Int) {
        var stream = NodeStream()
        var seen: [Seen] = []
        var fault: NodeFrameError?
        var start = 0
        for end in cuts + [bytes.count] {
            // In memory of its own, so that a look beyond it is found by the sanitizer.
            let piece = Array(bytes[start..<end])
            start = end
            let found = piece.withUnsafeBytes { piece in
                stream.receive(piece) { event in
                    switch event {
                    case .messages(let frames):
                        var rest = frames
                        while !rest.isEmpty {
                            guard let frame = try? NodeFrame.first(in: rest), frame.kind == .data else {
                                Issue.record("what is handed on is no DATA frame")
                                return false
                            }
                            seen.append(.message(Array(frame.bytes)))
                            rest = UnsafeRawBufferPointer(rebasing: rest[frame.bytes.count...])
                        }
                    case .request(let frame): seen.append(.request(Array(frame.bytes)))
                    }
                    return seen.count < stop
                }
            }
            if let found { fault = found }
        }
        return (seen, fault, stream.held)
    }

    private static let good: [[UInt8]] = [
        NodeFrame.data(key(1).address, []), NodeFrame.keep, NodeFrame.data(key(2).address, [1, 2, 3]),
        [0, 0, 0, 22] + Array("FIND".utf8) + [UInt8](repeating: 7, count: 16) + Array("{}".utf8),
        NodeFrame.data(key(3).address, [UInt8](repeating: 9, count: 65_535)), NodeFrame.keep, NodeFrame.keep,
        [0, 0, 0, 20] + Array("PUBK".utf8) + [UInt8](repeating: 8, count: 16),
        NodeFrame.data(key(1).address, [UInt8](repeating: 5, count: 1200)),
    ]
    private static let expected: [Seen] = [
        .message(good[0]), .message(good[2]), .request(good[3]), .message(good[4]), .request(good[7]),
        .message(good[8]),
    ]

    @Test func everyCutGivesTheSameFrames() {
        let bytes = Array(Self.good.joined())
        var edges = Array(0...120)
        edges += [65_700, 65_740, 65_750, 65_760, 65_780, 66_990, bytes.count].map { min($0, bytes.count) }
        for cut in edges {
            let (seen, fault, held) = Self.frames(bytes, cutAt: [cut])
            #expect(seen == Self.expected && fault == nil && held == 0, "cut at \(cut)")
        }
        var byteByByte = Array(0..<200)
        byteByByte += (bytes.count - 1400)..<bytes.count
        let (seen, fault, held) = Self.frames(bytes, cutAt: byteByByte)
        #expect(seen == Self.expected && fault == nil && held == 0)
    }

    @Test func aFrameThatIsNotWholeIsHeldAndNothingElse() {
        let bytes = Array(Self.good.joined()) + NodeFrame.data(key(1).address, [1, 2, 3]).dropLast()
        let (seen, fault, held) = Self.frames(bytes, cutAt: [])
        #expect(seen == Self.expected && fault == nil && held == 42)
    }

    @Test func whatIsWrongEndsItBehindTheGoodOnes() {
        let bad: [UInt8] = [0, 0, 0, 40] + Array("NOPE".utf8)
        let bytes = Array(Self.good.joined()) + bad + Array(Self.good.joined())
        for cut in [0, 3, 50, bytes.count - 3] {
            let (seen, fault, _) = Self.frames(bytes, cutAt: [cut])
            #expect(seen == Self.expected && fault == .unknownType(0x4e4f_5045))
        }
    }

    @Test func whoSaysStopGetsNothingMore() {
        let bytes = Array(Self.good.joined())
        for stop in 1...Self.expected.count {
            let (seen, fault, _) = Self.frames(bytes, cutAt: [10, 60, 70_000].map { min($0, bytes.count) }, stop: stop)
            // Messages that are handed on together may be one more.
            #expect(seen.count >= stop && seen.count <= stop + 1 && fault == nil)
            #expect(seen == Array(Self.expected.prefix(seen.count)))
        }
    }

    /// 50,000 streams with bytes changed, and cut anywhere: the same comes out as of the whole, and never too much is held.
    @Test func mutatedStreamsCutAnywhere() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let small = Self.good.filter { $0.count < 2000 }
        for _ in 0..<50_000 {
            var bytes = (0..<Int.random(in: 1...5, using: &random)).flatMap { _ in
                small[Int.random(in: small.indices, using: &random)]
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            let cuts = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                Int.random(in: 0...bytes.count, using: &random)
            }
            let whole = Self.frames(bytes, cutAt: [])
            let cut = Self.frames(bytes, cutAt: cuts.sorted())
            guard whole.seen == cut.seen, whole.fault == cut.fault, cut.held <= NodeFrame.longest + 4 else {
                Issue.record("seed \(seed): \(bytes) cut at \(cuts.sorted())")
                return
            }
        }
    }

    @Test func outputKeepsOrderCountsAnswersAndHoldsNothingWhenEmpty() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        var output = NodeOutput()
        var model: [UInt8] = []
        var ends: [Int] = []
        var written = 0
        for round in 0..<20_000 {
            let count = Int.random(in: 1...50, using: &random)
            let part = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: count)
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                part.withUnsafeBytes { output.append($0) }
                model += part
            case 1:
                output.append(answer: part)
                model += part
                ends.append(written + model.count)
            default:
                let count = Int.random(in: 0...min(model.count, 120), using: &random)
                output.drop(count)
                model.removeFirst(count)
                written += count
                ends.removeAll { $0 <= written }
            }
            guard output.withBytes({ $0.elementsEqual(model) }), output.count == model.count,
                output.answers == ends.count, output.isEmpty == model.isEmpty
            else {
                Issue.record("seed \(seed), round \(round)")
                return
            }
        }
    }
}
