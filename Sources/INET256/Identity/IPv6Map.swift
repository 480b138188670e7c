public import Wire

/// Why a prefix cannot carry the map.
public enum IPv6MapError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The prefix's length in bits; 1 to 64 are possible.
    case prefixLength(Int)

    public var description: String {
        switch self {
        case .prefixLength(let length): "the IPv6 prefix must be /1 to /64 long, not /\(length)"
        }
    }
}

/// Gives every INET256 address one IPv6 address, of which nearly all bits are bits of the former:
///
///     | prefix | leading zero bits of the address, 7 bits | the bits behind the first one ... |
///
/// Counting the zeros instead of copying them lets a mined key bind more bits. What is cut off cannot be told
/// from the IPv6 address, so the way back is a search for an address that begins with what it does tell.
public struct IPv6Map: Hashable, Sendable {
    public let prefix: IPv6Prefix

    /// Bits that count the zeros.
    private static let counterBits = 7
    /// The most that the counter can say. Nobody finds a key whose address has more zeros (that takes 2^128
    /// tries), but made-up addresses may: their bit 127 is taken for the one, so that every address has a place.
    private static let mostZeros = 127
    private static let longestPrefix = 64

    /// fd00::/8, the half of the unique local addresses that is locally assigned (RFC 4193).
    public static let standard = IPv6Map(standardPrefix: IPv6Address(high: 0xfd << 56, low: 0), length: 8)

    /// A prefix of length 0 would cover the whole IPv6 world, and one beyond /64 would leave too few bits to mean
    /// anybody: both are refused.
    public init(prefix: IPv6Prefix) throws(IPv6MapError) {
        guard (1...Self.longestPrefix).contains(prefix.length) else { throw .prefixLength(prefix.length) }
        self.prefix = prefix
    }

    private init(standardPrefix address: IPv6Address, length: Int) {
        guard let prefix = IPv6Prefix(address, length: length) else { preconditionFailure("not a prefix") }
        self.prefix = prefix
    }

    /// The IPv6 address of a node.
    public func address(of address: Address) -> IPv6Address {
        let zeros = min(address.leadingZeroBits, Self.mostZeros)
        let (high, low) = address.halves
        // 1 to 128 bits go: the zeros and the one behind them.
        let gone = zeros + 1
        let rest = high << gone | low >> (128 - gone)
        let taken = prefix.length + Self.counterBits
        let value =
            prefix.address.value | UInt128(zeros) << (128 - taken) | rest >> taken
        return IPv6Address(value: value)
    }

    /// What an IPv6 address tells of the address behind it, as findAddr takes it: its first `bits` bits, the others of
    /// `prefix` being zero. Nil when `ip` is not under the map's prefix.
    public func search(for ip: IPv6Address) -> (prefix: Address, bits: Int)? {
        guard prefix.contains(ip) else { return nil }
        let taken = prefix.length + Self.counterBits
        let zeros = Int(truncatingIfNeeded: ip.value >> (128 - taken)) & Self.mostZeros
        // Shifts by the whole width give zero in Swift, so no zeros and 127 of them need no case of their own.
        // The one at the left end, then the rest; both pushed right by the zeros.
        let rest = ip.value << taken
        let high = 1 << 127 | rest >> 1
        let low = rest << 127
        let found = Address(
            high: high >> zeros, low: high << (128 - zeros) | low >> zeros)
        return (found, zeros + 1 + 128 - taken)
    }
}

extension IPv6Address {
    fileprivate var value: UInt128 { UInt128(high) << 64 | UInt128(low) }

    fileprivate init(value: UInt128) {
        self.init(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }
}

extension Address {
    fileprivate var halves: (UInt128, UInt128) {
        let words = raw.words
        return (UInt128(words.0) << 64 | UInt128(words.1), UInt128(words.2) << 64 | UInt128(words.3))
    }

    fileprivate init(high: UInt128, low: UInt128) {
        func word(_ half: UInt128, _ shift: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: half >> shift) }
        self.init(raw: Bytes32(words: (word(high, 64), word(high, 0), word(low, 64), word(low, 0))))
    }
}
