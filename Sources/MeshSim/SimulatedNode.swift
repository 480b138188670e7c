internal import INET256
internal import Mesh
internal import Wire

/// How often a timer rings.
struct TickPace {
    private var second: Instant = .distantPast
    private(set) var ticks = 0
    private(set) var most = 0

    mutating func note(_ now: Instant) {
        if now - second >= .seconds(1) { (second, ticks) = (now, 0) }
        ticks += 1
        most = max(most, ticks)
    }
}

/// One box of the simulation and what stays when it is stopped.
struct SimulatedNode {
    let key: PrivateKey
    var endpoint: Endpoint
    var box: MeshBox?
    var received: [Simulation.Received] = []
    /// The number of the timer event that counts, and when it is due.
    var timer: UInt64?
    var timerAt: Instant = .distantFuture
    var pace = TickPace()

    init(key: PrivateKey, place: Int) {
        self.key = key
        endpoint = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }

    var address: Address { key.address }
}
