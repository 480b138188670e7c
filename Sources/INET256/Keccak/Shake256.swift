internal import Wire

/// SHAKE256 (FIPS 202) and cSHAKE256 (NIST SP 800-185): absorb any bytes, then squeeze out any number.
///
/// libsodium 1.0.18 has neither. The state is wiped at the end, so that secrets may go in.
public struct Shake256: ~Copyable {
    /// Bytes per permutation: 1600 bits less twice the strength of 256.
    static let rate = 136
    /// The four bits 1111 that SHAKE appends, then the first bit of the padding (FIPS 202 sections 6.2, B.2).
    private static let shakeSuffix: UInt64 = 0x1f
    /// The two bits 00 that cSHAKE appends, then the first bit of the padding (SP 800-185 section 3.3).
    private static let customSuffix: UInt64 = 0x04

    private let lanes: UnsafeMutablePointer<UInt64>
    private let suffix: UInt64
    /// Bytes absorbed into, or squeezed from, the current block.
    private var position = 0
    private var squeezing = false

    /// Plain SHAKE256.
    public init() { self.init(suffix: Self.shakeSuffix) }

    /// cSHAKE256 with a function name N, which is NIST's to give out and so usually empty, and a
    /// customisation string S. With both empty it is SHAKE256, as SP 800-185 section 3.3 says.
    public init(functionName: UnsafeRawBufferPointer, customization: UnsafeRawBufferPointer) {
        guard !functionName.isEmpty || !customization.isEmpty else {
            self.init(suffix: Self.shakeSuffix)
            return
        }
        self.init(suffix: Self.customSuffix)
        // bytepad(encode_string(N) || encode_string(S), rate)
        absorb(Self.leftEncode(UInt64(Self.rate)))
        absorb(Self.leftEncode(UInt64(functionName.count) * 8))
        absorb(functionName)
        absorb(Self.leftEncode(UInt64(customization.count) * 8))
        absorb(customization)
        if position > 0 {
            KeccakPermutation.apply(lanes)
            position = 0
        }
    }

    private init(suffix: UInt64) {
        self.suffix = suffix
        lanes = .allocate(capacity: KeccakPermutation.laneCount)
        lanes.initialize(repeating: 0, count: KeccakPermutation.laneCount)
    }

    deinit {
        wipe(
            UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: lanes, count: KeccakPermutation.laneCount)))
        lanes.deallocate()
    }

    /// Takes in more of the message. Not after the first `squeeze` (a precondition).
    public mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
        precondition(!squeezing, "the message has ended")
        var rest = bytes
        while !rest.isEmpty {
            if position % 8 == 0, rest.count >= 8 {
                lanes[position / 8] ^= UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self))
                advance(8)
                rest = UnsafeRawBufferPointer(rebasing: rest[8...])
            } else {
                lanes[position / 8] ^= UInt64(rest[0]) << UInt64(8 * (position % 8))
                advance(1)
                rest = UnsafeRawBufferPointer(rebasing: rest[1...])
            }
        }
    }

    public mutating func absorb(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { absorb($0) }
    }

    /// Fills `output` with the next bytes of the hash. May be called again for more.
    public mutating func squeeze(into output: UnsafeMutableRawBufferPointer) {
        if !squeezing {
            lanes[position / 8] ^= suffix << UInt64(8 * (position % 8))
            lanes[Self.rate / 8 - 1] ^= 1 << 63  // The last bit of the padding pad10*1.
            KeccakPermutation.apply(lanes)
            position = 0
            squeezing = true
        }
        for index in 0..<output.count {
            if position == Self.rate {
                KeccakPermutation.apply(lanes)
                position = 0
            }
            output[index] = UInt8(truncatingIfNeeded: lanes[position / 8] >> UInt64(8 * (position % 8)))
            position += 1
        }
    }

    private mutating func advance(_ count: Int) {
        position += count
        if position == Self.rate {
            KeccakPermutation.apply(lanes)
            position = 0
        }
    }

    /// SP 800-185 section 2.3.1: the number in as few bytes as hold it (at least one), big-endian, with their
    /// count in front.
    static func leftEncode(_ value: UInt64) -> [UInt8] {
        let count = max(1, (64 - value.leadingZeroBitCount + 7) / 8)
        return [UInt8(count)] + (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
}

extension Shake256 {
    /// The first `count` bytes of SHAKE256 of `message`.
    public static func hash(_ message: UnsafeRawBufferPointer, count: Int) -> [UInt8] {
        var hash = Shake256()
        hash.absorb(message)
        return hash.squeeze(count: count)
    }

    /// The next `count` bytes of the hash.
    public mutating func squeeze(count: Int) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        output.withUnsafeMutableBytes { squeeze(into: $0) }
        return output
    }

    /// The next 32 bytes of the hash.
    mutating func squeezeBytes32() -> Bytes32 {
        Bytes32.filled { squeeze(into: $0) }
    }
}
