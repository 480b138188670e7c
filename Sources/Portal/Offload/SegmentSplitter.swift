internal import Glibc
package import Wire

/// Why a packet from the kernel cannot be split.
package enum SplitError: Error, Equatable, Sendable {
    /// The virtio header names a kind of super-packet that is not IPv6 TCP or UDP, or the packet is not what it names.
    case unknownKind
    /// A super-packet without segment size, or without a checksum to finish.
    case incomplete
    /// The checksum would lie outside the packet, or not in its TCP or UDP header.
    case badChecksum
}

/// Splits what the kernel gave in one piece into packets that fit a path, and finishes their checksums.
///
/// A value of a few words, for one packet: make it when the path is known, then call `next` until it gives nil. Packets
/// that are whole already come out as they are, so there is one way for all.
///
/// - TCP is cut again to any smaller size: segment boundaries mean nothing in a stream of bytes.
/// - UDP datagrams are never altered: where one is longer than the path, all come out in their own length, with checksums
///   finished, and `largest` says that the session has to fragment them.
package struct SegmentSplitter {
    private enum Kind {
        /// Finished.
        case whole
        /// One packet with an unfinished checksum somewhere.
        case unfinished
        case tcp, udp
    }

    /// A path that leaves less room than this behind the headers is not heeded: the session fragments.
    static let leastPayload = 64

    /// How many packets come out.
    package let count: Int
    /// The longest of them in bytes, by which the caller knows whether the sender should hear Packet Too Big.
    package let largest: Int
    /// The longest in bytes that the kernel meant to send; greater than the limit where we cut TCP smaller, which
    /// the sender may be told too.
    package let intended: Int
    /// What comes out has checksums of the pseudo-header only, and must be marked so (see `PartialChecksum`).
    package let isPartial: Bool

    private let base: UnsafeRawPointer
    private let total: Int
    private let kind: Kind
    /// Bytes before the payload.
    private let headerSize: Int
    /// Where the sum begins, and where its field is, in bytes from the start of the packet.
    private let transport: Int
    private let field: Int
    /// Payload bytes in each segment but the last.
    private let step: Int
    /// The pseudo-header's sum without the length: taken from what the kernel wrote, since with a routing header it
    /// is made of an address that is not in the header.
    private let lengthless: UInt32
    /// Where the payload of the next segment begins; the end when all is out.
    private var place: Int
    private var isDone = false

    /// `packet`: what followed the virtio header, which is nil when the device has none. `limit`: the longest packet that
    /// the path carries in one piece, in bytes. `partial`: checksums may stay unfinished, because the other end trusts the
    /// session. The packet's bytes must live as long as this value.
    package init(
        _ packet: IPv6Header, _ virtio: VirtioHeader?, limit: Int, partial: Bool
    ) throws(SplitError) {
        let bytes = packet.packet
        guard let first = bytes.baseAddress else { throw .incomplete }
        base = first
        total = bytes.count
        place = 0
        guard let virtio, virtio.isSuperPacket || virtio.flags & VirtioHeader.needsChecksum != 0 else {
            kind = .whole
            (count, largest, intended, isPartial) = (1, total, total, false)
            (headerSize, transport, field, step, lengthless) = (total, 0, 0, 0, 0)
            return
        }
        transport = Int(virtio.checksumStart)
        field = transport + Int(virtio.checksumOffset)
        guard virtio.flags & VirtioHeader.needsChecksum != 0 else { throw .incomplete }
        guard transport >= IPv6Header.size, field + 2 <= total else { throw .badChecksum }
        let header = TransportHeader.find(in: packet)
        let isKnown: Bool
        if let header {
            isKnown = header.offset == transport && header.offset + header.checksumOffset == field
        } else {
            isKnown = false
        }

        guard virtio.isSuperPacket else {
            kind = .unfinished
            (count, largest, intended) = (1, total, total)
            isPartial = partial && isKnown && total <= limit
            (headerSize, step, lengthless) = (total, 0, 0)
            return
        }
        guard let header else { throw .unknownKind }
        switch (virtio.type & ~VirtioHeader.congestion, header.number) {
        case (VirtioHeader.tcp, IPProtocol.tcp): kind = .tcp
        case (VirtioHeader.udp, IPProtocol.udp): kind = .udp
        default: throw .unknownKind
        }
        guard isKnown else { throw .badChecksum }
        guard virtio.segmentSize > 0 else { throw .incomplete }

        headerSize = header.end
        let payload = total - headerSize
        let wanted = Int(virtio.segmentSize)
        let room = limit - headerSize
        step = kind == .tcp && room >= Self.leastPayload ? min(wanted, room) : wanted
        count = payload == 0 ? 1 : (payload - 1) / step + 1
        largest = headerSize + min(step, payload)
        intended = headerSize + min(wanted, payload)
        isPartial = partial && largest <= limit
        let sum = UInt16(bigEndian: base.loadUnaligned(fromByteOffset: field, as: UInt16.self))
        lengthless = UInt32(sum) + UInt32(~UInt16(truncatingIfNeeded: total - transport))
        place = headerSize
    }

    /// The length in bytes of what `next` writes next, nil at the end.
    package var nextSize: Int? { isDone ? nil : headerSize + payloadSize }

    private var payloadSize: Int {
        switch kind {
        case .whole, .unfinished: 0
        case .tcp, .udp: min(step, total - place)
        }
    }

    /// Writes the next packet to `target`, which has room for `nextSize` bytes, and gives its length in bytes. Nil when
    /// all is out.
    package mutating func next(into target: UnsafeMutableRawBufferPointer) -> Int? {
        guard !isDone else { return nil }
        let payload = payloadSize
        let size = headerSize + payload
        guard target.count >= size, let start = target.baseAddress else {
            preconditionFailure("no room for the packet")
        }
        memcpy(start, base, headerSize)
        switch kind {
        case .whole:
            isDone = true
        case .unfinished:
            isDone = true
            if !isPartial { finish(start, size) }
        case .tcp, .udp:
            memcpy(start + headerSize, base + place, payload)
            rewrite(start, payload)
            place += payload
            isDone = place == total
            if !isPartial { finish(start, size) }
        }
        return size
    }

    /// Makes the copied headers those of a segment: lengths, sequence number and flags, and the pseudo-header's sum.
    @inline(__always)
    private func rewrite(_ start: UnsafeMutableRawPointer, _ payload: Int) {
        let size = headerSize + payload
        start.storeBytes(
            of: UInt16(truncatingIfNeeded: size - IPv6Header.size).bigEndian, toByteOffset: 4, as: UInt16.self)
        let length = UInt16(truncatingIfNeeded: size - transport)
        if kind == .tcp {
            let sequence = UInt32(
                bigEndian: base.loadUnaligned(fromByteOffset: transport + TCPField.sequence, as: UInt32.self))
            let done = UInt32(truncatingIfNeeded: place - headerSize)
            start.storeBytes(
                of: (sequence &+ done).bigEndian, toByteOffset: transport + TCPField.sequence, as: UInt32.self)
            var flags = base.load(fromByteOffset: transport + TCPField.flags, as: UInt8.self)
            // The end is pushed or finished, and the window's reduction told once, as the kernel does it.
            if place + payload < total { flags &= ~(TCPField.fin | TCPField.psh) }
            if place > headerSize { flags &= ~TCPField.cwr }
            start.storeBytes(of: flags, toByteOffset: transport + TCPField.flags, as: UInt8.self)
        } else {
            start.storeBytes(of: length.bigEndian, toByteOffset: transport + UDPField.size, as: UInt16.self)
        }
        let part = PartialChecksum.fold(lengthless + UInt32(length))
        start.storeBytes(of: part.bigEndian, toByteOffset: field, as: UInt16.self)
    }

    @inline(__always)
    private func finish(_ start: UnsafeMutableRawPointer, _ size: Int) {
        PartialChecksum.finish(
            UnsafeMutableRawBufferPointer(start: start, count: size), start: transport, field: field)
    }
}
