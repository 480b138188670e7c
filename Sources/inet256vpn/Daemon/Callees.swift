internal import INET256
internal import Settings
internal import Wire

/// Inviters that are called as peers are, before the configuration has them.
struct Callees {
    private var called: [(peer: PeerConfiguration, until: Instant)] = []

    /// For which one is kept that has said welcome.
    static let courtesy: Interval = .seconds(120)

    mutating func add(_ peer: PeerConfiguration) {
        called.removeAll { $0.peer.id == peer.id }
        called.append((peer, .distantFuture))
    }

    mutating func end(_ address: Address, at instant: Instant) {
        for place in called.indices where called[place].peer.id == address { called[place].until = instant }
    }

    /// Those whose time is not over, and who are not configured by now.
    mutating func peers(besides configured: [PeerConfiguration], now: Instant) -> [PeerConfiguration] {
        called.removeAll { callee in callee.until <= now || configured.contains { $0.id == callee.peer.id } }
        return called.map(\.peer)
    }
}
