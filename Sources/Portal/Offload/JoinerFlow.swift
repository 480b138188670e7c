internal import Glibc
internal import Wire

/// A packet that wants to join others: what is looked at once.
struct JoinCandidate {
    let base: UnsafeMutableRawPointer
    let count: Int
    /// `IPProtocol.tcp` or `.udp`.
    let number: UInt8
    let isPartial: Bool
    /// Bytes before the payload.
    let headerSize: Int
    /// Whether it may be one of several at all; otherwise it only ends what is open of its flow.
    let mayJoin: Bool

    @inline(__always) var payload: Int { count - headerSize }
    @inline(__always) var flags: UInt8 { base.load(fromByteOffset: IPv6Header.size + TCPField.flags, as: UInt8.self) }
    @inline(__always) var sequence: UInt32 {
        UInt32(bigEndian: base.loadUnaligned(fromByteOffset: IPv6Header.size + TCPField.sequence, as: UInt32.self))
    }
    /// Nothing may follow it in a super-packet.
    @inline(__always) var isLast: Bool {
        number == IPProtocol.tcp && flags & (TCPField.fin | TCPField.psh) != 0
    }

    /// Nil when it is no TCP or UDP right behind the IPv6 header: such packets are not joined, as the checksum behind a
    /// routing header is made of another address, and the others are too rare.
    @inline(__always)
    init?(_ base: UnsafeMutableRawPointer, _ count: Int, isPartial: Bool, allowed: PortalOffloads) {
        self.base = base
        self.count = count
        self.isPartial = isPartial
        number = base.load(fromByteOffset: 6, as: UInt8.self)
        switch number {
        case IPProtocol.tcp:
            guard count >= IPv6Header.size + TCPField.minimumLength else { return nil }
            let offset = Int(base.load(fromByteOffset: IPv6Header.size + TCPField.dataOffset, as: UInt8.self) >> 4) * 4
            guard offset >= TCPField.minimumLength, IPv6Header.size + offset <= count else { return nil }
            headerSize = IPv6Header.size + offset
            let flags = base.load(fromByteOffset: IPv6Header.size + TCPField.flags, as: UInt8.self)
            mayJoin =
                allowed.contains(.tcpJoining) && count > headerSize && count <= Joiner.longest
                && flags & (TCPField.syn | TCPField.rst | TCPField.urg) == 0
        case IPProtocol.udp:
            guard count >= IPv6Header.size + UDPField.length else { return nil }
            headerSize = IPv6Header.size + UDPField.length
            let size = base.loadUnaligned(fromByteOffset: IPv6Header.size + UDPField.size, as: UInt16.self)
            mayJoin =
                allowed.contains(.udpJoining) && count > headerSize && count <= Joiner.longest
                && Int(UInt16(bigEndian: size)) == count - IPv6Header.size
        default:
            return nil
        }
    }

    /// One that is not looked into and never open.
    init(passing base: UnsafeMutableRawPointer, _ count: Int) {
        self.base = base
        self.count = count
        number = IPProtocol.noNextHeader
        isPartial = false
        headerSize = count
        mayJoin = false
    }

    @inline(__always)
    func isGood() -> Bool {
        let field = number == IPProtocol.tcp ? TCPField.checksum : UDPField.checksum
        return PartialChecksum.isGood(
            base, count: count, number: number, field: IPv6Header.size + field, partial: isPartial)
    }
}

/// Packets of one flow that follow each other, as yet unwritten.
struct JoinerFlow {
    var first: JoinCandidate
    /// The checksum of the first is right; looked at only when a second comes.
    var isVerified = false
    var packets = 1
    /// Payload bytes of all.
    var payload: Int
    /// Flags of the last that came.
    var lastFlags: UInt8 = 0
    /// Nothing may follow.
    var isClosed = false

    @inline(__always)
    init(_ first: JoinCandidate) {
        self.first = first
        payload = first.payload
    }

    /// Source and destination address, and both ports.
    @inline(__always)
    func isSameFlow(_ other: JoinCandidate) -> Bool {
        first.number == other.number && Self.word32(first.base, 40) == Self.word32(other.base, 40)
            && isBetweenSame(other.base)
    }

    /// Source and destination address.
    @inline(__always)
    func isBetweenSame(_ other: UnsafeMutableRawPointer) -> Bool {
        let base = first.base
        let source = (Self.word(base, 8) ^ Self.word(other, 8)) | (Self.word(base, 16) ^ Self.word(other, 16))
        let target = (Self.word(base, 24) ^ Self.word(other, 24)) | (Self.word(base, 32) ^ Self.word(other, 32))
        return source | target == 0
    }

    /// Whether `next`, of the same flow, is what the kernel's own splitting of a longer packet would have made
    /// after those that are here: everything equal that is not counted on, and in sequence.
    @inline(__always)
    func continues(with next: JoinCandidate) -> Bool {
        guard !isClosed, next.mayJoin, next.isPartial == first.isPartial, next.headerSize == first.headerSize else {
            return false
        }
        // Shorter ends it, so all here are of the first's length.
        guard next.payload <= first.payload, packets < Joiner.packetLimit,
            first.headerSize + payload + next.payload <= Joiner.longest
        else { return false }
        // Version, class, flow label, next header and hop limit: the first eight bytes without the payload length.
        guard (Self.word(first.base, 0) ^ Self.word(next.base, 0)) & Self.fixed == 0 else { return false }
        guard first.number == IPProtocol.tcp else { return true }
        let a = first.base + IPv6Header.size
        let b = next.base + IPv6Header.size
        guard next.sequence == first.sequence &+ UInt32(truncatingIfNeeded: payload) else { return false }
        // Flags that only the first or only the last may have are no difference, but CWR begins a packet.
        let free = TCPField.fin | TCPField.psh | TCPField.cwr
        guard (first.flags ^ next.flags) & ~free == 0, next.flags & TCPField.cwr == 0 else { return false }
        guard Self.word32(a, TCPField.acknowledgement) == Self.word32(b, TCPField.acknowledgement),
            a.load(fromByteOffset: TCPField.dataOffset, as: UInt8.self)
                == b.load(fromByteOffset: TCPField.dataOffset, as: UInt8.self),
            Self.word16(a, TCPField.window) == Self.word16(b, TCPField.window),
            Self.word16(a, TCPField.urgent) == Self.word16(b, TCPField.urgent)
        else { return false }
        let options = first.headerSize - IPv6Header.size - TCPField.minimumLength
        return options == 0 || memcmp(a + TCPField.minimumLength, b + TCPField.minimumLength, options) == 0
    }

    /// All bits of the first word but bytes 4 and 5, in the machine's order.
    private static let fixed = UInt64(0xffff_ffff_0000_ffff).bigEndian

    @inline(__always)
    private static func word(_ base: UnsafeMutableRawPointer, _ offset: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inline(__always)
    private static func word32(_ base: UnsafeMutableRawPointer, _ offset: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }

    @inline(__always)
    private static func word16(_ base: UnsafeMutableRawPointer, _ offset: Int) -> UInt16 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    }
}
