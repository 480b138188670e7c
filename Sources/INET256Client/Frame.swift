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

    /// Takes the next whole frame out of `buffer`; nil when more bytes are needed.
    static func next(in buffer: inout ByteBuffer) throws(FrameError) -> Frame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        // Before the rest has come: nobody makes us wait for four billion bytes.
        guard (UInt32(typeCount)...longest).contains(length) else { throw .badLength(length) }
        guard buffer.readableBytes >= lengthCount + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: lengthCount)
        let code = buffer.readInteger(as: UInt32.self) ?? 0
        let rest = Int(length) - typeCount
        guard let type = FrameType(rawValue: code) else { throw .unknownType(code) }
        switch type {
        case .keep:
            guard rest == 0 else { throw .badBody(type) }
            return .keepAlive
        case .data:
            guard rest >= Address.count, let address = buffer.readAddress(),
                let payload = buffer.readBytes(length: rest - Address.count)
            else { throw .badBody(type) }
            return .message(address, payload)
        case .find, .publicKey:
            guard rest >= RequestID.count, let high = buffer.readInteger(as: UInt64.self),
                let low = buffer.readInteger(as: UInt64.self),
                let json = buffer.readBytes(length: rest - RequestID.count)
            else { throw .badBody(type) }
            return .answer(type, RequestID(high: high, low: low), json)
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
        reserveCapacity(minimumWritableBytes: Frame.lengthCount + Frame.typeCount + Address.count + payload.count)
        writeInteger(UInt32(Frame.typeCount + Address.count + payload.count))
        writeInteger(FrameType.data.rawValue)
        let words = address.raw.words
        writeMultipleIntegers(words.0, words.1, words.2, words.3)
        writeBytes(payload)
    }

    mutating func writeQuestion(_ type: FrameType, _ id: RequestID, json: String) {
        writeInteger(UInt32(Frame.typeCount + RequestID.count + json.utf8.count))
        writeInteger(type.rawValue)
        writeInteger(id.high)
        writeInteger(id.low)
        writeString(json)
    }

    fileprivate mutating func readAddress() -> Address? {
        guard let a = readInteger(as: UInt64.self), let b = readInteger(as: UInt64.self),
            let c = readInteger(as: UInt64.self), let d = readInteger(as: UInt64.self)
        else { return nil }
        return Address(raw: Bytes32(words: (a, b, c, d)))
    }
}
