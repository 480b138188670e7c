/// How a session goes, since when, and what came of looking for a straight way.
package struct PathStatus: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// From box to box.
        case direct
        /// Through neighbours.
        case relayed
    }

    package var kind: Kind
    /// Where a direct one leads.
    package var endpoint: String?
    /// The neighbour that relays it.
    package var relay: String?
    package var sinceSeconds: Double
    /// Of a direct one.
    package var rttMs: Double?
    /// Of a hundred questions by a direct one, how many get no answer.
    package var lossPercent: Double?
    /// Why it is relayed, a word: "unwanted-here", "unwanted-there", "not-searched", "no-answer", "no-candidates", "both-symmetric",
    /// "searching" or "unreachable".
    package var obstacle: String?
    /// The same for people.
    package var reason: String?
    /// Where the other end may be, as it said, and what came of probing there.
    package var tried: [PathAttempt] = []

    package init(kind: Kind, sinceSeconds: Double) {
        self.kind = kind
        self.sinceSeconds = sinceSeconds
    }

    enum CodingKeys: String, CodingKey {
        case kind, endpoint, relay, obstacle, reason, tried
        case sinceSeconds = "since_seconds"
        case rttMs = "rtt_ms"
        case lossPercent = "loss_percent"
    }
}

/// An endpoint that was probed.
package struct PathAttempt: Codable, Sendable, Equatable {
    package var endpoint: String
    /// Who says that the other end is there: "host", "mapped", "advertised" or "observed".
    package var kind: String
    package var probes: Int
    /// Nil where nothing was answered.
    package var rttMs: Double?

    package init(endpoint: String, kind: String, probes: Int, rttMs: Double?) {
        self.endpoint = endpoint
        self.kind = kind
        self.probes = probes
        self.rttMs = rttMs
    }

    enum CodingKeys: String, CodingKey {
        case endpoint, kind, probes
        case rttMs = "rtt_ms"
    }
}

/// Where this box may be reached, and what the search for straight paths has done.
package struct ReachReport: Codable, Sendable, Equatable {
    /// `direct` of the configuration.
    package var direct: String
    package var candidates: [ReachCandidate] = []
    /// What neighbours see datagrams come from.
    package var observed: [ReachObservation] = []
    /// What the router makes of one port: "endpoint-independent", "endpoint-dependent" (symmetric), or "unknown".
    package var mapping: String
    /// Since the start.
    package var searches: UInt64 = 0
    package var probes: UInt64 = 0
    package var found: UInt64 = 0
    package var lost: UInt64 = 0
    /// Of them, tries of many ports (`direct.spray`).
    package var sprays: UInt64 = 0
    /// From the first search to the path, all that were found together.
    package var secondsToDirect: Double = 0
    /// Of sessions' datagrams, in and out.
    package var directBytes: UInt64 = 0
    package var relayedBytes: UInt64 = 0

    package init(direct: String, mapping: String) {
        self.direct = direct
        self.mapping = mapping
    }

    enum CodingKeys: String, CodingKey {
        case direct, candidates, observed, mapping, searches, probes, found, lost, sprays
        case secondsToDirect = "seconds_to_direct"
        case directBytes = "direct_bytes"
        case relayedBytes = "relayed_bytes"
    }
}

package struct ReachCandidate: Codable, Sendable, Equatable {
    package var endpoint: String
    package var kind: String

    package init(endpoint: String, kind: String) {
        self.endpoint = endpoint
        self.kind = kind
    }
}

package struct ReachObservation: Codable, Sendable, Equatable {
    /// The neighbour's address.
    package var by: String
    package var endpoint: String

    package init(by: String, endpoint: String) {
        self.by = by
        self.endpoint = endpoint
    }
}
