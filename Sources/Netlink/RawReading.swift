internal import Wire

/// What netlink's bytes hold. Integers are in host order unless said otherwise.
extension UnsafeRawBufferPointer {
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
