internal import Glibc
internal import System
package import Wire

/// UDP as a transport: a socket for each thread.
package struct UDPTransport: PortSource, Equatable {
    package let endpoint: Endpoint
    /// Whether several datagrams may cross the kernel at once.
    package let offload: Bool

    /// Below this a burst of a fast sender does not fit (docs/performance.md).
    private static let goodBuffer = 4 << 20

    package init(_ endpoint: Endpoint, offload: Bool) {
        self.endpoint = endpoint
        self.offload = offload
    }

    /// Where the kernel has no IPv6 at all, `[::]` is all of IPv4.
    package func open(_ count: Int, number: UInt16) throws -> OpenedPorts {
        var opened: OpenedPorts
        do throws(TransportError) {
            opened = try open(count, number, at: endpoint)
        } catch {
            guard error.code == EAFNOSUPPORT, let substitute = endpoint.allIPv4 else { throw error }
            opened = try open(count, number, at: substitute)
            opened.warnings.append(
                "this kernel has no IPv6: udp://\(endpoint) is udp://\(substitute), and peers are reached by IPv4 alone"
            )
        }
        if let socket = opened.first as? UDPSocket, socket.receiveBuffer < Self.goodBuffer {
            opened.remarks.append(
                "the receive buffer of udp://\(endpoint) is \(socket.receiveBuffer >> 10) KB: bursts may be lost; "
                    + "raise net.core.rmem_max (deploy/ has a sysctl file) or give the daemon CAP_NET_ADMIN")
        }
        return opened
    }

    /// A kernel that does not divide senders among sockets has one.
    private func open(_ count: Int, _ number: UInt16, at endpoint: Endpoint) throws(TransportError) -> OpenedPorts {
        var options = UDPSocket.Options()
        options.offload = offload
        guard count > 1 else { return OpenedPorts(try UDPSocket(bind: endpoint, number: number, options: options)) }
        // Alone first, and closed again: with SO_REUSEPORT another daemon on the same port would go unnoticed.
        let bound = try UDPSocket(bind: endpoint, number: number).local
        do {
            return try shared(count, number, at: bound, options)
        } catch {
            let alone = try UDPSocket(bind: bound, number: number, options: options)
            return OpenedPorts(alone, refusal: "\(error)")
        }
    }

    private func shared(
        _ count: Int, _ number: UInt16, at bound: Endpoint, _ options: UDPSocket.Options
    ) throws(TransportError) -> OpenedPorts {
        var options = options
        options.sharesPort = true
        let first = try UDPSocket(bind: bound, number: number, options: options)
        var others: [UDPSocket] = []
        for _ in 1..<count { others.append(try UDPSocket(bind: bound, number: number, options: options)) }
        return OpenedPorts(first, others: others)
    }
}
