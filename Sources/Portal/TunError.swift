internal import Glibc

/// Why there is no TUN device, or no longer. Each says what to do.
package enum TunError: Error, Equatable, CustomStringConvertible {
    /// The name cannot be an interface's: the kernel takes 1 to 15 bytes without "/", ":" and blanks.
    case badName(String)
    /// There is no /dev/net/tun.
    case noDriver
    /// CAP_NET_ADMIN is missing, or the right to open /dev/net/tun.
    case notPermitted(operation: String, object: String)
    /// Another process has the device open.
    case busy(name: String)
    /// An interface of this name exists and is not a TUN device, or one for a single queue where several are wanted.
    case wrongKind(name: String)
    /// The interface was deleted under us.
    case gone(name: String)
    /// Anything else; `code` is the kernel's errno.
    case failed(operation: String, object: String, code: Int32)

    package var description: String {
        switch self {
        case .badName(let name):
            "\"\(name)\" cannot be the name of an interface: use 1 to 15 bytes without \"/\", \":\" and blanks"
        case .noDriver:
            "there is no \(TunDevice.driver): load the module (modprobe tun), or pass the device into the container"
        case .notPermitted(let operation, let object):
            "not permitted to \(operation) \(object): run as root or give the service the capability CAP_NET_ADMIN "
                + "and access to \(TunDevice.driver)"
        case .busy(let name):
            "the TUN device \(name) is in use by another process (another inet256vpn?): stop it, or configure "
                + "another interface name"
        case .wrongKind(let name):
            "the interface \(name) exists and is not a TUN device with the same number of queues: configure another "
                + "interface name, or delete it (ip link delete \(name))"
        case .gone(let name):
            "the interface \(name) was deleted, or moved to another network namespace: without it the daemon ends, and has to be "
                + "started again (systemd does)"
        case .failed(let operation, let object, let code):
            "cannot \(operation) \(object): \(Self.text(code))"
        }
    }

    /// The one place where an errno becomes an error of this kind.
    init(_ operation: String, _ object: String, code: Int32) {
        switch code {
        case EPERM, EACCES: self = .notPermitted(operation: operation, object: object)
        default: self = .failed(operation: operation, object: object, code: code)
        }
    }

    /// The C library's words for an errno; strerror(3) may share one buffer among threads, this form does not.
    private static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else {
                return "error \(code)"
            }
            return String(cString: base)
        }
    }
}
