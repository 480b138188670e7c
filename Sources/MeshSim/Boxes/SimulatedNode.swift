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

    init(key: PrivateKey, place: Int) {
        self.key = key
        endpoint = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }

    var address: Address { key.address }
}
