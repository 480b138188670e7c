internal import Wire

/// Checksums that are not finished: the field of TCP or UDP holds the folded sum of the pseudo-header alone, and
/// whoever needs the checksum adds the bytes of header and payload and stores the complement. This is what the
/// kernel calls CHECKSUM_PARTIAL and virtio VIRTIO_NET_HDR_F_NEEDS_CSUM.
///
/// Such a packet may cross the mesh unfinished, marked as such, but only inside an authenticated session. That is sound:
/// - The checksum is there to find what a wire garbled. From the seal to the open, the session's tag guards every byte,
///   and misses one forgery in 2^100 where the checksum misses one garbled packet in 2^16. A message without a good tag
///   is never seen by the portal.
/// - It says nothing of who wrote the packet: a peer that may send from this source could as well put the right
///   checksum on the same bytes. So believing its mark gives it nothing that it has not.
/// - The mark is one bit under the tag. Where the sum begins is found by the receiver, by its own walk over
///   the packet: no offset comes from the peer.
/// - Only what the kernel gave us unfinished is marked: made on this machine, or checked by its kernel on the way in.
///   A packet that came with a checksum keeps it from end to end.
/// - No unfinished packet gets out of the mesh: the kernel gets it with NEEDS_CSUM and finishes it before it leaves by a
///   wire; without virtio headers, and for everybody else (an application that opened a node), `finish` is called.
///
/// What is given up is the detection of faults in the two machines' own memory between kernel and session: the same
/// as between a virtual machine and its host.
package enum PartialChecksum {
    /// Finishes the checksum of a packet that came marked. False when it cannot have been so marked: no IPv6 packet
    /// with TCP or UDP behind headers that we know; then it is to be dropped.
    package static func finish(_ packet: UnsafeMutableRawBufferPointer) -> Bool {
        let transport: TransportHeader
        do throws(IPv6Malformation) {
            guard let found = TransportHeader.find(in: try IPv6Header(UnsafeRawBufferPointer(packet))) else {
                return false
            }
            transport = found
        } catch {
            return false
        }
        finish(packet, start: transport.offset, field: transport.offset + transport.checksumOffset)
        return true
    }

    /// Adds the bytes from `start` on, the field at `field` with its part of the sum among them.
    static func finish(_ packet: UnsafeMutableRawBufferPointer, start: Int, field: Int) {
        guard packet.slice(field, MemoryLayout<UInt16>.size) != nil else { return }
        let value = InternetChecksum.of(UnsafeRawBufferPointer(packet.tail(from: start)))
        // In UDP zero would say that there is no checksum (RFC 768); the other zero of the one's complement is as good.
        let isZero = value == 0 && field - start == UDPField.checksum
        packet.storeBytes(of: isZero ? 0xffff : value.bigEndian, toByteOffset: field, as: UInt16.self)
    }

    /// The folded sum of the pseudo-header, in host byte order.
    @inline(__always)
    static func pseudoHeader(_ base: UnsafeRawPointer, length: Int, number: UInt8) -> UInt16 {
        var sum = InternetChecksum()
        sum.addPseudoHeader(
            source: IPv6Address(loading: base + 8), destination: IPv6Address(loading: base + 24), length: length,
            nextHeader: number)
        return ~sum.value
    }

    /// Whether the checksum of a transport header that follows the IPv6 header at once is right, or is the
    /// pseudo-header's part when the packet is `partial`.
    @inline(__always)
    static func isGood(_ base: UnsafeRawPointer, count: Int, number: UInt8, field: Int, partial: Bool) -> Bool {
        let length = count - IPv6Header.size
        let part = pseudoHeader(base, length: length, number: number)
        let found = UInt16(bigEndian: base.loadUnaligned(fromByteOffset: field, as: UInt16.self))
        if partial { return found == part }
        // In UDP over IPv6 there must be one (RFC 8200 section 8.1).
        if number == IPProtocol.udp && found == 0 { return false }
        let rest = ~InternetChecksum.of(UnsafeRawBufferPointer(start: base + IPv6Header.size, count: length))
        return fold(UInt32(part) + UInt32(rest)) == 0xffff
    }

    @inline(__always)
    static func fold(_ sum: UInt32) -> UInt16 {
        let once = (sum & 0xffff) + (sum >> 16)
        return UInt16(truncatingIfNeeded: (once & 0xffff) + (once >> 16))
    }
}
