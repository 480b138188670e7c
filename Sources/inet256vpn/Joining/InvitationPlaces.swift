internal import Joining
internal import Settings
internal import Wire

/// What an invitation says of where this box is: what most of the invited can use comes first.
struct InvitationPlaces {
    /// As `peers[].addrs` has them.
    let texts: [String]

    /// - Parameters:
    ///   - seen: where neighbours see its datagrams come from.
    ///   - advertised: as configured, names as they are.
    init(_ candidates: [Candidate], seen: [String], advertised: [PeerEndpoint]) {
        var texts = advertised.map(\.description)
        let known = candidates.filter { $0.kind != .host }.map(\.endpoint)
        let own = candidates.filter { $0.kind == .host }.map(\.endpoint)
        let ends = known + seen.compactMap { Endpoint($0) } + own.sorted { Self.rank($0) < Self.rank($1) }
        // A link-local address says nothing to a machine elsewhere.
        for endpoint in ends where !endpoint.address.isLinkLocal && endpoint.scope == 0 {
            let text = "udp://\(endpoint)"
            if !texts.contains(text) { texts.append(text) }
        }
        self.texts = Array(texts.prefix(InvitationLine.mostEndpoints))
    }

    private static func rank(_ endpoint: Endpoint) -> Int { endpoint.address.isPrivate ? 1 : 0 }
}
