/// The families that nf_tables keeps tables for (include/uapi/linux/netfilter.h, NFPROTO_...).
package enum NftFamily: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// IPv4 and IPv6 both.
    case inet = 1
    case ip = 2
    case arp = 3
    case netdev = 5
    case bridge = 7
    case ip6 = 10

    /// As `nft` writes it.
    package var description: String {
        switch self {
        case .inet: return "inet"
        case .ip: return "ip"
        case .arp: return "arp"
        case .netdev: return "netdev"
        case .bridge: return "bridge"
        case .ip6: return "ip6"
        }
    }

    /// Whether rules of this family see IPv6 packets at the hooks of the IP layer.
    package var seesIPv6: Bool { self == .inet || self == .ip6 }
}

/// A place where base chains hook in (NF_INET_...). The numbers hold for `inet`, `ip` and `ip6` only: other families count
/// their own hooks from zero.
package enum NftHook: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    case prerouting = 0
    /// Packets for this host.
    case input = 1
    case forward = 2
    case output = 3
    case postrouting = 4
    /// At a device, before the IP layer (Linux 5.10 for `inet`).
    case ingress = 5
    /// At a device, behind all others. Of `netdev` only, where its number is 1; it has none among these.
    case egress = 100

    /// As the kernel counts within a family; nil for a hook where no IPv6 packet of the machine's own comes by.
    init?(_ number: UInt32, of family: NftFamily) {
        switch family {
        case .inet, .ip, .ip6: self.init(rawValue: number)
        case .netdev:
            switch number {
            case 0: self = .ingress
            case 1: self = .egress
            default: return nil
            }
        case .arp, .bridge: return nil
        }
    }

    /// As `nft` writes it.
    package var description: String {
        switch self {
        case .prerouting: return "prerouting"
        case .input: return "input"
        case .forward: return "forward"
        case .output: return "output"
        case .postrouting: return "postrouting"
        case .ingress: return "ingress"
        case .egress: return "egress"
        }
    }
}
