/// The body of `POST /admin/ping`.
package struct PingRequest: Codable, Sendable, Equatable {
    /// The target's address, 43 characters. Names are the caller's to resolve.
    package var target: String
    /// Bytes of payload, at most `largestPayload`.
    package var bytes: Int
    /// At most `longestTimeout`.
    package var timeoutMs: Int

    /// A node's message (65,535 bytes) less what a ping needs for itself.
    package static let largestPayload = 65_000
    /// In milliseconds.
    package static let longestTimeout = 60_000

    package init(target: String, bytes: Int, timeoutMs: Int) {
        self.target = target
        self.bytes = bytes
        self.timeoutMs = timeoutMs
    }

    enum CodingKeys: String, CodingKey {
        case target, bytes
        case timeoutMs = "timeout_ms"
    }
}

/// How one ping went.
package enum PingOutcome: Sendable, Equatable {
    /// `via` says how it went there, such as "direct 192.0.2.1:25632".
    case answered(rtt: Duration, via: String?)
    case timedOut
    /// It could not be sent, and why.
    case failed(reason: String)
}

extension PingOutcome: Codable {
    private enum CodingKeys: String, CodingKey {
        case outcome, via, reason
        case rttMs = "rtt_ms"
    }

    private enum Kind: String, Codable {
        case answered, failed
        case timedOut = "timed_out"
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch try fields.decode(Kind.self, forKey: .outcome) {
        case .answered:
            let milliseconds = try fields.decode(Double.self, forKey: .rttMs)
            self = .answered(
                rtt: .nanoseconds(Int64(max(0, min(milliseconds, 1e9)) * 1e6)),
                via: try fields.decodeIfPresent(String.self, forKey: .via))
        case .timedOut: self = .timedOut
        case .failed: self = .failed(reason: try fields.decode(String.self, forKey: .reason))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .answered(let rtt, let via):
            try fields.encode(Kind.answered, forKey: .outcome)
            try fields.encode(rtt / .milliseconds(1), forKey: .rttMs)
            try fields.encodeIfPresent(via, forKey: .via)
        case .timedOut:
            try fields.encode(Kind.timedOut, forKey: .outcome)
        case .failed(let reason):
            try fields.encode(Kind.failed, forKey: .outcome)
            try fields.encode(reason, forKey: .reason)
        }
    }
}

/// What a reload did: the answer to `POST /admin/reload`.
package struct ReloadSummary: Codable, Sendable, Equatable {
    /// Names or addresses of peers.
    package var peersAdded: [String] = []
    package var peersRemoved: [String] = []
    package var peersChanged: [String] = []
    /// Other keys of the configuration that were applied.
    package var applied: [String] = []
    /// Keys whose change waits for a restart.
    package var needsRestart: [String] = []
    /// What others had changed of the portal and the firewall, and was put back.
    package var repaired: [String] = []
    /// Open connections that were ended; nil where nobody asked for that.
    package var connectionsCut: Int?
    /// Why some of them were not, for people.
    package var cutNote: String?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case applied, repaired
        case peersAdded = "peers_added"
        case peersRemoved = "peers_removed"
        case peersChanged = "peers_changed"
        case needsRestart = "needs_restart"
        case connectionsCut = "connections_cut"
        case cutNote = "cut_note"
    }
}

/// The body of `POST /admin/reload`; without one nothing is cut.
package struct ReloadRequest: Codable, Sendable, Equatable {
    /// End what is open and what the new rules would not let begin.
    package var cut: Bool

    package init(cut: Bool) { self.cut = cut }
}

/// The answer to a request that failed: `{"error": "..."}`.
package struct APIFailure: Codable, Sendable, Equatable {
    package var error: String

    package init(error: String) { self.error = error }
}
