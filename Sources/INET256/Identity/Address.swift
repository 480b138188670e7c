public import Wire

/// An INET256 address: the first 256 bits of the hash of a node's public key. Its order is that of its bits.
public struct Address: Hashable, Comparable, Sendable {
    public var raw: Bytes32

    /// Length in bytes.
    public static let count = Bytes32.count
    /// Length in bits.
    public static let bitCount = 256

    @inlinable
    public init(raw: Bytes32) { self.raw = raw }

    @inlinable
    public static func < (a: Address, b: Address) -> Bool { a.raw < b.raw }

    /// Zero bits before the first one; 256 when there is none.
    public var leadingZeroBits: Int {
        let words = raw.words
        if words.0 != 0 { return words.0.leadingZeroBitCount }
        if words.1 != 0 { return 64 + words.1.leadingZeroBitCount }
        if words.2 != 0 { return 128 + words.2.leadingZeroBitCount }
        return 192 + words.3.leadingZeroBitCount
    }

    /// Whether the first `bits` bits are those of `prefix`. No bits are a prefix of everything; a count
    /// outside 0 to 256 is a prefix of nothing.
    public func hasPrefix(_ prefix: Address, bits: Int) -> Bool {
        guard (0...Self.bitCount).contains(bits) else { return false }
        return masked(to: bits) == prefix.masked(to: bits)
    }

    /// The address with every bit after the first `bits` (0 to 256) cleared.
    public func masked(to bits: Int) -> Address {
        func mask(_ word: UInt64, _ first: Int) -> UInt64 {
            let kept = min(64, max(0, bits - first))
            // A shift by 64 gives zero in Swift, so that none and all of the bits need no case.
            return word & ~(UInt64.max >> UInt64(kept))
        }
        let words = raw.words
        return Address(
            raw: Bytes32(words: (mask(words.0, 0), mask(words.1, 64), mask(words.2, 128), mask(words.3, 192))))
    }
}
