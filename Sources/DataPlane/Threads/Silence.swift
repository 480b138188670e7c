internal import Wire

/// When a worker gives back the memory that a stream has left behind: once in each silence that follows one, on time that is handed in.
///
/// A few packets in a turn touch little memory, and are no stream: neither what peers send each other by themselves nor somebody who types
/// ends a silence, so nothing is given back again and again.
struct Silence {
    /// So many packets in a turn, or waiting after it, are a stream.
    static let stream = 16
    /// A pause in a conversation is shorter.
    static let length: Interval = .seconds(60)
    /// The start is over by then, and most of what it ran through is not needed again.
    static let afterStart: Interval = .seconds(5)

    /// When to give back; `distantFuture` once that is done.
    private(set) var deadline: Instant

    init(now: Instant) { deadline = now + Self.afterStart }

    /// A turn has moved so many packets, or left so many waiting.
    mutating func note(_ packets: Int, now: Instant) {
        if packets >= Self.stream { deadline = now + Self.length }
    }

    /// Whether this is the time. True once.
    mutating func isOver(now: Instant) -> Bool {
        guard now >= deadline else { return false }
        deadline = .distantFuture
        return true
    }
}
