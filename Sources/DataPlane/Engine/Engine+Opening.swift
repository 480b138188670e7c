internal import Glibc
internal import Logging
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The sockets and the portal: how they come and go, and what the portal's interface learns later.
extension Engine {
    func openSockets(_ setup: EngineSetup) throws {
        for (place, wanted) in setup.sockets.enumerated() {
            let endpoint = wanted.endpoint
            var options = UDPSocket.Options()
            options.offload = wanted.offload
            let socket = try bind(endpoint, number: UInt16(place), options)
            try worker.add(SocketLine(socket: socket, configured: endpoint))
            if socket.receiveBuffer < SocketLine.goodBuffer {
                warnings.append(
                    "the receive buffer of udp://\(endpoint) is \(socket.receiveBuffer >> 10) KB: bursts may be lost; "
                        + "raise net.core.rmem_max (deploy/ has a sysctl file) or give the daemon CAP_NET_ADMIN")
            }
        }
    }

    /// Where the kernel has no IPv6 at all, `[::]` is all of IPv4.
    private func bind(_ endpoint: Endpoint, number: UInt16, _ options: UDPSocket.Options) throws -> UDPSocket {
        func bound(_ endpoint: Endpoint) throws -> UDPSocket {
            try sides?.bind(endpoint, number: number, options: options)
                ?? UDPSocket(bind: endpoint, number: number, options: options)
        }
        do {
            return try bound(endpoint)
        } catch let error as TransportError where error.code == EAFNOSUPPORT {
            guard let substitute = endpoint.allIPv4 else { throw error }
            let warning =
                "this kernel has no IPv6: udp://\(endpoint) is udp://\(substitute), and peers are reached by IPv4 alone"
            warnings.append(warning)
            logger.warning("\(warning)")
            return try bound(substitute)
        }
    }

    func openPortal(_ setup: EngineSetup) throws {
        guard let portal = setup.portal else { return }
        let interface = try portal.keeper { [mailbox] in try? mailbox.post(.portalLost) }
        self.interface = interface
        try interface.prepare()
        let device = try sides?.open(portal, devices) ?? devices.open(portal, queues: 1)[0]
        let rules = PortalRules(portal, main: box.mainAddress, ownPorts: Set(worker.lines.map(\.socket.local.port)))
        let bridge = PortalBridge(device: device, ways: box, rules: rules, gate: portal.gate)
        desk = PortalDesk(bridge, hosted: hosted)
        learnMachineAddresses()
        try worker.open(bridge)
        let index = try devices.index(of: device)
        // No packet has passed yet, and none will before the firewall knows the interface by more than its name.
        try interface.raise(index)
        interfaceIndex = index
    }

    func openSides(_ setup: EngineSetup) throws {
        guard let sides, let bridge = worker.bridge else { return }
        if sides.assemble(like: bridge, limits: setup.box.limits) {
            box.setShared(true)
            try worker.poller.add(sides.handed.descriptor, token: EngineToken.handed, interest: .readable)
        } else {
            self.sides = nil
        }
        for warning in sides.warnings {
            warnings.append(warning)
            logger.warning("\(warning)")
        }
    }

    /// Where networks are behind this box, its own datagrams are told from those of hosts there by the source.
    func learnMachineAddresses() {
        if let addresses = interface?.machineAddresses() { desk?.machineAddresses = addresses }
    }

    /// Gives the interface the MTU that the best path to a neighbour carries, unless the configuration says one: TCP then fills
    /// its packets. Where a path carries less, senders are told (RFC 4443 section 3.2).
    func fitPortal() {
        guard let follows, let interface, let largest = box.largestPacket else { return }
        let mtu = UInt32(min(max(largest, follows.lowerBound), follows.upperBound))
        guard mtu != portalMTU, interface.fit(mtu: mtu) else { return }
        portalMTU = mtu
    }

    func closePortal() {
        interface?.close()
        interface = nil
        interfaceIndex = nil
        worker.bridge = nil
        desk = nil
    }
}
