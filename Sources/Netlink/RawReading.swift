internal import Wire

/// Checked reads from a buffer of unknown content. Netlink integers are in host order unless said otherwise.
extension UnsafeRawBufferPointer {
    /// The integer at `offset`, or nil where the buffer is too short.
    func host<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T? {
        guard offset >= 0, offset <= count - MemoryLayout<T>.size else { return nil }
        return loadUnaligned(fromByteOffset: offset, as: T.self)
    }

    /// Everything from `offset` on; empty where the buffer ends before it.
    func tail(from offset: Int) -> UnsafeRawBufferPointer {
        guard offset < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: self[offset...])
    }

    /// `length` bytes from `offset`, or nil where they are not all there.
    func slice(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset + length])
    }

    /// The text up to the first NUL or the end. Interface names and aliases are bytes to the kernel:
    /// what is not UTF-8 is repaired, never trusted.
    var text: String {
        String(decoding: self.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// An address by its length: 16 bytes are IPv6, 4 are IPv4 and come out IPv4-mapped.
    var address: IPv6Address? {
        switch count {
        case IPv6Address.count:
            return baseAddress.map { IPv6Address(loading: $0) }
        case 4:
            return host(UInt32.self, at: 0).map { IPv6Address(mappedIPv4: UInt32(bigEndian: $0)) }
        default:
            return nil
        }
    }
}

/// A length rounded up to netlink's alignment of four bytes, without overflow for any input below Int.max - 3.
func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
