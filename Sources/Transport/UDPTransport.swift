internal import Glibc
package import System
package import Wire

/// UDP as a transport: a socket for each thread.
package struct UDPTransport: PortSource {
    package let endpoint: Endpoint
    /// Whether several datagrams may cross the kernel at once.
    package let offload: Bool
    /// What packets bear for policy routing (SO_MARK).
    package let mark: UInt32?
    /// The one interface that packets leave and come by; nil for all.
    package let interface: String?
    /// Where the run before may have left its sockets, and the next finds this one's; nil where they go with their run.
    let store: DescriptorStore?

    /// Below this a burst of a fast sender does not fit (docs/performance.md).
    private static let goodBuffer = 4 << 20

    package init(
        _ endpoint: Endpoint, offload: Bool, mark: UInt32? = nil, interface: String? = nil,
        store: DescriptorStore? = nil
    ) {
        self.store = store
        self.endpoint = endpoint
        self.offload = offload
        self.mark = mark
        self.interface = interface
    }

    /// Where the kernel has no IPv6 at all, `[::]` is all of IPv4. An interface that is not there is waited
    /// for.
    package func open(_ count: Int, number: UInt16) throws -> OpenedPorts {
        if let sockets = adopt(count, number) {
            keep(sockets)
            return OpenedPorts(sockets[0], others: Array(sockets.dropFirst()))
        }
        var opened: OpenedPorts
        do throws(TransportError) {
            opened = try open(count, number, at: endpoint)
        } catch {
            if error.code == ENODEV, let interface { return try absent(interface, number) }
            guard error.code == EAFNOSUPPORT, let substitute = endpoint.allIPv4 else {
                throw error
            }
            opened = try open(count, number, at: substitute)
            opened.warnings.append(
                "this kernel has no IPv6: udp://\(endpoint) is udp://\(substitute), and peers are reached by IPv4 alone"
            )
        }
        keep(([opened.first] + opened.others).compactMap { $0 as? UDPSocket })
        if let socket = opened.first as? UDPSocket, socket.receiveBuffer < Self.goodBuffer {
            opened.remarks.append(
                "the receive buffer of udp://\(endpoint) is \(socket.receiveBuffer >> 10) KB: bursts may be lost; "
                    + "raise net.core.rmem_max (deploy/ has a sysctl file) or give the daemon CAP_NET_ADMIN")
        }
        return opened
    }

    /// Interfaces come and go: the name stands for one with another index, for none, or for one again.
    package func renewed(_ port: any DatagramPort) -> (any DatagramPort)? {
        guard let interface else { return nil }
        let index = if_nametoindex(interface)
        let bound = (port as? UDPSocket)?.boundInterface ?? 0
        guard index != bound else { return nil }
        // What fails now is tried again when the network changes again.
        if index == 0 { return try? AbsentPort(endpoint, number: port.number) }
        return try? open(1, number: port.number).first
    }

    /// Like the configured socket but for its port.
    package func spare(number: UInt16) throws -> (any DatagramPort)? {
        var other = endpoint
        other.port = 0
        return try UDPTransport(other, offload: offload, mark: mark, interface: interface).open(1, number: number).first
    }

    func options(sharesPort: Bool = false) -> UDPSocket.Options {
        var options = UDPSocket.Options()
        options.sharesPort = sharesPort
        options.offload = offload
        options.mark = mark
        options.interface = interface
        return options
    }

    private func absent(_ interface: String, _ number: UInt16) throws(TransportError) -> OpenedPorts {
        var opened = OpenedPorts(try AbsentPort(endpoint, number: number), refusal: Self.alone(interface))
        opened.warnings.append(
            "there is no interface \(interface): udp://\(endpoint) waits for it, and nothing goes there until then")
        return opened
    }

    private static func alone(_ interface: String) -> String {
        "a transport that is bound to an interface (\(interface)) has one socket"
    }

    /// A kernel that does not divide senders among sockets has one.
    private func open(_ count: Int, _ number: UInt16, at endpoint: Endpoint) throws(TransportError) -> OpenedPorts {
        guard count > 1, interface == nil else {
            let socket = try UDPSocket(bind: endpoint, number: number, options: options())
            return OpenedPorts(socket, refusal: count > 1 ? interface.map(Self.alone) : nil)
        }
        // Alone first, and closed again: with SO_REUSEPORT another daemon on the same port would go unnoticed.
        let bound = try UDPSocket(bind: endpoint, number: number).local
        do {
            return try shared(count, number, at: bound)
        } catch {
            let alone = try UDPSocket(bind: bound, number: number, options: options())
            return OpenedPorts(alone, refusal: "\(error)")
        }
    }

    private func shared(
        _ count: Int, _ number: UInt16, at bound: Endpoint
    ) throws(TransportError) -> OpenedPorts {
        let options = options(sharesPort: true)
        let first = try UDPSocket(bind: bound, number: number, options: options)
        var others: [UDPSocket] = []
        for _ in 1..<count { others.append(try UDPSocket(bind: bound, number: number, options: options)) }
        return OpenedPorts(first, others: others)
    }
}
