internal import Glibc
internal import System
internal import Wire

/// A UDP socket to a router's port for PCP and NAT-PMP. It is connected: the kernel gives it what comes from there and nothing else.
struct GatewaySocket: ~Copyable {
    let descriptor: OwnedDescriptor

    init(_ target: MappingTarget) throws(SystemError) {
        let name = "UDP to \(Endpoint(address: target.gateway, port: PCPFormat.serverPort))"
        let made = try UDPDescriptor.open(name)
        // From the address that the mapping is to lead to: routers hold the question against it.
        try UDPDescriptor.bind(made.number, Endpoint(address: target.own.address, port: 0), name)
        let remote = SocketAddress(Endpoint(address: target.gateway, port: PCPFormat.serverPort))
        let code = remote.withPointer { connect(made.number, $0, $1) }
        guard code == 0 else { throw SystemError("connect", name, code: errno) }
        descriptor = made
    }

    /// What cannot be sent is lost, as on the way.
    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor.number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Gives `body` what has come, a few datagrams at most; nil where the router says that nobody listens.
    func receive(_ body: (UnsafeRawBufferPointer?) -> Void) {
        UDPDescriptor.receive(descriptor.number) { bytes, _ in body(bytes) }
    }
}

/// Hears what routers say to everybody on the link (224.0.0.1, port 5350): that they have begun anew, or have another address.
struct AnnouncementSocket: ~Copyable {
    let descriptor: OwnedDescriptor

    init() throws(SystemError) {
        let name = "UDP 0.0.0.0:\(PCPFormat.clientPort)"
        let made = try UDPDescriptor.open(name)
        // Every client of a machine has it (RFC 6887 section 14.1.2).
        var yes: Int32 = 1
        setsockopt(made.number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let all = Endpoint(address: IPv6Address(mappedIPv4: 0), port: PCPFormat.clientPort)
        try UDPDescriptor.bind(made.number, all, name)
        descriptor = made
    }

    /// Gives `body` what has come from the port of that router.
    func receive(from gateway: IPv6Address, _ body: (UnsafeRawBufferPointer) -> Void) {
        UDPDescriptor.receive(descriptor.number) { bytes, source in
            if let bytes, source == Endpoint(address: gateway, port: PCPFormat.serverPort) { body(bytes) }
        }
    }
}

private enum UDPDescriptor {
    /// Datagrams taken in one go: more wait for the next turn.
    private static let burst = 16

    static func open(_ name: String) throws(SystemError) -> OwnedDescriptor {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(AF_INET, kind, 0)
        guard number >= 0 else { throw SystemError("open", name, code: errno) }
        return OwnedDescriptor(owning: number)
    }

    static func bind(_ number: Int32, _ endpoint: Endpoint, _ name: String) throws(SystemError) {
        let code = SocketAddress(endpoint).withPointer { Glibc.bind(number, $0, $1) }
        guard code == 0 else { throw SystemError("bind", name, code: errno) }
    }

    static func receive(_ number: Int32, _ body: (UnsafeRawBufferPointer?, Endpoint?) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: PCPFormat.longest + 1, alignment: 16) { buffer in
            for _ in 0..<burst {
                var storage = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let count = withUnsafeMutablePointer(to: &storage) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(number, buffer.baseAddress, buffer.count, 0, $0, &length)
                    }
                }
                if count < 0, errno == EINTR { continue }
                // A router without the service has its kernel say so (ICMP port unreachable).
                if count < 0, errno == ECONNREFUSED {
                    body(nil, nil)
                    continue
                }
                guard count >= 0 else { return }
                let source = withUnsafeBytes(of: storage) { all in
                    all.slice(0, Int(length)).flatMap { Endpoint(socketAddress: $0) }
                }
                if let bytes = UnsafeRawBufferPointer(buffer).slice(0, count) { body(bytes, source) }
            }
        }
    }
}
