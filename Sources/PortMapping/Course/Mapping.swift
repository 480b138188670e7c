package import Wire

/// How a router is asked for a port.
package enum MappingProtocol: String, Sendable, CaseIterable {
    case pcp = "PCP"
    case natpmp = "NAT-PMP"
    case upnp = "UPnP"
}

/// A port of a router that leads to one of ours.
package struct Mapping: Equatable, Sendable {
    package var by: MappingProtocol
    /// Where others reach us.
    package var external: Endpoint
    /// In seconds, as the router granted it; 0 where it does not end.
    package var lifetime: UInt32

    package init(by: MappingProtocol, external: Endpoint, lifetime: UInt32) {
        self.by = by
        self.external = external
        self.lifetime = lifetime
    }

    /// Whether somebody beyond the router reaches it; else the router has no public address itself.
    package var isPublic: Bool { external.address.reach == .everywhere && external.port != 0 }
}

/// Where a port is asked for: the router, and what it is to lead to.
package struct MappingTarget: Hashable, Sendable {
    /// The router's address on our side, IPv4-mapped.
    package var gateway: IPv6Address
    /// Our address towards it, IPv4-mapped, and the port of our socket.
    package var own: Endpoint

    package init(gateway: IPv6Address, own: Endpoint) {
        self.gateway = gateway
        self.own = own
    }
}

/// Why there is no mapping by one of the protocols.
package enum MappingFailure: Error, Equatable, Sendable {
    /// No answer at all.
    case silent
    /// In the router's words, for people.
    case refused(String)
    /// Nothing was asked, since what it takes is not there.
    case unavailable(String)

    /// For people.
    package var text: String {
        switch self {
        case .silent: "no answer"
        case .refused(let words), .unavailable(let words): words
        }
    }
}

/// How long mappings are asked for, and how questions are repeated.
package struct MappingTimes: Sendable {
    /// In seconds: what is asked for (RFC 6886 section 3.3 recommends it). What the router grants instead counts.
    package var lifetime: UInt32 = 7200
    /// What is renewed sooner than this would be traffic without end.
    package var shortestLifetime: UInt32 = 120
    /// A router that says more is asked after half of this all the same (RFC 6887 section 15).
    package var longestLifetime: UInt32 = 86_400
    /// Before a question is repeated; twice as much each time (RFC 6886 section 3.1).
    package var firstPause: Interval = .milliseconds(250)
    /// Questions in all, until silence is an answer: 0, 250 and 750 ms, and 1.75 s is the end.
    package var questions = 3
    /// How often a router is asked for its epoch while it keeps a mapping: one that began anew does not always say so.
    package var care: Interval = .seconds(300)
    /// Where a mapping is there and its renewal has no answer.
    package var breath: Interval = .seconds(60)
    /// Between an answer and the next question, where the router says that it began anew.
    package var announcementPause: Interval = .seconds(1)
    /// And where the network changes, as some do all the time.
    package var changePause: Interval = .seconds(10)
    /// No reason to ask again is a change of the network within this time behind the failure of all ways.
    package var failurePause: Interval = .seconds(30)
    /// After all ways have failed they are tried again; a change of the network comes before.
    package var rest: Interval = .seconds(900)
    /// What one turn of UPnP may take.
    package var upnpPatience: Interval = .seconds(20)
    /// UPnP's mappings are asked for anew so often at least: the router may have started anew.
    package var upnpCare: Interval = .seconds(900)

    package init() {}
}
