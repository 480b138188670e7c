import Testing
import Wire

@Suite struct IPv6PrefixTests {
    @Test(arguments: ["::/0", "fd00::/8", "200::/7", "2001:db8::/32", "2001:db8::1/128", "fd00:0:0:1::/64", "8000::/1"])
    func roundTrips(text: String) throws {
        #expect(try #require(IPv6Prefix(text)).description == text)
    }

    @Test(arguments: [
        "", "/", "fd00::", "fd00::/", "/8", "fd00::/-1", "fd00::/129", "fd00::/08", "fd00::/+8", "fd00::/8/8",
        "fd00::/8 ",
        " fd00::/8", "fd00::1/8", "fd00::/7", "2001:db8::/28", "fd00::/x", "10.0.0.0/8", "::1/127",
    ])
    func badForms(text: String) {
        #expect(IPv6Prefix(text) == nil)
    }

    /// A length of n covers exactly what shares the first n bits.
    @Test func containsWhatSharesItsBits() throws {
        let ones = IPv6Address(high: .max, low: .max)
        for length in 0...128 {
            let prefix = try #require(IPv6Prefix(ones.masked(to: length), length: length))
            #expect(prefix.contains(ones))
            #expect(prefix.contains(prefix.address))
            for bit in 0..<128 {
                var other = ones
                if bit < 64 { other.high ^= 1 << UInt64(63 - bit) } else { other.low ^= 1 << UInt64(127 - bit) }
                #expect(prefix.contains(other) == (bit >= length), "/\(length), bit \(bit)")
            }
        }
    }

    @Test func masksToEveryLength() {
        let ones = IPv6Address(high: .max, low: .max)
        #expect(ones.masked(to: -1) == .unspecified)
        #expect(ones.masked(to: 129) == ones)
        for length in 0...128 {
            let masked = ones.masked(to: length)
            #expect(masked.high.nonzeroBitCount + masked.low.nonzeroBitCount == length)
            #expect(masked.high.leadingZeroBitCount == (length == 0 ? 64 : 0))
            #expect(masked.masked(to: length) == masked)
        }
    }

    @Test func hostBitsAndLengthsAreChecked() {
        #expect(IPv6Prefix(.loopback, length: 127) == nil)
        #expect(IPv6Prefix(.loopback, length: 128) != nil)
        #expect(IPv6Prefix(.unspecified, length: -1) == nil)
        #expect(IPv6Prefix(.unspecified, length: 129) == nil)
    }
}
