internal import Wire

/// One message of a datagram, seen in place: the fixed header (RFC 3549 section 2.3.2) and what follows it.
///
///     +---------------------------------------------------------------+
///     |                     length, header included                   |
///     +-------------------------------+-------------------------------+
///     |             type              |            flags              |
///     +-------------------------------+-------------------------------+
///     |                         sequence number                       |
///     +---------------------------------------------------------------+
///     |                     port of the other side                    |
///     +---------------------------------------------------------------+
package struct NetlinkMessage {
    package let type: UInt16
    package let flags: UInt16
    package let sequence: UInt32
    package let port: UInt32
    /// The message with its header. Four-byte aligned when the datagram is; lives as long as the datagram's buffer.
    package let whole: UnsafeRawBufferPointer

    package static let headerLength = 16

    /// What follows the header.
    package var body: UnsafeRawBufferPointer { whole.tail(from: Self.headerLength) }
}

/// The messages in a datagram, in order. Ends at the first whose length does not fit.
package struct NetlinkMessages: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    package init(_ datagram: UnsafeRawBufferPointer) { rest = datagram }

    package mutating func next() -> NetlinkMessage? {
        guard let declared = rest.host(UInt32.self, at: 0), let length = Int(exactly: declared),
            length >= NetlinkMessage.headerLength, let whole = rest.slice(0, length),
            let type = rest.host(UInt16.self, at: 4), let flags = rest.host(UInt16.self, at: 6),
            let sequence = rest.host(UInt32.self, at: 8), let port = rest.host(UInt32.self, at: 12)
        else { return nil }
        rest = rest.tail(from: aligned(length))
        return NetlinkMessage(type: type, flags: flags, sequence: sequence, port: port, whole: whole)
    }
}
