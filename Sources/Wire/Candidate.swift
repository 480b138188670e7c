/// Where a box may be reached, as somebody says: worth a small probe, and no more until it has answered one.
package struct Candidate: Hashable, Sendable {
    /// Who says so, best first: ways that lead there straight come before those that a router has to keep open.
    package enum Kind: UInt8, CaseIterable, Sendable, Comparable {
        /// An address of one of the box's own interfaces.
        case host = 0
        /// A router opened a port for it (PCP, NAT-PMP, UPnP).
        case mapped = 1
        /// The configuration says so.
        case advertised = 2
        /// Neighbours see the box's datagrams come from there.
        case observed = 3

        package static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
    }

    package var endpoint: Endpoint
    package var kind: Kind

    package init(_ endpoint: Endpoint, _ kind: Kind) {
        self.endpoint = endpoint
        self.kind = kind
    }
}
