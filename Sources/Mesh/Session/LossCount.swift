internal import Wire

/// How many datagrams of one direction are missing under one keypair: counters that the other end used and that were not
/// accepted, though later ones were. What came in the wrong order is given time to arrive: a counter is looked at when a
/// later one was known for `grace`. So the count lags by a few seconds, and what is lost behind the last arrival is not
/// seen. It never falls.
///
/// It costs the data path nothing: the replay window knows what it needs.
struct LossCount {
    /// How late a datagram may be. One that is later still counts as lost, and the next one lost in its stead does not.
    static let grace: Interval = .seconds(2)

    private(set) var lost: UInt64 = 0
    /// The window's next counter when it was last looked at.
    private var mark: UInt64 = 0
    private var markedAt: Instant = .distantPast

    /// To be called every few seconds, as long as it says so after the last arrival: until then more may turn out to be lost.
    mutating func look(at window: ReplayWindow, _ now: Instant) -> Bool {
        guard now - markedAt >= Self.grace else { return true }
        if mark > 0 { lost = max(lost, window.missing(before: mark)) }
        let isOpen = mark != window.next
        mark = window.next
        markedAt = now
        return isOpen
    }

    /// No more can come: the keys are gone.
    mutating func end(with window: ReplayWindow) { lost = max(lost, window.missing(before: window.next)) }
}
