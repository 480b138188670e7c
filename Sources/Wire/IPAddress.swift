/// An IPv6 address by value, as two big-endian 64-bit halves.
public struct IPv6Address: Hashable, Comparable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public static let unspecified = IPv6Address(high: 0, low: 0)
    public static let loopback = IPv6Address(high: 0, low: 1)
    /// Length in bytes.
    public static let count = 16

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Copies 16 bytes in network order from `source`.
    @inlinable
    public init(loading source: UnsafeRawPointer) {
        high = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        low = UInt64(bigEndian: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// The IPv4-mapped form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2) of an IPv4 address in host order.
    @inlinable
    public init(mappedIPv4 value: UInt32) {
        high = 0
        low = 0x0000_ffff_0000_0000 | UInt64(value)
    }

    /// Writes 16 bytes in network order to `target`.
    @inlinable
    public func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
        target.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// The IPv4 address in host order when this is an IPv4-mapped one.
    @inlinable
    public var mappedIPv4: UInt32? {
        high == 0 && low >> 32 == 0x0000_ffff ? UInt32(truncatingIfNeeded: low) : nil
    }

    public var isMulticast: Bool { high >> 56 == 0xff }
    /// fe80::/10 (RFC 4291 section 2.5.6).
    public var isLinkLocal: Bool { high >> 54 == 0x3fa }
    public var isLoopback: Bool { self == .loopback || mappedIPv4.map { $0 >> 24 == 127 } == true }

    @inlinable
    public static func < (a: IPv6Address, b: IPv6Address) -> Bool {
        a.high != b.high ? a.high < b.high : a.low < b.low
    }

    /// The eight 16-bit groups.
    var groups: [UInt16] {
        (0..<8).map { i in
            UInt16(truncatingIfNeeded: (i < 4 ? high : low) >> UInt64(48 - 16 * (i % 4)))
        }
    }
}

extension IPv6Address: CustomStringConvertible {
    /// RFC 5952 text: lower case, no leading zeros, the longest run of at least two zero groups folded,
    /// IPv4-mapped addresses with a dotted tail.
    public var description: String {
        if let v4 = mappedIPv4 {
            return "::ffff:\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
        }
        let groups = self.groups
        var best = 0..<0
        var start = 0
        while start < 8 {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            var end = start
            while end < 8 && groups[end] == 0 { end += 1 }
            if end - start > best.count && end - start >= 2 { best = start..<end }
            start = end
        }
        func hex(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return hex(0..<8) }
        return hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
    }

    /// Parses every form of RFC 4291 section 2.2, dotted tails included. No zone, no prefix length.
    public init?(_ text: String) {
        var scanner = IPv6TextScanner(text)
        guard let value = scanner.parse() else { return nil }
        self = value
    }
}

/// The text forms of RFC 4291 section 2.2.
private struct IPv6TextScanner {
    let fields: [Substring]
    let text: String

    init(_ text: String) {
        self.text = text
        fields = text.split(separator: ":", omittingEmptySubsequences: false)
    }

    mutating func parse() -> IPv6Address? {
        guard text.utf8.count >= 2, text.utf8.count <= 45, fields.count >= 3, fields.count <= 9 else { return nil }
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var folded = false
        var index = 0
        // A leading or trailing colon is legal only as part of "::".
        if fields[0].isEmpty {
            guard fields[1].isEmpty else { return nil }
            folded = true
            index = 2
            if fields.count == 3 && fields[2].isEmpty { return .unspecified }
        }
        while index < fields.count {
            let field = fields[index]
            if field.isEmpty {
                if folded { return nil }
                folded = true
                if index == fields.count - 1 { return nil }
                if index == fields.count - 2 && fields[index + 1].isEmpty { break }
            } else if let groups = Self.groups(field, last: index == fields.count - 1) {
                if folded { tail += groups } else { head += groups }
            } else {
                return nil
            }
            index += 1
        }
        let count = head.count + tail.count
        guard folded ? count <= 7 : count == 8 else { return nil }
        let all = head + [UInt16](repeating: 0, count: 8 - count) + tail
        var value = IPv6Address.unspecified
        for i in 0..<4 { value.high = value.high << 16 | UInt64(all[i]) }
        for i in 4..<8 { value.low = value.low << 16 | UInt64(all[i]) }
        return value
    }

    private static func groups(_ field: Substring, last: Bool) -> [UInt16]? {
        if last, field.contains(".") {
            guard let v4 = IPv4Text.parse(field) else { return nil }
            return [UInt16(v4 >> 16), UInt16(v4 & 0xffff)]
        }
        guard field.utf8.count <= 4, field.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        return UInt16(field, radix: 16).map { [$0] }
    }
}

/// Dotted-quad text, strict: four decimal numbers without leading zeros.
public enum IPv4Text {
    /// The address in host order, or nil.
    public static func parse(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard !part.isEmpty, part.utf8.count <= 3, part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 48, let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }
}

/// An IPv6 prefix: an address whose bits after `length` are zero.
public struct IPv6Prefix: Hashable, Sendable, CustomStringConvertible {
    public let address: IPv6Address
    /// In bits, 0 to 128.
    public let length: Int

    /// Nil when `length` is out of range or `address` has bits set behind it: the kernel would mask them
    /// away in silence, and the user meant something else.
    public init?(_ address: IPv6Address, length: Int) {
        guard (0...128).contains(length), address == address.masked(to: length) else { return nil }
        self.address = address
        self.length = length
    }

    /// Parses "fd00::/8".
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv6Address(String(parts[0])), let length = Int(parts[1]),
            String(length) == parts[1]
        else { return nil }
        self.init(address, length: length)
    }

    /// The address alone.
    public init(host address: IPv6Address) {
        self.address = address
        length = 128
    }

    public func contains(_ other: IPv6Address) -> Bool { other.masked(to: length) == address }

    /// Whether all of `other` lies in it; it does in itself.
    public func contains(_ other: IPv6Prefix) -> Bool { length <= other.length && contains(other.address) }
    public var description: String { "\(address)/\(length)" }
}

extension IPv6Address {
    /// The address with every bit after the first `length` cleared.
    public func masked(to length: Int) -> IPv6Address {
        switch length {
        case ...0: return .unspecified
        case 1...63: return IPv6Address(high: high & ~(UInt64.max >> UInt64(length)), low: 0)
        case 64: return IPv6Address(high: high, low: 0)
        case 65...127: return IPv6Address(high: high, low: low & ~(UInt64.max >> UInt64(length - 64)))
        default: return self
        }
    }
}
