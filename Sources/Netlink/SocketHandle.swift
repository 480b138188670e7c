internal import CLinux
internal import CMnl
internal import Glibc
internal import Wire

/// Owns a libmnl socket: opened and bound at birth, closed at the end of its life.
struct SocketHandle: ~Copyable {
    private let socket: OpaquePointer
    let descriptor: Int32

    /// - Parameter groups: a bit mask of multicast groups, 0 for none.
    init(bus: Int32, groups: UInt32) throws(NetlinkError) {
        guard let opened = mnl_socket_open2(bus, Int32(SOCK_CLOEXEC.rawValue)) else {
            throw NetlinkError(operation: "open netlink socket", object: "", code: errno)
        }
        // Port 0: the kernel chooses, so that several sockets of a process do not collide.
        guard mnl_socket_bind(opened, groups, MNL_SOCKET_AUTOPID) == 0 else {
            let code = errno
            mnl_socket_close(opened)
            throw NetlinkError(operation: "bind netlink socket", object: "", code: code)
        }
        socket = opened
        descriptor = mnl_socket_get_fd(opened)
    }

    /// Takes over a socket that an earlier run of the program has left open and bound.
    /// - Parameter fd: the handle's from here on; closed also where this throws.
    init(adopting fd: Int32, bus: Int32) throws(NetlinkError) {
        guard clinux_socket_is(fd, AF_NETLINK, Int32(SOCK_RAW.rawValue), bus) == 1, let opened = mnl_socket_fdopen(fd)
        else {
            close(fd)
            throw NetlinkError(operation: "take over netlink socket", object: "", code: ENOTSOCK)
        }
        socket = opened
        descriptor = fd
    }

    deinit { mnl_socket_close(socket) }

    /// Switches a SOL_NETLINK option on; false where the kernel does not know it.
    @discardableResult
    func enable(_ option: Int32) -> Bool {
        var on: Int32 = 1
        return mnl_socket_setsockopt(socket, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// Asks for a receive buffer of that many bytes: by force where we may, else as far as the system's limit allows.
    func setReceiveBuffer(_ bytes: Int32) {
        var size = bytes
        let length = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
        }
    }

    /// Asks for a send buffer of at least that many bytes, in the same way. It never becomes smaller.
    func setSendBuffer(_ bytes: Int32) {
        var length = socklen_t(MemoryLayout<Int32>.size)
        var size: Int32 = 0
        // The kernel doubles what is asked for and shows the double.
        if getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0, size >= bytes { return }
        size = bytes
        if setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, length)
        }
    }

    /// The port that the kernel chose.
    var port: UInt32 { mnl_socket_get_portid(socket) }

    /// 0, or the errno.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        while mnl_socket_sendto(socket, bytes.baseAddress, bytes.count) < 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }

    /// 0 when something can be read, ETIMEDOUT, or another errno.
    func waitReadable(until deadline: Instant, now: () -> Instant) -> Int32 {
        while true {
            let left = deadline - now()
            guard left > .zero else { return ETIMEDOUT }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // Rounded up, so that the last millisecond is waited for and not spun through.
            let milliseconds = Int32(clamping: left.nanoseconds / 1_000_000 + 1)
            let ready = poll(&entry, 1, milliseconds)
            if ready > 0 { return 0 }
            if ready < 0 && errno != EINTR { return errno }
        }
    }
}

/// Where datagrams are received: grows to the largest one seen, up to a limit.
final class DatagramBuffer {
    enum Outcome {
        case datagram(UnsafeRawBufferPointer)
        /// A datagram that did not come from the kernel; it was thrown away.
        case stranger
        case failed(Int32)
    }

    private var storage: UnsafeMutableRawBufferPointer

    /// What the kernel fills at most in one go of a dump.
    private static let initialSize = 32 << 10
    private static let sizeLimit = 1 << 20

    init() { storage = .allocate(byteCount: Self.initialSize, alignment: 16) }

    deinit { storage.deallocate() }

    /// Waits for a datagram. The view is good until the next call.
    func receive(from handle: borrowing SocketHandle, until deadline: Instant, now: () -> Instant) -> Outcome {
        while true {
            let outcome = receiveNow(from: handle)
            guard case .failed(EAGAIN) = outcome else { return outcome }
            let waited = handle.waitReadable(until: deadline, now: now)
            if waited != 0 { return .failed(waited) }
        }
    }

    /// The next datagram, or EAGAIN at once when there is none. The view is good until the next call.
    func receiveNow(from handle: borrowing SocketHandle) -> Outcome {
        // Its length first: one that does not fit would be cut and its rest lost.
        let length = read(handle.descriptor, MSG_PEEK).count
        if length < 0 { return .failed(errno) }
        if length > storage.count {
            guard length <= Self.sizeLimit else {
                _ = read(handle.descriptor, 0)
                return .failed(EMSGSIZE)
            }
            storage.deallocate()
            storage = .allocate(byteCount: aligned(length), alignment: 16)
        }
        let (count, port) = read(handle.descriptor, 0)
        if count < 0 { return .failed(errno) }
        // Port 0 is the kernel; privileged processes could send here too.
        guard port == 0, count <= storage.count else { return .stranger }
        return .datagram(UnsafeRawBufferPointer(rebasing: storage[0..<count]))
    }

    private func read(_ descriptor: Int32, _ flags: Int) -> (count: Int, port: UInt32) {
        var sender = sockaddr_nl()
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        let base = storage.baseAddress
        let capacity = storage.count
        let count = withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                while true {
                    let count = recvfrom(
                        descriptor, base, capacity, Int32(flags) | Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC),
                        name, &length)
                    if count >= 0 || errno != EINTR { return count }
                }
            }
        }
        return (count, sender.nl_pid)
    }
}
