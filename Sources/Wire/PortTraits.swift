/// How what carries datagrams differs from others of its kind, as far as the mesh goes by it. A port says it; whoever plans what goes
/// by its paths heeds it.
package struct PortTraits: Equatable, Sendable {
    package enum Sizes: Equatable, Sendable {
        /// Whatever the way carries, which nobody tells: it is measured (RFC 8899).
        case probed
        /// So many bytes of a datagram and no more, whatever the way.
        case fixed(Int)
    }

    package var sizes: Sizes
    /// Bytes that go in front of a datagram or behind it, to an IPv4 endpoint and to an IPv6 one.
    package var overhead: (ipv4: Int, ipv6: Int)
    /// Whether a datagram that came from an endpoint shows that datagrams reach it there. Not with UDP, where anybody may write
    /// any source; with what shakes hands before it carries anything, yes.
    package var provesWayBack: Bool
    /// Whether ways come and go with the port's own connections; else any endpoint is a way.
    package var hasConnections: Bool

    @inlinable
    package init(
        sizes: Sizes, overhead: (ipv4: Int, ipv6: Int), provesWayBack: Bool, hasConnections: Bool
    ) {
        self.sizes = sizes
        self.overhead = overhead
        self.provesWayBack = provesWayBack
        self.hasConnections = hasConnections
    }

    /// Headers of IPv4 and UDP (RFC 791, RFC 768), or of IPv6 and UDP (RFC 8200).
    @inlinable
    package static var udp: PortTraits {
        PortTraits(sizes: .probed, overhead: (28, 48), provesWayBack: false, hasConnections: false)
    }

    @inlinable
    package func overhead(to endpoint: Endpoint) -> Int {
        endpoint.address.mappedIPv4 != nil ? overhead.ipv4 : overhead.ipv6
    }

    package static func == (a: PortTraits, b: PortTraits) -> Bool {
        a.sizes == b.sizes && a.overhead == b.overhead && a.provesWayBack == b.provesWayBack
            && a.hasConnections == b.hasConnections
    }
}
