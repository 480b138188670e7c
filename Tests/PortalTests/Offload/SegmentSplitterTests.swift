import TestSupport
import Testing
import Wire

@testable import Portal

/// What the splitter makes of the bytes that the device gave.
func split(_ read: [UInt8], limit: Int, partial: Bool) throws -> (packets: [[UInt8]], splitter: SegmentSplitter) {
    try read.withUnsafeBytes { bytes in
        guard bytes.count >= VirtioHeader.size else { throw IPv6Malformation.truncated }
        let header = try IPv6Header(UnsafeRawBufferPointer(rebasing: bytes[VirtioHeader.size...]))
        let first = try SegmentSplitter(header, VirtioHeader(bytes), limit: limit, partial: partial)
        var splitter = first
        var packets: [[UInt8]] = []
        while let size = splitter.nextSize {
            packets.append(
                [UInt8](unsafeUninitializedCapacity: size) { target, count in
                    count = splitter.next(into: UnsafeMutableRawBufferPointer(target)) ?? 0
                })
        }
        return (packets, first)
    }
}

@Suite struct SegmentSplitterTests {
    /// 100,000 super-packets against an oracle that never sees them.
    @Test(arguments: 0..<10 as Range<UInt64>) func everySegmentIsWhatTheOracleSays(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let payloads = random.bytes(65_536)
        var segments = 0
        for number in 0..<10_000 {
            let plan = SuperPacketPlan.random(&random, payloads: payloads)
            let partial = Bool.random(using: &random)
            let isNarrow = Bool.random(using: &random)
            let limit = isNarrow ? Int.random(in: 40...plan.headerSize + 500, using: &random) : 70_000
            let expected = plan.packets(limit: limit, leastRoom: SegmentSplitter.leastPayload, partial: partial)
            let (packets, splitter) = try split(plan.read(), limit: limit, partial: partial)
            segments += packets.count
            guard packets == expected else {
                Issue.record("seed \(seed), packet \(number): not the same as the oracle's")
                return
            }
            guard splitter.count == packets.count, splitter.largest == packets.map(\.count).max(),
                splitter.isPartial == (partial && splitter.largest <= limit),
                splitter.intended == plan.headerSize + min(plan.segmentSize, plan.payload.count)
            else {
                Issue.record("seed \(seed), packet \(number): \(splitter)")
                return
            }
            // And what came out partial is right once it is finished.
            if splitter.isPartial && plan.extensions.isEmpty {
                let whole = plan.packets(limit: limit, leastRoom: SegmentSplitter.leastPayload, partial: false)
                let finished = packets.map { packet in
                    var packet = packet
                    return packet.withUnsafeMutableBytes { PartialChecksum.finish($0) } ? packet : []
                }
                guard finished == whole else {
                    Issue.record("seed \(seed), packet \(number): partial checksums do not become right")
                    return
                }
            }
        }
        #expect(segments > 20_000)
    }

    @Test func anOrdinaryPacketComesOutAsItIs() throws {
        let plan = SuperPacketPlan(isTCP: true, payload: [1, 2, 3], segmentSize: 3)
        let packet = plan.packets(limit: 1280, leastRoom: 64, partial: false)[0]
        let (packets, splitter) = try split([UInt8](repeating: 0, count: 10) + packet, limit: 20, partial: true)
        #expect(packets == [packet] && !splitter.isPartial && splitter.largest == packet.count)
    }

    /// As ICMPv6 has it, and what stands inside a tunnel of another kind: a field anywhere in the packet.
    @Test func anUnfinishedChecksumAnywhereIsFinished() throws {
        var random = SplitMix(seed: 5)
        for number: UInt8 in [58, 50, 44, 17] {
            for start in [40, 48, 77] {
                var bytes = try packet("fd00::1", "fd00::2", next: number, payload: random.bytes(101))
                bytes[start + 2] = 0x12
                bytes[start + 3] = 0x34
                let virtio: [UInt8] = [1, 0, 0, 0, 0, 0, UInt8(start), 0, 2, 0]
                let (packets, splitter) = try split(virtio + bytes, limit: 1280, partial: true)
                #expect(!splitter.isPartial, "the other end could not tell where")
                #expect(packets.count == 1 && slowChecksum([0x12, 0x34] + packets[0][start...]) == 0)
            }
        }
    }

    @Test func aSinglePacketMayStayUnfinished() throws {
        for isTCP in [true, false] {
            let plan = SuperPacketPlan(isTCP: isTCP, payload: [9, 8, 7], segmentSize: 100)
            var read = plan.read()
            read[1] = 0
            read[4] = 0
            let kept = try split(read, limit: 1280, partial: true)
            #expect(kept.packets == [Array(read[10...])] && kept.splitter.isPartial)
            let finished = try split(read, limit: 1280, partial: false)
            #expect(finished.packets == plan.packets(limit: 1280, leastRoom: 64, partial: false))
            #expect(!(try split(read, limit: 50, partial: true)).splitter.isPartial, "it is going to be fragmented")
        }
    }

    @Test func liesAreRefused() throws {
        func refusal(_ change: (inout [UInt8]) -> Void, isTCP: Bool = true) -> SplitError? {
            var read = SuperPacketPlan(isTCP: isTCP, payload: [UInt8](repeating: 7, count: 50), segmentSize: 20).read()
            change(&read)
            do { _ = try split(read, limit: 1280, partial: false) } catch { return error as? SplitError }
            return nil
        }
        #expect(refusal { _ in } == nil)
        #expect(
            refusal {
                $0[2] = 0xff; $0[3] = 0xff
            } == nil, "the header length is a hint")
        #expect(refusal { $0[4] = 0 } == .incomplete, "no segment size")
        #expect(refusal { $0[0] = 0 } == .incomplete, "no checksum to finish")
        #expect(refusal { $0[6] = 41 } == .badChecksum)
        #expect(refusal { $0[6] = 39 } == .badChecksum)
        #expect(refusal { $0[7] = 0xff } == .badChecksum)
        #expect(refusal { $0[8] = 6 } == .badChecksum)
        #expect(refusal { $0[1] = 5 } == .unknownKind, "UDP, it says")
        #expect(refusal({ $0[1] = 4 }, isTCP: false) == .unknownKind)
        for kind: UInt8 in [1, 2, 3, 6, 0x7f] { #expect(refusal { $0[1] = kind } == .unknownKind) }
        #expect(refusal { $0[10 + 40 + 12] = 0x40 } == .unknownKind, "a header shorter than TCP's")
        #expect(refusal { $0[10 + 40 + 12] = 0xf0 } == nil, "options may take what looks like payload")
        #expect(refusal { $0[10 + 6] = 44 } == .unknownKind, "a fragment")
        #expect(refusal { $0[10 + 6] = 51 } == .unknownKind, "authenticated as it is")
    }
}
