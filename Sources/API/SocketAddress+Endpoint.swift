internal import NIOCore
internal import Wire

extension Endpoint {
    /// The endpoint as NIO wants it. Throws only for text that is no address, which an `Endpoint` never is.
    func socketAddress() throws -> SocketAddress {
        if let v4 = address.mappedIPv4 {
            let text = "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
            return try SocketAddress(ipAddress: text, port: Int(port))
        }
        return try SocketAddress(ipAddress: address.description, port: Int(port))
    }

    /// Lets a socket listen on an address that the machine does not have yet (IP_FREEBIND of ip(7); Linux has the same for IPv6,
    /// as option 78).
    var freeBinding: ChannelOptions.Types.SocketOption {
        address.mappedIPv4 != nil
            ? .init(level: .ip, name: .init(rawValue: 15)) : .init(level: .ipv6, name: .init(rawValue: 78))
    }
}
