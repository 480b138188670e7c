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
}
