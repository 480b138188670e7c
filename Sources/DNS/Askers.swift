package import Wire

/// Who is answered. The box's own users are; beyond them only nodes of the mesh, whose source addresses are proven, that the
/// configuration names. So it is never an open resolver, whatever lets packets through to it.
package struct Askers: Equatable, Sendable {
    /// Where a query came in.
    package enum Door: Sendable {
        /// A loopback address: nobody but this machine gets there.
        case loopback
        /// The portal's own address.
        case portal
    }

    /// The portal's address.
    package var own: IPv6Address
    /// Everybody who comes by the portal, or these alone.
    package var everybody = false
    package var nodes: Set<IPv6Address> = []
    /// Whose addresses are proven.
    package var prefix: IPv6Prefix

    package init(own: IPv6Address, prefix: IPv6Prefix) {
        self.own = own
        self.prefix = prefix
    }

    package func admit(_ source: IPv6Address, at door: Door) -> Bool {
        switch door {
        case .loopback: source.isLoopback
        case .portal: source == own || nodes.contains(source) || everybody && prefix.contains(source)
        }
    }

    /// Whether anybody but this machine is answered.
    package var isOpen: Bool { everybody || !nodes.isEmpty }
}
