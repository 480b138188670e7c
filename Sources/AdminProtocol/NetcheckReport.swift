/// What this machine's network allows: the body of `GET /admin/netcheck`, and what `inet256vpn netcheck` prints.
package struct NetcheckReport: Codable, Sendable, Equatable {
    package var facts: NetcheckFacts
    /// What follows from them, the most important first.
    package var findings: [NetcheckFinding]

    package init(facts: NetcheckFacts, findings: [NetcheckFinding]) {
        self.facts = facts
        self.findings = findings
    }
}

/// Something that was found out, and what to do about it.
package struct NetcheckFinding: Codable, Sendable, Equatable {
    package enum Topic: String, Codable, Sendable, CaseIterable {
        case reach, udp, ipv4, ipv6, mapping, filtering
        case portMapping = "port_mapping"
        case mtu
    }

    package enum Verdict: String, Codable, Sendable {
        case good
        /// It works, with less.
        case limited
        case bad
        /// Nobody has told yet.
        case unknown
    }

    package var topic: Topic
    package var verdict: Verdict
    /// A sentence.
    package var text: String
    package var advice: String?

    package init(_ topic: Topic, _ verdict: Verdict, _ text: String, advice: String? = nil) {
        self.topic = topic
        self.verdict = verdict
        self.text = text
        self.advice = advice
    }
}

/// What is known of the network, as it was found.
package struct NetcheckFacts: Codable, Sendable, Equatable {
    /// What a box says of itself.
    package struct CandidateFact: Codable, Sendable, Equatable {
        /// Such as "203.0.113.7:25632".
        package var endpoint: String
        /// "host", "mapped" or "advertised".
        package var kind: String
        /// Whether it is heard of from everywhere, as its prefix says.
        package var isPublic: Bool

        package init(endpoint: String, kind: String, isPublic: Bool) {
            self.endpoint = endpoint
            self.kind = kind
            self.isPublic = isPublic
        }

        enum CodingKeys: String, CodingKey {
            case endpoint, kind
            case isPublic = "is_public"
        }
    }

    /// One version of IP.
    package struct Family: Codable, Sendable, Equatable {
        /// Whether a transport of this box speaks it.
        package var transport = false
        /// The source of packets to the world; nil without a route there.
        package var source: String?
        /// The next router; nil where it is not known or there is none.
        package var router: String?
        /// Whether the source is heard of from everywhere.
        package var isPublic = false

        package init() {}

        enum CodingKeys: String, CodingKey {
            case transport, source, router
            case isPublic = "is_public"
        }
    }

    /// What came of asking the router for a port.
    package struct PortMapping: Codable, Sendable, Equatable {
        package enum State: String, Codable, Sendable {
            /// `port_mapping: off`.
            case off
            /// The box has a public IPv4 address itself.
            case notNeeded = "not_needed"
            /// There is nobody to ask.
            case impossible
            case asking, mapped
            /// The router's own address outside is a private one.
            case notPublic = "not_public"
            case failed
        }

        package var state = State.off
        /// "PCP", "NAT-PMP" or "UPnP".
        package var by: String?
        package var external: String?
        /// As granted; 0 where it does not end.
        package var lifetimeSeconds: Int?
        /// What each protocol came to that did not give a port.
        package var tried: [String: String] = [:]
        /// Why nobody was asked.
        package var detail: String?

        package init() {}

        enum CodingKeys: String, CodingKey {
            case state, by, external, tried, detail
            case lifetimeSeconds = "lifetime_seconds"
        }
    }

    /// A neighbour, as far as it tells of the network.
    package struct Neighbour: Codable, Sendable, Equatable {
        package var name: String
        package var isUp: Bool
        /// Whether it is configured with endpoints that are called.
        package var isCalled: Bool
        package var endpoint: String?
        /// Bytes of the largest packet that goes there in one piece.
        package var mtu: Int?

        package init(name: String, isUp: Bool, isCalled: Bool, endpoint: String? = nil, mtu: Int? = nil) {
            self.name = name
            self.isUp = isUp
            self.isCalled = isCalled
            self.endpoint = endpoint
            self.mtu = mtu
        }

        enum CodingKeys: String, CodingKey {
            case name, endpoint, mtu
            case isUp = "is_up"
            case isCalled = "is_called"
        }
    }

    /// What sockets are bound to, such as "udp://[::]:25632".
    package var transports: [String] = []
    package var candidates: [CandidateFact] = []
    package var ipv4 = Family()
    package var ipv6 = Family()
    package var portMapping = PortMapping()
    /// Names in `advertise` that nobody answers about.
    package var unknownNames: [String] = []
    package var neighbours: [Neighbour] = []
    /// Where neighbours see this box's datagrams come from; nil of a daemon that does not say.
    package var observed: [ObservedEndpoint]?
    /// What the NAT lets in besides answers: "open", "address" or "address-and-port"; nil where it is not known.
    package var filtering: String?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case transports, candidates, ipv4, ipv6, neighbours, observed, filtering
        case portMapping = "port_mapping"
        case unknownNames = "unknown_names"
    }
}

/// Where somebody sees this box's datagrams come from.
package struct ObservedEndpoint: Codable, Sendable, Equatable {
    /// The address of who says so, 43 characters.
    package var by: String
    /// Such as "203.0.113.7:25632".
    package var endpoint: String

    package init(by: String, endpoint: String) {
        self.by = by
        self.endpoint = endpoint
    }
}
