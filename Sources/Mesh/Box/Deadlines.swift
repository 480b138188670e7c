internal import Wire

/// When the box wants to look at which session, and why: a binary heap, so that a session that nothing is due for costs nothing
/// however many there are. Each is in it once at most.
struct Deadlines {
    /// What a session has of it.
    struct Timer {
        /// When the box looks at it again: not in the heap while it is being looked at.
        fileprivate(set) var at: Instant = .distantFuture
        fileprivate(set) var reason: DeadlineReason = .news
        /// Where the heap has it.
        fileprivate(set) var place: Int?
    }

    private struct Entry {
        var at: Instant
        let session: Session
    }

    private var entries: [Entry] = []
    /// When the box is to be called.
    private(set) var next: Instant
    /// When what belongs to no session is looked at.
    private(set) var sweep: Instant = .distantPast

    init(_ now: Instant) { next = now }

    var count: Int { entries.count }
    var earliest: Instant { entries.first?.at ?? .distantFuture }
    /// The session that is due first.
    var first: Session? { entries.first?.session }

    /// The box is to be called by then.
    mutating func ring(by instant: Instant) {
        if instant < next { next = instant }
    }

    /// It is called: `next` is found out anew.
    mutating func begin() { next = .distantFuture }

    /// Nothing is looked at before, however much is due.
    mutating func putOff(to instant: Instant) { next = max(next, instant) }

    /// The sweep is to be by then.
    mutating func sweep(by instant: Instant) {
        if instant < sweep { sweep = instant }
        ring(by: instant)
    }

    /// The sweep has been, and is to be again then.
    mutating func hasSwept(next instant: Instant) { sweep = instant }

    /// The session is to be looked at by then: the earliest instant is kept, with its reason.
    mutating func wake(_ session: Session, by instant: Instant, for reason: DeadlineReason) {
        guard instant < session.timer.at else { return }
        session.timer.at = instant
        session.timer.reason = reason
        put(session)
    }

    /// Nothing is due for it any more: it is being looked at, or is forgotten.
    mutating func clear(_ session: Session) {
        takeOut(session)
        session.timer.at = .distantFuture
    }

    /// It was due, and has to wait for its turn.
    mutating func putBack(_ session: Session) { put(session) }

    private mutating func put(_ session: Session) {
        if let place = session.timer.place {
            entries[place].at = session.timer.at
            settle(place)
        } else {
            session.timer.place = entries.count
            entries.append(Entry(at: session.timer.at, session: session))
            rise(entries.count - 1)
        }
    }

    private mutating func takeOut(_ session: Session) {
        guard let place = session.timer.place else { return }
        session.timer.place = nil
        let last = entries.removeLast()
        guard last.session !== session else { return }
        put(last, at: place)
        settle(place)
    }

    /// Takes out those that are due, in the order of the box's list: runs are repeated byte for byte.
    mutating func takeDue(_ now: Instant) -> [Session] {
        guard earliest <= now else { return [] }
        var due: [Session] = []
        while let next = entries.first, next.at <= now {
            due.append(next.session)
            takeOut(next.session)
        }
        due.sort { $0.entry.place < $1.entry.place }
        return due
    }

    // MARK: The heap

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        entry.session.timer.place = place
    }

    private mutating func settle(_ place: Int) {
        rise(place)
        sink(place)
    }

    private mutating func rise(_ start: Int) {
        var place = start
        let entry = entries[place]
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.at < entries[parent].at else { break }
            put(entries[parent], at: place)
            place = parent
        }
        if place != start { put(entry, at: place) }
    }

    private mutating func sink(_ start: Int) {
        var place = start
        let entry = entries[place]
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].at < entries[child].at { child += 1 }
            guard entries[child].at < entry.at else { break }
            put(entries[child], at: place)
            place = child
        }
        if place != start { put(entry, at: place) }
    }
}
