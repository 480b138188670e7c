package import Wire

/// What a rule does with a packet that it matches.
package enum FirewallAction: String, Hashable, Sendable, CaseIterable, Codable {
    case allow
    /// In silence.
    case deny
    /// TCP is answered with a reset, the rest with ICMPv6 "administratively prohibited" (RFC 4443 section 3.1).
    case reject
}

/// One rule of the policy.
package struct FirewallRule: Hashable, Sendable {
    package var action: FirewallAction
    /// Any of these; never empty.
    package var services: [Service]
    /// Any of these: the mesh's side, the sender inbound and the destination outbound. Never empty.
    package var peers: [Subject]
    /// Our side: any of these, the destination inbound and the sender outbound. Never empty.
    package var places: [Place]
    /// New connections beyond this rate are not matched: they go on to the next rule.
    package var limit: RateLimit?
    /// A prefix for the kernel's log: matched packets are logged, a few a second. At most 64 bytes.
    package var log: String?
    package var comment: String?
    /// As people wrote it, in one line: "allow ssh from admins".
    package var text: String

    package init(
        _ action: FirewallAction, _ services: [Service] = [.any], peers: [Subject] = [.any], places: [Place] = [.box],
        limit: RateLimit? = nil, text: String = ""
    ) {
        self.action = action
        self.services = services
        self.peers = peers
        self.places = places
        self.limit = limit
        self.text = text
    }
}

/// Who is on the mesh's side.
package enum Subject: Hashable, Sendable {
    case any
    /// By name, in the policy's `groups`.
    case group(String)
    case prefix(IPv6Prefix)
}

/// What is on our side.
package enum Place: Hashable, Sendable {
    case box
    /// By name, in the policy's `networks`.
    case network(String)
}

/// What a packet is for.
package enum Service: Hashable, Sendable {
    case any
    /// TCP (6), UDP (17), and what has ports in the same place: SCTP (132), DCCP (33), UDP-Lite (136).
    case ports(protocol: UInt8, ClosedRange<UInt16>)
    /// ICMPv6 by type and code; nil is every one.
    case icmpv6(type: UInt8?, code: UInt8?)
    /// Everything of this IP protocol.
    case ipProtocol(UInt8)

    /// The protocols that `ports` takes.
    package static let protocolsWithPorts: [UInt8] = [6, 17, 33, 132, 136]
}

/// Of new connections: so many in a span, and so many at once.
package struct RateLimit: Hashable, Sendable, CustomStringConvertible {
    package enum Unit: UInt64, Hashable, Sendable, CaseIterable {
        /// In seconds.
        case second = 1
        case minute = 60
        case hour = 3600
        case day = 86400
    }

    package let rate: UInt64
    package let unit: Unit
    package let burst: UInt32

    /// `nft`'s own default burst is 5.
    package init(_ rate: UInt64, per unit: Unit, burst: UInt32 = 5) {
        self.rate = rate
        self.unit = unit
        self.burst = burst
    }

    /// "10/minute burst 5".
    package var description: String { "\(rate)/\(unit) burst \(burst)" }
}
