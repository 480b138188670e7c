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
    private let packetsPerSpan: Int
    /// A question that waits for its answer comes alone, however quickly they follow each other.
    private let packetsPerTurn: Int
    /// So many in a turn are worth waking up for.
    private static let worthwhile = 16
    private let longest: Interval

    /// In real time a turn begins before a second packet can come, so there the rate alone tells a stream: one that questions
    /// and answers in turn reach with a round trip below 67 microseconds only. As every wake-up is one more there, and pushes
    /// somebody aside, a stream may gather for longer.
    init(_ scheduling: ThreadScheduling = .normal) {
        switch scheduling {
        case .normal: (packetsPerSpan, packetsPerTurn, longest) = (40, 2, .microseconds(50))
        case .realtime: (packetsPerSpan, packetsPerTurn, longest) = (60, 1, .microseconds(100))
        }
    }

    /// How long to wait after a turn that moved so many packets; zero but under many small turns.
    mutating func pause(after moved: Int, now: Instant) -> Interval {
        if moved > 0 {
            packets += moved
            turns += 1
        }
        let length = now - spanBegan
        if length >= Self.span {
            pause = pause(packets: packets, turns: turns, length: length)
            packets = 0
            turns = 0
            spanBegan = now
        }
        return moved > 0 && moved < Self.worthwhile ? pause : .zero
    }

    /// The time in which a worthwhile number comes at the rate of the span.
    private func pause(packets: Int, turns: Int, length: Interval) -> Interval {
        // Where the loop slept longer than the span there is no stream.
        guard length < Self.span * 2, packets >= packetsPerSpan, packets >= packetsPerTurn * turns,
            packets < Self.worthwhile * turns
        else {
            return .zero
        }
        return min(longest, length * Int64(Self.worthwhile) / Int64(packets))
    }
}
