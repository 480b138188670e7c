internal import Wire

/// The state of CoDel for one flow (RFC 8289 section 5): says when the delay has been above the target for a whole
/// interval, and then, at which moments a packet is to go, closer and closer together until the sender has understood.
///
/// Looking at a packet and acting on it are apart (`isLate`, then `begin` or `advance`), since what is done with a late
/// packet, to mark or to drop it, is the queue's matter.
struct DelayControl {
    /// A packet of this size may always be left behind the one that is taken: a sender of one packet at a time is not late
    /// by its own doing (RFC 8289 section 4.4: MAXPACKET). A flow that has sent larger ones may leave one of those.
    static let smallestBacklog = 1500
    /// Dropping that begins anew within this many intervals goes on at the rate that it had.
    private static let memory: Int64 = 16

    /// When the delay will have been too long for an interval; `distantFuture` while it is not too long.
    private var lateFrom = Instant.distantFuture
    /// When the next packet is to go, or was.
    private var next = Instant.distantPast
    /// Packets since dropping began, and what this was when it began the last time.
    private var count: UInt32 = 0
    private var lastCount: UInt32 = 0
    private(set) var isDropping = false

    /// Whether a packet that waited so long may be dropped, when `backlog` bytes are left behind it.
    mutating func isLate(
        waited: Interval, backlog: Int, largest: Int, now: Instant, _ parameters: borrowing PortalQueueParameters
    ) -> Bool {
        if waited < parameters.target || backlog <= max(largest, Self.smallestBacklog) {
            lateFrom = .distantFuture
            return false
        }
        if lateFrom == .distantFuture {
            lateFrom = now + parameters.interval
            return false
        }
        return now >= lateFrom
    }

    /// The queue is empty, so it is not late.
    mutating func drained() {
        lateFrom = .distantFuture
        isDropping = false
    }

    /// The delay is as it should be.
    mutating func end() { isDropping = false }

    /// The first late packet was marked or dropped.
    mutating func begin(now: Instant, interval: Interval) {
        isDropping = true
        let sinceLast = count &- lastCount
        count = sinceLast > 1 && now - next < interval * Self.memory ? sinceLast : 1
        next = Self.after(now, count, interval)
        lastCount = count
    }

    /// Whether the next packet is to go now.
    func isDue(now: Instant) -> Bool { isDropping && now >= next }

    /// One more packet goes.
    mutating func advance() { count &+= 1 }

    /// Sets the time for the one after it.
    mutating func schedule(interval: Interval) { next = Self.after(next, count, interval) }

    /// The control law: the rate rises with the square root of the number of packets, as the throughput of TCP falls with
    /// the root of its losses.
    private static func after(_ instant: Instant, _ count: UInt32, _ interval: Interval) -> Instant {
        instant + Interval(nanoseconds: Int64(Double(interval.nanoseconds) / Double(count).squareRoot()))
    }
}
