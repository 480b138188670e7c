package import Firewall
package import INET256
package import Wire

/// Rules in order, and what becomes of the rest.
package struct ConfiguredRules: Equatable, Sendable {
    package var rules: [ConfiguredRule] = []
    package var fallback: FirewallAction
}

package struct ConfiguredRule: Hashable, Sendable {
    package var action: FirewallAction
    package var services: [ConfiguredService]
    /// The mesh's side: `from` inbound, `to` outbound.
    package var peers: [ConfiguredSubject] = [.any]
    /// Our side: `to` inbound, `from` outbound.
    package var places: [ConfiguredPlace]
    package var limit: RateLimit?
    package var log: RuleLog?
    package var comment: String?
}

/// A service by the name that people gave it, and what that stands for.
package struct ConfiguredService: Hashable, Sendable {
    package var text: String
    package var services: [Firewall.Service]
}

/// Who is on the mesh's side.
package enum ConfiguredSubject: Hashable, Sendable {
    case any
    /// Every configured peer.
    case peers
    case node(Address)
    case group(String)
    /// One behind another box.
    case network(String)
    case prefix(IPv6Prefix)
}

/// What is on our side.
package enum ConfiguredPlace: Hashable, Sendable {
    case box
    /// One behind this box.
    case network(String)
    /// The box and every network behind it.
    case any
}

package enum RuleLog: Hashable, Sendable {
    /// With a prefix that tells the rule.
    case standard
    case prefix(String)
}

/// Whether the segment size of forwarded TCP is fitted to the path.
package enum ClampMSS: String, CaseIterable, Sendable {
    /// When there are networks behind this box.
    case auto
    case on = "true"
    case off = "false"
}

/// A named set of members on the mesh's side.
package struct GroupConfiguration: Hashable, Sendable {
    package var name: String
    /// Never `any`.
    package var members: [ConfiguredSubject]
}

/// IPv6 prefixes behind a box.
package struct NetworkConfiguration: Hashable, Sendable {
    package var name: String
    /// The node that they are behind; nil is this box.
    package var via: Address?
    package var prefixes: [IPv6Prefix]
}

/// What a new packet has to meet with: every member of the subject and every reading of the service alike.
package struct FirewallTest: Hashable, Sendable {
    package enum Way: String, CaseIterable, Sendable {
        case inbound = "in"
        case outbound = "out"
    }

    /// The end on our side.
    package enum End: Hashable, Sendable {
        case box
        /// Any address in there.
        case network(String)
        case address(IPv6Address)
        /// The box and every network behind it.
        case any
    }

    package var way = Way.inbound
    /// On the mesh's side. Never empty, as the services and the ends.
    package var subjects: [ConfiguredSubject]
    package var services: [ConfiguredService]
    package var ends = [End.box]
    package var expect: FirewallAction

    package init(
        way: Way = .inbound, subjects: [ConfiguredSubject], services: [ConfiguredService], ends: [End] = [.box],
        expect: FirewallAction
    ) {
        self.way = way
        self.subjects = subjects
        self.services = services
        self.ends = ends
        self.expect = expect
    }
}

extension FirewallTest.End {
    /// As the file has it.
    package var word: String {
        switch self {
        case .box: "box"
        case .any: "any"
        case .network(let name): name
        case .address(let address): address.description
        }
    }
}
