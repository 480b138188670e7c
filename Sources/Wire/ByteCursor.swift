/// Reads a buffer from front to back, never past its end: each verb gives nil where bytes are missing.
/// The view does not own the bytes.
public struct ByteReader {
    @usableFromInline var rest: UnsafeRawBufferPointer

    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    public var isEmpty: Bool { rest.isEmpty }
    public var remaining: Int { rest.count }

    /// The next `count` bytes as a view.
    public mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard let head = rest.slice(0, count) else { return nil }
        rest = rest.tail(from: count)
        return head
    }

    /// The next integer in network order.
    public mutating func big<T: FixedWidthInteger>(_: T.Type) -> T? {
        take(MemoryLayout<T>.size).map { T(bigEndian: $0.loadUnaligned(as: T.self)) }
    }

    /// The next integer in little-endian order.
    public mutating func little<T: FixedWidthInteger>(_: T.Type) -> T? {
        take(MemoryLayout<T>.size).map { T(littleEndian: $0.loadUnaligned(as: T.self)) }
    }

    public mutating func bytes32() -> Bytes32? {
        take(Bytes32.count).map { Bytes32(loading: $0.baseAddress!) }
    }
}

/// Appends to a growing array of bytes: for control frames and records, not for the data path.
extension [UInt8] {
    public mutating func appendBig<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    public mutating func appendLittle<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    public mutating func append(_ value: Bytes32) {
        value.withBytes { append(contentsOf: $0) }
    }
}
