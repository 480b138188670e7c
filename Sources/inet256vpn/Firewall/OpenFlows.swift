internal import DataPlane
internal import Firewall
internal import INET256
internal import Netlink
internal import Portal
internal import Settings
internal import Wire

/// Which of the connections that the kernel tracks go through the portal, and which of these the policy would not let begin now.
struct OpenFlows: Sendable {
    /// Where addresses are, seen from this box.
    let filter: PortalFilter
    /// Who may reach the portal at all (`portal.allow`), by derived addresses; nil for everybody.
    var admitted: Set<IPv6Address>?
    var policy: FirewallPolicy
    /// Addresses of this machine: what is for them is for the box, also where they lie in a network behind it.
    var ownAddresses: Set<IPv6Address> = []

    var portalAddress: IPv6Address { filter.own }

    /// A connection through the portal: its ends and the packet that would begin it.
    struct Flow: Hashable, Sendable {
        let packet: FirewallPacket
        let ends: CutFlow

        /// Whether what comes of it can be told from other traffic by its ports.
        var hasPorts: Bool { Service.protocolsWithPorts.contains(packet.transport) }
    }

    /// Nil for a connection that does not go through the portal.
    func flow(_ connection: TrackedConnection) -> Flow? {
        let (caller, called) = (connection.source, connection.answerer)
        let isInbound: Bool
        switch (isOfMesh(caller), isOfMesh(called)) {
        case (true, false): isInbound = true
        case (false, true): isInbound = false
        case (true, true), (false, false): return nil
        }
        let ours = isInbound ? called : caller
        let isForwarded = !(ours == filter.own || ownAddresses.contains(ours))
        let way: FirewallPacket.Way =
            isInbound ? (isForwarded ? .toNetwork : .toBox) : (isForwarded ? .fromNetwork : .fromBox)
        var packet = FirewallPacket(way, from: caller, to: called, transport: connection.transport)
        packet.destinationPort = connection.answererPort
        packet.icmpType = connection.icmpType
        packet.icmpCode = connection.icmpCode
        let (theirPort, ourPort) =
            isInbound
            ? (connection.sourcePort, connection.answererPort) : (connection.answererPort, connection.sourcePort)
        return Flow(
            packet: packet,
            ends: CutFlow(
                theirs: isInbound ? caller : called, ours: ours, transport: connection.transport, theirPort: theirPort,
                ourPort: ourPort))
    }

    /// Whether it could begin now, as far as the rules say: what raw nft text says is not known here.
    func isAllowed(_ flow: Flow) -> Bool {
        if let admitted, let node = node(of: flow.ends.theirs), !admitted.contains(node) { return false }
        return policy.decide(flow.packet).action == .allow
    }

    /// The derived address of the node that has this address, or has it behind it.
    private func node(of address: IPv6Address) -> IPv6Address? {
        switch filter.location(of: address) {
        case .node: address
        case .behind(let owner): owner
        case .own, .local, .nowhere: nil
        }
    }

    private func isOfMesh(_ address: IPv6Address) -> Bool {
        node(of: address) != nil && !ownAddresses.contains(address)
    }
}

extension OpenFlows {
    /// Nil where there is no portal.
    init?(_ configuration: Configuration, own: Address, former: Address? = nil) {
        guard configuration.portal.enabled, let map = try? IPv6Map(prefix: configuration.portal.prefix),
            let networks = try? SiteNetworks(configuration.networks).table(map)
        else { return nil }
        filter = PortalFilter(
            own: map.address(of: own), former: former.map(map.address), prefix: map.prefix, networks: networks)
        policy = configuration.firewallPolicy()
        admitted =
            switch PortalGate(configuration.portal.allow, configuration) {
            case .only(let some): Set(some.map(map.address))
            case .everybody, .outside: nil
            }
    }
}
