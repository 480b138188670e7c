internal import INET256
internal import Wire

/// The routing algorithm, and what of it the box has heard.
struct Routes {
    var network: AnyNetwork
    /// Its version when the box last looked.
    private var version: UInt64 = 0
    /// When it was last said that the routing table is full.
    private var fullSaid: Instant = .distantPast

    private static let fullPause: Interval = .seconds(600)

    /// An unknown name is a precondition: the configuration checks it.
    init(_ settings: BoxSettings, now: Instant) {
        guard
            let network = AnyNetwork(
                name: settings.network, sequence: settings.startMilliseconds, now: now,
                limits: BeaconNetLimits(origins: settings.limits.maximumOrigins))
        else {
            preconditionFailure("no network is named \(settings.network)")
        }
        self.network = network
    }

    /// Whether routes have changed since this was last asked.
    mutating func haveMoved() -> Bool {
        guard network.version != version else { return false }
        version = network.version
        return true
    }

    /// How many nodes find no room in the table, where that is news.
    mutating func refusedNodes(_ now: Instant) -> Int? {
        guard now - fullSaid >= Self.fullPause else { return nil }
        let refused = network.statistics.refusedNodes
        guard refused > 0 else { return nil }
        fullSaid = now
        return refused
    }
}
