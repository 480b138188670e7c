package import INET256
package import Wire

/// The way of a session's messages that side engines may use by themselves: straight to a proven endpoint.
package struct SharedWay: Sendable, Equatable {
    package let remote: Address
    /// What messages are sealed with.
    let keypair: SharedKeypair
    package let path: Path
    /// The largest message in one datagram, in bytes.
    package let capacity: Int
    /// Whether larger ones are not being tried.
    package let isSettled: Bool

    package static func == (a: SharedWay, b: SharedWay) -> Bool {
        a.keypair === b.keypair && a.path == b.path && a.capacity == b.capacity && a.isSettled == b.isSettled
    }
}

/// What the first engine tells the others of its sessions.
package enum ShareChange: Sendable {
    /// Datagrams may come under these keys from now on. Said before anything leaves the box that lets the other end use them.
    case keys(SharedKeypair)
    /// The keys with this local index are gone.
    case forget(UInt32)
    /// Messages go this way. Said after everything was sent that had waited for it.
    case way(SharedWay)
    /// Messages to this address go through the first engine again.
    case noWay(Address)
    /// What is relayed for others goes by this. Said before neighbours can learn of it.
    case routes(ForwardingTable)

    package var areRoutes: Bool { if case .routes = self { true } else { false } }

    /// Whether this has become void by what was said later.
    package func isOvertaken(by later: ShareChange) -> Bool {
        switch (self, later) {
        case (.way(let way), .noWay(let remote)): way.remote == remote
        case (.way(let way), .forget(let index)): way.keypair.localIndex == index
        case (.routes, .routes): true
        case (.way, .keys), (.way, .way), (.way, .routes), (.keys, _), (.forget, _), (.noWay, _), (.routes, _): false
        }
    }
}
