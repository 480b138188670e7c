internal import CMnl
internal import Glibc

/// What the kernel refused: the operation, the object it was about, the errno, and the kernel's own
/// words (extended ACK) where it gave any. They are often empty, so the first three must suffice.
package struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, as a verb and a noun: "add route".
    package let operation: String
    /// What it was done to: "fd00::/8 dev inet256". May be empty for a dump.
    package let object: String
    /// The positive errno.
    package let code: Int32
    /// The kernel's extended-ACK text: "Nexthop has invalid gateway". Nil when it gave none.
    package let kernelText: String?

    package init(operation: String, object: String, code: Int32, kernelText: String? = nil) {
        self.operation = operation
        self.object = object
        self.code = code
        self.kernelText = kernelText
    }

    /// "EPERM", or "errno 4711" for a number that has no name.
    package var codeName: String {
        netlink_errno_name(code).map { String(cString: $0) } ?? "errno \(code)"
    }

    /// "cannot add route fd00::/8 dev inet256: Operation not permitted (EPERM)", then the kernel's words.
    package var description: String {
        let subject = object.isEmpty ? operation : "\(operation) \(object)"
        let words = netlink_errno_text(code).map { String(cString: $0) } ?? "unknown error"
        let kernel = kernelText.map { "; the kernel says: \($0)" } ?? ""
        return "cannot \(subject): \(words) (\(codeName))\(kernel)"
    }

    /// The caller lacks CAP_NET_ADMIN in the network namespace.
    package var isPermission: Bool { code == EPERM }
    /// The object is there already.
    package var isExisting: Bool { code == EEXIST }
    /// The object, or the device it was on, is not there (any more).
    package var isMissing: Bool { code == ENODEV || code == ENOENT || code == ESRCH || code == EADDRNOTAVAIL }
    /// No answer came in time; the kernel may or may not have done it.
    package var isTimeout: Bool { code == ETIMEDOUT }

    package static let switchingIPv6On = "switch on IPv6 of"

    /// What a person can do about it, for the errors where that is known.
    package var advice: String? {
        if operation == Self.switchingIPv6On { return "run `sysctl -w net.ipv6.conf.\(object).disable_ipv6=0`" }
        switch code {
        case EPERM:
            return "it needs CAP_NET_ADMIN: run as root, or start the service with AmbientCapabilities=CAP_NET_ADMIN"
        case EACCES where operation.contains("address"):
            return "new interfaces are made without IPv6 here (sysctl net.ipv6.conf.default.disable_ipv6 is 1): run "
                + "`sysctl -w net.ipv6.conf.default.disable_ipv6=0`, and see to it that /etc/sysctl.d does not set it, or `all`, to 1"
        case EAFNOSUPPORT, EPROTONOSUPPORT:
            return "this kernel lacks the protocol family: load the module or use a kernel that has it"
        default:
            return nil
        }
    }
}

/// The name of an interface for messages to people, "#7" when the index has none (any more).
package func interfaceName(_ index: UInt32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
        guard let base = buffer.baseAddress, let name = if_indextoname(index, base) else { return "#\(index)" }
        return String(cString: name)
    }
}
