/// The checksum of IP, TCP, UDP and ICMP: the one's complement of the one's-complement sum of 16-bit words
/// (RFC 1071). Bytes are added in the machine's order, 64 bits at a time; that the sum may be taken in any
/// byte order and word size is shown in RFC 1071 section 2.
public struct InternetChecksum: Sendable {
    /// A sum of words in the machine's byte order; carries are folded in at the end.
    @usableFromInline var sum: UInt64 = 0
    /// An odd number of bytes came so far: the next one is the second half of a word.
    @usableFromInline var isOdd = false

    @inlinable
    public init() {}

    /// Adds bytes as they follow in the packet.
    @inlinable
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var part = Self.sum(base, bytes.count)
        // At an odd place every byte stands in the other half of its word.
        if isOdd { part = UInt64(UInt16(truncatingIfNeeded: part).byteSwapped) }
        addWord(part)
        if bytes.count & 1 == 1 { isOdd.toggle() }
    }

    /// Adds the pseudo-header of upper layers over IPv6 (RFC 8200 section 8.1). `length`: bytes of the upper
    /// layer, header and data.
    @inlinable
    public mutating func addPseudoHeader(
        source: IPv6Address, destination: IPv6Address, length: Int, nextHeader: UInt8
    ) {
        precondition(!isOdd, "the pseudo-header comes first")
        addWord(source.high.bigEndian)
        addWord(source.low.bigEndian)
        addWord(destination.high.bigEndian)
        addWord(destination.low.bigEndian)
        addWord((UInt64(UInt32(truncatingIfNeeded: length)) << 32 | UInt64(nextHeader)).bigEndian)
    }

    /// The checksum in host byte order: store it big-endian. Over data that holds its own checksum it is 0.
    @inlinable
    public var value: UInt16 { ~UInt16(bigEndian: Self.fold(sum)) }

    /// The checksum of `bytes` alone.
    @inlinable
    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        var checksum = InternetChecksum()
        checksum.add(bytes)
        return checksum.value
    }

    /// Adds with end-around carry.
    @inlinable
    mutating func addWord(_ word: UInt64) {
        let (result, carry) = sum.addingReportingOverflow(word)
        sum = result &+ (carry ? 1 : 0)
    }

    /// The sum folded to 16 bits. Two accumulators for the halves of each word need no carries, so that the
    /// loop turns into vector additions; 2^32 words would fit.
    @inlinable
    static func sum(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            low &+= word & 0xffff_ffff
            high &+= word >> 32
            offset &+= 8
        }
        var rest: UInt64 = 0
        withUnsafeMutableBytes(of: &rest) { target in
            for index in offset..<count {
                target[index - offset] = base.load(fromByteOffset: index, as: UInt8.self)
            }
        }
        low &+= rest & 0xffff_ffff
        high &+= rest >> 32
        return UInt64(fold(low &+ high))
    }

    @inlinable
    static func fold(_ sum: UInt64) -> UInt16 {
        var folded = (sum & 0xffff_ffff) + (sum >> 32)
        folded = (folded & 0xffff) + (folded >> 16 & 0xffff) + (folded >> 32)
        folded = (folded & 0xffff) + (folded >> 16)
        return UInt16(truncatingIfNeeded: (folded & 0xffff) + (folded >> 16))
    }
}
