package import AdminProtocol

/// All that the page shows, as it is at one moment.
package struct DashboardModel: Sendable {
    package var status: StatusReport
    package var firewall: FirewallReport
    package var history: History
    /// Oldest first.
    package var events: [DashboardEvent]
    package var routes: [DashboardRoute]
    /// What the form was asked, and what came of it.
    package var question: AllowedQuestion?
    package var answer: AllowedOutcome?

    package init(
        status: StatusReport, firewall: FirewallReport, history: History = History(), events: [DashboardEvent] = [],
        routes: [DashboardRoute] = []
    ) {
        self.status = status
        self.firewall = firewall
        self.history = history
        self.events = events
        self.routes = routes
    }
}

/// A line of the log.
package struct DashboardEvent: Sendable, Equatable {
    /// "2026-01-31 12:00:00Z".
    package var time: String
    /// "notice", "warning", "error" or "critical".
    package var level: String
    package var text: String

    package init(time: String, level: String, text: String) {
        self.time = time
        self.level = level
        self.text = text
    }
}

/// Where packets for a prefix go.
package struct DashboardRoute: Sendable, Equatable {
    package var prefix: String
    package var way: String
    package var reason: String

    package init(prefix: String, way: String, reason: String) {
        self.prefix = prefix
        self.way = way
        self.reason = reason
    }
}

/// Whether a new connection would be allowed: what `inet256vpn firewall test` asks.
package struct AllowedQuestion: Sendable, Equatable {
    /// A peer's name, an address, a group or a prefix.
    package var from: String
    /// "ssh", "tcp/22".
    package var to: String
    /// Empty for this box.
    package var at: String
    package var isOutbound: Bool

    /// Bytes of each field.
    package static let longest = 256

    package init(from: String, to: String, at: String = "", isOutbound: Bool = false) {
        self.from = from
        self.to = to
        self.at = at
        self.isOutbound = isOutbound
    }
}

package enum AllowedOutcome: Sendable, Equatable {
    /// Each different answer once. Empty where the subject has no members.
    case answers([AllowedAnswer])
    /// The question is not in order, or too large.
    case refused(String)
}

package struct AllowedAnswer: Sendable, Equatable {
    /// "allow", "deny" or "reject".
    package var action: String
    /// "rule 2 (deny any from mallory)".
    package var reason: String
    /// "10 a second", where it is limited.
    package var limit: String?
    /// "tcp/22 from fd00::1".
    package var example: String

    package init(action: String, reason: String, limit: String?, example: String) {
        self.action = action
        self.reason = reason
        self.limit = limit
        self.example = example
    }
}
