/// Who answers about names on this box.
package struct NamesStatus: Codable, Sendable, Equatable {
    /// Whether anybody does.
    package var enabled: Bool
    package var zone: String
    /// Where queries are taken.
    package var listen: [NamesPlaceStatus] = []
    /// Names that have addresses; every address is one more.
    package var names = 0
    /// Whether names without a dot are looked for in the zone.
    package var search = false
    /// "this machine", or whom of the mesh besides.
    package var answers = ""
    /// What systemd-resolved knows of it: "told", "absent", "refused", "elsewhere" or "off".
    package var resolved = "absent"
    /// Why, where it was refused.
    package var resolvedDetail: String?
    package var queries: UInt64 = 0
    /// Queries by what came of them, since the start.
    package var counters: [String: UInt64] = [:]

    package init(enabled: Bool, zone: String) {
        self.enabled = enabled
        self.zone = zone
    }

    enum CodingKeys: String, CodingKey {
        case enabled, zone, listen, names, search, answers, resolved, queries, counters
        case resolvedDetail = "resolved_detail"
    }
}

/// One place where queries are taken.
package struct NamesPlaceStatus: Codable, Sendable, Equatable {
    /// As configured, such as "portal".
    package var listen: String
    /// Such as "[fd00::1]:53".
    package var endpoint: String
    /// Why nobody answers there; nil where somebody does.
    package var trouble: String?

    package init(listen: String, endpoint: String, trouble: String? = nil) {
        self.listen = listen
        self.endpoint = endpoint
        self.trouble = trouble
    }
}
