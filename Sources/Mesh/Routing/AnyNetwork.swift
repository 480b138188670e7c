package import INET256
package import Wire

/// The algorithm that the configuration selected. An enum rather than an existential: the next hop is asked for
/// with every packet.
package enum AnyNetwork: Network {
    case oneHop(OneHop)
    case beaconNet(BeaconNet)

    package static let name = "any"

    /// What `list-networks` shows: names as the configuration spells them, each with one line on what it does.
    package static let all: [(name: String, summary: String)] = [
        (
            BeaconNet.name,
            "multi-hop mesh by flooded, signed beacons: shortest paths without loops, for up to some thousand nodes"
        ),
        (OneHop.name, "neighbours and the nodes that they host only, nothing is passed on"),
    ]

    /// Nil for a name that is not in `all`.
    /// - Parameters:
    ///   - sequence: wall-clock milliseconds since 1970 at the start.
    ///   - limits: what the algorithm holds and sends.
    package init?(name: String, sequence: UInt64, now: Instant, limits: BeaconNetLimits = BeaconNetLimits()) {
        switch name {
        case OneHop.name: self = .oneHop(OneHop(sequence: sequence, now: now, limits: limits))
        case BeaconNet.name: self = .beaconNet(BeaconNet(sequence: sequence, now: now, limits: limits))
        default: return nil
        }
    }

    // Changing verbs take the algorithm out of the enum and put it back: with two owners its tables would be copied.

    package mutating func addLocal(_ key: PrivateKey, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.addLocal(key, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.addLocal(key, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func removeLocal(_ address: Address, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.removeLocal(address, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.removeLocal(address, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func neighbourUp(_ id: NeighbourID, key: PublicKey, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.neighbourUp(id, key: key, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.neighbourUp(id, key: key, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func distinguish(_ id: NeighbourID, isPeer: Bool) {
        switch consume self {
        case .oneHop(var network):
            network.distinguish(id, isPeer: isPeer)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.distinguish(id, isPeer: isPeer)
            self = .beaconNet(network)
        }
    }

    package mutating func weigh(_ id: NeighbourID, cost: UInt8, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.weigh(id, cost: cost, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.weigh(id, cost: cost, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func neighbourDown(_ id: NeighbourID, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.neighbourDown(id, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.neighbourDown(id, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func receive(
        _ frame: UnsafeRawBufferPointer, from id: NeighbourID, now: Instant
    ) throws(RoutingError) {
        var fault: RoutingError?
        switch consume self {
        case .oneHop(var network):
            do throws(RoutingError) { try network.receive(frame, from: id, now: now) } catch { fault = error }
            self = .oneHop(network)
        case .beaconNet(var network):
            do throws(RoutingError) { try network.receive(frame, from: id, now: now) } catch { fault = error }
            self = .beaconNet(network)
        }
        if let fault { throw fault }
    }

    package mutating func tick(now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.tick(now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.tick(now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func wanted(_ destination: Address, now: Instant) {
        switch consume self {
        case .oneHop(var network):
            network.wanted(destination, now: now)
            self = .oneHop(network)
        case .beaconNet(var network):
            network.wanted(destination, now: now)
            self = .beaconNet(network)
        }
    }

    package mutating func takeOutput() -> [ControlFrame] {
        let output: [ControlFrame]
        switch consume self {
        case .oneHop(var network):
            output = network.takeOutput()
            self = .oneHop(network)
        case .beaconNet(var network):
            output = network.takeOutput()
            self = .beaconNet(network)
        }
        return output
    }

    package var deadline: Instant {
        switch self {
        case .oneHop(let network): network.deadline
        case .beaconNet(let network): network.deadline
        }
    }

    package func nextHop(to destination: Address) -> NeighbourID? {
        switch self {
        case .oneHop(let network): network.nextHop(to: destination)
        case .beaconNet(let network): network.nextHop(to: destination)
        }
    }

    package func find(prefix: Address, bits: Int) -> Address? {
        switch self {
        case .oneHop(let network): network.find(prefix: prefix, bits: bits)
        case .beaconNet(let network): network.find(prefix: prefix, bits: bits)
        }
    }

    package func publicKey(of address: Address) -> PublicKey? {
        switch self {
        case .oneHop(let network): network.publicKey(of: address)
        case .beaconNet(let network): network.publicKey(of: address)
        }
    }

    package var version: UInt64 {
        switch self {
        case .oneHop(let network): network.version
        case .beaconNet(let network): network.version
        }
    }

    package var contested: [Address: Instant] {
        switch self {
        case .oneHop(let network): network.contested
        case .beaconNet(let network): network.contested
        }
    }

    package var statistics: NetworkStatistics {
        switch self {
        case .oneHop(let network): network.statistics
        case .beaconNet(let network): network.statistics
        }
    }
}
