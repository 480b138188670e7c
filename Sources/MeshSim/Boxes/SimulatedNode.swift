internal import INET256
internal import Mesh
internal import Wire

/// One box of the simulation and what stays when it is stopped.
struct SimulatedNode {
    let key: PrivateKey
    var endpoint: Endpoint
    var box: MeshBox?
    var received: [Simulation.Received] = []
    var pace = TickPace()
    var spray = SimulatedSpray()

    init(key: PrivateKey, place: Int) {
        self.key = key
        endpoint = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }

    var address: Address { key.address }
}

/// The ports of a box beside its own: those that are opened for sprays, each by the first datagram that leaves by it. They stay
/// open: what is behind them is its router's to forget.
struct SimulatedSpray {
    /// The number that their paths bear, all of them.
    static let socket: UInt16 = 1
    static let first: UInt16 = 30000
    private(set) var opened: UInt16 = 0
    /// By which something came last: answers leave by it.
    private(set) var last: UInt16?

    mutating func open() -> UInt16 {
        // Twice as many as a spray has, so that a second one has others.
        opened = (opened + 1) % UInt16(SprayLimits.ports * 2)
        return Self.first + opened
    }

    mutating func received(by port: UInt16) { last = port }

    func has(_ port: UInt16) -> Bool { port > Self.first && port < Self.first + UInt16(SprayLimits.ports * 2) }
}

extension SimulatedNode {
    /// The number of the port that it has at an endpoint inside.
    func socket(at inside: Endpoint) -> UInt16? {
        if inside == endpoint { return 0 }
        return inside.address == endpoint.address && spray.has(inside.port) ? SimulatedSpray.socket : nil
    }

    /// Where a datagram by this path leaves; nil where there is no such port.
    mutating func source(of path: Path) -> Endpoint? {
        var source = endpoint
        switch path.socket {
        case Path.spraySocket: source.port = spray.open()
        case SimulatedSpray.socket:
            guard let port = spray.last else { return nil }
            source.port = port
        default: break
        }
        return source
    }
}
