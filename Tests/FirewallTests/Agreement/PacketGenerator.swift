import TestSupport
import Wire

@testable import Firewall

/// Makes packets that stand at the edges of a policy: most are aimed at one of its rules, and then moved by one.
struct PacketGenerator {
    private var random: SplitMix
    private let generated: GeneratedPolicy

    init(_ generated: GeneratedPolicy, seed: UInt64) {
        self.generated = generated
        random = SplitMix(seed: seed)
    }

    mutating func packet() -> FirewallPacket {
        let way = random.pick([.toBox, .toNetwork, .fromBox, .fromNetwork] as [FirewallPacket.Way])
        return packet(way)
    }

    mutating func packet(_ way: FirewallPacket.Way) -> FirewallPacket {
        let policy = generated.policy
        let isInbound = way == .toBox || way == .toNetwork
        let rules = isInbound ? policy.inbound.rules : policy.outbound.rules
        let target = random.chance(75) ? rules.randomElement(using: &random) : nil

        let peer = self.peer(target.map { random.pick($0.peers) })
        let ours = self.ours(target.map { random.pick($0.places) })
        var packet = FirewallPacket(way, from: isInbound ? peer : ours, to: isInbound ? ours : peer, transport: 6)
        load(&packet, target.map { random.pick($0.services) } ?? rules.randomElement(using: &random)?.services.first)
        if random.chance(12) {
            packet.state = random.pick([.invalid, .established, .related, .untracked])
        }
        return packet
    }

    // Addresses.

    private mutating func peer(_ subject: Subject?) -> IPv6Address {
        switch subject {
        case .group(let name)?:
            guard let member = generated.groupMembers[name]?.randomElement(using: &random) else { return anyAddress() }
            return address(around: member)
        case .prefix(let prefix)?: return address(around: prefix)
        case .any?, nil: return anyAddress()
        }
    }

    private mutating func ours(_ place: Place?) -> IPv6Address {
        if case .network(let name)? = place, let prefix = generated.networkPrefixes[name]?.randomElement(using: &random)
        {
            return address(around: prefix)
        }
        let known = generated.policy.networks.flatMap { generated.networkPrefixes[$0.name, default: []] }
        guard let prefix = known.randomElement(using: &random), random.chance(85) else { return anyAddress() }
        return address(around: prefix)
    }

    private mutating func anyAddress() -> IPv6Address {
        random.chance(70) ? address(around: random.pick(generated.landmarks)) : random.address()
    }

    /// Within, at the ends, or one beside.
    private mutating func address(around prefix: IPv6Prefix) -> IPv6Address {
        switch random.number(0...9) {
        case 0...1: return prefix.address
        case 2...3: return prefix.highest
        case 4: return prefix.address.previous
        case 5: return prefix.highest.next
        default: return random.address(in: prefix)
        }
    }

    // The upper layer.

    private mutating func load(_ packet: inout FirewallPacket, _ service: Service?) {
        switch service {
        case .ports(let transport, let range)?:
            packet.transport = random.chance(92) ? transport : random.pick([6, 17, 132, 47])
            let ends = [Int(range.lowerBound), Int(range.upperBound)]
            let port =
                random.chance(40)
                ? Int(UInt16.random(in: range, using: &random)) : random.pick(ends) + random.number(-1...1)
            packet.destinationPort = UInt16(truncatingIfNeeded: port)
        case .icmpv6(let type, let code)?:
            packet.transport = 58
            packet.icmpType = type ?? random.pick([0, 1, 4, 128, 135, 255])
            if random.chance(20) { packet.icmpType = packet.icmpType &+ random.pick([1, 255]) }
            packet.icmpCode = code ?? random.pick([0, 0, 1, 255])
            if random.chance(40) { packet.icmpCode = packet.icmpCode &+ random.pick([1, 1, 255]) }
        case .ipProtocol(let transport)?:
            packet.transport = random.chance(90) ? transport : transport &+ 1
            packet.destinationPort = random.pick([0, 22, 80, 65535])
            packet.icmpType = random.pick([0, 1, 2, 3, 4, 5, 128, 129])
        case .any?, nil:
            packet.transport = random.pick([6, 6, 17, 17, 58, 58, 47, 50, 132, 253])
            packet.destinationPort = random.pick([0, 22, 80, 443, 65535])
            packet.icmpType = random.pick([1, 2, 128, 128, 128, 128, 129, 135])
        }
        // What a packet does not have is zero.
        if !Service.protocolsWithPorts.contains(packet.transport) { packet.destinationPort = 0 }
        if packet.transport != 58 { (packet.icmpType, packet.icmpCode) = (0, 0) }
    }
}
