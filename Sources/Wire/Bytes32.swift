/// Thirty-two bytes by value: an address, a public key, a hash. Ordered and compared as the bytes are.
public struct Bytes32: Hashable, Comparable, Sendable {
    /// The bytes in four big-endian words, first bytes first.
    public var words: (UInt64, UInt64, UInt64, UInt64)

    /// Length in bytes.
    public static let count = 32
    public static let zero = Bytes32(words: (0, 0, 0, 0))

    @inlinable
    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Copies 32 bytes from `source`, which must hold at least that many (a precondition).
    @inlinable
    public init(loading source: UnsafeRawPointer) {
        words = (
            UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }

    /// Nil unless `bytes` has exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self = [UInt8](bytes).withUnsafeBytes { Bytes32(loading: $0.baseAddress!) }
    }

    /// Writes the 32 bytes to `target`.
    @inlinable
    public func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: words.0.bigEndian, toByteOffset: 0, as: UInt64.self)
        target.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// The bytes in a stack copy, for calls that take a pointer.
    @inlinable
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let copy = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return try withUnsafeBytes(of: copy) { (raw) throws(E) in try body(raw) }
    }

    public var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    @inlinable
    public static func == (a: Bytes32, b: Bytes32) -> Bool {
        (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2) | (a.words.3 ^ b.words.3) == 0
    }

    @inlinable
    public static func < (a: Bytes32, b: Bytes32) -> Bool {
        if a.words.0 != b.words.0 { return a.words.0 < b.words.0 }
        if a.words.1 != b.words.1 { return a.words.1 < b.words.1 }
        if a.words.2 != b.words.2 { return a.words.2 < b.words.2 }
        return a.words.3 < b.words.3
    }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        // Addresses and keys are hashes or curve points: one word of them spreads well enough, and the
        // hasher is seeded per process, so an attacker who mines equal words gains a longer bucket at most
        // at the price of 2^64 work each. Two words keep mined leading zeros from clustering.
        hasher.combine(words.1)
        hasher.combine(words.3)
    }
}
