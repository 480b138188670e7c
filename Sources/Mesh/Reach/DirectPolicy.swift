package import INET256

/// With whom a straight path is sought: looking for one tells the other end where this box is.
package enum DirectPolicy: Sendable {
    /// With everybody who has a session with this box.
    case any
    /// With configured peers.
    case peers
    /// With nobody: what has no endpoint stays relayed.
    case off
    /// With whom something else admits, such as the portal.
    case those(@Sendable (Address) -> Bool)

    func admits(_ address: Address, isPeer: Bool) -> Bool {
        switch self {
        case .any: true
        case .peers: isPeer
        case .off: false
        // Whoever has a link with a peer knows where it is anyway.
        case .those(let admits): isPeer || admits(address)
        }
    }
}
