internal import Logging
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// The ports and the portal: how they come and go, and what the portal's interface learns later.
extension Engine {
    func openPorts(_ setup: EngineSetup) throws {
        for (place, source) in setup.ports.enumerated() {
            let number = UInt16(place)
            let opened = try sides?.open(source, number: number) ?? source.open(1, number: number)
            try worker.add(PortLine(opened.first, configured: source.endpoint))
            for warning in opened.warnings { logger.warning("\(warning)") }
            warnings += opened.warnings + opened.remarks
        }
        box.setPorts(worker.lines.map(\.port.traits), now: BootClock.now())
    }

    func openPortal(_ setup: EngineSetup) throws {
        guard let portal = setup.portal else { return }
        let interface = try portal.keeper { [mailbox] in try? mailbox.post(.portalLost) }
        self.interface = interface
        try interface.prepare()
        let device = try sides?.open(portal, devices) ?? devices.open(portal, queues: 1)[0]
        let rules = PortalRules(
            portal, main: box.mainAddress, former: box.formerAddress,
            ownPorts: Set(worker.lines.compactMap(\.port.facts.udpPort)))
        let bridge = PortalBridge(device: device, ways: box, rules: rules, gate: portal.gate)
        desk = PortalDesk(bridge, former: former, hosted: hosted)
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
        // Whatever went wrong meanwhile is for the next run to begin without.
        if isKeeping, failure == nil { interface?.leave() } else { interface?.close() }
        interface = nil
        interfaceIndex = nil
        worker.bridge = nil
        desk = nil
    }
}
