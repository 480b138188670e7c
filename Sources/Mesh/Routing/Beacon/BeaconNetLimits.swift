package import Wire

/// Every number that bounds what beacon routing holds, sends and believes. The defaults are for a real box.
package struct BeaconNetLimits: Sendable {
    // Times.

    /// Time between an origin's beacons while nothing happens, before the jitter that takes up to an eighth off it. What
    /// happens is told at once and acknowledged; beacons only say that an origin still lives, where no link's end tells.
    package var beaconInterval: Interval = .seconds(140)
    /// Seconds for which a beacon of ours is good: the longest that is believed, two intervals and a bit, so that one may be
    /// lost altogether.
    package var beaconLifetime: UInt16 = 300
    /// For so long beacons that change nothing but their number wait for others, to go in one frame with them.
    package var gathering: Interval = .milliseconds(100)
    /// How long a route with a newer sequence number must have stood before routes with an older one are given
    /// up for it although they are shorter. Shorter ones normally catch up within round trips; those that do not
    /// are behind a node that stopped passing beacons on.
    package var settle: Interval = .seconds(2)
    /// How much longer than the lifetime of its last beacon a feasibility distance is kept.
    package var feasibilityMargin: Interval = .seconds(60)
    /// First time between requests for a lost route; it doubles with each.
    package var requestRetry: Interval = .seconds(1)
    /// Requests for one lost route.
    package var requestAttempts = 4
    /// A request like one that was passed on this recently is not passed on.
    package var requestSuppression: Interval = .milliseconds(500)
    /// Time between requests on behalf of traffic for one unknown destination.
    package var wantedInterval: Interval = .seconds(1)

    // Reach.

    /// Hops to the farthest destination believed in, 1 to 64. With 1, nothing is ever passed on.
    package var reach: UInt8 = 64

    // Memory.

    /// Origins in the table: everything but local nodes and neighbours, which always have room.
    package var origins = 4096
    /// Withdrawals of local nodes that are kept for neighbours that come later.
    package var withdrawals = 1024
    /// How many more there may be while they are younger than this.
    package var withdrawalsAtOnce = 8192
    package var withdrawalTold: Interval = .seconds(10)
    /// Neighbours remembered per origin.
    package var adjacencies = 8
    /// Requests remembered in order not to repeat them.
    package var rememberedRequests = 1024
    /// Unacknowledged updates per neighbour; above that the whole table is sent again instead.
    package var pendingUpdates = 2048
    /// Control frames under way to one neighbour.
    package var window = 32

    // Rates.

    /// Signature checks (about 0.1 ms each) for one neighbour: a burst, then one per interval.
    package var neighbourChecks = (burst: 4096, every: Interval.milliseconds(1))
    /// Signature checks for all neighbours.
    package var totalChecks = (burst: 8192, every: Interval.microseconds(500))
    /// Requests taken from one neighbour.
    package var neighbourRequests = (burst: 512, every: Interval.milliseconds(10))
    /// Newer beacons told to one neighbour that came with older ones.
    package var reminders = (burst: 256, every: Interval.milliseconds(100))
    /// Beacons that one local node puts out because it was asked to.
    package var requestedBeacons = (burst: 8, every: Interval.seconds(1))

    package init() {}

    /// The limits of a box with room for so many origins: their signatures can be checked at once when it meets the mesh.
    package init(origins: Int) {
        self.origins = origins
        neighbourChecks.burst = max(neighbourChecks.burst, origins)
        totalChecks.burst = max(totalChecks.burst, 2 * origins)
        withdrawalsAtOnce = max(withdrawalsAtOnce, origins)
    }

    /// The longest lifetime believed, in seconds: it bounds how long a feasibility distance must be kept.
    static let longestLifetime: UInt16 = 300
    /// Sequence numbers begin as milliseconds of wall-clock time, now about 2^41. Above this one they are not
    /// believed, so that there is always a next one.
    static let highestSequence: UInt64 = 1 << 60
    /// Table share (in eighths) that a neighbour may fill while nobody else needs the room; the rest stays free for
    /// those that have less than their part.
    static let commonEighths = 7
    /// Shortest time between two looks at the whole table.
    static let sweepInterval: Interval = .milliseconds(100)
    /// A restarted neighbour whose clock went back is believed once the old one was silent this long.
    static let epochSilence: Interval = .seconds(10)
}
