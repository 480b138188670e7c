package import Wire

/// A packet as the firewall sees it, for asking the policy what would become of it.
package struct FirewallPacket: Hashable, Sendable {
    package enum Way: Hashable, Sendable {
        /// From the mesh to the box itself.
        case toBox
        /// From the mesh, forwarded to another interface.
        case toNetwork
        /// From the box into the mesh.
        case fromBox
        /// From another interface, forwarded into the mesh.
        case fromNetwork
    }

    package var way: Way
    package var source: IPv6Address
    package var destination: IPv6Address
    /// The upper-layer protocol, behind all extension headers.
    package var transport: UInt8
    /// Of protocols with ports; else 0.
    package var destinationPort: UInt16 = 0
    /// Of ICMPv6; else 0.
    package var icmpType: UInt8 = 0
    package var icmpCode: UInt8 = 0
    /// What connection tracking makes of it.
    package var state = Statement.ConnectionState.new

    package init(_ way: Way, from source: IPv6Address, to destination: IPv6Address, transport: UInt8) {
        self.way = way
        self.source = source
        self.destination = destination
        self.transport = transport
    }
}

/// What becomes of a packet, and why.
package struct FirewallDecision: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// It belongs to a connection that was allowed.
        case connection
        /// Connection tracking makes nothing of it.
        case invalid
        /// ICMPv6 that IPv6 does not work without (RFC 4890 section 4.3.1).
        case essentialICMPv6
        /// The rule at this place of the list, from 0.
        case rule(Int)
        /// Echo requests from the mesh pass, when no rule says otherwise.
        case echoRequest
        /// No rule matched.
        case fallback
        /// It is forwarded from or to something that is no network of the policy, or from the mesh into the mesh.
        case noNetwork
    }

    package let action: FirewallAction
    package let reason: Reason
    /// The rate that it stays under, when the rule has one: beyond that the rules behind decide.
    package let limit: RateLimit?

    package init(_ action: FirewallAction, _ reason: Reason, limit: RateLimit? = nil) {
        self.action = action
        self.reason = reason
        self.limit = limit
    }
}
