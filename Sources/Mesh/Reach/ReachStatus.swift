package import INET256
package import Wire

/// What a session's way is like, and what came of looking for a straight one: for people.
package struct ReachStatus: Sendable, Equatable {
    /// Why a session rides through relays, as a word for programs.
    package enum Obstacle: String, Sendable, CaseIterable {
        /// This box wants no straight path with the other end.
        case unwantedHere = "unwanted-here"
        /// The other end wants none.
        case unwantedThere = "unwanted-there"
        /// There is no traffic, or it has not been looked for yet.
        case notSearched = "not-searched"
        /// The other end was told where this box is and says nothing.
        case noAnswer = "no-answer"
        /// The other end knows nowhere where it may be reached.
        case noCandidates = "no-candidates"
        /// Routers on both sides give each destination another port.
        case bothSymmetric = "both-symmetric"
        /// Probes go out.
        case searching
        /// Probes went out, and none was answered.
        case unreachable
    }

    /// Somewhere that was probed.
    package struct Attempt: Sendable, Equatable {
        package var candidate: Candidate
        package var probes: Int
        /// Nil where nothing was answered.
        package var roundTrip: Interval?
    }

    /// How long the way has been the one that it is.
    package var age: Interval
    /// Nil of a straight path.
    package var obstacle: Obstacle?
    package var attempts: [Attempt]
}

/// Where this box may be reached, as it knows.
package struct OwnReach: Sendable {
    /// What others are told, at most.
    package var candidates: [Candidate]
    /// What neighbours see.
    package var observed: [(by: Address, endpoint: Endpoint)]
    /// Whether the router gives each destination another port; nil where fewer than two neighbours say anything.
    package var hasHardNAT: Bool?
    package var counts: ReachCounts
    /// Of the machine and the configuration.
    package var own: [Candidate]
}

extension MeshBox {
    func ownReach(_ now: Instant) -> OwnReach {
        for session in allSessions { attribute(session) }
        return OwnReach(
            candidates: reach.candidates(for: [], now),
            observed: reach.observed.sights.map { ($0.neighbour, $0.endpoint) },
            hasHardNAT: reach.hasHardNAT(now), counts: reach.counts, own: reach.own)
    }

    func reachStatus(_ session: Session, _ now: Instant) -> ReachStatus {
        ReachStatus(
            age: now - max(session.path.changed, session.traffic.created),
            obstacle: session.usesDirectPath ? nil : obstacle(session, now),
            attempts: session.reach.targets.filter { $0.sent > 0 }.map {
                ReachStatus.Attempt(candidate: $0.candidate, probes: $0.sent, roundTrip: $0.roundTrip)
            })
    }

    private func obstacle(_ session: Session, _ now: Instant) -> ReachStatus.Obstacle {
        let search = session.reach
        guard wantsDirect(session) else { return .unwantedHere }
        if search.isUnwanted { return .unwantedThere }
        guard search.hasHeard else { return search.since == nil ? .notSearched : .noAnswer }
        if search.candidates.isEmpty { return .noCandidates }
        if search.targets.contains(where: { $0.isOpen(now) }) { return .searching }
        return search.hasHardNAT && reach.hasHardNAT(now) == true ? .bothSymmetric : .unreachable
    }
}
