/// The firewall as it is in force: the body of `GET /admin/firewall`, and what `firewall show` prints.
package struct FirewallReport: Codable, Sendable, Equatable {
    /// Whether the table is in the kernel.
    package var enforced: Bool
    /// Why not, or what to know.
    package var note: String?
    /// "inet inet256vpn".
    package var table: String
    /// Whether the kernel keeps everybody else from changing the table.
    package var owned = false
    package var inbound = FirewallListReport()
    package var outbound = FirewallListReport()
    package var groups: [FirewallGroupReport] = []
    /// Packets and bytes that no rule of the configuration counted, by reason.
    package var counters: [String: PacketCount] = [:]
    /// Files of raw nft text.
    package var includes: [String] = []
    package var masquerades: [String] = []
    package var clampsMSS = false
    /// Other tables that decide about the same packets.
    package var others: [String] = []

    package init(enforced: Bool, note: String? = nil, table: String) {
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
package struct FirewallListReport: Codable, Sendable, Equatable {
    package var rules: [FirewallRuleReport]
    /// "allow", "deny" or "reject": what becomes of the rest.
    package var fallback: String
    /// How much that was.
    package var fallbackCount: PacketCount

    package init(
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

package struct FirewallRuleReport: Codable, Sendable, Equatable {
    /// As configured: "allow ssh from admins".
    package var rule: String
    package var comment: String?
    /// New connections: what belongs to one that was allowed is not counted again.
    package var count: PacketCount
    /// The counter's name in the table.
    package var counter: String

    package init(rule: String, comment: String?, count: PacketCount, counter: String) {
        self.rule = rule
        self.comment = comment
        self.count = count
        self.counter = counter
    }
}

package struct FirewallGroupReport: Codable, Sendable, Equatable {
    package var name: String
    package var members: Int

    package init(name: String, members: Int) {
        self.name = name
        self.members = members
    }
}

package struct PacketCount: Codable, Sendable, Equatable {
    package var packets: UInt64
    package var bytes: UInt64

    package init(packets: UInt64 = 0, bytes: UInt64 = 0) {
        self.packets = packets
        self.bytes = bytes
    }
}
