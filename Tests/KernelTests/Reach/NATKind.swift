/// What stands between a box and the Internet. Words of RFC 4787: mapping is which outside port a flow gets, filtering is
/// whose packets come in by it.
enum NATKind: String, CaseIterable, Sendable {
    /// Nothing: the box has a public address.
    case `public`
    /// Endpoint-independent mapping and filtering: whoever knows the outside port gets in.
    case fullCone = "full-cone"
    /// Endpoint-independent mapping, address-and-port-dependent filtering: most home routers.
    case portRestricted = "port-restricted"
    /// A new outside port for each destination, with the same filtering.
    case symmetric
    /// A port-restricted router behind another one (RFC 6888).
    case double

    /// What a probe sees of it. Each is shown by `NATKindTests` before anything is believed of the grid.
    var traits: NATTraits {
        switch self {
        case .public, .fullCone: NATTraits(keepsPort: true, admitsStrangers: true, admitsOtherPorts: true)
        case .portRestricted, .double: NATTraits(keepsPort: true, admitsStrangers: false, admitsOtherPorts: false)
        case .symmetric: NATTraits(keepsPort: false, admitsStrangers: false, admitsOtherPorts: false)
        }
    }

    /// The table of a router that translates, whose outer link is `wan`.
    var translation: String {
        switch self {
        case .public: ""
        case .fullCone: Self.cone
        case .portRestricted, .double: Self.masquerade("")
        case .symmetric: Self.masquerade(" random")
        }
    }

    /// What of a router drops. IPv6 has no translation here, and the same filter.
    ///
    /// What comes unasked is dropped before it is confirmed: the entry of a stranger's packet to the router itself would hold
    /// the way back of the flow that the inside sends there later, which then had to take another port.
    var filter: String {
        """
        table inet unasked {
            chain own { type filter hook input priority 0; iifname "wan" ct state new,invalid drop; }
            chain asked { \(self == .fullCone ? "ct status dnat accept;" : "") drop; }
            chain forth {
                type filter hook forward priority 0;
                iifname "wan" ct state new jump asked;
                iifname "wan" ct state invalid drop;
            }
        }
        """
    }

    /// The kernel keeps the inside port where it can, for all destinations alike; `random` draws one for each.
    private static func masquerade(_ option: String) -> String {
        """
        table ip nat {
            chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade\(option); }
        }
        """
    }

    /// What the inside sends fills a map from the outside port to who has it, by which everybody's packets come in.
    private static let cone = """
        table ip nat {
            map cone { type inet_service : ipv4_addr . inet_service; size 65535; flags dynamic,timeout; timeout 5m; }
            chain in {
                type nat hook prerouting priority dstnat;
                iifname "wan" meta l4proto udp dnat ip to udp dport map @cone;
            }
            chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
            chain learn {
                type filter hook postrouting priority srcnat + 10;
                oifname "wan" meta l4proto udp ct direction original \
                    update @cone { udp sport : ct original ip saddr . ct original proto-src };
            }
        }
        """
}

/// How a router shows itself to a probe.
struct NATTraits: Equatable, Sendable {
    /// One outside port for two destinations.
    var keepsPort: Bool
    /// A packet passes from an address that the inside never sent to.
    var admitsStrangers: Bool
    /// A packet passes from another port of an address that the inside has sent to.
    var admitsOtherPorts: Bool
}
