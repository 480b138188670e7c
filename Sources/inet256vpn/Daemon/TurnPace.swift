internal import Wire

/// When to let more packets gather before the next turn, as network cards do with their interrupts: at tens of thousands of
/// packets a second that come in ones and twos, waking up costs more than what is done when awake. A lone packet, and a
/// question that waits for its answer, are never kept waiting.
struct TurnPace {
    /// Packets of the span that is being counted, and turns in which there were some.
    private var packets = 0
    private var turns = 0
    private var spanBegan: Instant = .distantPast
    /// What the last span was like.
    private var pause: Interval = .zero

    /// Long enough to tell a stream from a burst.
    private static let span: Interval = .milliseconds(2)
    /// Below this rate there is time to wake up for each.
    private static let packetsPerSpan = 40
    /// So many in a turn are worth waking up for.
    private static let worthwhile = 16
    private static let longest: Interval = .microseconds(50)

    /// How long to wait after a turn that moved so many packets; zero but under many small turns.
    mutating func pause(after moved: Int, now: Instant) -> Interval {
        if moved > 0 {
            packets += moved
            turns += 1
        }
        let length = now - spanBegan
        if length >= Self.span {
            pause = Self.pause(packets: packets, turns: turns, length: length)
            packets = 0
            turns = 0
            spanBegan = now
        }
        return moved > 0 && moved < Self.worthwhile ? pause : .zero
    }

    /// The time in which a worthwhile number comes at the rate of the span.
    private static func pause(packets: Int, turns: Int, length: Interval) -> Interval {
        // Where the loop slept longer than the span there is no stream.
        guard length < span * 2, packets >= packetsPerSpan, packets >= 2 * turns, packets < worthwhile * turns else {
            return .zero
        }
        return min(longest, length * Int64(worthwhile) / Int64(packets))
    }
}
