internal import Wire

/// Where this box may be reached, besides what it finds out itself.
package struct ReachConfiguration: Equatable, Sendable {
    /// Told to others as they are; names are looked up here.
    package var advertise: [PeerEndpoint] = []
    package var portMapping = PortMappingChoice.auto

    /// A box tells others of 8 endpoints at most, and has some of its own.
    static let mostAdvertised = 4
}

/// Whether the router is asked to open a port.
package enum PortMappingChoice: String, CaseIterable, Sendable {
    /// Where the box has no public IPv4 address.
    case auto
    case off
}

extension ReachConfiguration {
    // Two settings, and no section: each stands by itself in the file.
    static let advertiseSetting = Setting(
        "advertise", \.reach.advertise, endpoints, .reload,
        comment: """
            Where others may reach this box besides its own addresses, such as a port that a router was told to forward:
            ["udp://203.0.113.7:25632", "udp://vpn.example.org:25632"].
            """,
        help:
            "`udp://host:port`, \(mostAdvertised) at most: where others may reach this box besides its own addresses, such as a "
            + "[forwarded port](docs/reach.md)")

    static let portMappingSetting = Setting(
        "port_mapping", \.reach.portMapping, .word, .reload,
        comment:
            "Whether the router is asked to open a port (PCP, NAT-PMP, UPnP) where this box has no public IPv4 address: auto or off.",
        help:
            "`auto`: without a public IPv4 address of its own the box asks its router to open a port (PCP, NAT-PMP, UPnP); `off`"
    )

    private static let endpoints = Form<[PeerEndpoint]> { value, _ in
        value.advertised()
    } show: { list, _ in
        .words(list.map(\.description))
    }
}

extension ConfigurationValue {
    fileprivate func advertised() -> [PeerEndpoint]? {
        let endpoints = peerEndpoints()
        guard endpoints.count <= ReachConfiguration.mostAdvertised else {
            complain(
                expected: "at most \(ReachConfiguration.mostAdvertised) endpoints", found: "\(endpoints.count) of them")
            return nil
        }
        for endpoint in endpoints {
            let isNear = endpoint.host.contains("%") || endpoint.numeric.map { $0.address.reach >= .link } == true
            guard isNear else { continue }
            complain(expected: "addresses at which others reach this box", found: "\(endpoint)")
        }
        return endpoints
    }
}
