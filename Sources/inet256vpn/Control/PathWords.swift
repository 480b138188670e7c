internal import AdminProtocol
internal import INET256
internal import Mesh
internal import Settings
internal import Wire

extension PathStatus {
    /// What the mesh says of a session's way, with the other end's reason in words.
    init(_ session: BoxStatus.SessionStatus) {
        let isDirect = session.endpoint != nil
        self.init(kind: isDirect ? .direct : .relayed, sinceSeconds: session.reach.age.inSeconds)
        endpoint = session.endpoint.map { "\($0)" }
        relay = session.nextHop.map { "\($0)" }
        if isDirect {
            rttMs = session.roundTrip.map { $0.inSeconds * 1000 }
            lossPercent = session.missedPermille.map { Double($0) / 10 }
        }
        obstacle = session.reach.obstacle?.rawValue
        reason = session.reach.obstacle?.words
        tried = session.reach.attempts.map {
            PathAttempt(
                endpoint: "\($0.candidate.endpoint)", kind: $0.candidate.kind.word, probes: $0.probes,
                rttMs: $0.roundTrip.map { $0.inSeconds * 1000 })
        }
    }
}

extension ReachReport {
    init(_ reach: OwnReach, _ configuration: Configuration) {
        let mapping = reach.hasHardNAT.map { $0 ? "endpoint-dependent" : "endpoint-independent" } ?? "unknown"
        self.init(direct: configuration.direct.rawValue, mapping: mapping)
        candidates = reach.candidates.map { ReachCandidate(endpoint: "\($0.endpoint)", kind: $0.kind.word) }
        observed = reach.observed.map { ReachObservation(by: "\($0.by)", endpoint: "\($0.endpoint)") }
        searches = reach.counts.searches
        probes = reach.counts.probes
        found = reach.counts.found
        sprays = reach.counts.sprays
        lost = reach.counts.lost
        directBytes = reach.counts.directBytes
        relayedBytes = reach.counts.relayedBytes
        secondsToDirect = Double(reach.counts.timeToDirect) / 1e9
    }
}

extension Candidate.Kind {
    var word: String {
        switch self {
        case .host: "host"
        case .mapped: "mapped"
        case .advertised: "advertised"
        case .observed: "observed"
        }
    }
}

extension ReachStatus.Obstacle {
    /// For people, with what to do where there is anything.
    var words: String {
        switch self {
        case .unwantedHere: "no straight path is sought with it (direct, portal.allow)"
        case .unwantedThere: "the other end seeks no straight path with this box"
        case .notSearched: "not looked for while there is no traffic"
        case .noAnswer: "the other end does not say where it is"
        case .noCandidates: "the other end knows nowhere where it may be reached"
        case .bothSymmetric: "both ends behind symmetric NAT: forward a UDP port on one side, or use IPv6"
        case .searching: "being looked for"
        case .unreachable: "no probe was answered: a firewall or a symmetric NAT is in between"
        }
    }
}
