import TestSupport
import Wire

/// What a super-packet is meant to be, in parts. It writes the packet as the kernel would, and by itself, without
/// a look at that packet, each of the packets that it stands for: slowly, and by the words of the RFCs.
struct SuperPacketPlan {
    var firstWord: UInt32 = 6 << 28
    var hopLimit: UInt8 = 64
    var source = [UInt8](repeating: 1, count: 16)
    var destination = [UInt8](repeating: 2, count: 16)
    /// What the checksum is made of: another address where there is a routing header.
    var finalDestination: [UInt8]
    /// Numbers of the extension headers and what is in them behind next header and length: 6 and n * 8 bytes.
    var extensions: [(number: UInt8, content: [UInt8])] = []
    var isTCP: Bool
    var ports: [UInt8] = [0x12, 0x34, 0, 80]
    var sequence: UInt32 = 1
    var acknowledgement: UInt32 = 2
    /// The four bits beside the data offset.
    var reserved: UInt8 = 0
    var flags: UInt8 = 0x10
    var window: UInt16 = 1000
    var urgent: UInt16 = 0
    var options: [UInt8] = []
    var payload: [UInt8]
    var segmentSize: Int

    init(isTCP: Bool, payload: [UInt8], segmentSize: Int) {
        self.isTCP = isTCP
        self.payload = payload
        self.segmentSize = segmentSize
        finalDestination = destination
    }

    var transportOffset: Int { 40 + extensions.reduce(0) { $0 + 2 + $1.content.count } }
    var headerSize: Int { transportOffset + (isTCP ? 20 + options.count : 8) }

    /// One packet of this flow: payload, place in the stream, and flags as they are. `partial`: the checksum is that of
    /// the pseudo-header, not complemented.
    func packet(_ payload: ArraySlice<UInt8>, offset: Int, flags: UInt8, partial: Bool) -> [UInt8] {
        let upperSize = headerSize - transportOffset + payload.count
        var out: [UInt8] = []
        out.reserveCapacity(headerSize + payload.count)
        out += big(firstWord) + big(UInt16(transportOffset - 40 + upperSize))
        let number: UInt8 = isTCP ? 6 : 17
        out += [extensions.first?.number ?? number, hopLimit] + source + destination
        for (place, part) in extensions.enumerated() {
            let next = place + 1 < extensions.count ? extensions[place + 1].number : number
            out += [next, UInt8((part.content.count + 2) / 8 - 1)] + part.content
        }
        let transport = out.count
        if isTCP {
            out += ports + big(sequence &+ UInt32(offset)) + big(acknowledgement)
            out += [UInt8((20 + options.count) / 4) << 4 | reserved, flags] + big(window)
            out += [0, 0] + big(urgent) + options
        } else {
            out += ports + big(UInt16(upperSize)) + [0, 0]
        }
        out += payload
        let pseudo = source + finalDestination + big(UInt32(upperSize)) + [0, 0, 0, number]
        let field = transport + (isTCP ? 16 : 6)
        var sum = plainSum(pseudo[...])
        if partial {
            out.replaceSubrange(field..<field + 2, with: big(UInt16(sum)))
            return out
        }
        sum = (sum + plainSum(out[transport...]))
        sum = sum & 0xffff + sum >> 16
        var checksum = ~UInt16(sum & 0xffff)
        if checksum == 0 && !isTCP { checksum = 0xffff }
        out.replaceSubrange(field..<field + 2, with: big(checksum))
        return out
    }

    /// The super-packet, and before it the header that the kernel would write.
    func read() -> [UInt8] {
        var out: [UInt8] = [1, isTCP ? (flags & 0x80 != 0 ? 0x84 : 4) : 5]
        for number in [headerSize, segmentSize, transportOffset, isTCP ? 16 : 6] { out += little(UInt16(number)) }
        return out + packet(payload[...], offset: 0, flags: flags, partial: true)
    }

    /// The packets that it stands for on a path: what RFC 9293 and the kernel's tcp_gso_segment() say of flags.
    func packets(limit: Int, leastRoom: Int, partial: Bool) -> [[UInt8]] {
        var step = segmentSize
        let room = limit - headerSize
        if isTCP && room >= leastRoom && room < step { step = room }
        let isPartial = partial && headerSize + min(step, payload.count) <= limit
        guard !payload.isEmpty else { return [packet([], offset: 0, flags: flags, partial: isPartial)] }
        return stride(from: 0, to: payload.count, by: step).map { start in
            let end = min(start + step, payload.count)
            var flags = self.flags
            if end != payload.count { flags &= ~(1 | 8) }
            if start != 0 { flags &= ~0x80 }
            return packet(payload[start..<end], offset: start, flags: flags, partial: isPartial)
        }
    }

    private func little(_ value: UInt16) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
}

private func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
private func big(_ value: UInt32) -> [UInt8] { big(UInt16(value >> 16)) + big(UInt16(value & 0xffff)) }

/// Two bytes at a time.
private func plainSum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { raw in
        var sum: UInt32 = 0
        var index = 0
        while index < raw.count {
            sum &+= UInt32(raw[index]) << 8
            if index + 1 < raw.count { sum &+= UInt32(raw[index + 1]) }
            if sum > 0x7fff_ffff { sum = sum & 0xffff + sum >> 16 }
            index += 2
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return sum
    }
}

extension SuperPacketPlan {
    /// One of everything that can be: both protocols, extension headers, options, every mix of flags, odd and tiny sizes.
    static func random(_ random: inout SplitMix, payloads: [UInt8]) -> SuperPacketPlan {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        // Mostly short, for the time it takes; one in 300 as long as a packet can be.
        let isLong = number(0...299) == 0
        let size = isLong ? number(20_000...65_000) : number(0...7) == 0 ? number(0...3) : number(0...900)
        let start = number(0...payloads.count - size)
        let segment = isLong ? number(100...9000) : number(0...3) == 0 ? number(1...9) : number(10...400)
        var plan = SuperPacketPlan(
            isTCP: number(0...2) > 0, payload: Array(payloads[start..<start + size]),
            segmentSize: size > 200 ? max(segment, 40) : segment)
        plan.firstWord = 6 << 28 | UInt32(number(0...0xfff_ffff))
        plan.hopLimit = UInt8(number(0...255))
        plan.source = random.bytes(16)
        plan.destination = random.bytes(16)
        plan.finalDestination = plan.destination
        if number(0...3) == 0 {
            for _ in 0..<number(1...3) {
                let kind: [UInt8] = [0, 43, 60]
                let header = kind[number(0...2)]
                plan.extensions.append((header, random.bytes(6 + 8 * number(0...3))))
                if header == 43 { plan.finalDestination = random.bytes(16) }
            }
        }
        // Extension headers come out of what a packet can hold.
        if isLong && !plan.extensions.isEmpty { plan.payload.removeLast(1000) }
        plan.ports = random.bytes(4)
        plan.sequence = UInt32.random(in: 0...UInt32.max, using: &random)
        if number(0...9) == 0 { plan.sequence = 0xffff_ff00 }
        plan.acknowledgement = UInt32.random(in: 0...UInt32.max, using: &random)
        plan.flags = UInt8(number(0...255))
        plan.reserved = UInt8(number(0...15))
        plan.window = UInt16(number(0...0xffff))
        plan.urgent = UInt16(number(0...0xffff))
        if plan.isTCP { plan.options = random.bytes(4 * number(0...10)) }
        return plan
    }
}
