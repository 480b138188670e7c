internal import Glibc
internal import System
internal import Transport
internal import Wire

/// The two sockets of one place.
struct NamesDoor {
    let place: NamesPlace
    private(set) var datagrams: UDPSocket?
    private(set) var connections: NamesListener?
    /// Why it is not open, once that was tried.
    private(set) var trouble: String?

    init(_ place: NamesPlace) { self.place = place }

    var isOpen: Bool { datagrams != nil }

    /// In bytes: a second of 10,000 queries waits in it while the machine is busy.
    private static let buffer = 8 << 20

    mutating func open() throws(SystemError) {
        var options = UDPSocket.Options()
        options.bufferSize = Self.buffer
        do throws(SystemError) {
            let socket = try UDPSocket(bind: place.endpoint, options: options)
            connections = try NamesListener(place.endpoint)
            datagrams = socket
        } catch {
            throw SystemError(error.operation, error.object, code: error.code, advice: advice(error.code))
        }
        trouble = nil
    }

    private func advice(_ code: Int32) -> String? {
        switch code {
        case EACCES:
            "a port below 1024 takes CAP_NET_BIND_SERVICE (AmbientCapabilities= of the unit); or name another in dns.listen, such as "
                + "portal:5353"
        case EADDRINUSE: "another program has it: name another port in dns.listen, or leave this place out"
        default: nil
        }
    }

    mutating func close(_ reason: String) {
        datagrams = nil
        connections = nil
        trouble = reason
    }
}

/// A socket that takes connections.
final class NamesListener {
    let descriptor: Int32

    private static let backlog: Int32 = 16

    init(_ endpoint: Endpoint) throws(SystemError) {
        let what = "TCP \(endpoint)"
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let made = OwnedDescriptor(owning: socket(endpoint.isIPv4 ? AF_INET : AF_INET6, type, Int32(IPPROTO_TCP)))
        guard made.number >= 0 else { throw SystemError("open", what, code: errno) }
        // Connections of the last run may still be on their way out.
        var yes: Int32 = 1
        setsockopt(made.number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let code = SocketAddress(endpoint).withPointer { address, length in
            bind(made.number, address, length) == 0 && listen(made.number, Self.backlog) == 0 ? 0 : errno
        }
        guard code == 0 else { throw SystemError("bind", what, code: code) }
        descriptor = made.release()
    }

    deinit { close(descriptor) }

    /// A connection that waits; nil where there is none (any more).
    func accept() throws(SystemError) -> NamesConnection? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(descriptor, $0, &length) }
        }
        guard accepted >= 0 else {
            switch errno {
            case EBADF, EINVAL, ENOTSOCK, EFAULT: throw SystemError("accept on", "a socket of names", code: errno)
            default: return nil
            }
        }
        let owned = OwnedDescriptor(owning: accepted)
        guard fcntl(accepted, F_SETFD, FD_CLOEXEC) == 0, fcntl(accepted, F_SETFL, O_NONBLOCK) == 0,
            let source = withUnsafeBytes(of: &storage, { Endpoint(socketAddress: $0) })
        else { return nil }
        return NamesConnection(descriptor: owned, source: source.address)
    }
}

/// A connection that was taken, and where from.
struct NamesConnection: ~Copyable {
    let descriptor: OwnedDescriptor
    let source: IPv6Address
}
