internal import CMnl
package import Wire

/// A route (what `ip route` shows).
package struct Route: Hashable, Sendable, CustomStringConvertible {
    /// Where it leads. IPv4 destinations are IPv4-mapped: 10.0.0.0/8 is ::ffff:10.0.0.0/104. `IPv6Prefix` has no
    /// bits behind its length: the kernel would drop them without a word.
    package var destination: IPv6Prefix
    package var gateway: IPv6Address?
    /// The index of the (first) interface; 0 for none given.
    package var interface: UInt32
    /// Smaller wins; 0 lets the kernel choose (1024 for IPv6).
    package var metric: UInt32
    package var table: UInt32
    package var kind: RouteKind
    /// Who put it there (rtnetlink(7), `rtm_protocol`).
    package var protocolNumber = Route.staticProtocol
    /// The source that packets without one get.
    package var preferredSource: IPv6Address?
    /// Bytes of the largest packet on it; nil for that of the interface.
    package var mtu: UInt32?

    /// RT_TABLE_MAIN.
    package static let mainTable: UInt32 = 254
    /// RTPROT_STATIC: put there by an administrator.
    package static let staticProtocol: UInt8 = 4

    package init(
        _ destination: IPv6Prefix, gateway: IPv6Address? = nil, interface: UInt32 = 0, metric: UInt32 = 0,
        table: UInt32 = Route.mainTable, kind: RouteKind = .unicast
    ) {
        self.destination = destination
        self.gateway = gateway
        self.interface = interface
        self.metric = metric
        self.table = table
        self.kind = kind
    }

    /// The same with another mark of who put it there.
    package func marked(_ protocolNumber: UInt8) -> Route {
        var route = self
        route.protocolNumber = protocolNumber
        return route
    }

    package var family: AddressFamily {
        destination.length >= Self.mappedBits ? AddressFamily(destination.address) : .ipv6
    }

    /// Bits before the IPv4 part of an IPv4-mapped address.
    static let mappedBits = 96

    /// The prefix length in bits of the destination's own family.
    var ownLength: UInt8 { UInt8(destination.length - (family == .ipv4 ? Self.mappedBits : 0)) }

    /// "unreachable fd00::/8 metric 4294967294", "10.0.0.0/8 via 192.0.2.1 dev #3".
    package var description: String { text { "#\($0)" } }

    /// The same with the interface's name in place of its index.
    package func text(interface name: (UInt32) -> String) -> String {
        var words = kind == .unicast ? "" : "\(kind) "
        words += "\(plainText(destination.address))/\(ownLength)"
        if let gateway { words += " via \(plainText(gateway))" }
        if interface != 0 { words += " dev \(name(interface))" }
        if table != Self.mainTable { words += " table \(table)" }
        if metric != 0 { words += " metric \(metric)" }
        return words
    }

    /// Decodes the body of an RTM_NEWROUTE or RTM_DELROUTE message; nil when cut short or of another family.
    ///
    ///     family, destination length, source length, TOS, table, protocol, scope, type, flags (4), attributes
    ///     (rtnetlink(7), `struct rtmsg`)
    package init?(decoding body: UnsafeRawBufferPointer) {
        guard let family = body.host(UInt8.self, at: 0).flatMap({ AddressFamily(rawValue: $0) }),
            let length = body.host(UInt8.self, at: 1), let shortTable = body.host(UInt8.self, at: 4),
            let origin = body.host(UInt8.self, at: 5), let type = body.host(UInt8.self, at: 7),
            body.count >= MemoryLayout<rtmsg>.size, length <= (family == .ipv4 ? 32 : 128)
        else { return nil }
        // A destination of length 0 has no attribute.
        var address = family == .ipv4 ? IPv6Address(mappedIPv4: 0) : .unspecified
        var fields = (gateway: IPv6Address?.none, source: IPv6Address?.none, mtu: UInt32?.none)
        var interface: UInt32 = 0
        var metric: UInt32 = 0
        var table = UInt32(shortTable)
        for attribute in Attributes(body.tail(from: MemoryLayout<rtmsg>.size)) {
            switch rtattr_type_t(UInt32(attribute.type)) {
            case RTA_DST: address = attribute.payload.address ?? address
            case RTA_GATEWAY: fields.gateway = attribute.payload.address
            case RTA_OIF: interface = attribute.u32 ?? 0
            case RTA_PRIORITY: metric = attribute.u32 ?? 0
            case RTA_TABLE: table = attribute.u32 ?? table
            case RTA_PREFSRC: fields.source = attribute.payload.address
            case RTA_METRICS:
                for part in attribute.nested where part.type == UInt16(RTAX_MTU) { fields.mtu = part.u32 }
            case RTA_MULTIPATH:
                // The first of several next hops: length (2), flags, weight, index (4), then attributes of its own.
                if interface == 0 { interface = attribute.payload.host(UInt32.self, at: 4) ?? 0 }
                guard let length = attribute.payload.host(UInt16.self, at: 0),
                    let hop = attribute.payload.slice(0, Int(length))
                else { continue }
                for part in Attributes(hop.tail(from: MemoryLayout<rtnexthop>.size))
                where rtattr_type_t(UInt32(part.type)) == RTA_GATEWAY && fields.gateway == nil {
                    fields.gateway = part.payload.address
                }
            default: break
            }
        }
        let bits = Int(length) + (family == .ipv4 ? Self.mappedBits : 0)
        guard let destination = IPv6Prefix(address, length: bits) else { return nil }
        self.init(
            destination, gateway: fields.gateway, interface: interface, metric: metric, table: table,
            kind: RouteKind(rawValue: type) ?? .unspecified)
        protocolNumber = origin
        preferredSource = fields.source
        mtu = fields.mtu
        guard self.family == family else { return nil }
    }
}

/// What becomes of a packet on a route (rtnetlink(7), `rtm_type`).
package enum RouteKind: UInt8, Sendable, CaseIterable {
    case unspecified = 0
    case unicast, local, broadcast, anycast, multicast
    /// Dropped; local senders get EINVAL.
    case blackhole
    /// Refused with "no route to host".
    case unreachable
    /// Refused with "administratively prohibited".
    case prohibit
    /// As if this table had no route.
    case `throw`
}
