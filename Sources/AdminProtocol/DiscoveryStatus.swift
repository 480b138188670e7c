/// How a box looks for its peers, and what others may do by it; nil in a report where it does neither.
package struct DiscoveryStatus: Codable, Sendable, Equatable {
    /// The interfaces on whose links the box announces itself; nil where it does not on any.
    package var links: [String]?
    /// Boxes that nobody configured and that are taken for peers.
    package var strangers = 0
    package var servers: [DiscoveryServerStatus] = []
    /// Addresses of which this box, as a server, knows something; nil where it is none.
    package var held: Int?
    /// Datagrams by what they were, since the start.
    package var counters: [String: UInt64] = [:]

    package init() {}
}

/// A central server that the box uses.
package struct DiscoveryServerStatus: Codable, Sendable, Equatable {
    /// As configured.
    package var server: String
    /// Where it answers; nil while it does not.
    package var endpoint: String?
    /// Where it sees this box.
    package var observed: String?

    package init(server: String, endpoint: String? = nil, observed: String? = nil) {
        self.server = server
        self.endpoint = endpoint
        self.observed = observed
    }
}
