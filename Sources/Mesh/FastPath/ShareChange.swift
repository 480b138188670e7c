public import INET256
public import Wire

/// The way of a session's messages that side engines may use by themselves: straight to a proven endpoint.
public struct SharedWay: Sendable, Equatable {
    public let remote: Address
    /// What messages are sealed with.
    let keypair: SharedKeypair
    public let path: Path
    /// The largest message in one datagram, in bytes.
    public let capacity: Int
    /// Whether larger ones are not being tried.
    public let isSettled: Bool

    public static func == (a: SharedWay, b: SharedWay) -> Bool {
        a.keypair === b.keypair && a.path == b.path && a.capacity == b.capacity && a.isSettled == b.isSettled
    }
}

/// What the first engine tells the others of its sessions.
public enum ShareChange: Sendable {
    /// Datagrams may come under these keys from now on. Said before anything leaves the box that lets the other end use them.
    case keys(SharedKeypair)
    /// The keys with this local index are gone.
    case forget(UInt32)
    /// Messages go this way. Said after everything was sent that had waited for it.
    case way(SharedWay)
    /// Messages to this address go through the first engine again.
    case noWay(Address)

    /// Whether this has become void by what was said later.
    public func isOvertaken(by later: ShareChange) -> Bool {
        switch (self, later) {
        case (.way(let way), .noWay(let remote)): way.remote == remote
        case (.way(let way), .forget(let index)): way.keypair.localIndex == index
        case (.way, .keys), (.way, .way), (.keys, _), (.forget, _), (.noWay, _): false
        }
    }
}
