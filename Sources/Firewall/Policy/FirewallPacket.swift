public import Wire

/// A packet as the firewall sees it, for asking the policy what would become of it.
public struct FirewallPacket: Hashable, Sendable {
    public enum Way: Hashable, Sendable {
        /// From the mesh to the box itself.
        case toBox
        /// From the mesh, forwarded to another interface.
        case toNetwork
        /// From the box into the mesh.
        case fromBox
        /// From another interface, forwarded into the mesh.
        case fromNetwork
    }

    public var way: Way
    public var source: IPv6Address
    public var destination: IPv6Address
    /// The upper-layer protocol, behind all extension headers.
    public var transport: UInt8
    /// Of protocols with ports; else 0.
    public var destinationPort: UInt16 = 0
    /// Of ICMPv6; else 0.
    public var icmpType: UInt8 = 0
    public var icmpCode: UInt8 = 0
    /// What connection tracking makes of it.
    public var state = Statement.ConnectionState.new

    public init(_ way: Way, from source: IPv6Address, to destination: IPv6Address, transport: UInt8) {
        self.way = way
        self.source = source
        self.destination = destination
        self.transport = transport
    }
}

/// What becomes of a packet, and why.
public struct FirewallDecision: Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
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

    public let action: FirewallAction
    public let reason: Reason
    /// The rate that it stays under, when the rule has one: beyond that the rules behind decide.
    public let limit: RateLimit?

    public init(_ action: FirewallAction, _ reason: Reason, limit: RateLimit? = nil) {
        self.action = action
        self.reason = reason
        self.limit = limit
    }
}
