internal import INET256
internal import Wire

/// Pings that wait for their answers. Numbers are drawn, and whoever was asked has to answer: nobody else can say that it did.
struct WaitingPings {
    struct Ping {
        let target: Address
        let sent: Instant
        let deadline: Instant
        let answer: @Sendable (PingResult) -> Void
    }

    private var pings: [UInt64: Ping] = [:]
    static let limit = 1024

    var isFull: Bool { pings.count >= Self.limit }
    var deadline: Instant { pings.values.map(\.deadline).min() ?? .distantFuture }

    mutating func add(_ id: UInt64, _ ping: Ping) { pings[id] = ping }

    mutating func remove(_ id: UInt64) { pings[id] = nil }

    /// The ping that this is the answer to; nil where nobody was asked by that number, or somebody else was.
    mutating func take(_ id: UInt64, from source: Address) -> Ping? {
        guard let ping = pings[id], ping.target == source else { return nil }
        pings[id] = nil
        return ping
    }

    mutating func takeExpired(_ now: Instant) -> [Ping] {
        guard !pings.isEmpty else { return [] }
        let expired = pings.filter { now >= $0.value.deadline }
        for id in expired.keys { pings[id] = nil }
        return Array(expired.values)
    }

    mutating func takeAll() -> [Ping] {
        defer { pings.removeAll() }
        return Array(pings.values)
    }
}
