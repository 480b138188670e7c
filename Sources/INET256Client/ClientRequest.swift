internal import INET256
internal import NIOCore

/// What the client asks of the daemon over HTTP. Written by hand: encoders of HTTP clients know no CONNECT with a body.
enum ClientRequest: String {
    /// Opens a node; the connection then carries frames.
    case open = "CONNECT"
    /// Removes a node.
    case drop = "DELETE"

    /// The whole request. It holds the private key: `wipe` it once it was written.
    func bytes(_ key: PrivateKey) -> ByteBuffer {
        let before = "{\"private_key\":\""
        let after = "\"}"
        let count = before.utf8.count + PrivateKey.textCount + after.utf8.count
        let head =
            "\(rawValue) /nodes/\(key.address) HTTP/1.1\r\nHost: \r\nContent-Type: application/json\r\n"
            + "Content-Length: \(count)\r\n\r\n"
        // All its room at once, so that no half-filled copy of the key is left behind.
        var buffer = ByteBuffer()
        buffer.reserveCapacity(head.utf8.count + count)
        buffer.writeString(head)
        buffer.writeString(before)
        key.text().withBytes { text in _ = buffer.writeBytes(text) }
        buffer.writeString(after)
        return buffer
    }

    /// Overwrites a request.
    static func wipe(_ buffer: inout ByteBuffer) {
        buffer.setRepeatingByte(0, count: buffer.writerIndex, at: 0)
    }
}
