internal import Wire

/// One attribute: a type and a payload, seen in place.
///
///      0                   1                   2                   3
///     +-------------------------------+-+-+---------------------------+
///     | length, header included (4+n) |N|O|  type                     |
///     +-------------------------------+-+-+---------------------------+
///     | payload, padded to four bytes ...
///
/// N marks nested attributes and O network order; neither is part of the type (netlink(7), `nla_type`).
package struct Attribute {
    /// The type without its two flag bits.
    package let type: UInt16
    /// The bytes behind the header, padding excluded. Lives as long as the buffer it was read from.
    package let payload: UnsafeRawBufferPointer

    var u8: UInt8? { payload.host(UInt8.self, at: 0) }
    var u32: UInt32? { payload.host(UInt32.self, at: 0) }
    /// The attributes within, for a nest.
    var nested: Attributes { Attributes(payload) }
}

/// The attributes in a buffer, in order. Ends at the first one whose length does not fit: what stood before it is
/// still good, and nothing is read outside the buffer whatever its content.
package struct Attributes: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    private static let headerLength = 4
    private static let typeMask: UInt16 = 0x3fff

    /// `bytes` begins with an attribute header, or is empty.
    package init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    package mutating func next() -> Attribute? {
        guard let length = rest.host(UInt16.self, at: 0).map(Int.init), length >= Self.headerLength,
            let type = rest.host(UInt16.self, at: 2),
            let payload = rest.slice(Self.headerLength, length - Self.headerLength)
        else { return nil }
        rest = rest.tail(from: aligned(length))
        return Attribute(type: type & Self.typeMask, payload: payload)
    }
}
