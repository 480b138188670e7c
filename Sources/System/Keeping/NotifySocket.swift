internal import CLinux
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

    /// Leaves a descriptor with the service manager under a name, which gives it to the service's next run; its own copy stays open. A
    /// second of one name is kept beside the first, and one that is there already is not kept twice. The manager does not look at it: what has
    /// an error pending is no reason to let it go (sd_pid_notify_with_fds(3), FDPOLL=0).
    package func store(_ descriptor: Int32, as name: String) throws(SystemError) {
        try send("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, handing: descriptor)
    }

    /// Has the service manager close what it keeps under a name.
    package func forget(_ name: String) throws(SystemError) { try send("FDSTOREREMOVE=1\nFDNAME=" + name) }

    /// Waits until the service manager has read all that was said before, two seconds at most (sd_notify_barrier(3), systemd 246).
    package func barrier() {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return }
        let sent = (try? send("BARRIER=1", handing: ends[1])) != nil
        close(ends[1])
        var entry = pollfd(fd: ends[0], events: 0, revents: 0)
        // It closes its copy of the other end when it gets there.
        if sent { while poll(&entry, 1, 2000) < 0, errno == EINTR {} }
        close(ends[0])
    }

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

    private func send(_ message: String, handing handed: Int32 = -1) throws(SystemError) {
        guard let address = UnixAddress(target) else { return }
        var text = message
        let code = text.withUTF8 { bytes in
            address.withPointer { pointer, length in
                -clinux_notify(descriptor, pointer, length, bytes.baseAddress, bytes.count, handed)
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
