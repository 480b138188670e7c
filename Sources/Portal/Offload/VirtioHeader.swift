internal import Wire

/// What stands before a packet on a TUN device with IFF_VNET_HDR (virtio 1.2, section 5.1.6; `struct virtio_net_hdr`).
/// Numbers are in the machine's byte order.
///
///      0                   1                   2                   3
///     |     flags     |   GSO type    |         header length         |
///     |          segment size         |        checksum start         |
///     |        checksum offset        |
package struct VirtioHeader: Equatable, Sendable {
    /// Length in bytes, without the field for merged buffers that the kernel adds only when asked.
    package static let size = 10

    /// VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum holds a part of the sum, and the bytes from `checksumStart` on
    /// are still to be added.
    static let needsChecksum: UInt8 = 1
    /// VIRTIO_NET_HDR_GSO_...: an ordinary packet; TCP over IPv6; UDP datagrams of equal size.
    static let single: UInt8 = 0
    static let tcp: UInt8 = 4
    static let udp: UInt8 = 5
    /// VIRTIO_NET_HDR_GSO_ECN, a bit beside the type: CWR is set in the super-packet.
    static let congestion: UInt8 = 0x80

    var flags: UInt8 = 0
    var type: UInt8 = Self.single
    /// A hint of how much the headers take; the kernel writes what it likes, so it is never read.
    var headerLength: UInt16 = 0
    /// Payload bytes of each segment but the last.
    var segmentSize: UInt16 = 0
    /// Where the sum begins, in bytes from the start of the packet.
    var checksumStart: UInt16 = 0
    /// Where the checksum is, in bytes from `checksumStart`.
    var checksumOffset: UInt16 = 0

    /// Of a finished packet.
    package init() {}

    /// Reads the first bytes of what the device gave. Nil when there are too few.
    @inlinable
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count >= Self.size else { return nil }
        self.init(loading: base)
    }

    /// Reads `size` bytes.
    @usableFromInline
    init(loading base: UnsafeRawPointer) {
        flags = base.load(as: UInt8.self)
        type = base.load(fromByteOffset: 1, as: UInt8.self)
        headerLength = base.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        segmentSize = base.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        checksumStart = base.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        checksumOffset = base.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
    }

    /// Writes `size` bytes.
    func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: flags, as: UInt8.self)
        target.storeBytes(of: type, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: headerLength, toByteOffset: 2, as: UInt16.self)
        target.storeBytes(of: segmentSize, toByteOffset: 4, as: UInt16.self)
        target.storeBytes(of: checksumStart, toByteOffset: 6, as: UInt16.self)
        target.storeBytes(of: checksumOffset, toByteOffset: 8, as: UInt16.self)
    }

    /// How many packets of IP the device has given at once, and how many bytes they have together, each with headers of its own. What the
    /// kernel says is taken as far as it makes sense: else it is one.
    static func packets(in given: UnsafeRawBufferPointer, _ headerSize: Int) -> (count: Int, bytes: Int) {
        let bytes = max(0, given.count - headerSize)
        guard headerSize >= size, let header = VirtioHeader(given), header.isSuperPacket, header.segmentSize > 0
        else { return (1, bytes) }
        let transport = Int(header.checksumStart)
        var heads = transport + 8
        if header.type & ~congestion == tcp {
            // The data offset, in words of four bytes (RFC 9293 section 3.1).
            guard let offset = given.host(UInt8.self, at: headerSize + transport + 12) else { return (1, bytes) }
            heads = transport + Int(offset >> 4) * 4
        }
        guard heads < bytes else { return (1, bytes) }
        let segment = Int(header.segmentSize)
        let count = (bytes - heads + segment - 1) / segment
        return (count, bytes + (count - 1) * heads)
    }

    /// Whether the packet is several in one.
    package var isSuperPacket: Bool { type != Self.single }
}
