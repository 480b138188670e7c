internal import INET256
internal import Wire

/// Origins of one neighbour that found no room. What was refused stays refused until there is room, by whatever beacon it
/// comes again: who has a place keeps it, and nobody is let in today to be shown out tomorrow.
struct RefusedMemory {
    /// When each was last refused.
    private var refused: [Address: Instant] = [:]
    /// Full: more are refused without being remembered.
    private let capacity: Int

    /// What did not come again for so long is gone.
    static let memory: Interval = .seconds(300)

    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { refused.isEmpty }

    func contains(_ address: Address) -> Bool { refused[address] != nil }

    func addresses(now: Instant) -> [Address] {
        refused.filter { $0.value + Self.memory > now }.map(\.key)
    }

    mutating func insert(_ address: Address, now: Instant) {
        if refused.count >= capacity && refused[address] == nil {
            expire(now: now)
            if refused.count >= capacity { return }
        }
        refused[address] = now
    }

    mutating func remove(_ address: Address) { refused[address] = nil }

    mutating func expire(now: Instant) { refused = refused.filter { $0.value + Self.memory > now } }
}
