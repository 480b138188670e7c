import Testing
import Wire

@Suite struct IPAddressTests {
    /// RFC 5952: sections 4.1 to 4.3 and 5, each with its canonical text.
    @Test(arguments: [
        ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("::", "::"),
        ("0::0", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("1:0:0:0:0:0:0:0", "1::"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("fe80::1", "fe80::1"),
        ("FD00::", "fd00::"),
    ])
    func texts(text: String, canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:", ":1", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "12345::", "g::", "::-1", "::+1", "0x1::", " ::1", "::1 ", "::1%eth0", "::1/64", "fe80::1%1", "1.2.3.4",
        "::1.2.3",
        "::1.2.3.4.5", "::256.1.1.1", "::01.2.3.4", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::1..2.3", "::.1.2.3.4", "[::1]", "\u{0661}::", "::\u{ff11}", "::1\u{0}", "::1\n", "1:::2", "::::",
    ])
    func badForms(text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test func everyPlaceOfTheFoldRoundTrips() {
        for mask in 0..<256 {
            var address = IPv6Address.unspecified
            for group in 0..<8 where mask & 1 << group != 0 {
                let shift = UInt64(48 - 16 * (group % 4))
                if group < 4 { address.high |= 0xa0b << shift } else { address.low |= 0xa0b << shift }
            }
            let text = address.description
            #expect(IPv6Address(text) == address, "\(text)")
            // RFC 5952 section 4.2.2: one zero group alone is not folded.
            #expect(text.contains("::") == (0..<7).contains { mask & 3 << $0 == 0 }, "\(text)")
        }
    }

    @Test func bytesAndOrder() throws {
        let address = try #require(IPv6Address("102:304:506:708:90a:b0c:d0e:f10"))
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { address.store(to: base) } }
        #expect(bytes == Array(1...16))
        #expect(bytes.withUnsafeBytes { $0.baseAddress.map(IPv6Address.init(loading:)) } == address)
        let low = IPv6Address(high: 1, low: .max)
        let high = IPv6Address(high: 2, low: 0)
        #expect(low < high && !(high < low) && !(low < low))
    }

    @Test func kinds() throws {
        #expect(try #require(IPv6Address("ff02::1")).isMulticast)
        #expect(try !#require(IPv6Address("fe80::1")).isMulticast)
        #expect(try #require(IPv6Address("fe80::1")).isLinkLocal)
        #expect(try #require(IPv6Address("febf::1")).isLinkLocal)
        #expect(try !#require(IPv6Address("fec0::1")).isLinkLocal)
        #expect(IPv6Address.loopback.isLoopback)
        #expect(IPv6Address(mappedIPv4: 0x7f00_0001).isLoopback)
        #expect(!IPv6Address.unspecified.isLoopback)
        #expect(IPv6Address(mappedIPv4: 0xc000_0201).mappedIPv4 == 0xc000_0201)
        #expect(IPv6Address(high: 0, low: 0xc000_0201).mappedIPv4 == nil)
    }

    @Test func dottedQuads() {
        #expect(IPv4Text.parse("192.0.2.1") == 0xc000_0201)
        #expect(IPv4Text.parse("0.0.0.0") == 0)
        #expect(IPv4Text.parse("255.255.255.255") == .max)
        for text in [
            "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", "1..3.4", "1.2.3.",
            "1.2.3.0x4",
        ] {
            #expect(IPv4Text.parse(text) == nil, "\(text)")
        }
    }
}
