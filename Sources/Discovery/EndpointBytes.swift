package import Wire

/// Endpoints in the discovery's datagrams: the address (16 bytes, IPv4 mapped) and the port (16 bits, little-endian). Scopes have a
/// meaning on their own machine alone and stay there.
enum EndpointBytes {
    static let count = 18

    static func put(_ endpoint: Endpoint?, into bytes: inout [UInt8]) {
        bytes.appendBig(endpoint?.address.high ?? 0)
        bytes.appendBig(endpoint?.address.low ?? 0)
        bytes.appendLittle(endpoint?.port ?? 0)
    }
}

extension ByteReader {
    /// The outer nil: it is not all there; the inner one: it is that of nobody.
    mutating func endpoint() -> Endpoint?? {
        guard let address = ipAddress(), let port = little(UInt16.self) else { return nil }
        guard port != 0, address != .unspecified else { return .some(nil) }
        return Endpoint(address: address, port: port)
    }

    mutating func ipAddress() -> IPv6Address? {
        guard let high = big(UInt64.self), let low = big(UInt64.self) else { return nil }
        return IPv6Address(high: high, low: low)
    }

    /// Whether all that is left is zero.
    var isPadding: Bool {
        var copy = self
        return copy.take(copy.remaining)?.allSatisfy { $0 == 0 } ?? true
    }
}

extension IPv6Address {
    /// Addresses that mean something within a site alone: RFC 1918, RFC 6598, RFC 4193.
    package var isPrivate: Bool {
        guard let v4 = mappedIPv4 else { return high >> 57 == 0x7e }
        return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x191
    }

    /// Whether somebody else's word is enough to send a datagram there at all: one machine's own address, that is no multicast,
    /// broadcast, loopback, link-local or unspecified one.
    package var isWorthAProbe: Bool {
        if self == .unspecified || isMulticast || isLinkLocal || isLoopback { return false }
        guard let v4 = mappedIPv4 else { return high != 0 || low >> 32 != 0 }
        // This network, link-local (RFC 3927), multicast and what is reserved up to the broadcast address.
        return v4 >> 24 != 0 && v4 >> 16 != 0xa9fe && v4 >> 28 < 0xe
    }
}
