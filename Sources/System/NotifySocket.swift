internal import Glibc
package import Wire

/// Tells systemd how the service is doing: the datagram protocol of sd_notify(3), without libsystemd.
package final class NotifySocket: Sendable {
    private let descriptor: Int32
    private let target: String

    /// A socket that notifies `path`: a file system path, or "@" and a name of the abstract namespace.
    package init(path: String) throws(SystemError) {
        target = path
        // Checked here, so that a wrong NOTIFY_SOCKET is an error once and not at every message.
        guard UnixAddress(path) != nil else {
            throw SystemError(
                "notify", "\"\(path)\"", code: EINVAL,
                advice: "NOTIFY_SOCKET must begin with \"/\" or \"@\" and be at most 107 bytes long")
        }
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let made = socket(AF_UNIX, type, 0)
        guard made >= 0 else { throw SystemError("open", "a notify socket", code: errno) }
        descriptor = made
    }

    /// The socket that $NOTIFY_SOCKET names, or nil where nobody waits to be notified.
    package static func fromEnvironment() throws(SystemError) -> NotifySocket? {
        guard let path = environment("NOTIFY_SOCKET"), !path.isEmpty else { return nil }
        return try NotifySocket(path: path)
    }

    deinit { close(descriptor) }

    /// Start-up, or a reload, is finished.
    package func ready(status: String? = nil) throws(SystemError) {
        try send("READY=1" + (status.map { "\nSTATUS=" + oneLine($0) } ?? ""))
    }

    /// A line for `systemctl status`; line breaks in it become blanks.
    package func status(_ text: String) throws(SystemError) { try send("STATUS=" + oneLine(text)) }

    /// Still alive: at least every `watchdogInterval`, better twice as often.
    package func watchdog() throws(SystemError) { try send("WATCHDOG=1") }

    /// Reloading its configuration; `ready` says when that is over.
    package func reloading() throws(SystemError) {
        // systemd compares this with its own clock: CLOCK_MONOTONIC, unlike all times of the data plane.
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        try send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    /// Beginning to shut down.
    package func stopping() throws(SystemError) { try send("STOPPING=1") }

    /// How long systemd waits for a sign of life before it kills the service, or nil when it does not watch
    /// this process: $WATCHDOG_USEC, unless $WATCHDOG_PID names another (sd_watchdog_enabled(3)).
    package static func watchdogInterval() -> Interval? {
        watchdogInterval(
            microseconds: environment("WATCHDOG_USEC"), process: environment("WATCHDOG_PID"), own: getpid())
    }

    static func watchdogInterval(microseconds: String?, process: String?, own: Int32) -> Interval? {
        guard let microseconds, let count = Int64(microseconds), count > 0, count <= .max / 1000 else { return nil }
        if let process, Int32(process) != own { return nil }
        return .microseconds(count)
    }

    private func oneLine(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 == 10 || $0 == 13 ? 32 : $0 }, as: UTF8.self)
    }

    private func send(_ message: String) throws(SystemError) {
        guard let address = UnixAddress(target) else { return }
        var text = message
        let code = text.withUTF8 { bytes in
            address.withPointer { pointer, length in
                sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), pointer, length) >= 0
                    ? 0 : errno
            }
        }
        guard code == 0 else { throw SystemError("notify", target, code: code) }
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// The address of a Unix datagram socket (unix(7)).
private struct UnixAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    init?(_ path: String) {
        var bytes = [UInt8](path.utf8)
        let pathOffset = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        // A path keeps its terminating zero; an abstract name has one in front, in place of the "@".
        guard bytes.count > 1, bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
            return nil
        }
        switch bytes[0] {
        case UInt8(ascii: "@"):
            bytes[0] = 0
            length = socklen_t(pathOffset + bytes.count)
        case UInt8(ascii: "/"):
            length = socklen_t(pathOffset + bytes.count + 1)
        default: return nil
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
