/// How far an origin is, as of one of its beacons: newer beacons first, then fewer hops.
///
/// The order is that of Babel (RFC 8966 section 2.5). Every box keeps, per origin, the smallest distance that its
/// own route ever had: its *feasibility distance*. It takes a route from a neighbour only if the neighbour's
/// advertised distance is smaller than that (sections 2.4 and 3.5.1). A neighbour's feasibility distance is never
/// larger than what it advertised, so along the next hops towards an origin feasibility distances fall strictly,
/// whatever was lost, late or out of order: there is no loop at any time.
struct Distance: Hashable, Comparable {
    var sequence: UInt64
    /// Hops, where a bad link counts as several.
    var metric: UInt8

    /// Nearer is less.
    static func < (a: Distance, b: Distance) -> Bool {
        a.sequence != b.sequence ? a.sequence > b.sequence : a.metric < b.metric
    }

    /// The distance over a link of this cost to a neighbour that advertises this one.
    func over(_ cost: UInt8) -> Distance {
        Distance(sequence: sequence, metric: min(metric &+ min(cost, 128), BeaconFrame.largestMetric + 1))
    }
}
