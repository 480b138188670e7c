internal import INET256
internal import Wire

/// The routing algorithm, and what of it the box has heard.
struct Routes {
    /// Behind an existential: the box remembers the next hops that it was told (`Links`), so that what is asked for each packet is
    /// not asked here. It is changed where it lies, without a copy of its tables.
    var network: any Network
    /// How long the algorithm's header in relay frames is.
    let flowBytes: Int
    /// Its version when the box last looked.
    private var version: UInt64 = 0
    /// When it was last said that the routing table is full.
    private var fullSaid: Instant = .distantPast

    private static let fullPause: Interval = .seconds(600)

    init(_ settings: BoxSettings, now: Instant) {
        network = settings.algorithm.init(
            RoutingStart(sequence: settings.startMilliseconds, now: now, options: settings.routing))
        flowBytes = FlowHeader(count: network.flowHeaderBytes).count
    }

    /// The header of a packet that begins its way here, by that neighbour.
    @inline(__always)
    func flow(to destination: Address, by hop: NeighbourID?) -> FlowHeader {
        guard flowBytes > 0, let hop else { return FlowHeader(count: flowBytes) }
        var flow = FlowHeader(count: flowBytes)
        flow.fill { network.writeFlow($0, to: destination, by: hop, begins: true) }
        return flow
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
        let refused = Int(network.statistics[NetworkStatistics.refusedNodes])
        guard refused > 0 else { return nil }
        fullSaid = now
        return refused
    }
}
