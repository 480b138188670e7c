internal import Wire

/// When the box wants to look at which session: a binary heap, so that a session that nothing is due for costs nothing however
/// many there are. Each is in it once at most, at `Session.heapPlace`.
struct Deadlines {
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

    /// The session is to be looked at then; not at all where that is the distant future.
    mutating func set(_ session: Session, _ at: Instant) {
        guard at < .distantFuture else { return remove(session) }
        if let place = session.heapPlace {
            entries[place].at = at
            settle(place)
        } else {
            session.heapPlace = entries.count
            entries.append(Entry(at: at, session: session))
            rise(entries.count - 1)
        }
    }

    mutating func remove(_ session: Session) {
        guard let place = session.heapPlace else { return }
        session.heapPlace = nil
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
            remove(next.session)
        }
        due.sort { $0.place < $1.place }
        return due
    }

    // MARK: The heap

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        entry.session.heapPlace = place
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

/// Why a session is to be looked at.
enum DeadlineReason: String, CaseIterable {
    /// It is new, or something happened that makes everything else be asked anew.
    case news
    case keysEnd
    case newKeys
    case challenge
    case signOfLife
    case size
    case hello
    case handshake
    case pending
    case keepalive
    case silence
    case relaySize
    case calm
    case idle
}
