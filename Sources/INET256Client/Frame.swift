internal import INET256
internal import NIOCore
internal import Wire

/// What comes over a node's connection once it is open:
///
///     | length, 32 bits big-endian | type, 4 bytes | body |
///
/// The length counts type and body.
enum Frame: Equatable {
    /// | address, 32 bytes | payload, 0 to 65,535 bytes |: the source from the daemon, the destination to it.
    case message(Address, [UInt8])
    case keepAlive
    /// | request id, 16 bytes | JSON |, for both kinds of question.
    case answer(FrameType, RequestID, [UInt8])
}

/// The four bytes of a frame's type as a big-endian number.
enum FrameType: UInt32 {
    case data = 0x4441_5441
    case keep = 0x4b45_4550
    case find = 0x4649_4e44
    case publicKey = 0x5055_424b
}

/// Sixteen bytes that tell a connection's questions apart.
struct RequestID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64
    static let count = 16
}

/// Why bytes are not a frame.
enum FrameError: Error, Equatable, CustomStringConvertible {
    case badLength(UInt32)
    case unknownType(UInt32)
    /// The length does not fit the type.
    case badBody(FrameType)

    var description: String {
        switch self {
        case .badLength(let count): "a frame of \(count) bytes"
        case .unknownType(let type): "a frame of the unknown type 0x\(String(type, radix: 16))"
        case .badBody(let type): "a frame of type \(type) with a body of the wrong length"
        }
    }
}

extension Frame {
    static let lengthCount = 4
    static let typeCount = 4
    /// Type, address and the longest payload: 65,571 bytes.
    static let longest = UInt32(typeCount + Address.count + Message.maximumCount)

    /// Moves to `started`, the beginning of a frame, what it lacks from `bytes`; false when that does not suffice yet. Also
    /// true when it is no frame, which `next` finds then.
    static func complete(_ started: inout ByteBuffer, from bytes: inout ByteBuffer) -> Bool {
        started.move(lengthCount - started.readableBytes, from: &bytes)
        guard let length = started.getInteger(at: started.readerIndex, as: UInt32.self) else { return false }
        guard length <= longest else { return true }
        started.move(lengthCount + Int(length) - started.readableBytes, from: &bytes)
        return started.readableBytes >= lengthCount + Int(length)
    }

    /// Takes the next whole frame out of `buffer`; nil when more bytes are needed.
    static func next(in buffer: inout ByteBuffer) throws(FrameError) -> Frame? {
        let parsed = buffer.withUnsafeReadableBytes(parse)
        guard let (frame, count) = try parsed.get() else { return nil }
        buffer.moveReaderIndex(forwardBy: count)
        return frame
    }

    /// The first frame in `bytes`, and how many of them it takes.
    private static func parse(_ bytes: UnsafeRawBufferPointer) -> Result<(Frame, Int)?, FrameError> {
        guard let length = bytes.big(UInt32.self, at: 0) else { return .success(nil) }
        // Before the rest has come: nobody makes us wait for four billion bytes.
        guard (UInt32(typeCount)...longest).contains(length) else { return .failure(.badLength(length)) }
        let count = lengthCount + Int(length)
        guard let whole = bytes.slice(0, count), let code = whole.big(UInt32.self, at: lengthCount) else {
            return .success(nil)
        }
        let body = whole.tail(from: lengthCount + typeCount)
        guard let type = FrameType(rawValue: code) else { return .failure(.unknownType(code)) }
        switch type {
        case .keep:
            guard body.isEmpty else { return .failure(.badBody(type)) }
            return .success((.keepAlive, count))
        case .data:
            guard body.count >= Address.count, let start = body.baseAddress else { return .failure(.badBody(type)) }
            let payload = [UInt8](body.tail(from: Address.count))
            return .success((.message(Address(raw: Bytes32(loading: start)), payload), count))
        case .find, .publicKey:
            guard let high = body.big(UInt64.self, at: 0), let low = body.big(UInt64.self, at: 8) else {
                return .failure(.badBody(type))
            }
            let json = [UInt8](body.tail(from: RequestID.count))
            return .success((.answer(type, RequestID(high: high, low: low), json), count))
        }
    }
}

extension ByteBuffer {
    mutating func writeKeepAlive() {
        writeInteger(UInt32(Frame.typeCount))
        writeInteger(FrameType.keep.rawValue)
    }

    /// At most `Message.maximumCount` bytes, which the caller has checked.
    mutating func writeMessage(_ payload: [UInt8], to address: Address) {
        let length = Frame.typeCount + Address.count + payload.count
        let count = Frame.lengthCount + length
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            room.storeBytes(of: UInt32(length).bigEndian, as: UInt32.self)
            room.storeBytes(of: FrameType.data.rawValue.bigEndian, toByteOffset: Frame.lengthCount, as: UInt32.self)
            let body = UnsafeMutableRawBufferPointer(rebasing: room[(Frame.lengthCount + Frame.typeCount)..<count])
            address.raw.withBytes { body.copyMemory(from: $0) }
            UnsafeMutableRawBufferPointer(rebasing: body[Address.count...]).copyBytes(from: payload)
            return count
        }
    }

    mutating func writeQuestion(_ type: FrameType, _ id: RequestID, json: String) {
        writeInteger(UInt32(Frame.typeCount + RequestID.count + json.utf8.count))
        writeInteger(type.rawValue)
        writeInteger(id.high)
        writeInteger(id.low)
        writeString(json)
    }

    /// The readable bytes of `other`, and no more memory than they need.
    init(copying other: ByteBuffer) {
        self.init()
        writeImmutableBuffer(other)
    }

    /// Appends the first `count` bytes of `other`, or all.
    fileprivate mutating func move(_ count: Int, from other: inout ByteBuffer) {
        guard count > 0, var slice = other.readSlice(length: min(count, other.readableBytes)) else { return }
        writeBuffer(&slice)
    }
}
