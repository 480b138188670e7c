internal import Wire

/// Whether a router has forgotten its mappings, as the seconds tell that it counts since it began (RFC 6887 section 8.5, RFC 6886
/// section 3.6).
struct ServerEpoch {
    private var last: (seconds: UInt32, at: Instant)?

    /// Takes in the count of an answer.
    /// - Returns: false when the router began anew since the last one.
    mutating func note(_ seconds: UInt32, now: Instant) -> Bool {
        defer { last = (seconds, now) }
        guard let last else { return true }
        // Answers that overtake each other may make a second of it.
        if UInt64(seconds) + 1 < UInt64(last.seconds) { return false }
        let ours = Self.seconds(now - last.at)
        let theirs = Int64(seconds) - Int64(last.seconds)
        // Either clock may go wrong by a sixteenth.
        return ours + 2 >= theirs - theirs / 16 && theirs + 2 >= ours - ours / 16
    }

    mutating func forget() { last = nil }

    private static func seconds(_ interval: Interval) -> Int64 { max(0, interval.nanoseconds) / 1_000_000_000 }
}
