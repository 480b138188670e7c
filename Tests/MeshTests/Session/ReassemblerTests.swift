import MeshSim
import Testing
import Wire

@testable import Mesh

/// Pieces that come in any order, twice, never, or from somebody who means harm.
@Suite struct ReassemblerTests {
    /// Cuts a frame as a box does.
    private func pieces(_ frame: [UInt8], number: UInt32, room: Int) -> [[UInt8]] {
        let count = (frame.count + room - 1) / room
        let each = (frame.count + count - 1) / count
        return (0..<count).map { piece in
            var out: [UInt8] = [FrameKind.fragment.rawValue]
            out.appendLittle(number)
            out += [UInt8(piece), UInt8(count)]
            out.appendLittle(UInt32(frame.count))
            return out + frame[piece * each..<min(frame.count, (piece + 1) * each)]
        }
    }

    /// The whole frame, once it is complete.
    private func give(
        _ piece: [UInt8], to reassembler: inout Reassembler, owner: UInt32 = 1, now: Instant = .distantPast,
        dropped: inout Int, malformed: inout Int
    ) -> [UInt8]? {
        piece.withUnsafeBytes { bytes in
            switch reassembler.accept(bytes, owner: owner, now: now, dropped: &dropped) {
            case .complete(let whole): return Array(whole)
            case .malformed:
                malformed += 1
                return nil
            case .waiting: return nil
            }
        }
    }

    @Test(arguments: Seeds.several(8)) func anyOrderWithRepetitions(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var limits = MeshLimits()
        limits.reassembliesPerSession = 64
        var reassembler = Reassembler(limits: limits)
        var dropped = 0
        var malformed = 0
        for number in 0..<200 as Range<UInt32> {
            let room = 40 + Int(random.next(below: 1400))
            let most = min(Reassembler.frameCapacity, room * FragmentLayout.maximumPieces)
            let frame = random.bytes(room + 1 + Int(random.next(below: UInt32(most - room))))
            var all = pieces(frame, number: number, room: room)
            guard all.count >= 2, all.count <= FragmentLayout.maximumPieces else { continue }
            // Each piece but one also comes a second time; then shuffled.
            all += all.dropFirst().filter { _ in random.chance(permille: 300) }
            for place in all.indices { all.swapAt(place, Int(random.next(below: UInt32(all.count)))) }
            var whole: [[UInt8]] = []
            for piece in all {
                let found = give(piece, to: &reassembler, dropped: &dropped, malformed: &malformed)
                if let found { whole.append(found) }
            }
            // Repetitions behind the last missing piece begin a frame that never ends; they complete none.
            guard whole == [frame] else {
                Issue.record("seed \(seed), frame \(number) of \(frame.count) bytes in pieces of \(room)")
                return
            }
        }
        #expect(malformed == 0, "seed \(seed)")
    }

    @Test func lostPiecesAreGivenUp() {
        let limits = MeshLimits()
        var reassembler = Reassembler(limits: limits)
        var dropped = 0
        var malformed = 0
        let start = Instant(nanoseconds: 1)
        for piece in pieces([UInt8](repeating: 7, count: 5000), number: 1, room: 1000).dropLast() {
            #expect(give(piece, to: &reassembler, now: start, dropped: &dropped, malformed: &malformed) == nil)
        }
        #expect(reassembler.count == 1)
        #expect(reassembler.tick(start + limits.reassemblyLifetime - .milliseconds(1)) == 0)
        #expect(reassembler.tick(start + limits.reassemblyLifetime) == 1)
        #expect(reassembler.count == 0 && dropped == 0)
    }

    @Test func framesOfSessionsDoNotMix() {
        var reassembler = Reassembler(limits: MeshLimits())
        var dropped = 0
        var malformed = 0
        let frames = [[UInt8](repeating: 1, count: 3000), [UInt8](repeating: 2, count: 3000)]
        let cut = frames.map { pieces($0, number: 9, room: 1000) }
        var whole: [[UInt8]] = []
        for place in 0..<3 {
            for owner in 0...1 {
                if let found = give(
                    cut[owner][place], to: &reassembler, owner: UInt32(owner), dropped: &dropped, malformed: &malformed)
                {
                    whole.append(found)
                }
            }
        }
        #expect(whole == frames && dropped == 0 && malformed == 0)
    }

    @Test func nobodyTakesAllTheRoom() {
        var limits = MeshLimits()
        limits.reassemblies = 20
        limits.reassembliesPerSession = 5
        var reassembler = Reassembler(limits: limits)
        var dropped = 0
        var malformed = 0
        let head = pieces([UInt8](repeating: 0, count: 3000), number: 0, room: 1000)[0]
        func first(_ number: UInt32) -> [UInt8] {
            var piece = head
            piece.withUnsafeMutableBytes { $0.baseAddress?.putLittle(number, FragmentLayout.number) }
            return piece
        }
        for number in 0..<1000 as Range<UInt32> {
            _ = give(first(number), to: &reassembler, owner: 1, dropped: &dropped, malformed: &malformed)
            #expect(reassembler.count <= 5)
        }
        #expect(dropped == 995)
        for owner in 2..<100 as Range<UInt32> {
            for number in 0..<10 as Range<UInt32> {
                _ = give(first(number), to: &reassembler, owner: owner, dropped: &dropped, malformed: &malformed)
                #expect(reassembler.count <= 20)
                #expect(reassembler.bytes <= 21 * Reassembler.frameCapacity)
            }
        }
        _ = reassembler.tick(.distantPast + .seconds(60))
        #expect(reassembler.count == 0 && reassembler.bytes <= 4 * Reassembler.frameCapacity)
    }

    @Test(arguments: Seeds.several(4)) func hostilePieces(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var limits = MeshLimits()
        limits.reassemblies = 16
        limits.reassembliesPerSession = 4
        var reassembler = Reassembler(limits: limits)
        var dropped = 0
        var malformed = 0
        var now = Instant.distantPast
        let genuine = pieces(random.bytes(20_000), number: 3, room: 1100)
        for step in 0..<100_000 {
            var piece: [UInt8]
            if random.chance(permille: 400) {
                piece = random.bytes(random.length(upTo: 1500))
                if !piece.isEmpty { piece[0] = FrameKind.fragment.rawValue }
                // Small numbers of pieces and frames, so that they meet.
                if piece.count > FragmentLayout.header, random.chance(permille: 700) {
                    piece[1] &= 3
                    for place in 2...4 { piece[place] = 0 }
                    piece[FragmentLayout.pieces] &= 7
                    piece[FragmentLayout.piece] &= 7
                    piece[FragmentLayout.total + 2] = 0
                    piece[FragmentLayout.total + 3] = 0
                }
            } else {
                piece = random.flipped(genuine[Int(random.next(below: UInt32(genuine.count)))])
            }
            let owner = random.next(below: 8)
            let whole = give(
                piece, to: &reassembler, owner: owner, now: now, dropped: &dropped, malformed: &malformed)
            if let whole, whole.isEmpty || whole.count > Reassembler.frameCapacity {
                Issue.record("seed \(seed), step \(step): a frame of \(whole.count) bytes")
            }
            guard reassembler.count <= 16, reassembler.bytes <= 17 * Reassembler.frameCapacity else {
                Issue.record("seed \(seed), step \(step): \(reassembler.count) frames, \(reassembler.bytes) bytes")
                return
            }
            if step % 1000 == 0 {
                now = now + .seconds(1)
                dropped += reassembler.tick(now)
            }
        }
        #expect(malformed > 10_000 && dropped > 100, "the test did not test, seed \(seed)")
    }

    @Test func numbersAtTheirEdges() {
        var reassembler = Reassembler(limits: MeshLimits())
        var dropped = 0
        var malformed = 0
        func head(_ piece: UInt8, _ pieces: UInt8, _ total: UInt32, _ body: Int) -> [UInt8] {
            var out: [UInt8] = [FrameKind.fragment.rawValue, 1, 0, 0, 0, piece, pieces]
            out.appendLittle(total)
            return out + [UInt8](repeating: 0, count: body)
        }
        let capacity = UInt32(Reassembler.frameCapacity)
        let bad = [
            head(0, 0, 10, 5), head(0, 1, 10, 5), head(2, 2, 10, 5), head(255, 255, 10, 5), head(0, 65, 1000, 5),
            head(0, 2, 0, 5), head(0, 2, 5, 5), head(0, 2, .max, 5), head(0, 2, capacity + 1, 1000), head(0, 2, 10, 0),
            head(1, 2, 10, 6), head(0, 2, 11, 5), head(2, 3, 10, 1), head(0, 3, 10, 5),
            Array(head(0, 2, 10, 5).prefix(FragmentLayout.header)),
        ]
        for piece in bad { #expect(give(piece, to: &reassembler, dropped: &dropped, malformed: &malformed) == nil) }
        #expect(malformed == bad.count && reassembler.count == 0)
        // A second piece that tells another story of the same frame.
        #expect(give(head(0, 2, 10, 5), to: &reassembler, dropped: &dropped, malformed: &malformed) == nil)
        #expect(give(head(1, 2, 9, 4), to: &reassembler, dropped: &dropped, malformed: &malformed) == nil)
        #expect(malformed == bad.count + 1)
        #expect(give(head(1, 2, 10, 5), to: &reassembler, dropped: &dropped, malformed: &malformed)?.count == 10)
        // The largest frame of all.
        let largest = pieces([UInt8](repeating: 1, count: Int(capacity)), number: 7, room: Int(capacity + 63) / 64)
        var whole: [UInt8]?
        for piece in largest {
            whole = give(piece, to: &reassembler, dropped: &dropped, malformed: &malformed) ?? whole
        }
        #expect(largest.count == 64 && whole?.count == Int(capacity))
    }
}

extension Reassembler {
    /// Takes one fragment frame, head included, as it comes in.
    mutating func accept(
        _ frame: UnsafeRawBufferPointer, owner: UInt32, isReserved: Bool = false, now: Instant, dropped: inout Int
    ) -> Outcome {
        guard let piece = FragmentFrame(body: frame.tail(from: 1)) else { return .malformed }
        return accept(piece, owner: owner, isReserved: isReserved, now: now, dropped: &dropped)
    }
}
