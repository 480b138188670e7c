import Wire

@testable import Firewall

/// Decides what becomes of a packet from the policy's meaning alone, as slowly and plainly as it can be written down.
/// It shares nothing with the evaluator and the compiler: addresses are texts of 128 ones and zeros, a prefix is the
/// beginning of such a text, and groups are the lists of members as they were before anybody sorted or merged them.
struct SlowOracle {
    struct Verdict: Hashable {
        var action: FirewallAction
        var reason: FirewallDecision.Reason
    }

    private let inbound: RuleList
    private let outbound: RuleList
    private var groups: [String: [String]] = [:]
    private var networks: [String: [String]] = [:]

    init(_ generated: GeneratedPolicy) {
        inbound = generated.policy.inbound
        outbound = generated.policy.outbound
        for (name, members) in generated.groupMembers { groups[name] = members.map(Self.bits) }
        for (name, prefixes) in generated.networkPrefixes { networks[name] = prefixes.map(Self.bits) }
    }

    func decide(_ packet: FirewallPacket) -> Verdict {
        // 1. What connection tracking knows.
        if packet.state == .established { return Verdict(action: .allow, reason: .connection) }
        if packet.state == .related { return Verdict(action: .allow, reason: .connection) }

        // 2. ICMPv6 that IPv6 does not work without. It "always passes", so it stands before invalid: to the kernel an
        // error is either related to a connection or invalid, and never new, so behind it nothing would be left to pass.
        if packet.transport == 58 && [1, 2, 3, 4].contains(packet.icmpType) {
            return Verdict(action: .allow, reason: .essentialICMPv6)
        }

        if packet.state == .invalid { return Verdict(action: .deny, reason: .invalid) }

        // Which address is the mesh's, which is ours, and is ours the box or a network behind it?
        let peer: String
        let ours: String
        let isBox: Bool
        let list: RuleList
        switch packet.way {
        case .toBox:
            (peer, ours, isBox, list) = (Self.bits(packet.source), Self.bits(packet.destination), true, inbound)
        case .toNetwork:
            (peer, ours, isBox, list) = (Self.bits(packet.source), Self.bits(packet.destination), false, inbound)
        case .fromBox:
            (peer, ours, isBox, list) = (Self.bits(packet.destination), Self.bits(packet.source), true, outbound)
        case .fromNetwork:
            (peer, ours, isBox, list) = (Self.bits(packet.destination), Self.bits(packet.source), false, outbound)
        }
        if !isBox {
            let isKnown = networks.values.contains { $0.contains { ours.hasPrefix($0) } }
            if !isKnown { return Verdict(action: .deny, reason: .noNetwork) }
        }

        // 3. The first rule that matches.
        for (index, rule) in list.rules.enumerated() {
            let serves = rule.services.contains { matches($0, packet) }
            let speaks = rule.peers.contains { matches($0, peer) }
            let lies = rule.places.contains { matches($0, isBox: isBox, ours) }
            if serves && speaks && lies { return Verdict(action: rule.action, reason: .rule(index)) }
        }

        // 4. Pings, from the mesh alone.
        let comesIn = packet.way == .toBox || packet.way == .toNetwork
        if comesIn && packet.transport == 58 && packet.icmpType == 128 {
            return Verdict(action: .allow, reason: .echoRequest)
        }

        // 5. The rest.
        return Verdict(action: list.fallback, reason: .fallback)
    }

    private func matches(_ service: Service, _ packet: FirewallPacket) -> Bool {
        switch service {
        case .any: return true
        case .ports(let transport, let ports):
            return packet.transport == transport && ports.lowerBound <= packet.destinationPort
                && packet.destinationPort <= ports.upperBound
        case .icmpv6(let type, let code):
            if packet.transport != 58 { return false }
            if let type, type != packet.icmpType { return false }
            if let code, code != packet.icmpCode { return false }
            return true
        case .ipProtocol(let transport): return packet.transport == transport
        }
    }

    private func matches(_ subject: Subject, _ peer: String) -> Bool {
        switch subject {
        case .any: return true
        case .group(let name): return groups[name, default: []].contains { peer.hasPrefix($0) }
        case .prefix(let prefix): return peer.hasPrefix(Self.bits(prefix))
        }
    }

    private func matches(_ place: Place, isBox: Bool, _ ours: String) -> Bool {
        switch place {
        case .box: return isBox
        case .network(let name): return !isBox && networks[name, default: []].contains { ours.hasPrefix($0) }
        }
    }

    /// All 128 bits, the first one first.
    static func bits(_ address: IPv6Address) -> String {
        let high = String(address.high, radix: 2)
        let low = String(address.low, radix: 2)
        return String(repeating: "0", count: 64 - high.count) + high + String(repeating: "0", count: 64 - low.count)
            + low
    }

    /// The bits that count.
    static func bits(_ prefix: IPv6Prefix) -> String { String(bits(prefix.address).prefix(prefix.length)) }
}
