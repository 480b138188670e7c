package import Wire

/// One part of a rule: a match, or something that is done when all matches before it hold.
package enum Statement: Hashable, Sendable {
    // Matches.

    /// `iifname "inet256"`, or `!=`.
    case inputInterface(String, isNot: Bool = false)
    /// `oifname "inet256"`, or `!=`.
    case outputInterface(String, isNot: Bool = false)
    /// `iif 7`, or `!=`: by the number that stays when an interface is renamed.
    case inputIndex(UInt32, isNot: Bool = false)
    /// `oif 7`, or `!=`.
    case outputIndex(UInt32, isNot: Bool = false)
    /// `meta nfproto != ipv6`.
    case notIPv6
    /// `ct state established,related`.
    case connection(Set<ConnectionState>)
    /// `meta l4proto tcp`: the protocol behind all extension headers.
    case transport(UInt8)
    /// `ip6 saddr fd00::1` or with a length; a length of 0 is not written.
    case address(Side, IPv6Prefix)
    /// `ip6 saddr @name`: a set of hosts or prefixes.
    case addressIn(Side, set: String)
    /// `th dport 22` or `th dport 5000-5010`. Stands behind a `transport`.
    case destinationPort(ClosedRange<UInt16>)
    /// `meta l4proto . th dport @name`: a set of services.
    case serviceIn(set: String)
    /// `icmpv6 type 128`, with its dependency on the protocol.
    case icmpv6Type(UInt8)
    /// `icmpv6 type { 1, 2, 3, 4 }` for neighbouring types, with its dependency.
    case icmpv6Types(ClosedRange<UInt8>)
    /// `icmpv6 code 0`. Stands behind an `icmpv6Type`.
    case icmpv6Code(UInt8)
    /// `tcp flags & (syn | rst) == syn`, with its dependency on the protocol.
    case tcpSyn
    /// `tcp flags & (fin | syn | rst | ack) != syn`, with its dependency: TCP that is not a connection's first packet.
    case tcpMidway
    /// `meta l4proto != tcp`.
    case notTransport(UInt8)
    /// `ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport @name`, or the other way round: a set of flows, keyed by
    /// the mesh's end first, which is at this side of the packet.
    case flowIn(Side, set: String)

    // Jumps by a map. Where nothing is found, the rule ends and the next begins.

    /// `meta l4proto . th dport vmap @name`.
    case jumpByService(map: String)
    /// `ip6 saddr vmap @name`.
    case jumpByAddress(Side, map: String)

    // Actions.

    /// `limit name "..."`: goes on only under the rate.
    case limit(named: String)
    /// `limit rate 5/second burst 10 packets`.
    case limitRate(RateLimit)
    /// `update @name { ip6 saddr limit rate over 5/second burst 10 packets }`: goes on only over the rate of that address,
    /// and never for one that the set has no room for.
    case isOver(RateLimit, Side, set: String)
    /// `counter name "..."`.
    case counter(named: String)
    /// `log prefix "..." level info`.
    case log(prefix: String)
    /// `tcp option maxseg size set rt mtu`.
    case clampMSS
    /// `masquerade`.
    case masquerade
    case accept
    case drop
    /// `reject with tcp reset`.
    case rejectReset
    /// `reject with icmpv6 admin-prohibited`.
    case rejectProhibited
    case jump(String)
    case goto(String)

    package enum Side: Hashable, Sendable {
        case source, destination

        var other: Side {
            switch self {
            case .source: .destination
            case .destination: .source
            }
        }
    }

    /// Bits of `ct state` (NF_CT_STATE_BIT).
    package enum ConnectionState: UInt32, Hashable, Sendable, CaseIterable {
        case invalid = 1
        case established = 2
        case related = 4
        case new = 8
        case untracked = 64
    }
}
