import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct OffloadMutationTests {
    /// Whatever is read, the splitter gives packets that are what it announced, or refuses.
    @Test(arguments: 0..<4 as Range<UInt64>) func mutatedSuperPacketsAreRefusedOrSplit(seed: UInt64) {
        var random = SplitMix(seed: 100 + seed)
        let payloads = random.bytes(65_536)
        var refused = 0
        var taken = 0
        for _ in 0..<5000 {
            var read = SuperPacketPlan.random(&random, payloads: payloads).read()
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&read, &random) }
            // The filter lets nothing through whose length is not its own.
            if Bool.random(using: &random) && read.count >= 50 {
                let length = min(read.count - 50, 0xffff)
                read[10] = 0x60
                read[14] = UInt8(length >> 8)
                read[15] = UInt8(length & 255)
            }
            do {
                let limit = Int.random(in: 0...3000, using: &random)
                let (packets, splitter) = try split(read, limit: limit, partial: Bool.random(using: &random))
                taken += 1
                let isRight =
                    packets.count == splitter.count && packets.map(\.count).max() == splitter.largest
                    && packets.allSatisfy { $0.withUnsafeBytes { (try? IPv6Header($0)) != nil } }
                if !isRight { Issue.record("seed \(seed): \(splitter) gave \(packets.map(\.count))") }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 500 && taken > 500, "both happen: \(refused), \(taken)")
    }

    /// Whatever comes, each packet that is taken comes out, alone or joined, or is refused at once.
    @Test(arguments: 0..<4 as Range<UInt64>) func mutatedPacketsAreJoinedOrPassed(seed: UInt64) throws {
        var random = SplitMix(seed: 200 + seed)
        let payloads = random.bytes(65_536)
        var joined = 0
        for _ in 0..<400 {
            let arena = PacketArena(capacity: 64)
            var plan = SuperPacketPlan.random(&random, payloads: payloads)
            plan.payload = Array(plan.payload.prefix(4000))
            plan.segmentSize = max(plan.segmentSize, plan.payload.count / 32 + 1)
            plan.flags &= 0x98
            let partial = Bool.random(using: &random)
            for var packet in plan.packets(limit: 1900, leastRoom: 64, partial: partial).prefix(60) {
                if Int.random(in: 0...3, using: &random) == 0 { mutate(&packet, &random) }
                arena.append(Array(packet.prefix(PacketArena.stride)), isPartial: partial)
            }
            let offloads: PortalOffloads = Bool.random(using: &random) ? [.header, .tcpJoining, .udpJoining] : []
            let outputs = arena.join(offloads)
            joined += outputs.filter { $0.members.count > 1 }.count
            let members = outputs.flatMap(\.members) + arena.refused
            if members.sorted() != Array(0..<arena.count) { Issue.record("seed \(seed): lost or doubled \(members)") }
            if offloads.isEmpty {
                let isAlone = outputs.allSatisfy {
                    $0.members.count == 1 && $0.bytes.first.map { $0 >> 4 == 6 } == true
                }
                if !isAlone { Issue.record("seed \(seed): not as without offloads") }
            }
        }
        #expect(joined > 20)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let front = min(bytes.count, 120)
        let place = Int.random(in: 0..<front, using: &random)
        switch Int.random(in: 0...5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
        case 3: bytes[place] = [0, 0xff, 0x80, 0x7f][place % 4]
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes += random.bytes(Int.random(in: 1...20, using: &random))
        }
    }
}
