internal import INET256
internal import Wire

/// Addresses whose key is on two machines, and when there was last a sign of it. Bounded; the oldest makes room.
struct Twins {
    private var seen: [Address: Instant] = [:]

    private static let maximum = 64
    /// After so long without a sign it is news again.
    private static let silence: Interval = .seconds(600)
    /// For so long `status` says it.
    private static let stays: Interval = .seconds(3600)

    func contains(_ address: Address) -> Bool { seen[address] != nil }

    /// There was a sign. True where it is news.
    mutating func note(_ address: Address, _ now: Instant) -> Bool {
        let earlier = seen[address]
        if earlier == nil, seen.count >= Self.maximum {
            guard let oldest = seen.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return false }
            seen[oldest.key] = nil
        }
        seen[address] = now
        return earlier.map { now - $0 >= Self.silence } ?? true
    }

    /// Takes over what the routing algorithm noticed. Gives back what is news.
    mutating func take(_ contested: [Address: Instant]) -> [Address] {
        contested.sorted { $0.key < $1.key }
            .filter { seen[$0.key] ?? .distantPast < $0.value }
            .filter { note($0.key, $0.value) }
            .map(\.key)
    }

    /// Those of which there was a sign lately, and how long ago.
    func lately(_ now: Instant) -> [(address: Address, age: Interval)] {
        seen.filter { now - $0.value < Self.stays }.sorted { $0.key < $1.key }
            .map { (address: $0.key, age: now - $0.value) }
    }
}
