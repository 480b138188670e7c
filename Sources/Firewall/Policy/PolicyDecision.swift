package import Wire

/// The policy as a function: what becomes of a packet, and by which rule. It says the same as the compiled table does in the
/// kernel; the tests hold both against a third opinion.
extension FirewallPolicy {
    package func decide(_ packet: FirewallPacket) -> FirewallDecision {
        if packet.state == .established || packet.state == .related { return FirewallDecision(.allow, .connection) }
        if packet.isEssential { return FirewallDecision(.allow, .essentialICMPv6) }
        if packet.state == .invalid { return FirewallDecision(.deny, .invalid) }
        if packet.way.isForwarded, !networks.contains(where: { $0.contains(packet.ours) }) {
            return FirewallDecision(.deny, .noNetwork)
        }
        let list = packet.way.isInbound ? inbound : outbound
        for (place, rule) in list.rules.enumerated() where matches(rule, packet) {
            return FirewallDecision(rule.action, .rule(place), limit: rule.limit)
        }
        if packet.isEchoRequest, packet.way.isInbound { return FirewallDecision(.allow, .echoRequest) }
        return FirewallDecision(list.fallback, .fallback)
    }

    private func matches(_ rule: FirewallRule, _ packet: FirewallPacket) -> Bool {
        rule.services.contains { $0.matches(packet) }
            && rule.peers.contains { matches($0, packet.theirs) }
            && rule.places.contains { matches($0, packet) }
    }

    private func matches(_ subject: Subject, _ address: IPv6Address) -> Bool {
        switch subject {
        case .any: true
        case .prefix(let prefix): prefix.contains(address)
        case .group(let name): group(name)?.contains(address) == true
        }
    }

    private func matches(_ place: Place, _ packet: FirewallPacket) -> Bool {
        switch place {
        case .box: !packet.way.isForwarded
        case .network(let name): packet.way.isForwarded && network(name)?.contains(packet.ours) == true
        }
    }
}

extension Service {
    func matches(_ packet: FirewallPacket) -> Bool {
        switch self {
        case .any: true
        case .ports(let number, let ports): packet.transport == number && ports.contains(packet.destinationPort)
        case .icmpv6(let type, let code):
            packet.transport == FirewallPacket.icmpv6 && (type == nil || type == packet.icmpType)
                && (code == nil || code == packet.icmpCode)
        case .ipProtocol(let number): packet.transport == number
        }
    }
}

extension FirewallGroup {
    func contains(_ address: IPv6Address) -> Bool { members.contains { $0.contains(address) } }
}

extension FirewallNetwork {
    package func contains(_ address: IPv6Address) -> Bool { prefixes.contains { $0.contains(address) } }
}

extension FirewallPacket {
    /// IPv6-ICMP, RFC 4443 section 1.
    package static let icmpv6: UInt8 = 58
    static let echoRequest: UInt8 = 128
    /// Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443 section 3).
    static let essentialTypes: ClosedRange<UInt8> = 1...4

    var isEssential: Bool { transport == Self.icmpv6 && Self.essentialTypes.contains(icmpType) }
    var isEchoRequest: Bool { transport == Self.icmpv6 && icmpType == Self.echoRequest }
    /// The address on our side, and that on the mesh's.
    var ours: IPv6Address { way.isInbound ? destination : source }
    var theirs: IPv6Address { way.isInbound ? source : destination }
}

extension FirewallPacket.Way {
    package var isInbound: Bool { self == .toBox || self == .toNetwork }
    package var isForwarded: Bool { self == .toNetwork || self == .fromNetwork }
}
