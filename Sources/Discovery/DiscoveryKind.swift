package import Wire

/// What a datagram of the discovery's says it is, by its first byte. Those of the mesh begin with 1 to 6, so that both can share a
/// socket; `docs/discovery.md` draws each.
package enum DiscoveryKind: UInt8, CaseIterable, Sendable {
    /// To a link's multicast group: a box is there, readable for who knows its address.
    case localAnnouncement = 0xc0
    /// Back to its sender: is it there, and now?
    case localChallenge = 0xc1
    /// It is.
    case localAnswer = 0xc2
    /// An announcement of a box that has just come: the others are to announce themselves too.
    case localArrival = 0xc3
    /// To a central server: where a box may be reached, signed.
    case centralAnnounce = 0xc4
    /// To a central server: where is that address?
    case centralLookup = 0xc5
    /// From there: an announcement was taken, or why not.
    case centralReceipt = 0xc6
    /// From there: what it holds of an address.
    case centralFound = 0xc7
    /// From there: say it again, and with this cookie.
    case centralCookie = 0xc8
    /// From there: somebody that you ask for asks for you.
    case centralCall = 0xc9

    /// First bytes that are the discovery's, now or later.
    package static let firstBytes: ClosedRange<UInt8> = 0xc0...0xcf

    /// The most bytes that a datagram of it has: every path of IPv6 carries 1,232 (RFC 8200 section 5, less 48).
    package static let largest = 1232

    /// Nil for what is none of these.
    package init?(_ datagram: UnsafeRawBufferPointer) {
        guard let first = datagram.first else { return nil }
        self.init(rawValue: first)
    }

    /// Whether it is about a central server, and so comes and goes by the mesh's own sockets.
    package var isCentral: Bool {
        switch self {
        case .localAnnouncement, .localChallenge, .localAnswer, .localArrival: false
        case .centralAnnounce, .centralLookup, .centralReceipt, .centralFound, .centralCookie, .centralCall: true
        }
    }

    /// Whether it is for a server, and not for who asks one.
    package var isRequest: Bool { self == .centralAnnounce || self == .centralLookup }
}

/// A datagram that is to be sent.
package struct DiscoveryDatagram: Hashable, Sendable {
    package var bytes: [UInt8]
    package var target: Endpoint
    /// The address of this machine that it leaves from; unspecified leaves the choice to the kernel. Who asked at one of several
    /// hears nothing from another.
    package var source: IPv6Address

    package init(_ bytes: [UInt8], to target: Endpoint, from source: IPv6Address = .unspecified) {
        self.bytes = bytes
        self.target = target
        self.source = source
    }
}
