/// Views and numbers within bytes that came from outside, with checks that a release build keeps. The subscripts of raw buffers
/// check nothing there: a length or an offset that somebody else chose goes through one of these.
extension UnsafeRawBufferPointer {
    /// `count` bytes from `offset` on, both in bytes; nil where they are not all there.
    @inlinable
    public func slice(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count &- offset else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset &+ count])
    }

    /// Everything from `offset` on, in bytes; empty where the bytes end before it.
    @inlinable
    public func tail(from offset: Int) -> UnsafeRawBufferPointer {
        guard offset >= 0, offset < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: self[offset...])
    }

    /// The little-endian integer at `offset`, in bytes; nil where it is not all there.
    @inlinable
    public func little<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
        host(T.self, at: offset).map { T(littleEndian: $0) }
    }

    /// The integer in network order at `offset`, in bytes; nil where it is not all there.
    @inlinable
    public func big<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
        host(T.self, at: offset).map { T(bigEndian: $0) }
    }

    /// The integer in the machine's order at `offset`, in bytes; nil where it is not all there.
    @inlinable
    public func host<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
        guard offset >= 0, offset <= count &- MemoryLayout<T>.size else { return nil }
        return loadUnaligned(fromByteOffset: offset, as: T.self)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// `count` bytes from `offset` on, both in bytes; nil where they are not all there.
    @inlinable
    public func slice(_ offset: Int, _ count: Int) -> UnsafeMutableRawBufferPointer? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count &- offset else { return nil }
        return UnsafeMutableRawBufferPointer(rebasing: self[offset..<offset &+ count])
    }

    /// Everything from `offset` on, in bytes; empty where the bytes end before it.
    @inlinable
    public func tail(from offset: Int) -> UnsafeMutableRawBufferPointer {
        guard offset >= 0, offset < count else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(rebasing: self[offset...])
    }
}
