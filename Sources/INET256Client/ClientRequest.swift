internal import INET256
internal import NIOCore
internal import NodeProtocol

/// What the client asks of the daemon over HTTP. Written by hand: encoders of HTTP clients know no CONNECT with a body.
extension NodeCall {
    /// The whole request. It holds the private key: `wipe` it once it was written.
    func bytes(_ key: PrivateKey) -> ByteBuffer {
        let head =
            "\(rawValue) \(Self.path(key.address)) HTTP/1.1\r\nHost: \r\nContent-Type: application/json\r\n"
            + "Content-Length: \(Self.bodyCount)\r\n\r\n"
        // All its room at once, so that no half-filled copy of the key is left behind.
        var buffer = ByteBuffer()
        buffer.reserveCapacity(head.utf8.count + Self.bodyCount)
        buffer.writeString(head)
        buffer.writeString(Self.beforeKey)
        key.text().withBytes { text in _ = buffer.writeBytes(text) }
        buffer.writeString(Self.behindKey)
        return buffer
    }

    /// Overwrites a request.
    static func wipe(_ buffer: inout ByteBuffer) {
        buffer.setRepeatingByte(0, count: buffer.writerIndex, at: 0)
    }
}
