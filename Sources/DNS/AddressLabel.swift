package import INET256
internal import Wire

/// An address as a label of a name: its 256 bits in base32 (RFC 4648 section 6) in lower case and without padding, 52 characters of
/// the 63 that a label holds. The usual text of an address is no label: it tells cases apart.
extension Address {
    package static let labelCount = 52

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    package var label: String {
        var text: [UInt8] = []
        var held: UInt32 = 0
        var bits = 0
        raw.withBytes { bytes in
            for byte in bytes {
                held = held << 8 | UInt32(byte)
                bits += 8
                while bits >= 5 {
                    bits -= 5
                    text.append(Self.alphabet[Int(held >> UInt32(bits)) & 31])
                }
            }
        }
        // 256 bits are 51 characters and one more bit.
        text.append(Self.alphabet[Int(held << UInt32(5 - bits)) & 31])
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for anything but the one text of an address, in either case.
    package init?(label text: some Sequence<UInt8>) {
        var bytes: [UInt8] = []
        var held: UInt32 = 0
        var bits = 0
        var count = 0
        for character in text {
            count += 1
            guard count <= Self.labelCount, let value = Self.value(character) else { return nil }
            held = held << 5 | value
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
            }
        }
        // The last four bits are none of the address.
        guard count == Self.labelCount, held & 0xf == 0, let raw = Bytes32(bytes) else { return nil }
        self.init(raw: raw)
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt32(character - UInt8(ascii: "2")) + 26
        default: nil
        }
    }
}
