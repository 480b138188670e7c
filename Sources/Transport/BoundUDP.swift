internal import CLinux
internal import Glibc
internal import System
internal import Wire

/// A UDP socket while it is made: a failure half-way closes it.
struct BoundUDP: ~Copyable {
    private let descriptor: OwnedDescriptor
    let isIPv4: Bool
    let local: Endpoint
    let receiveBuffer: Int
    let sendBuffer: Int
    let sendsSegments: Bool
    let receivesJoined: Bool
    let boundInterface: UInt32

    init(_ endpoint: Endpoint, _ options: UDPSocket.Options) throws(TransportError) {
        let made = OwnedDescriptor(owning: try Self.open(endpoint))
        try Self.configure(made.number, endpoint, options)
        try Self.bind(made.number, endpoint)
        try self.init(made, endpoint, options)
    }

    /// Takes over a socket that an earlier run of the program has left open; nil where it is not as `init` would make it, and then it is
    /// closed.
    init?(adopting left: consuming OwnedDescriptor, _ endpoint: Endpoint, _ options: UDPSocket.Options) {
        guard Self.fits(left.number, endpoint, options) else { return nil }
        do {
            try Self.configure(left.number, endpoint, options, isBound: true)
            try self.init(left, endpoint, options)
        } catch { return nil }
    }

    private init(
        _ made: consuming OwnedDescriptor, _ endpoint: Endpoint, _ options: UDPSocket.Options
    ) throws(TransportError) {
        let fd = made.number
        let name = try Self.name(fd, endpoint)
        isIPv4 = endpoint.isIPv4
        local = name
        receiveBuffer = Self.buffer(fd, forced: SO_RCVBUFFORCE, plain: SO_RCVBUF, options.bufferSize)
        let sendSize = min(options.bufferSize, options.sendBufferSize)
        sendBuffer = Self.buffer(fd, forced: SO_SNDBUFFORCE, plain: SO_SNDBUF, sendSize)
        // A kernel that lacks one of them says so here, and does without.
        sendsSegments = options.offload && clinux_probe_udp_segment(fd) == 0
        receivesJoined = options.offload && clinux_enable_udp_gro(fd) == 0
        boundInterface = options.interface == nil ? 0 : Self.boundInterface(fd)
        descriptor = made
    }

    /// Hands the descriptor over to the caller.
    consuming func release() -> Int32 { descriptor.release() }

    private static func open(_ endpoint: Endpoint) throws(TransportError) -> Int32 {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let fd = socket(endpoint.isIPv4 ? AF_INET : AF_INET6, type, Int32(IPPROTO_UDP))
        guard fd >= 0 else {
            let code = errno
            throw TransportError(
                "open", "UDP \(endpoint)", code: code,
                advice: code == EAFNOSUPPORT && !endpoint.isIPv4
                    ? "this kernel has no IPv6; bind to \"0.0.0.0:\(endpoint.port)\"" : nil)
        }
        return fd
    }

    private static func configure(
        _ fd: Int32, _ endpoint: Endpoint, _ options: UDPSocket.Options, isBound: Bool = false
    ) throws(TransportError) {
        // Once it is bound it is too late for it, and for sharing the port.
        if !endpoint.isIPv4, !isBound {
            // Said either way: the system's default (net.ipv6.bindv6only) may be either.
            try set(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, endpoint.address == .unspecified ? 0 : 1, endpoint)
        }
        let result = clinux_configure_udp(fd, endpoint.isIPv4)
        guard result == 0 else { throw TransportError("configure", "UDP \(endpoint)", code: -result) }
        if options.sharesPort, !isBound {
            try set(
                fd, SOL_SOCKET, SO_REUSEPORT, 1, endpoint, advice: "several threads need SO_REUSEPORT; set threads: 1")
        }
        if let mark = options.mark {
            try set(
                fd, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark), endpoint,
                advice: "a mark needs the capability CAP_NET_ADMIN")
        }
        if let interface = options.interface { try bindTo(interface, fd, endpoint) }
    }

    /// Before the address: sockets on one port are no trouble for each other where their interfaces differ.
    private static func bindTo(_ interface: String, _ fd: Int32, _ endpoint: Endpoint) throws(TransportError) {
        let name = Array(interface.utf8)
        let code = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count)) == 0 ? 0 : errno
        guard code != 0 else { return }
        let advice: String? =
            switch code {
            case ENODEV: "there is no interface \(interface); `ip link` lists those that are there"
            case EPERM: "a kernel before 5.7 asks for the capability CAP_NET_RAW"
            default: nil
            }
        throw TransportError("bind to \(interface)", "UDP \(endpoint)", code: code, advice: advice)
    }

    /// What the kernel made of the name, which may be another interface's by now.
    private static func boundInterface(_ fd: Int32) -> UInt32 {
        var index: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &length)
        return UInt32(clamping: index)
    }

    /// What cannot be changed any more is as it is wanted, and what is off by itself is off.
    static func fits(_ fd: Int32, _ endpoint: Endpoint, _ options: UDPSocket.Options) -> Bool {
        let domain = endpoint.isIPv4 ? AF_INET : AF_INET6
        guard options.interface == nil,
            clinux_socket_is(fd, domain, Int32(SOCK_DGRAM.rawValue), Int32(IPPROTO_UDP)) == 1,
            let local = try? name(fd, endpoint), local.address == endpoint.address,
            endpoint.port == 0 || endpoint.port == local.port,
            value(fd, SOL_SOCKET, SO_REUSEPORT) == (options.sharesPort ? 1 : 0),
            value(fd, SOL_SOCKET, SO_MARK) == Int32(bitPattern: options.mark ?? 0),
            value(fd, SOL_SOCKET, SO_BINDTOIFINDEX) == 0
        else { return false }
        return options.offload || clinux_has_udp_gro(fd) <= 0
    }

    private static func value(_ fd: Int32, _ level: Int32, _ option: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, level, option, &value, &length) == 0 ? value : nil
    }

    private static func set(
        _ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ endpoint: Endpoint, advice: String? = nil
    ) throws(TransportError) {
        var value = value
        guard setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw TransportError("configure", "UDP \(endpoint)", code: errno, advice: advice)
        }
    }

    /// Asks for a large buffer, past the system's limit where we may. Gives what the kernel granted: it
    /// doubles the number for its bookkeeping.
    private static func buffer(_ fd: Int32, forced: Int32, plain: Int32, _ size: Int) -> Int {
        var wanted = Int32(clamping: size)
        let length = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(fd, SOL_SOCKET, forced, &wanted, length) != 0 {
            // Cannot fail in a way that matters: it is cut down to net.core.rmem_max or wmem_max.
            setsockopt(fd, SOL_SOCKET, plain, &wanted, length)
        }
        var granted: Int32 = 0
        var grantedLength = length
        getsockopt(fd, SOL_SOCKET, plain, &granted, &grantedLength)
        return Int(granted)
    }

    private static func bind(_ fd: Int32, _ endpoint: Endpoint) throws(TransportError) {
        let result = SocketAddress(endpoint).withPointer { Glibc.bind(fd, $0, $1) == 0 ? 0 : errno }
        guard result != 0 else { return }
        let advice: String? =
            switch result {
            case EADDRINUSE:
                "port \(endpoint.port) is in use: stop the program that has it (`ss -ulpn sport = :\(endpoint.port)` "
                    + "names it) or configure another port"
            case EACCES: "ports below 1024 need the capability CAP_NET_BIND_SERVICE; configure a higher port"
            case EADDRNOTAVAIL: "no interface of this machine has this address"
            default: nil
            }
        throw TransportError("bind", "UDP \(endpoint)", code: result, advice: advice)
    }

    private static func name(_ fd: Int32, _ endpoint: Endpoint) throws(TransportError) -> Endpoint {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) == 0 ? 0 : errno }
        }
        guard result == 0, let local = withUnsafeBytes(of: storage, { Endpoint(socketAddress: $0) }) else {
            throw TransportError("name", "UDP \(endpoint)", code: result)
        }
        return local
    }
}
