/// From how far away packets get to an address, as its prefix says (RFC 6890); nearest last.
package enum AddressReach: UInt8, Sendable, Comparable, CaseIterable {
    /// From anywhere. Addresses for documentation (RFC 5737, RFC 3849) count as such: nobody has them, save in tests and examples.
    case everywhere
    /// From behind the same carrier-grade NAT: 100.64.0.0/10 (RFC 6598).
    case carrier
    /// From the same site: RFC 1918, fc00::/7 (RFC 4193), and whatever else is a host's and not from the global internet.
    case site
    /// From the same link: 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291).
    case link
    /// From this host.
    case host
    /// From nowhere, since it is no host's: unspecified, multicast, reserved.
    case nowhere

    package static func < (a: AddressReach, b: AddressReach) -> Bool { a.rawValue < b.rawValue }
}

extension IPv6Address {
    /// One of a site's own, which may be somebody else's elsewhere: RFC 1918, RFC 6598, RFC 4193.
    package var isPrivate: Bool {
        guard let v4 = mappedIPv4 else { return high >> 57 == 0xfc >> 1 }
        return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x6440 >> 6
    }

    /// Whether somebody else's word is enough to send a datagram there at all: one machine's own address, that means the same to
    /// whoever hears of it. Not the old form of ::/96 either (RFC 4291 section 2.5.5.1).
    package var isWorthAProbe: Bool {
        reach < .link && (mappedIPv4 != nil || high != 0 || low >> 32 != 0)
    }

    package var reach: AddressReach {
        if let v4 = mappedIPv4 { return Self.reach(ofIPv4: v4) }
        if self == .loopback { return .host }
        if self == .unspecified || isMulticast { return .nowhere }
        if isLinkLocal { return .link }
        // 2000::/3 is all of the global internet so far (RFC 4291 section 2.4).
        return high >> 61 == 1 ? .everywhere : .site
    }

    private static func reach(ofIPv4 value: UInt32) -> AddressReach {
        switch (value >> 24, value >> 16 & 0xff, value >> 8 & 0xff) {
        case (127, _, _): .host
        case (0, _, _), (224..., _, _): .nowhere
        case (10, _, _), (172, 16...31, _), (192, 168, _): .site
        case (100, 64...127, _): .carrier
        case (169, 254, _): .link
        // Within a network of a provider (RFC 6333, RFC 7335), and of benchmarks (RFC 2544).
        case (192, 0, 0), (198, 18...19, _): .site
        default: .everywhere
        }
    }
}
