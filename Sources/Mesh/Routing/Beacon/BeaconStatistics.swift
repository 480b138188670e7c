/// What `BeaconNet` counts. Counters never go down; gauges say how things are now.
package struct BeaconStatistics: Hashable, Sendable {
    // Gauges.

    /// Nodes of this box that are announced.
    package var localNodes = 0
    package var neighbours = 0
    /// Addresses of others with a next hop.
    package var reachable = 0
    /// Addresses of others that memory is held for, reachable or not.
    package var knownOrigins = 0
    /// Addresses that lately found no room in the table, and are not reached.
    package var refusedNodes = 0
    /// Nodes of this box whose key another machine announces as well.
    package var contestedNodes = 0
    /// Announcements, retractions and requests that neighbours have not acknowledged yet.
    package var pendingUpdates = 0

    // Counters.

    package var framesReceived: UInt64 = 0
    /// Frames refused in whole or in part; each is also thrown as a `RoutingError`.
    package var framesRejected: UInt64 = 0
    package var framesSent: UInt64 = 0
    /// Frames whose content was sent again because no acknowledgement came.
    package var framesTimedOut: UInt64 = 0
    package var signaturesChecked: UInt64 = 0
    package var forgeries: UInt64 = 0
    /// Announcements that found no room in the table.
    package var refusedForRoom: UInt64 = 0
    /// Announcements put off because a neighbour, or all of them, asked for too many signature checks.
    package var putOff: UInt64 = 0
    package var requestsSent: UInt64 = 0
    package var requestsReceived: UInt64 = 0
    package var routesLost: UInt64 = 0

    package init() {}
}

extension NetworkStatistics {
    init(_ counts: BeaconStatistics) {
        self.init([
            (Self.localNodes, Int64(counts.localNodes)),
            (Self.neighbours, Int64(counts.neighbours)),
            (Self.reachable, Int64(counts.reachable)),
            ("known_origins", Int64(counts.knownOrigins)),
            (Self.refusedNodes, Int64(counts.refusedNodes)),
            ("contested_nodes", Int64(counts.contestedNodes)),
            ("pending_updates", Int64(counts.pendingUpdates)),
            ("frames_received", Int64(clamping: counts.framesReceived)),
            ("frames_rejected", Int64(clamping: counts.framesRejected)),
            ("frames_sent", Int64(clamping: counts.framesSent)),
            ("frames_timed_out", Int64(clamping: counts.framesTimedOut)),
            ("signatures_checked", Int64(clamping: counts.signaturesChecked)),
            ("forgeries", Int64(clamping: counts.forgeries)),
            ("refused_for_room", Int64(clamping: counts.refusedForRoom)),
            ("put_off", Int64(clamping: counts.putOff)),
            ("requests_sent", Int64(clamping: counts.requestsSent)),
            ("requests_received", Int64(clamping: counts.requestsReceived)),
            ("routes_lost", Int64(clamping: counts.routesLost)),
        ])
    }
}
