internal import INET256
internal import NIOCore
internal import NodeProtocol
internal import Wire

/// The frames of a node's connection (`NodeFrame`) in NIO's buffers.
extension ByteBuffer {
    /// Moves to these bytes, the beginning of a frame, what it lacks from `more`; false when that does not suffice yet. Also
    /// true when it is no frame, which `nextFrame` finds then.
    mutating func completeFrame(from more: inout ByteBuffer) -> Bool {
        move(NodeFrame.lengthCount - readableBytes, from: &more)
        guard let length = getInteger(at: readerIndex, as: UInt32.self) else { return false }
        guard length <= NodeFrame.longest else { return true }
        move(NodeFrame.lengthCount + Int(length) - readableBytes, from: &more)
        return readableBytes >= NodeFrame.lengthCount + Int(length)
    }

    /// Takes the next whole frame and gives it to `body`, where it lies. False when more bytes are needed.
    mutating func nextFrame(_ body: (NodeFrame) -> Void) throws(NodeFrameError) -> Bool {
        let count = withUnsafeReadableBytes { bytes -> Result<Int, NodeFrameError> in
            do throws(NodeFrameError) {
                guard let frame = try NodeFrame.first(in: bytes) else { return .success(0) }
                body(frame)
                return .success(frame.bytes.count)
            } catch {
                return .failure(error)
            }
        }
        let taken = try count.get()
        moveReaderIndex(forwardBy: taken)
        return taken > 0
    }

    /// At most `Message.maximumCount` bytes, which the caller has checked.
    mutating func writeMessage(_ payload: [UInt8], to address: Address) {
        let count = NodeFrame.dataHeaderCount + payload.count
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            NodeFrame.writeDataHeader(address, payloadCount: payload.count, to: room)
            room.tail(from: NodeFrame.dataHeaderCount).copyBytes(from: payload)
            return count
        }
    }

    mutating func writeKeepAlive() { writeBytes(NodeFrame.keep) }

    /// The readable bytes of `other`, and no more memory than they need.
    init(copying other: ByteBuffer) {
        self.init()
        writeImmutableBuffer(other)
    }

    /// Appends the first `count` bytes of `other`, or all.
    private mutating func move(_ count: Int, from other: inout ByteBuffer) {
        guard count > 0, var slice = other.readSlice(length: Swift.min(count, other.readableBytes)) else { return }
        writeBuffer(&slice)
    }
}
