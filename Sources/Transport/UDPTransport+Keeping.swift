package import System
internal import Wire

/// Sockets that outlive a run of the program: what peers send meanwhile waits in them, and their port stays taken.
extension UDPTransport {
    private static let prefix = "udp-"

    private static func name(_ number: UInt16, _ place: Int) -> String { "\(prefix)\(number)-\(place)" }

    /// Lets go of the sockets of the run before unless all of them are as these transports would make them, in this order, `count` each:
    /// half of what was bound would be in the way of the other half.
    package static func sort(_ store: DescriptorStore, for transports: [UDPTransport], count: Int) {
        let left = store.names.filter { $0.hasPrefix(prefix) }
        guard !left.isEmpty else { return }
        let wanted = transports.enumerated().flatMap { number, transport in
            transport.interface != nil ? [] : (0..<count).map { (name(UInt16(number), $0), transport) }
        }
        let fits = wanted.allSatisfy { name, transport in
            guard let socket = store.peek(name) else { return false }
            return BoundUDP.fits(socket, transport.endpoint, transport.options(sharesPort: count > 1))
        }
        guard !fits || Set(wanted.map(\.0)) != Set(left) else { return }
        for name in left { store.discard(name) }
        store.settle()
    }

    /// What the run before has left of this transport; nil where it left nothing, or not all of it.
    func adopt(_ count: Int, _ number: UInt16) -> [UDPSocket]? {
        guard let store, interface == nil, store.peek(Self.name(number, 0)) != nil else { return nil }
        var sockets: [UDPSocket] = []
        for place in 0..<count {
            guard let left = store.take(Self.name(number, place)),
                let socket = UDPSocket(
                    adopting: left, bind: endpoint, number: number, options: options(sharesPort: count > 1))
            else { return nil }
            sockets.append(socket)
        }
        return sockets
    }

    /// One that is bound to an interface comes and goes with that.
    func keep(_ sockets: [UDPSocket]) {
        guard let store, interface == nil else { return }
        for (place, socket) in sockets.enumerated() {
            store.keep(socket.descriptor, as: Self.name(socket.number, place))
        }
    }
}
