internal import AdminProtocol
internal import PortMapping
internal import Settings
internal import Wire

extension NetcheckFacts {
    /// What the daemon knows.
    init(_ own: OwnCandidates.Facts, _ status: StatusReport, portMapping choice: PortMappingChoice) {
        self.init()
        transports = own.bound.map { "udp://\($0)" }
        candidates = own.candidates.map {
            CandidateFact(
                endpoint: "\($0.endpoint)", kind: "\($0.kind)", isPublic: $0.endpoint.address.reach == .everywhere)
        }
        ipv4 = Family(own.ipv4, transport: own.bound.contains { $0.isIPv4 || $0.address == .unspecified })
        ipv6 = Family(own.ipv6, transport: own.bound.contains { !$0.isIPv4 })
        portMapping = PortMapping(own, choice)
        unknownNames = own.unknownNames
        observed = status.reach?.observed.map { ObservedEndpoint(by: $0.by, endpoint: $0.endpoint) }
        neighbours = status.peers.map {
            Neighbour(
                name: $0.name ?? $0.id, isUp: $0.state == .up, isCalled: $0.configured && $0.endpoint != nil,
                endpoint: $0.endpoint, mtu: $0.mtu)
        }
    }
}

extension NetcheckFacts.Family {
    fileprivate init(_ uplink: Uplink?, transport: Bool) {
        self.init()
        self.transport = transport
        guard let uplink else { return }
        source = ReachWords.text(uplink.source)
        router = uplink.gateway == .unspecified ? nil : ReachWords.text(uplink.gateway)
        isPublic = uplink.source.reach == .everywhere
    }
}

extension NetcheckFacts.PortMapping {
    fileprivate init(_ own: OwnCandidates.Facts, _ choice: PortMappingChoice) {
        self.init()
        switch own.need {
        case .off: state = choice == .off ? .off : .asking
        case .notNeeded: state = .notNeeded
        case .impossible(let reason): (state, detail) = (.impossible, reason)
        case .aim(let target): take(own.mapping, target)
        }
    }

    private mutating func take(_ report: MappingReport, _ target: MappingTarget) {
        // The thread has not come to it yet.
        guard report.target == target else {
            state = .asking
            return
        }
        for (way, failure) in report.failures { tried[way.rawValue] = failure.text }
        guard let mapping = report.mapping else {
            state = report.isAsking ? .asking : .failed
            return
        }
        state = mapping.isPublic ? .mapped : .notPublic
        by = mapping.by.rawValue
        external = "\(mapping.external)"
        lifetimeSeconds = Int(mapping.lifetime)
    }
}
