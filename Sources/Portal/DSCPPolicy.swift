internal import Wire

/// What the packets that carry a tunnel's bear as DSCP (RFC 2983).
package enum DSCPPolicy: Equatable, Sendable {
    /// None: nothing is told of what is inside.
    case clear
    /// That of the packet inside.
    case inherit
    /// Always this one, 0 to 63.
    case fixed(UInt8)

    /// The outer traffic class: the DSCP, and the inner packet's ECN (RFC 6040 section 4.1, normal mode).
    package func outer(_ inner: UInt8) -> UInt8 {
        switch self {
        case .clear: inner & ECN.mask
        case .inherit: inner
        case .fixed(let dscp): dscp << 2 | inner & ECN.mask
        }
    }
}
