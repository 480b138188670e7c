import TestSupport
import Testing
import Wire

@testable import Portal

/// What may be joined, by its meaning: packets of which a super-packet can be made that stands for exactly these.
private struct JoinOracle {
    struct Group {
        var members: [Int]
        var isOpen: Bool
    }

    private var groups: [Group] = []
    private var current: [[UInt8]: Int] = [:]

    static func groups(_ packets: [(bytes: [UInt8], isPartial: Bool)]) -> [[Int]] {
        var oracle = JoinOracle()
        for index in packets.indices { oracle.add(index, packets) }
        return oracle.groups.map(\.members)
    }

    private mutating func add(_ index: Int, _ packets: [(bytes: [UInt8], isPartial: Bool)]) {
        let packet = packets[index].bytes
        let number = packet[6]
        guard number == 6 || number == 17 else {
            // Cannot be told from a part of any flow between the two.
            current = current.filter { $0.key[1...32] != packet[8..<40] }
            groups.append(Group(members: [index], isOpen: false))
            return
        }
        let key = [number] + packet[8..<44]
        if let place = current[key] {
            let members = groups[place].members + [index]
            if Self.isExact(members.map { packets[$0] }) {
                groups[place].members = members
                return
            }
        }
        groups.append(Group(members: [index], isOpen: true))
        current[key] = groups.count - 1
    }

    /// The slow way there and back.
    private static func isExact(_ packets: [(bytes: [UInt8], isPartial: Bool)]) -> Bool {
        guard packets.count <= 64, packets.allSatisfy({ $0.isPartial == packets[0].isPartial }) else { return false }
        let payloads = packets.map { $0.bytes.dropFirst(headerSize($0.bytes)) }
        guard payloads.allSatisfy({ !$0.isEmpty }), let plan = plan(packets.map(\.bytes)) else { return false }
        guard plan.headerSize + plan.payload.count <= 65_535 else { return false }
        return plan.packets(limit: .max, leastRoom: 0, partial: packets[0].isPartial) == packets.map(\.bytes)
    }

    static func headerSize(_ packet: [UInt8]) -> Int { 40 + (packet[6] == 6 ? Int(packet[52] >> 4) * 4 : 8) }

    /// What the packets would be parts of; nil where flags forbid that they are of any.
    static func plan(_ packets: [[UInt8]]) -> SuperPacketPlan? {
        guard let first = packets.first, let last = packets.last else { return nil }
        func number(_ place: Int, _ count: Int) -> UInt32 {
            first[place..<place + count].reduce(0) { $0 << 8 | UInt32($1) }
        }
        let isTCP = first[6] == 6
        var plan = SuperPacketPlan(
            isTCP: isTCP, payload: packets.flatMap { $0.dropFirst(headerSize($0)) },
            segmentSize: first.count - headerSize(first))
        plan.firstWord = number(0, 4)
        plan.hopLimit = first[7]
        plan.source = Array(first[8..<24])
        plan.destination = Array(first[24..<40])
        plan.finalDestination = plan.destination
        plan.ports = Array(first[40..<44])
        guard isTCP else { return plan }
        plan.sequence = number(44, 4)
        plan.acknowledgement = number(48, 4)
        plan.reserved = first[52] & 15
        plan.flags = first[53] | last[53] & 9
        // SYN, RST and URG belong to one segment, whatever could be made of them.
        if plan.flags & 0x26 != 0 { return nil }
        plan.window = UInt16(number(54, 2))
        plan.urgent = UInt16(number(58, 2))
        plan.options = Array(first[60..<headerSize(first)])
        return plan
    }
}

@Suite struct JoinerTests {
    private let all: PortalOffloads = [.header, .tcpJoining, .udpJoining]

    /// Bursts of several flows, whole and disturbed: what is joined is what the oracle says may be, each as the kernel
    /// expects it, and split again the same bytes.
    @Test(arguments: 0..<6 as Range<UInt64>) func whatIsJoinedIsWhatTheOracleSays(seed: UInt64) throws {
        var random = SplitMix(seed: 300 + seed)
        let payloads = random.bytes(65_536)
        var joined = 0
        var alone = 0
        for round in 0..<250 {
            let arena = PacketArena(capacity: 400)
            fill(arena, &random, payloads)
            let outputs = arena.join(all)
            #expect(arena.refused.isEmpty)
            let expected = JoinOracle.groups(arena.packets)
            guard outputs.map(\.members).sorted(by: { $0[0] < $1[0] }) == expected else {
                Issue.record("seed \(seed), round \(round): \(outputs.map(\.members)) instead of \(expected)")
                return
            }
            for output in outputs {
                let packets = output.members.map { arena.packets[$0].bytes }
                if packets.count == 1 {
                    alone += 1
                    #expect(Array(output.bytes[10...]) == packets[0])
                    #expect(
                        output.bytes[1] == 0 && output.bytes[0] == (arena.packets[output.members[0]].isPartial ? 1 : 0))
                } else {
                    joined += 1
                    guard let plan = JoinOracle.plan(packets), plan.read() == output.bytes else {
                        Issue.record("seed \(seed), round \(round): not the super-packet that it should be")
                        return
                    }
                    let partial = arena.packets[output.members[0]].isPartial
                    #expect(try split(output.bytes, limit: .max, partial: partial).packets == packets)
                }
            }
        }
        #expect(joined > 1000 && alone > 1000, "\(joined), \(alone)")
    }

    /// The packets of some flows, mixed with each other, with mistakes in a few.
    private func fill(_ arena: PacketArena, _ random: inout SplitMix, _ payloads: [UInt8]) {
        var flows: [[(bytes: [UInt8], isPartial: Bool)]] = []
        for _ in 0..<Int.random(in: 1...Joiner.flowLimit, using: &random) {
            var plan = SuperPacketPlan.random(&random, payloads: payloads)
            plan.extensions = []
            plan.finalDestination = plan.destination
            plan.flags = [0x10, 0x18, 0x11, 0x90, 0x50, 0xd9, 0x10, 0x18][Int.random(in: 0...7, using: &random)]
            plan.payload = Array(plan.payload.prefix(2000))
            plan.segmentSize = max(plan.segmentSize, plan.payload.count / 16 + 1)
            let partial = Bool.random(using: &random)
            var packets = plan.packets(limit: 1900, leastRoom: 64, partial: partial).map {
                (bytes: $0, isPartial: partial)
            }
            // The same flow goes on.
            let more = min(200, plan.payload.count)
            plan.sequence &+= UInt32(plan.payload.count)
            plan.payload = Array(payloads.prefix(more))
            packets += plan.packets(limit: 1900, leastRoom: 64, partial: partial).prefix(8)
                .map { (bytes: $0, isPartial: partial) }
            if Int.random(in: 0...2, using: &random) == 0 { disturb(&packets, &random) }
            flows.append(Array(packets.prefix(24)))
        }
        while !flows.isEmpty {
            let place = Int.random(in: 0..<flows.count, using: &random)
            let run = min(Int.random(in: 1...6, using: &random), flows[place].count)
            for packet in flows[place].prefix(run) { arena.append(packet.bytes, isPartial: packet.isPartial) }
            flows[place].removeFirst(run)
            if flows[place].isEmpty { flows.remove(at: place) }
        }
    }

    private func disturb(_ packets: inout [(bytes: [UInt8], isPartial: Bool)], _ random: inout SplitMix) {
        for _ in 0..<Int.random(in: 1...3, using: &random) where packets.count > 1 {
            let place = Int.random(in: 0..<packets.count, using: &random)
            switch Int.random(in: 0...5, using: &random) {
            case 0: packets.swapAt(place, packets.count - 1)
            case 1: packets[place].isPartial.toggle()
            case 2: packets.remove(at: place)
            default: changeAField(&packets[place], &random)
            }
        }
    }

    /// One field differs, and the checksum is right again or is not.
    private func changeAField(_ packet: inout (bytes: [UInt8], isPartial: Bool), _ random: inout SplitMix) {
        let isTCP = packet.bytes[6] == 6
        let places = isTCP ? [1, 2, 3, 7, 44, 47, 48, 51, 53, 54, 55, 56, 58, 59, 60] : [1, 3, 7, 46]
        let place = places[Int.random(in: 0..<places.count, using: &random)]
        guard place < packet.bytes.count else { return }
        packet.bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        packet.bytes[0] = 0x60 | packet.bytes[0] & 15
        guard Bool.random(using: &random), isTCP, !packet.isPartial else { return }
        packet.bytes.replaceSubrange(56..<58, with: [0, 0])
        let length = packet.bytes.count - 40
        let pseudo = packet.bytes[8..<40] + [0, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, 6]
        let sum = slowChecksum(Array(pseudo) + packet.bytes[40...])
        packet.bytes.replaceSubrange(56..<58, with: [UInt8(sum >> 8), UInt8(sum & 255)])
    }

    @Test func moreFlowsThanPlacesAreAllKept() {
        let arena = PacketArena(capacity: 200)
        for round in 0..<4 {
            for flow in 0..<40 as Range<UInt8> {
                var plan = SuperPacketPlan(isTCP: true, payload: [UInt8](repeating: flow, count: 100), segmentSize: 100)
                plan.ports[0] = flow
                plan.sequence = UInt32(round * 100)
                arena.append(plan.packets(limit: 1280, leastRoom: 64, partial: false)[0], isPartial: false)
            }
        }
        let outputs = arena.join(all)
        #expect(outputs.flatMap(\.members).sorted() == Array(0..<160))
        for flow in 0..<40 {
            let order = outputs.flatMap(\.members).filter { $0 % 40 == flow }
            #expect(order == order.sorted())
        }
    }

    @Test func aSuperPacketHasItsLimits() {
        func sizes(_ payload: Int, _ count: Int, isTCP: Bool = true) -> [Int] {
            let arena = PacketArena(capacity: count)
            let plan = SuperPacketPlan(
                isTCP: isTCP, payload: [UInt8](repeating: 3, count: payload), segmentSize: payload)
            for number in 0..<count {
                let packet = plan.packet(plan.payload[...], offset: number * payload, flags: 0x10, partial: true)
                arena.append(packet, isPartial: true)
            }
            return arena.join(all).map(\.members.count)
        }
        #expect(sizes(1, 130) == [64, 64, 2])
        #expect(sizes(1900, 40) == [34, 6], "34 * 1900 + 60 is under 65,535")
        #expect(sizes(500, 70, isTCP: false) == [64, 6])
    }

    @Test func whatIsNeverJoinedComesOutAtOnce() throws {
        let joiner = Joiner(offloads: all)
        var ping = try packet("fd00::2", "fd00::1", next: IPProtocol.icmpv6, payload: [128, 0, 1, 2, 3, 4, 5, 6])
        var pushed = SuperPacketPlan(isTCP: true, payload: [1, 2, 3], segmentSize: 3)
        pushed.flags = 0x18
        var segment = pushed.packets(limit: 1280, leastRoom: 64, partial: false)[0]
        var acknowledgement = pushed.packet([], offset: 0, flags: 0x10, partial: false)
        func comesOut(_ bytes: inout [UInt8]) -> Bool {
            bytes.withUnsafeMutableBytes { joiner.add($0, isPartial: false) && joiner.next() != nil }
        }
        #expect(comesOut(&ping) && comesOut(&segment) && comesOut(&acknowledgement))
        joiner.flush()
        #expect(joiner.next() == nil)
        #expect(!ping.withUnsafeMutableBytes { joiner.add($0, isPartial: true) }, "ICMPv6 is never marked")
        var short = Array(ping.dropLast())
        #expect(!short.withUnsafeMutableBytes { joiner.add($0, isPartial: false) })
        #expect(!joiner.add(UnsafeMutableRawBufferPointer(start: nil, count: 0), isPartial: false))
    }

    @Test func withoutAHeaderChecksumsAreFinished() {
        for isTCP in [true, false] {
            let plan = SuperPacketPlan(isTCP: isTCP, payload: [1, 2, 3], segmentSize: 3)
            let arena = PacketArena(capacity: 1)
            arena.append(plan.packets(limit: 1280, leastRoom: 64, partial: true)[0], isPartial: true)
            let outputs = arena.join([])
            #expect(outputs.map(\.bytes) == plan.packets(limit: 1280, leastRoom: 64, partial: false))
        }
    }

    @Test func aWrongChecksumIsLeftToTheKernel() {
        let plan = SuperPacketPlan(isTCP: true, payload: [UInt8](repeating: 1, count: 300), segmentSize: 100)
        for wrong in 0..<3 {
            let arena = PacketArena(capacity: 3)
            for (number, packet) in plan.packets(limit: 1280, leastRoom: 64, partial: false).enumerated() {
                var packet = packet
                if number == wrong { packet[70] ^= 1 }
                arena.append(packet, isPartial: false)
            }
            #expect(arena.join(all).map(\.members) == [[[0], [1, 2]], [[0], [1], [2]], [[0, 1], [2]]][wrong])
        }
    }
}
