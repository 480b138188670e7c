public import Wire

/// A table of nf_tables as plain values: what the compiler makes of a policy, and what is written into the kernel or out as
/// nft text. The family is always `inet`.
public struct Ruleset: Hashable, Sendable {
    public var table: String
    /// In an order in which no rule comes before what it names: counters and limits, sets and maps, chains.
    public var counters: [String] = []
    public var limits: [NamedLimit] = []
    public var sets: [RulesetSet] = []
    public var maps: [RulesetMap] = []
    public var chains: [RulesetChain] = []

    /// The table's name in the kernel.
    public static let standardTable = "inet256vpn"

    /// Whether the kernel and nft take it for a table's name as it is: a letter and up to 99 letters, digits and underscores.
    public static func isTableName(_ text: String) -> Bool {
        text.utf8.count <= 100 && text.first?.isLetter == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    public init(table: String = standardTable) { self.table = table }
}

public struct NamedLimit: Hashable, Sendable {
    public let name: String
    public let limit: RateLimit

    public init(name: String, limit: RateLimit) {
        self.name = name
        self.limit = limit
    }
}

/// A named set. Its elements may change while its name and type stand: then the change is one of elements alone.
public struct RulesetSet: Hashable, Sendable {
    public enum Elements: Hashable, Sendable {
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
    public static let mostMet: UInt32 = 4096
    /// Milliseconds that a `met` set keeps an address.
    public static let metFor: UInt64 = 60_000

    public let name: String
    public var elements: Elements

    public init(name: String, elements: Elements) {
        self.name = name
        self.elements = elements
    }
}

/// Ports of one protocol.
public struct PortRange: Hashable, Sendable {
    public let `protocol`: UInt8
    public let ports: ClosedRange<UInt16>

    public init(protocol: UInt8, ports: ClosedRange<UInt16>) {
        self.protocol = `protocol`
        self.ports = ports
    }
}

/// A named verdict map. It never changes: another content has another name.
public struct RulesetMap: Hashable, Sendable {
    public enum Elements: Hashable, Sendable {
        /// `type inet_proto . inet_service : verdict; flags interval`, disjoint; each jumps to a chain.
        case services([ServiceJump])
        /// `type ipv6_addr : verdict`; each jumps to a chain.
        case hosts([HostJump])
    }

    public let name: String
    public let elements: Elements

    public init(name: String, elements: Elements) {
        self.name = name
        self.elements = elements
    }
}

/// An element of a verdict map: these ports jump to that chain.
public struct ServiceJump: Hashable, Sendable {
    public let range: PortRange
    public let chain: String

    public init(_ range: PortRange, chain: String) {
        self.range = range
        self.chain = chain
    }
}

/// An element of a verdict map: this address jumps to that chain.
public struct HostJump: Hashable, Sendable {
    public let host: IPv6Address
    public let chain: String

    public init(_ host: IPv6Address, chain: String) {
        self.host = host
        self.chain = chain
    }
}

public struct RulesetChain: Hashable, Sendable {
    /// Where packets enter from, for a base chain. Its policy is always accept: what is not the portal's is not ours.
    public struct Hook: Hashable, Sendable {
        public enum Kind: String, Hashable, Sendable {
            case filter, nat
        }
        public let kind: Kind
        public let hook: NftHook
        public let priority: Int32

        public init(_ kind: Kind, _ hook: NftHook, priority: Int32) {
            self.kind = kind
            self.hook = hook
            self.priority = priority
        }
    }

    public let name: String
    /// Nil for a chain that is only jumped to.
    public var hook: Hook?
    public var rules: [RulesetRule]

    public init(name: String, hook: Hook? = nil, rules: [RulesetRule] = []) {
        self.name = name
        self.hook = hook
        self.rules = rules
    }
}

public struct RulesetRule: Hashable, Sendable {
    public var statements: [Statement]
    /// Stands in the kernel beside the rule (NFTNL_UDATA_RULE_COMMENT); at most 127 bytes.
    public var comment: String?

    public init(_ statements: [Statement], comment: String? = nil) {
        self.statements = statements
        self.comment = comment
    }
}
