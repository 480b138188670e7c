package import INET256
internal import Wire

package enum OffloadChoice: String, CaseIterable, Sendable {
    case auto, off
}

/// What the datagrams that carry packets bear as DSCP.
package enum DSCPChoice: Equatable, Sendable {
    case clear
    /// That of the packet inside.
    case inherit
    /// Always this one, 0 to 63.
    case fixed(UInt8)
}

/// Whose packets pass the portal.
package enum PortalAccess: Equatable, Sendable {
    /// Everybody's; the firewall decides about services.
    case any
    /// These addresses' alone (names are already resolved), and with `peers` every configured peer's.
    case only(Set<Address>, peers: Bool)

    /// Whether it depends on who the configured peers are.
    package var namesPeers: Bool {
        if case .only(_, peers: true) = self { true } else { false }
    }

    /// Whether packets of `address` pass when `peers` are configured.
    package func permits(_ address: Address, peers configured: [PeerConfiguration]) -> Bool {
        switch self {
        case .any: true
        case .only(let addresses, let peers):
            addresses.contains(address) || peers && configured.contains { $0.id == address }
        }
    }
}

extension PortalConfiguration {
    static let interfaceName = Form<String> { value, _ in
        value.interfaceName()
    } show: { name, _ in
        .word(name)
    }

    static let prefix = Form<IPv6Prefix>(
        range: "/\(prefixLengths.lowerBound) to /\(prefixLengths.upperBound)"
    ) { value, _ in
        value.portalPrefix()
    } show: { prefix, _ in
        .word("\(prefix)")
    }

    static let exceptions = Form<[IPv6Prefix]> { value, reading in
        value.exceptions(of: reading.configuration.portal.prefix, beside: reading.configuration.networks)
    } show: { list, _ in
        .words(list.map(\.description))
    }

    static let dscp = Form<DSCPChoice>(range: "0 to 63") { value, _ in
        if value.isWord("clear") { return .clear }
        if value.isWord("inherit") { return .inherit }
        return value.integer(in: 0...63, or: "clear or inherit").map { .fixed(UInt8($0)) }
    } show: { choice, _ in
        switch choice {
        case .clear: .word("clear")
        case .inherit: .word("inherit")
        case .fixed(let dscp): .number(Int(dscp))
        }
    }
}

extension Form where Value == PortalAccess {
    /// Everybody, all peers, or nodes by names and addresses.
    static var access: Form {
        Form { value, reading in
            value.portalAccess(peers: reading.configuration.peers)
        } show: { access, _ in
            switch access {
            case .any: .words(["any"])
            case .only(let addresses, let peers):
                .words((peers ? ["peers"] : []) + addresses.sorted().map(\.description))
            }
        }
    }
}
