/// The firewall as it is in force: the body of `GET /admin/firewall`, and what `firewall show` prints.
public struct FirewallReport: Codable, Sendable, Equatable {
    /// Whether the table is in the kernel.
    public var enforced: Bool
    /// Why not, or what to know.
    public var note: String?
    /// "inet inet256vpn".
    public var table: String
    /// Whether the kernel keeps everybody else from changing the table.
    public var owned = false
    public var inbound = FirewallListReport()
    public var outbound = FirewallListReport()
    public var groups: [FirewallGroupReport] = []
    /// Packets and bytes that no rule of the configuration counted, by reason.
    public var counters: [String: PacketCount] = [:]
    /// Files of raw nft text.
    public var includes: [String] = []
    public var masquerades: [String] = []
    public var clampsMSS = false
    /// Other tables that decide about the same packets.
    public var others: [String] = []

    public init(enforced: Bool, note: String? = nil, table: String) {
        self.enforced = enforced
        self.note = note
        self.table = table
    }

    enum CodingKeys: String, CodingKey {
        case enforced, note, table, owned, inbound, outbound, groups, counters, includes, masquerades, others
        case clampsMSS = "clamps_mss"
    }
}

/// One direction's rules, in order.
public struct FirewallListReport: Codable, Sendable, Equatable {
    public var rules: [FirewallRuleReport]
    /// "allow", "deny" or "reject": what becomes of the rest.
    public var fallback: String
    /// How much that was.
    public var fallbackCount: PacketCount

    public init(
        rules: [FirewallRuleReport] = [], fallback: String = "", fallbackCount: PacketCount = PacketCount()
    ) {
        self.rules = rules
        self.fallback = fallback
        self.fallbackCount = fallbackCount
    }

    enum CodingKeys: String, CodingKey {
        case rules
        case fallback = "default"
        case fallbackCount = "default_count"
    }
}

public struct FirewallRuleReport: Codable, Sendable, Equatable {
    /// As configured: "allow ssh from admins".
    public var rule: String
    public var comment: String?
    /// New connections: what belongs to one that was allowed is not counted again.
    public var count: PacketCount
    /// The counter's name in the table.
    public var counter: String

    public init(rule: String, comment: String?, count: PacketCount, counter: String) {
        self.rule = rule
        self.comment = comment
        self.count = count
        self.counter = counter
    }
}

public struct FirewallGroupReport: Codable, Sendable, Equatable {
    public var name: String
    public var members: Int

    public init(name: String, members: Int) {
        self.name = name
        self.members = members
    }
}

public struct PacketCount: Codable, Sendable, Equatable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
        self.packets = packets
        self.bytes = bytes
    }
}
