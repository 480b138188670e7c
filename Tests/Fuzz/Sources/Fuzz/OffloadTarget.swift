import Wire

@testable import Portal

/// Super-packets as a kernel or a peer might garble them: a mode (1 byte), the path's limit (2), then what the device gave.
/// What is split fits together again, and whatever is joined is what was given.
struct OffloadTarget: FuzzTarget {
    private static let room = 1 << 20
    /// More segments than this are not written: one byte in each takes the fuzzer's time.
    private static let mostSegments = 200
    private let joiner = Joiner(offloads: [.header, .tcpJoining, .udpJoining])
    private let segments = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    private let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
    private let again = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)

    func run(_ input: [UInt8]) {
        guard input.count >= 3 + VirtioHeader.size else { return }
        let mode = input[0]
        let limit = Int(input[1]) << 8 | Int(input[2])
        input.dropFirst(3).withUnsafeBytes { read in
            let packet = UnsafeRawBufferPointer(rebasing: read[VirtioHeader.size...])
            joinAsItIs(packet, partial: mode & 2 != 0)
            guard let header = try? IPv6Header(packet),
                let splitter = try? SegmentSplitter(header, VirtioHeader(read), limit: limit, partial: mode & 1 != 0),
                splitter.count <= Self.mostSegments
            else { return }
            split(splitter)
        }
    }

    private func split(_ first: SegmentSplitter) {
        var splitter = first
        var place = 0
        var count = 0
        var longest = 0
        while let size = splitter.nextSize {
            guard place + size <= Self.room else { break }
            let target = UnsafeMutableRawBufferPointer(rebasing: segments[place..<place + size])
            demand(splitter.next(into: target) == size, "another size than announced")
            demand((try? IPv6Header(UnsafeRawBufferPointer(target))) != nil, "a segment that is no packet")
            longest = max(longest, size)
            place += size
            count += 1
            _ = joiner.add(target, isPartial: splitter.isPartial)
            drain(splitter.isPartial)
        }
        joiner.flush()
        drain(splitter.isPartial)
        guard splitter.nextSize == nil else { return }
        demand(count == first.count && longest == first.largest, "\(count) of \(first.count), \(longest)")
    }

    private func joinAsItIs(_ packet: UnsafeRawBufferPointer, partial: Bool) {
        // One behind the other, at the lengths that they say themselves.
        var place = 0
        UnsafeMutableRawBufferPointer(rebasing: segments[..<packet.count]).copyMemory(from: packet)
        while packet.count - place >= IPv6Header.size {
            let says = IPv6Header.size + Int(segments[place + 4]) << 8 + Int(segments[place + 5])
            let size = min(says, packet.count - place)
            _ = joiner.add(UnsafeMutableRawBufferPointer(rebasing: segments[place..<place + size]), isPartial: partial)
            drain(partial)
            place += size
        }
        joiner.flush()
        drain(partial)
    }

    /// Each that comes out is one packet, or splits into as many as went in.
    private func drain(_ partial: Bool) {
        while let packet = joiner.next() {
            let count = packet.gather(into: gathered)
            demand(count == packet.length + VirtioHeader.size && packet.length <= 1 << 17, "\(packet.length) bytes")
            let read = UnsafeRawBufferPointer(rebasing: gathered[..<count])
            guard packet.packets > 1 else { continue }
            guard let header = try? IPv6Header(UnsafeRawBufferPointer(rebasing: read[VirtioHeader.size...])),
                var splitter = try? SegmentSplitter(header, VirtioHeader(read), limit: .max, partial: partial)
            else { return demand(false, "joined to what is no super-packet") }
            demand(splitter.count == packet.packets, "\(packet.packets) became \(splitter.count)")
            while let size = splitter.next(into: again) { demand(size > IPv6Header.size, "an empty segment") }
        }
    }
}
