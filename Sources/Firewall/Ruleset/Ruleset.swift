package import Wire

/// A table of nf_tables as plain values: what the compiler makes of a policy, and what is written into the kernel or out as
/// nft text. The family is always `inet`.
package struct Ruleset: Hashable, Sendable {
    package var table: String
    /// In an order in which no rule comes before what it names: counters and limits, sets and maps, chains.
    package var counters: [String] = []
    package var limits: [NamedLimit] = []
    package var sets: [RulesetSet] = []
    package var maps: [RulesetMap] = []
    package var chains: [RulesetChain] = []

    /// The table's name in the kernel.
    package static let standardTable = "inet256vpn"

    /// Whether the kernel and nft take it for a table's name as it is: a letter and up to 99 letters, digits and underscores.
    package static func isTableName(_ text: String) -> Bool {
        text.utf8.count <= 100 && text.first?.isLetter == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    package init(table: String = standardTable) { self.table = table }
}

package struct NamedLimit: Hashable, Sendable {
    package let name: String
    package let limit: RateLimit

    package init(name: String, limit: RateLimit) {
        self.name = name
        self.limit = limit
    }
}

/// A named set. Its elements may change while its name and type stand: then the change is one of elements alone.
package struct RulesetSet: Hashable, Sendable {
    package enum Elements: Hashable, Sendable {
        /// `type ipv6_addr`: a hash of single addresses.
        case hosts([IPv6Address])
        /// `type ipv6_addr; flags interval`: disjoint and sorted.
        case prefixes([IPv6Prefix])
        /// `type inet_proto . inet_service; flags interval`: disjoint.
        case services([PortRange])
        /// `type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service`: the mesh's end first.
        case flows([CutFlow])
        /// `type ipv6_addr; size 4096; flags dynamic,timeout; timeout 1m`: what `isOver` keeps of each address, and forgets when it
        /// has not met it for a minute. It comes empty and is filled by packets.
        case met
    }

    /// Addresses that a `met` set holds at most; of others it cannot be said that they are over a rate.
    package static let mostMet: UInt32 = 4096
    /// Milliseconds that a `met` set keeps an address.
    package static let metFor: UInt64 = 60_000

    package let name: String
    package var elements: Elements

    package init(name: String, elements: Elements) {
        self.name = name
        self.elements = elements
    }
}

/// Ports of one protocol.
package struct PortRange: Hashable, Sendable {
    package let `protocol`: UInt8
    package let ports: ClosedRange<UInt16>

    package init(protocol: UInt8, ports: ClosedRange<UInt16>) {
        self.protocol = `protocol`
        self.ports = ports
    }
}

/// A named verdict map. It never changes: another content has another name.
package struct RulesetMap: Hashable, Sendable {
    package enum Elements: Hashable, Sendable {
        /// `type inet_proto . inet_service : verdict; flags interval`, disjoint; each jumps to a chain.
        case services([ServiceJump])
        /// `type ipv6_addr : verdict`; each jumps to a chain.
        case hosts([HostJump])
    }

    package let name: String
    package let elements: Elements

    package init(name: String, elements: Elements) {
        self.name = name
        self.elements = elements
    }
}

/// An element of a verdict map: these ports jump to that chain.
package struct ServiceJump: Hashable, Sendable {
    package let range: PortRange
    package let chain: String

    package init(_ range: PortRange, chain: String) {
        self.range = range
        self.chain = chain
    }
}

/// An element of a verdict map: this address jumps to that chain.
package struct HostJump: Hashable, Sendable {
    package let host: IPv6Address
    package let chain: String

    package init(_ host: IPv6Address, chain: String) {
        self.host = host
        self.chain = chain
    }
}

package struct RulesetChain: Hashable, Sendable {
    /// Where packets enter from, for a base chain. Its policy is always accept: what is not the portal's is not ours.
    package struct Hook: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case filter, nat
        }
        package let kind: Kind
        package let hook: NftHook
        package let priority: Int32

        package init(_ kind: Kind, _ hook: NftHook, priority: Int32) {
            self.kind = kind
            self.hook = hook
            self.priority = priority
        }
    }

    package let name: String
    /// Nil for a chain that is only jumped to.
    package var hook: Hook?
    package var rules: [RulesetRule]

    package init(name: String, hook: Hook? = nil, rules: [RulesetRule] = []) {
        self.name = name
        self.hook = hook
        self.rules = rules
    }
}

package struct RulesetRule: Hashable, Sendable {
    package var statements: [Statement]
    /// Stands in the kernel beside the rule (NFTNL_UDATA_RULE_COMMENT); at most 127 bytes.
    package var comment: String?

    package init(_ statements: [Statement], comment: String? = nil) {
        self.statements = statements
        self.comment = comment
    }
}
