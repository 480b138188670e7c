/// Why bytes are not one IPv6 packet.
public enum IPv6Malformation: Error, Equatable, Sendable {
    /// Fewer bytes than a header has.
    case truncated
    /// The version field is not 6.
    case notIPv6
    /// The length in the header is not the length of the packet: cut off, padded, or a jumbogram (RFC 2675),
    /// which is not carried.
    case lengthMismatch
}

/// A checked view of one whole IPv6 packet (RFC 8200 section 3). It does not own the bytes.
///
///      0                   1                   2                   3
///     |Version| Traffic Class |           Flow Label                  |
///     |         Payload Length        |  Next Header  |   Hop Limit   |
///     |                    Source Address (16 bytes)                  |
///     |                 Destination Address (16 bytes)                |
public struct IPv6Header {
    /// Length of the header in bytes.
    public static let size = 40
    /// Every IPv6 path carries packets of this size (RFC 8200 section 5).
    public static let minimumMTU = 1280

    // Offsets in bytes, RFC 8200 section 3.
    @usableFromInline static let payloadLengthOffset = 4
    @usableFromInline static let nextHeaderOffset = 6
    @usableFromInline static let hopLimitOffset = 7
    @usableFromInline static let sourceOffset = 8
    @usableFromInline static let destinationOffset = 24

    @usableFromInline let base: UnsafeRawPointer

    /// Checks that `packet` is exactly one IPv6 packet; what is behind the header is not looked at.
    @inlinable
    public init(_ packet: UnsafeRawBufferPointer) throws(IPv6Malformation) {
        guard let base = packet.baseAddress, packet.count > 0 else { throw .truncated }
        guard base.load(as: UInt8.self) >> 4 == 6 else { throw .notIPv6 }
        guard packet.count >= Self.size else { throw .truncated }
        self.base = base
        guard payloadLength == packet.count - Self.size else { throw .lengthMismatch }
    }

    /// The view of a packet that has been checked before and lies at `base` since.
    @inlinable
    package init(checked base: UnsafeRawPointer) { self.base = base }

    /// Bytes behind the header, extension headers included.
    @inlinable
    public var payloadLength: Int {
        Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: Self.payloadLengthOffset, as: UInt16.self)))
    }

    /// Bytes in all.
    @inlinable
    public var totalLength: Int { Self.size + payloadLength }

    @inlinable
    public var trafficClass: UInt8 {
        UInt8(truncatingIfNeeded: UInt16(bigEndian: base.loadUnaligned(as: UInt16.self)) >> 4)
    }

    /// What the payload begins with: an extension header or the upper layer.
    @inlinable
    public var nextHeader: UInt8 { base.load(fromByteOffset: Self.nextHeaderOffset, as: UInt8.self) }

    @inlinable
    public var hopLimit: UInt8 { base.load(fromByteOffset: Self.hopLimitOffset, as: UInt8.self) }

    @inlinable
    public var source: IPv6Address { IPv6Address(loading: base + Self.sourceOffset) }

    @inlinable
    public var destination: IPv6Address { IPv6Address(loading: base + Self.destinationOffset) }

    /// The whole packet.
    @inlinable
    public var packet: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: totalLength) }

    @inlinable
    public var payload: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Self.size, count: payloadLength)
    }

    /// Writes a header without traffic class and flow label to the 40 bytes at `target`.
    @inlinable
    public static func write(
        to target: UnsafeMutableRawPointer, payloadLength: UInt16, nextHeader: UInt8, hopLimit: UInt8,
        source: IPv6Address, destination: IPv6Address
    ) {
        target.storeBytes(of: (UInt32(6) << 28).bigEndian, as: UInt32.self)
        target.storeBytes(of: payloadLength.bigEndian, toByteOffset: payloadLengthOffset, as: UInt16.self)
        target.storeBytes(of: nextHeader, toByteOffset: nextHeaderOffset, as: UInt8.self)
        target.storeBytes(of: hopLimit, toByteOffset: hopLimitOffset, as: UInt8.self)
        source.store(to: target + sourceOffset)
        destination.store(to: target + destinationOffset)
    }
}
