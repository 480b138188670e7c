internal import Glibc
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// The sockets and the portal: how they come and go, and what the portal's interface learns later.
extension Engine {
    static func watch(_ logger: Logger) -> NetworkWatcher? {
        do {
            return try NetworkWatcher()
        } catch {
            logger.warning("changes of the network will not be noticed at once", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    func openSockets(_ setup: EngineSetup) throws {
        for (place, transport) in setup.transports.enumerated() {
            let endpoint = transport.udp
            var options = UDPSocket.Options()
            options.offload = transport.offload == .auto
            let socket = try bind(endpoint, number: UInt16(place), options)
            try poller.add(socket.descriptor, token: Token.sockets + UInt64(place), interest: .readable)
            lines.append(SocketLine(socket: socket, configured: endpoint))
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
        var plumbing = PortalPlumbing(portal.plan, try NetlinkSocket())
        let prepared = try plumbing.prepare()
        self.plumbing = plumbing
        for leftover in prepared.cleaned { logger.notice("removed a leftover", metadata: ["object": "\(leftover)"]) }
        // `status` has them as they are when it is asked.
        for warning in prepared.warnings { logger.warning("\(warning)") }
        let device = try openDevice(portal)
        bridge = PortalBridge(
            device: device, box: box, map: portal.map, gate: portal.gate, ownPorts: Set(lines.map(\.socket.local.port)),
            networks: portal.networks, owners: portal.owners, dscp: portal.dscp)
        bridge?.hosted = hosted
        learnMachineAddresses()
        try poller.add(device.descriptor, token: Token.portal, interest: .readable)
        let index = try device.index()
        // No packet has passed yet, and none will before the firewall knows the interface by more than its name.
        try portal.guardian(index)
        try plumbing.bringUp(index)
        self.plumbing = plumbing
        watch = try PortalWatch(plumbing, portal.commands, logger: logger) { [mailbox] in
            try? mailbox.post(.portalLost)
        }
    }

    private func openDevice(_ portal: EngineSetup.PortalSetup) throws -> TunDevice {
        let name = portal.plan.interface
        let persistent = portal.plan.persistent
        let offload: OffloadMode = portal.offload ? .auto : .off
        if let sides { return try sides.open(name: name, persistent: persistent, offload: offload) }
        do throws(TunError) {
            return try TunDevice(name: name, persistent: persistent, offload: offload)
        } catch {
            // A persistent device may have been made for several threads.
            guard case .wrongKind = error, persistent else { throw error }
            return try TunDevice(name: name, persistent: persistent, offload: offload, multiQueue: true)
        }
    }

    func openSides(_ setup: EngineSetup) throws {
        guard let sides, let bridge else { return }
        if sides.assemble(like: bridge, limits: setup.box.limits) {
            box.setShared(true)
            try poller.add(sides.handed.descriptor, token: Token.handed, interest: .readable)
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
        guard let plan = plumbing?.plan, !plan.localNetworks.isEmpty else { return }
        do {
            let addresses = try Addresses(try NetlinkSocket()).list(family: .ipv6)
            bridge?.machineAddresses = Set(addresses.map(\.address))
        } catch {
            logger.warning("the machine's addresses could not be asked", metadata: ["reason": "\(error)"])
        }
    }

    /// Gives the interface the MTU that the best path to a neighbour carries, unless the configuration says one: TCP then fills
    /// its packets. Where a path carries less, senders are told (RFC 4443 section 3.2).
    func fitPortal() {
        guard followsPaths, let portalCommands, let largest = box.largestPacket else { return }
        let mtu = UInt32(min(max(largest, PortalConfiguration.leastMTU), PortalConfiguration.mtus.upperBound))
        guard mtu != portalMTU else { return }
        do {
            try portalCommands.post(.fit(mtu: mtu))
            portalMTU = mtu
        } catch {
            logger.warning("the interface's MTU cannot be changed", metadata: ["reason": "\(error)"])
        }
    }

    func closePortal() {
        if let watch, let plumbing = watch.finish() { self.plumbing = plumbing }
        watch = nil
        for command in portalCommands?.close() ?? [] { command.dismiss() }
        guard var plumbing else { return }
        do {
            try plumbing.tearDown()
        } catch {
            logger.error("not everything of the portal could be removed", metadata: ["reason": "\(error)"])
        }
        self.plumbing = nil
        bridge?.close()
        bridge = nil
    }
}
