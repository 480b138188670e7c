/// Explicit congestion notification: the two low bits of the traffic class (RFC 3168 section 5).
public enum ECN {
    public static let mask: UInt8 = 0b11
    public static let notCapable: UInt8 = 0b00
    public static let capable1: UInt8 = 0b01
    public static let capable0: UInt8 = 0b10
    public static let congested: UInt8 = 0b11

    /// The field of a packet that leaves a tunnel, from its own and that of the packet that carried it (RFC 6040 section
    /// 4.2, figure 4). nil: it is to be dropped, since its sender would not understand the mark.
    @inlinable
    public static func leaving(inner: UInt8, outer: UInt8) -> UInt8? {
        switch (inner & mask, outer & mask) {
        case (notCapable, congested): nil
        case (notCapable, _): notCapable
        case (congested, _), (_, congested): congested
        case (capable0, capable1): capable1
        case (let inner, _): inner
        }
    }
}
