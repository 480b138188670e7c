internal import Glibc
package import Netlink

/// Why the kernel does not take a firewall: what was to be done, which object it stumbled over, its errno and its own
/// words, and what a person can do about it.
package struct FirewallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// "load the firewall".
    package let operation: String
    /// The operation within, its object ("rule 3 of chain in_rules: allow ssh from admins"), errno and kernel's words.
    package let refusal: NetlinkError
    /// How many messages the kernel refused besides the first: as a rule because of the first.
    package let furtherRefusals: Int
    /// Who owns the table, when it is another process: "inet256vpn (process 812)".
    package let owner: String?

    init(_ operation: String, _ refusal: NetlinkError, furtherRefusals: Int = 0, owner: String? = nil) {
        self.operation = operation
        self.refusal = refusal
        self.furtherRefusals = furtherRefusals
        self.owner = owner
    }

    /// The positive errno.
    package var code: Int32 { refusal.code }
    /// The object that the kernel refused.
    package var object: String { refusal.object }

    package var description: String {
        let more = furtherRefusals > 0 ? " (and \(furtherRefusals) more that follow from it)" : ""
        let help = advice.map { "; \($0)" } ?? ""
        return "cannot \(operation): \(refusal)\(more)\(help)"
    }

    /// What a person can do about it, where that is known.
    package var advice: String? {
        if let owner { return "the table belongs to \(owner): stop that first" }
        return switch code {
        case EPERM:
            "it needs CAP_NET_ADMIN: run as root, or start the service with AmbientCapabilities=CAP_NET_ADMIN"
        case EOPNOTSUPP where refusal.kernelText == nil && object.hasPrefix("rule"):
            "the statement is not possible at this hook, or this kernel lacks it"
        case EOPNOTSUPP, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT:
            "this kernel has no nf_tables: load the module nf_tables, or use a kernel with CONFIG_NF_TABLES_INET"
        case EMSGSIZE:
            "the transaction is larger than the socket's send buffer and is never split: it needs CAP_NET_ADMIN to "
                + "raise the buffer, or a larger net.core.wmem_max"
        case EBUSY, EEXIST:
            "something of that name is there already and in use: see nft list ruleset"
        default:
            nil
        }
    }
}
