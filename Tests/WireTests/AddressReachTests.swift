import Testing
import Wire

@Suite struct AddressReachTests {
    private static let samples: [(String, AddressReach)] = [
        ("8.8.8.8", .everywhere), ("203.0.113.7", .everywhere), ("192.0.2.1", .everywhere), ("172.15.0.1", .everywhere),
        ("172.32.0.1", .everywhere), ("100.63.0.1", .everywhere), ("100.128.0.1", .everywhere),
        ("192.0.1.1", .everywhere),
        ("100.64.0.1", .carrier), ("100.127.255.255", .carrier),
        ("10.0.0.1", .site), ("172.16.0.1", .site), ("172.31.255.1", .site), ("192.168.1.1", .site),
        ("192.0.0.2", .site), ("198.18.0.1", .site), ("198.19.255.1", .site),
        ("169.254.1.1", .link), ("127.0.0.1", .host), ("127.255.0.1", .host),
        ("0.0.0.0", .nowhere), ("0.1.2.3", .nowhere), ("224.0.0.1", .nowhere), ("255.255.255.255", .nowhere),
        ("2001:db8::1", .everywhere), ("3fff::1", .everywhere), ("fd00::1", .site), ("fc00::1", .site),
        ("200::1", .site), ("4000::1", .site), ("fe80::1", .link), ("febf::1", .link), ("fec0::1", .site),
        ("::1", .host), ("::", .nowhere), ("ff02::1", .nowhere),
    ]

    @Test func everyKind() throws {
        for (text, reach) in Self.samples {
            let address = IPv4Text.parse(text).map { IPv6Address(mappedIPv4: $0) } ?? IPv6Address(text)
            #expect(try #require(address).reach == reach, "\(text)")
        }
        #expect(Set(Self.samples.map(\.1)).count == AddressReach.allCases.count)
        #expect(AddressReach.allCases.sorted() == AddressReach.allCases)
    }
}
