internal import HeapModule
internal import Wire

/// What is going to happen on one virtual clock: events, and a timer for every node. What falls on the same instant happens in
/// the order in which it was asked for, so a run repeats itself.
struct Timeline<Event> {
    enum Due {
        case event(Event)
        case timer(node: Int)
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var entries = Heap<Entry>()
    private var count: UInt64 = 0
    private var timers: [Timer] = []

    private struct Entry: Comparable {
        let at: Instant
        let number: UInt64
        let due: Due

        static func < (a: Entry, b: Entry) -> Bool { a.at != b.at ? a.at < b.at : a.number < b.number }
        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
    }

    private struct Timer {
        /// The entry that counts, of those which were made for this timer; nil: it is not set.
        var entry: UInt64?
        var at: Instant = .distantFuture
    }

    /// Makes room for a node's timer; nodes are numbered from 0.
    mutating func addNode() { timers.append(Timer()) }

    mutating func push(_ event: Event, at instant: Instant) { insert(.event(event), at: max(instant, now)) }

    /// Has the node's timer ring at `instant`, or before: what it is set to for an earlier instant stays.
    mutating func wake(_ node: Int, at instant: Instant) {
        guard instant != .distantFuture else { return }
        let at = max(instant, now)
        if timers[node].entry != nil, timers[node].at <= at { return }
        timers[node] = Timer(entry: count, at: at)
        insert(.timer(node: node), at: at)
    }

    /// The first thing that is due until `end`, which is then past; the clock is set to it.
    mutating func next(until end: Instant) -> Due? {
        while let entry = entries.min, entry.at <= end {
            entries.removeMin()
            if case .timer(let node) = entry.due {
                // Another took its place.
                guard timers[node].entry == entry.number else { continue }
                timers[node].entry = nil
            }
            now = max(now, entry.at)
            return entry.due
        }
        return nil
    }

    /// Nothing happens until then.
    mutating func pass(until instant: Instant) { now = max(now, instant) }

    private mutating func insert(_ due: Due, at instant: Instant) {
        entries.insert(Entry(at: instant, number: count, due: due))
        count += 1
    }
}
