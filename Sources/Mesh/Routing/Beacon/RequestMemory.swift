internal import INET256
internal import Wire

/// What was asked for a short while ago, so that it is not asked again (RFC 8966 section 3.8.1.2). Bounded: when
/// everything in a full memory is recent, new questions are refused.
struct RequestMemory {
    private struct Asked {
        var sequence: UInt64
        var at: Instant
    }

    private var asked: [Address: Asked] = [:]
    private let capacity: Int
    private let span: Interval

    init(capacity: Int, span: Interval) {
        self.capacity = capacity
        self.span = span
    }

    /// Whether it was asked for within the last `span`.
    func remembers(_ address: Address, for span: Interval, now: Instant) -> Bool {
        asked[address].map { $0.at + span > now } ?? false
    }

    /// Whether to ask now: nothing as demanding was asked recently. If so, remembers it.
    mutating func admit(_ address: Address, sequence: UInt64, now: Instant) -> Bool {
        if let earlier = asked[address], earlier.at + span > now, earlier.sequence >= sequence { return false }
        if asked.count >= capacity && asked[address] == nil {
            asked = asked.filter { $0.value.at + span > now }
            if asked.count >= capacity { return false }
        }
        asked[address] = Asked(sequence: sequence, at: now)
        return true
    }
}
