internal import Wire

/// Says which flow a packet belongs to: addresses, upper layer, ports or the identifier of an echo. The flow label is left
/// out, since a sender that changes it with every packet would have a turn for each.
///
/// The hash is keyed, so that nobody can choose addresses and ports that share a bucket with a flow he wishes to harm. It is
/// NH (RFC 4418 section 5.2, with words of 64 bits): a sum of products that is universal by proof, for a few multiplications.
struct FlowHash {
    /// Number of buckets. The first is for what is no IPv6 packet or has a broken chain of extension headers.
    static let buckets = 1024
    static let malformed = 0
    /// More extension headers than any honest packet has: whoever sends a longer chain wants to keep us busy.
    private static let maximumExtensionHeaders = 10
    /// ICMPv6 echo request and reply (RFC 4443 section 4), and where their identifier stands.
    private static let echoes: ClosedRange<UInt8> = 128...129
    private static let echoIdentifierOffset = 4

    private let keys: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    /// `seed`: 64 unpredictable bits.
    init(seed: UInt64) {
        var state = seed
        // SplitMix64.
        func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
        keys = (next(), next(), next(), next(), next(), next(), next(), next())
    }

    func bucket(of header: IPv6Header) -> Int {
        guard let upper = Self.upperWord(header.packet, next: header.nextHeader) else { return Self.malformed }
        let from = header.source
        let to = header.destination
        let sum =
            Self.product(from.high &+ keys.0, from.low &+ keys.1) &+ Self.product(to.high &+ keys.2, to.low &+ keys.3)
            &+ Self.product(upper &+ keys.4, keys.5)
        // Spread over all bits, of which the upper ones choose the bucket.
        let mixed = Self.product(
            UInt64(truncatingIfNeeded: sum) &+ keys.6, UInt64(truncatingIfNeeded: sum >> 64) &+ keys.7)
        let folded = UInt64(truncatingIfNeeded: mixed) ^ UInt64(truncatingIfNeeded: mixed >> 64)
        return 1 &+ Int(truncatingIfNeeded: ((folded >> 32) &* UInt64(Self.buckets - 1)) >> 32)
    }

    private static func product(_ a: UInt64, _ b: UInt64) -> UInt128 {
        let full = a.multipliedFullWidth(by: b)
        return UInt128(full.high) << 64 | UInt128(full.low)
    }

    /// What the upper layer adds to the identity of a flow: its number, and four bytes of ports or two of an identifier.
    /// Nil when the packet ends too early.
    ///
    /// Fragments have no ports, but for the first of them: so none of them is asked, and those of one packet stay together.
    private static func upperWord(_ packet: UnsafeRawBufferPointer, next first: UInt8) -> UInt64? {
        guard let base = packet.baseAddress else { return nil }
        let count = packet.count
        var next = first
        var offset = IPv6Header.size
        var headers = 0
        while next == IPProtocol.hopByHop || next == IPProtocol.routing || next == IPProtocol.destinationOptions {
            guard headers < maximumExtensionHeaders, offset &+ 2 <= count else { return nil }
            headers &+= 1
            next = base.load(fromByteOffset: offset, as: UInt8.self)
            // In units of 8 bytes, not counting the first (RFC 8200 section 4.3).
            offset &+= (Int(base.load(fromByteOffset: offset &+ 1, as: UInt8.self)) &+ 1) &* 8
        }
        switch next {
        case IPProtocol.tcp, IPProtocol.udp:
            guard offset &+ 4 <= count else { return nil }
            return UInt64(base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) << 8 | UInt64(next)
        case IPProtocol.icmpv6:
            guard offset &+ 8 <= count else { return nil }
            guard echoes.contains(base.load(fromByteOffset: offset, as: UInt8.self)) else { return UInt64(next) }
            let at = offset &+ echoIdentifierOffset
            return UInt64(base.loadUnaligned(fromByteOffset: at, as: UInt16.self)) << 8 | UInt64(next)
        default:
            return offset <= count ? UInt64(next) : nil
        }
    }
}
