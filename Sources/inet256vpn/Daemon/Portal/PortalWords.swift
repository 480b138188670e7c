internal import Foundation
internal import Netlink
internal import Portal

extension PortalDamage.Kind {
    /// For people.
    var words: String {
        switch self {
        case .gone: "its interface"
        case .name: "its name"
        case .mark: "its alias"
        case .mtu: "its MTU"
        case .ipv6: "disable_ipv6"
        case .queue: "its queue"
        case .linkLocal: "link-local addresses"
        case .address: "its address"
        case .state: "down"
        case .route: "its routes"
        }
    }
}

/// Who sent a netlink message, as far as /proc shows it: for messages to people only.
enum Suspect {
    /// "networkd (process 412)"; "process 412", which is gone by now; nil where the kernel did not say.
    static func name(_ port: UInt32) -> String? {
        // Ports that are no process's have their highest bit set.
        guard port > 0, port < 1 << 22 else { return nil }
        guard let text = try? String(contentsOfFile: "/proc/\(port)/comm", encoding: .utf8) else {
            return "process \(port)"
        }
        return "\(text.prefix { $0 != "\n" }) (process \(port))"
    }
}
