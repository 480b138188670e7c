internal import Wire

/// The way of a session through relays: what they carry in one piece, this way and the other. Each lowers a datagram's stamp to what
/// its next link carries; the far end says what came, three times, since nothing acknowledges it.
struct RelayedWay {
    /// The largest datagram that gets through the relays in one piece, as the far end said.
    private(set) var capacity: Int?
    /// What the stamp said of what came in, and whether the far end was told.
    private var seen = 0
    private var reported = 0
    private var reportsLeft = 0
    private var nextReport: Instant = .distantPast

    private static let reports = 3
    private static let pause: Interval = .seconds(1)

    /// The far end says what its relays carry.
    mutating func told(_ size: UInt16) { capacity = Int(size) }

    /// Something came with this stamp. True where that is news.
    @inline(__always)
    mutating func saw(stamp: Int) -> Bool {
        guard stamp != seen else { return false }
        seen = stamp
        return true
    }

    /// What the far end is to be told now; nil where nothing is due.
    mutating func report(_ now: Instant) -> UInt16? {
        if seen != reported {
            reported = seen
            reportsLeft = Self.reports
            nextReport = now
        }
        guard reportsLeft > 0, now >= nextReport else { return nil }
        reportsLeft -= 1
        nextReport = now + Self.pause
        return UInt16(clamping: seen)
    }

    /// When the far end is to be told again.
    var reportDue: Instant { reportsLeft > 0 ? nextReport : .distantFuture }
}
