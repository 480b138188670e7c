internal import Wire

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
