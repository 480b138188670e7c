public import INET256
internal import Wire

/// One frame of a node's connection, seen in place. The view is checked when it is made, so its accessors cannot fail;
/// it is valid as long as the bytes are.
///
///     0               4               8
///     +---------------+---------------+------------------------------+
///     | length (BE)   | type          | address 32, payload 0..65535 |   DATA
///     |               |               | nothing                      |   KEEP
///     |               |               | request id 16, JSON          |   FIND, PUBK
///     +---------------+---------------+------------------------------+
///
/// The length counts what stands behind it, the type included.
public struct APIFrame {
    public enum Kind: UInt32, Sendable, CaseIterable {
        case data = 0x4441_5441  // "DATA"
        case keep = 0x4b45_4550  // "KEEP"
        case find = 0x4649_4e44  // "FIND"
        case publicKey = 0x5055_424b  // "PUBK"
    }

    /// Lengths in bytes.
    public static let lengthCount = 4
    public static let typeCount = 4
    public static let requestIDCount = 16
    public static let longestPayload = 65_535
    /// What stands before a DATA frame's payload, its length field included.
    public static let dataHeaderCount = lengthCount + typeCount + Address.count
    /// The greatest length field: a DATA frame with the longest payload.
    public static let longest = typeCount + Address.count + longestPayload

    public let kind: Kind
    /// The whole frame with its length field.
    public let bytes: UnsafeRawBufferPointer

    private static let contentStart = lengthCount + typeCount

    /// The frame that `bytes` begins with. Nil when more bytes are needed to tell; throws as soon as it is clear that
    /// no good frame can come of them.
    public static func first(in bytes: UnsafeRawBufferPointer) throws(APIFrameError) -> APIFrame? {
        guard let length = bytes.big(UInt32.self, at: 0).map({ Int($0) }) else { return nil }
        guard length <= longest else { throw .overlong(length) }
        guard length >= typeCount else { throw .short(length) }
        guard let type = bytes.big(UInt32.self, at: lengthCount) else { return nil }
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        switch kind {
        case .data: guard length >= typeCount + Address.count else { throw .short(length) }
        case .keep: guard length == typeCount else { throw .overlong(length) }
        case .find, .publicKey: guard length >= typeCount + requestIDCount else { throw .short(length) }
        }
        return bytes.slice(0, lengthCount + length).map { APIFrame(kind: kind, bytes: $0) }
    }

    /// Of a DATA frame (a precondition): its destination on the way in, its source on the way out.
    public var address: Address {
        precondition(kind == .data, "only DATA frames have an address")
        func word(_ offset: Int) -> UInt64 { content.big(UInt64.self, at: offset) ?? 0 }
        return Address(raw: Bytes32(words: (word(0), word(8), word(16), word(24))))
    }

    /// Of a DATA frame (a precondition): the message.
    public var payload: UnsafeRawBufferPointer {
        precondition(kind == .data, "only DATA frames have a payload")
        return bytes.tail(from: Self.dataHeaderCount)
    }

    /// Of a FIND or PUBK frame (a precondition): what its answer repeats.
    public var requestID: APIRequestID {
        precondition(kind == .find || kind == .publicKey, "only requests have an id")
        return APIRequestID(
            high: content.host(UInt64.self, at: 0) ?? 0, low: content.host(UInt64.self, at: 8) ?? 0)
    }

    /// Of a FIND or PUBK frame (a precondition): its JSON.
    public var json: UnsafeRawBufferPointer {
        precondition(kind == .find || kind == .publicKey, "only requests have JSON")
        return content.tail(from: Self.requestIDCount)
    }

    private var content: UnsafeRawBufferPointer { bytes.tail(from: Self.contentStart) }
}

/// Sixteen bytes of the client's choice, as they stand in memory.
public struct APIRequestID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64
}

/// Why a client's bytes are not frames. It costs the client its connection: there is no way to find the next frame.
public enum APIFrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The length field.
    case overlong(Int)
    case short(Int)
    /// The four bytes of the type, first one highest.
    case unknownType(UInt32)

    public var description: String {
        switch self {
        case .overlong(let length): "a frame's length of \(length) is more than its type allows"
        case .short(let length): "a frame's length of \(length) is less than its type needs"
        case .unknownType(let type): "frame type 0x\(String(type, radix: 16)) is unknown"
        }
    }
}
