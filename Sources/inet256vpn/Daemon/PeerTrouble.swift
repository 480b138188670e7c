internal import Settings
internal import Wire

/// What is wrong with a configured peer's endpoints, for people and for programs.
struct PeerTrouble: Equatable, Sendable {
    /// One word, as `reason` in `peers --json`.
    var word: String
    var text: String
    /// No endpoint is left that could be called.
    var isAll = false
}

/// A host name of a peer, or its numeric address, and what came of it.
struct PeerPlace {
    let configured: PeerEndpoint
    /// What was found last; kept while it is looked up again.
    var found: [Endpoint] = []
    /// Why nothing was, the last time.
    var failure: String?
    /// Since when the resolver owes an answer.
    var askedAt: Instant?
    /// Looks it up until there is an answer, with pauses.
    var lookup: Task<Void, Never>?

    init(_ configured: PeerEndpoint) {
        self.configured = configured
        if let endpoint = configured.numeric { found = [endpoint] }
    }

    /// What there is to say while it has no endpoint. An answer that takes no second is not spoken of.
    func trouble(_ now: Instant) -> PeerTrouble? {
        guard found.isEmpty else { return nil }
        if let failure { return PeerTrouble(word: "name-unresolved", text: failure) }
        guard let askedAt, now - askedAt >= .seconds(1) else { return nil }
        return PeerTrouble(
            word: "name-pending",
            text: "\(configured): no answer about this name for \(Int((now - askedAt).inSeconds)) s")
    }
}
