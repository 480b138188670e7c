internal import INET256
internal import Wire

/// A configured neighbour: where it may be, and what came of calling there.
final class Peer {
    let address: Address
    /// As whom this box has its link with it: the peer's configuration knows it by one of its addresses.
    var knowsUs = NodeID.main
    /// Before this it is not called as somebody else again, when that was refused.
    var nextName: Instant = .distantPast
    private(set) var endpoints: [Endpoint]
    /// Those of them that are only said, and how often each was called since when without ever having answered.
    private var hearsay: [Endpoint: Calls]

    private struct Calls {
        var count = 0
        var since: Instant = .distantPast
        var hasAnswered = false
    }
    /// Why there is no link, as found last.
    private(set) var trouble: LinkTrouble?
    /// Of which causes there was news since it was up.
    private var told: Set<BoxStatus.Link.Cause> = []
    /// Endpoints to which the kernel did not send when it was last asked to.
    private var unsent: [Endpoint: SendRefusal.Reason] = [:]
    /// Of a thousand questions, how many got no answer at endpoints that were left for it, or that gave none at all; and when.
    private var losses: [Endpoint: (permille: Int, at: Instant)] = [:]
    /// Before this no other endpoint is turned to for loss.
    private var nextTurn: Instant = .distantPast

    /// Of one peer's endpoints, which wander.
    private static let unsentKept = 64
    /// How long it is remembered what an endpoint lost, and how long one is kept at least.
    private static let lossMemory: Interval = .seconds(300)
    private static let endpointStays: Interval = .seconds(20)

    init(_ settings: PeerSettings) {
        address = settings.address
        endpoints = settings.endpoints
        hearsay = settings.hearsay.reduce(into: [:]) { $0[$1] = Calls() }
    }

    /// False where they are what they were.
    func set(_ settings: PeerSettings) -> Bool {
        guard endpoints != settings.endpoints || Set(hearsay.keys) != settings.hearsay else { return false }
        endpoints = settings.endpoints
        hearsay = settings.hearsay.reduce(into: [:]) { $0[$1] = hearsay[$1] ?? Calls() }
        return true
    }

    /// Whether an endpoint is called now; counts it. Somebody may have named one where nobody has anything to do with it: three calls, and
    /// then none for a minute, until it has answered once.
    func mayCall(_ endpoint: Endpoint, _ now: Instant) -> Bool {
        guard var calls = hearsay[endpoint], !calls.hasAnswered else { return true }
        if now - calls.since >= ReachLimits.memory { calls = Calls(since: now) }
        guard calls.count < ReachLimits.probesOfEndpoint else { return false }
        calls.count += 1
        hearsay[endpoint] = calls
        return true
    }

    // MARK: Trouble

    /// Why there is no link, as found just now. True where that is news: each cause once while the link is down.
    func blame(_ trouble: LinkTrouble) -> Bool {
        self.trouble = trouble
        // That it is down is news of its own.
        guard trouble.cause != .lost, trouble.cause != .stopped else { return false }
        return told.insert(trouble.cause).inserted
    }

    /// Keys were agreed on: what kept it from that is over.
    func forgive() { trouble = nil }

    /// There is a link.
    func linkIsUp() {
        trouble = nil
        told.removeAll()
        unsent.removeAll()
    }

    /// Whether silence may be what is wrong: nothing that is known explains it.
    var isSilent: Bool { unsent.isEmpty && trouble?.cause.isOfTheKernel != false }

    /// Whether the kernel takes what goes to its endpoints, as far as was said.
    var isSentTo: Bool { unsent.isEmpty }

    /// The kernel sent nothing to an endpoint.
    func noteUnsent(_ reason: SendRefusal.Reason, to endpoint: Endpoint) {
        if unsent.count >= Self.unsentKept { unsent.removeAll() }
        unsent[endpoint] = reason
    }

    /// Something goes to an endpoint: what the kernel said before is old.
    func noteCalled(_ endpoint: Endpoint) { unsent[endpoint] = nil }

    /// Where the kernel sends nothing to any endpoint, nobody can have been silent. `other` is one of a peer without any.
    func unsendable(orElse other: Endpoint?) -> LinkTrouble? {
        let called = endpoints.isEmpty ? [other].compactMap(\.self) : endpoints
        let reasons = called.compactMap { endpoint in unsent[endpoint].map { LinkTrouble.Unsent(endpoint, $0) } }
        guard !called.isEmpty, reasons.count == called.count else { return nil }
        return .unsendable(reasons)
    }

    // MARK: Loss

    /// An endpoint proved that it is there.
    func noteProven(_ endpoint: Endpoint) {
        losses[endpoint] = nil
        hearsay[endpoint]?.hasAnswered = true
    }

    /// Whether it may be time to turn to another endpoint.
    func mayTurn(_ now: Instant) -> Bool { endpoints.count > 1 && now >= nextTurn }

    /// Another endpoint, where the one in use loses much and the other is not known to lose half as much or more.
    func turn(from endpoint: Endpoint, losing permille: Int, _ now: Instant) -> Endpoint? {
        nextTurn = now + Self.endpointStays
        losses = losses.filter { now - $0.value.at < Self.lossMemory && endpoints.contains($0.key) }
        losses[endpoint] = (permille, now)
        func lost(_ endpoint: Endpoint) -> Int { losses[endpoint]?.permille ?? 0 }
        let others = endpoints.filter { $0 != endpoint }
        guard let best = others.min(by: { lost($0) < lost($1) }), lost(best) * 2 < permille else { return nil }
        // Until it has answered.
        losses[best] = (1000, now)
        return best
    }
}
