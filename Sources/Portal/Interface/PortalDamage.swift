package import Netlink
package import Wire

/// Something about the portal's interface, its address or its routes that is not as `PortalPlumbing` left it.
package enum PortalDamage: Hashable, Sendable, CustomStringConvertible {
    /// The interface was deleted, or moved to another network namespace.
    case gone(name: String)
    /// The interface is called otherwise. `isTaken`: another interface has its name.
    case renamed(from: String, to: String, isTaken: Bool)
    /// The alias, by which a crash is tidied up.
    case unmarked(name: String, alias: String)
    case mtu(UInt32, wanted: UInt32)
    /// The sysctl net.ipv6.conf.NAME.mtu.
    case ipv6MTU(UInt32, wanted: UInt32)
    /// The sysctl net.ipv6.conf.NAME.disable_ipv6.
    case ipv6Off(name: String)
    case queueLength(UInt32, wanted: UInt32)
    /// The kernel makes itself link-local addresses; `address` is one that it has made.
    case linkLocal(InterfaceAddress?)
    /// `fault` says what is wrong with the address where it is there: "deprecated".
    case address(IPv6Address, fault: String?)
    case down(name: String)
    /// A route of ours is not there; the text has the interface's name.
    case route(Route, text: String)
    /// Somebody else's route has exactly what the portal serves, and is better than ours or stands in its place.
    case overruled(IPv6Prefix, by: String)
    /// A route of ours that was for such a one, which is gone.
    case needless(Route, text: String)

    /// What the same damage has in common, whatever its values.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case gone, name, mark, mtu, ipv6, queue, linkLocal, address, state, route
    }

    package var kind: Kind {
        switch self {
        case .gone: .gone
        case .renamed: .name
        case .unmarked: .mark
        case .mtu, .ipv6MTU: .mtu
        case .ipv6Off: .ipv6
        case .queueLength: .queue
        case .linkLocal: .linkLocal
        case .address: .address
        case .down: .state
        case .route, .overruled, .needless: .route
        }
    }

    package var description: String {
        switch self {
        case .gone(let name): "interface \(name)"
        case .renamed(let name, let present, let isTaken):
            "\(name) is called \(present)" + (isTaken ? ", and another interface has its name" : "")
        case .unmarked(let name, let alias): "alias \"\(PortalMark.alias)\" on \(name) (it is \"\(alias)\")"
        case .mtu(let mtu, let wanted): "MTU \(wanted) (it is \(mtu))"
        case .ipv6MTU(let mtu, let wanted): "IPv6 MTU \(wanted) (it is \(mtu))"
        case .ipv6Off(let name): "IPv6 is switched off on \(name) (sysctl disable_ipv6)"
        case .queueLength(let length, let wanted): "queue length \(wanted) (it is \(length))"
        case .linkLocal(let address): address.map { "link-local address \($0)" } ?? "link-local addresses are made"
        case .address(let address, let fault): "address \(address)" + (fault.map { " (it is \($0))" } ?? "")
        case .down(let name): "\(name) is down"
        case .route(_, let text): "route \(text)"
        case .overruled(let prefix, let other): "\(prefix) goes another way: \(other)"
        case .needless(_, let text): "route \(text) is not needed any more"
        }
    }

    /// What `status` and the log call it, as a whole sentence's predicate: "address fd00::1 is missing".
    package var sentence: String {
        switch self {
        case .gone(let name): "interface \(name) is gone"
        case .address(_, nil), .route: "\(self) is missing"
        case .renamed, .unmarked, .mtu, .ipv6MTU, .ipv6Off, .queueLength, .linkLocal, .address, .down, .overruled,
            .needless:
            "\(self)"
        }
    }
}

/// The portal as the kernel has it at one moment.
package struct PortalInspection: Sendable {
    /// Of the interface; nil when there is none.
    package var index: UInt32?
    /// What it is called now.
    package var name: String?
    /// Bytes.
    package var mtu: UInt32?
    /// In the order in which they are mended; empty when the portal is whole.
    package var damages: [PortalDamage] = []
    /// What keeps traffic from its way though the portal is whole, a sentence each.
    package var warnings: [String] = []
}

/// What a mending did.
package struct PortalMending: Sendable {
    package var mended: [PortalDamage] = []
    package var failed: [(damage: PortalDamage, error: PortalError)] = []

    package init() {}
}
