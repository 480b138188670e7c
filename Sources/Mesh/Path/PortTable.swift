internal import Wire

/// What the box's ports are like, by the number that their paths carry. A path that names none is planned as one of UDP.
struct PortTable: Equatable, Sendable {
    private let traits: [PortTraits]

    init(_ traits: [PortTraits] = []) { self.traits = traits }

    @inline(__always)
    subscript(path: Path) -> PortTraits {
        let place = Int(path.socket)
        return place < traits.count ? traits[place] : .udp
    }

    /// Bytes that a datagram by this path costs beneath.
    @inline(__always)
    func overhead(of path: Path) -> Int { self[path].overhead(to: path.remote) }

    /// Whether the same endpoint stands for the same way by either: sockets see the same network, a connection is its port's own.
    func areOne(_ a: Path, _ b: Path) -> Bool {
        a.socket == b.socket || !self[a].hasConnections && !self[b].hasConnections
    }

    /// Whether what is known of the sizes of one says something about the other.
    func haveOneSize(_ a: Path, _ b: Path) -> Bool { self[a].sizes == .probed && self[b].sizes == .probed }
}
