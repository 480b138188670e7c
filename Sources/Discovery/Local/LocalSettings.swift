package import Wire

/// What discovery on the links of this machine does.
package struct LocalSettings: Equatable, Sendable {
    /// Between two announcements while a peer is missing; eight times as long else.
    package var period: Interval = .seconds(15)
    /// Boxes with the same text find each other without having heard of each other.
    package var secret: String?
    /// Everybody on the link is told the box's address, and taken for a peer.
    package var autopeering = false

    package init() {}
}

/// An address of this machine on a link from which announcements go.
package struct LocalPlace: Hashable, Sendable {
    package var interface: UInt32
    /// A link-local IPv6 address, or an IPv4 one.
    package var address: IPv6Address
    /// Bits of the link's network, in the 128 of the mapped form.
    package var prefixLength: Int
    /// The mesh's UDP ports that answer at this address, at most four of them.
    package var ports: [UInt16]

    package init(interface: UInt32, address: IPv6Address, prefixLength: Int, ports: [UInt16]) {
        self.interface = interface
        self.address = address
        self.prefixLength = min(128, max(0, prefixLength))
        self.ports = Array(ports.filter { $0 != 0 }.prefix(LocalMessage.mostPorts))
    }

    var isIPv4: Bool { address.mappedIPv4 != nil }

    /// Whether an address is of the same link: who is not is not heard, so that nobody far away can ask anything.
    func reaches(_ other: IPv6Address) -> Bool {
        isIPv4 == (other.mappedIPv4 != nil) && address.masked(to: prefixLength) == other.masked(to: prefixLength)
    }
}

/// Where announcements go.
package enum LocalGroup {
    package static let port: UInt16 = 25634
    /// Link-local scope, not assigned by IANA (RFC 4291 section 2.7, RFC 3307 section 4.3).
    package static let ipv6 = IPv6Address(high: 0xff12 << 48, low: 0x8000_6420)
    /// 239.255.100.32, of the IPv4 local scope (RFC 2365 section 6.1).
    package static let ipv4 = IPv6Address(mappedIPv4: 0xefff_6420)
}

/// A datagram that goes out on a link.
package struct LocalDatagram: Hashable, Sendable {
    package var bytes: [UInt8]
    /// A group, or one box.
    package var target: Endpoint
    /// What it leaves from.
    package var source: IPv6Address
    package var interface: UInt32
}

/// What discovery on links has counted.
package struct LocalCounters: Equatable, Sendable {
    package var announced: UInt64 = 0
    package var heard: UInt64 = 0
    /// Announcements that can only have been heard before, or come from elsewhere than they say.
    package var replayed: UInt64 = 0
    package var challenged: UInt64 = 0
    package var answered: UInt64 = 0
    /// Beyond a limit: not looked at.
    package var limited: UInt64 = 0
    /// Of nobody that is known here.
    package var foreign: UInt64 = 0

    package init() {}
}
