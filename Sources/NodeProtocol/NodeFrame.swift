package import INET256
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
package struct NodeFrame {
    package enum Kind: UInt32, Sendable, CaseIterable {
        case data = 0x4441_5441  // "DATA"
        case keep = 0x4b45_4550  // "KEEP"
        case find = 0x4649_4e44  // "FIND"
        case publicKey = 0x5055_424b  // "PUBK"
    }

    /// Lengths in bytes.
    @inlinable package static var lengthCount: Int { 4 }
    @inlinable package static var typeCount: Int { 4 }
    @inlinable package static var requestIDCount: Int { 16 }
    @inlinable package static var longestPayload: Int { 65_535 }
    /// What stands before a DATA frame's payload, its length field included.
    @inlinable package static var dataHeaderCount: Int { lengthCount + typeCount + Address.count }
    /// The greatest length field: a DATA frame with the longest payload.
    @inlinable package static var longest: Int { typeCount + Address.count + longestPayload }

    package let kind: Kind
    /// The whole frame with its length field.
    package let bytes: UnsafeRawBufferPointer

    @inlinable static var contentStart: Int { lengthCount + typeCount }

    @inlinable
    init(kind: Kind, bytes: UnsafeRawBufferPointer) {
        self.kind = kind
        self.bytes = bytes
    }

    /// The frame that `bytes` begins with. Nil when more bytes are needed to tell; throws as soon as it is clear that
    /// no good frame can come of them.
    @inlinable
    package static func first(in bytes: UnsafeRawBufferPointer) throws(NodeFrameError) -> NodeFrame? {
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
        return bytes.slice(0, lengthCount + length).map { NodeFrame(kind: kind, bytes: $0) }
    }

    /// Of a DATA frame (a precondition): its destination on the way in, its source on the way out.
    @inlinable
    package var address: Address {
        precondition(kind == .data, "only DATA frames have an address")
        func word(_ offset: Int) -> UInt64 { content.big(UInt64.self, at: offset) ?? 0 }
        return Address(raw: Bytes32(words: (word(0), word(8), word(16), word(24))))
    }

    /// Of a DATA frame (a precondition): the message.
    @inlinable
    package var payload: UnsafeRawBufferPointer {
        precondition(kind == .data, "only DATA frames have a payload")
        return bytes.tail(from: Self.dataHeaderCount)
    }

    /// Of a FIND or PUBK frame (a precondition): what its answer repeats.
    @inlinable
    package var requestID: NodeQuestionID {
        precondition(kind == .find || kind == .publicKey, "only requests have an id")
        return NodeQuestionID(
            high: content.big(UInt64.self, at: 0) ?? 0, low: content.big(UInt64.self, at: 8) ?? 0)
    }

    /// Of a FIND or PUBK frame (a precondition): its JSON.
    @inlinable
    package var json: UnsafeRawBufferPointer {
        precondition(kind == .find || kind == .publicKey, "only requests have JSON")
        return content.tail(from: Self.requestIDCount)
    }

    @inlinable
    var content: UnsafeRawBufferPointer { bytes.tail(from: Self.contentStart) }
}

/// Sixteen bytes of the client's choice, which tell a connection's questions apart.
package struct NodeQuestionID: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    @inlinable
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Why bytes are not frames. It costs whoever sent them the connection: there is no way to find the next frame.
package enum NodeFrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The length field.
    case overlong(Int)
    case short(Int)
    /// The four bytes of the type, first one highest.
    case unknownType(UInt32)

    package var description: String {
        switch self {
        case .overlong(let length): "a frame's length of \(length) is more than its type allows"
        case .short(let length): "a frame's length of \(length) is less than its type needs"
        case .unknownType(let type): "frame type 0x\(String(type, radix: 16)) is unknown"
        }
    }
}
