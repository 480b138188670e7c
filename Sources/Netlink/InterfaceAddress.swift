internal import CMnl
package import Wire

/// An address on an interface (what `ip address` shows).
package struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
    /// IPv4 addresses are IPv4-mapped.
    package var address: IPv6Address
    /// In bits of the address's own family: 0 to 32, or 0 to 128.
    package var prefixLength: UInt8
    package var interface: UInt32
    package var flags: AddressFlags
    /// Who put it there, where the kernel (5.18 or newer) keeps that: 0 for nobody in particular.
    package var protocolNumber: UInt8
    /// 0 global, 253 link, 254 host (rtnetlink(7)).
    package var scope: UInt8

    /// IFA_PROTO, which headers older than Linux 5.18 lack.
    static let protocolAttribute: UInt16 = 11

    package init(
        _ address: IPv6Address, prefixLength: UInt8, interface: UInt32, flags: AddressFlags = [],
        protocolNumber: UInt8 = 0, scope: UInt8 = 0
    ) {
        self.address = address
        self.prefixLength = prefixLength
        self.interface = interface
        self.flags = flags
        self.protocolNumber = protocolNumber
        self.scope = scope
    }

    package var family: AddressFamily { AddressFamily(address) }

    /// "fd00::1/128", "10.0.0.1/24".
    package var description: String { "\(plainText(address))/\(prefixLength)" }

    /// Decodes the body of an RTM_NEWADDR or RTM_DELADDR message; nil when cut short or of another family.
    ///
    ///     family, prefix length, flags, scope, index (4), attributes (rtnetlink(7), `struct ifaddrmsg`)
    package init?(decoding body: UnsafeRawBufferPointer) {
        guard let family = body.host(UInt8.self, at: 0).flatMap({ AddressFamily(rawValue: $0) }),
            let length = body.host(UInt8.self, at: 1), let flags = body.host(UInt8.self, at: 2),
            let scope = body.host(UInt8.self, at: 3), let index = body.host(UInt32.self, at: 4),
            length <= (family == .ipv4 ? 32 : 128)
        else { return nil }
        var address: IPv6Address?
        var local: IPv6Address?
        var allFlags = UInt32(flags)
        var origin: UInt8 = 0
        for attribute in Attributes(body.tail(from: MemoryLayout<ifaddrmsg>.size)) {
            switch Int(attribute.type) {
            case IFA_ADDRESS: address = attribute.payload.address
            case IFA_LOCAL: local = attribute.payload.address
            case IFA_FLAGS: allFlags = attribute.u32 ?? allFlags
            case Int(Self.protocolAttribute): origin = attribute.u8 ?? 0
            default: break
            }
        }
        // On a point-to-point interface IFA_ADDRESS is the other end's.
        guard let own = local ?? address, AddressFamily(own) == family else { return nil }
        self.init(
            own, prefixLength: length, interface: index, flags: AddressFlags(rawValue: allFlags),
            protocolNumber: origin, scope: scope)
    }
}

/// IFA_F_... of rtnetlink(7).
package struct AddressFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// For IPv6: made up by the kernel, and soon replaced by another (RFC 8981). For IPv4: not the first of its prefix.
    package static let temporary = AddressFlags(rawValue: 0x01)
    /// Use it at once: no duplicate address detection, which has no sense where nobody shares the link.
    package static let noDuplicateDetection = AddressFlags(rawValue: 0x02)
    package static let duplicate = AddressFlags(rawValue: 0x08)
    /// No connection begins with it as its source (its preferred lifetime is over).
    package static let deprecated = AddressFlags(rawValue: 0x20)
    package static let tentative = AddressFlags(rawValue: 0x40)
    package static let permanent = AddressFlags(rawValue: 0x80)
    /// No route for the address's prefix comes with it.
    package static let noPrefixRoute = AddressFlags(rawValue: 0x200)
}

/// An address as people write it: IPv4-mapped ones as dotted quads.
func plainText(_ address: IPv6Address) -> String {
    guard let v4 = address.mappedIPv4 else { return address.description }
    return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
}
