internal import NIOCore
internal import NIOHTTP1

extension APIResponse {
    /// The whole answer as bytes, for connections without an HTTP encoder.
    func http(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        let status = HTTPResponseStatus(statusCode: self.status)
        let head =
            "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\ncontent-type: \(contentType)\r\n"
            + "content-length: \(body.count)\r\nconnection: close\r\n\r\n"
        var bytes = allocator.buffer(capacity: head.utf8.count + body.count)
        bytes.writeString(head)
        bytes.writeBytes(body)
        return bytes
    }

    static var noNodes: APIResponse { .failure(501, "this daemon opens no nodes for applications") }
}
