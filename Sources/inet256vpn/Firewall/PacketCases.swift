internal import Firewall
internal import Settings
internal import Wire

/// What stands for a whole service, subject or network when a policy is asked about it: packets chosen so that whatever the policy
/// could tell apart is among them.
struct PacketCases {
    let policy: FirewallPolicy

    /// The packets that `test` stands for.
    func packets(_ test: FirewallTest, _ members: GroupMembers) -> [FirewallPacket] {
        packets(test, members, most: .max) ?? []
    }

    /// - Parameter most: nil for more packets than that, which are not made then.
    func packets(_ test: FirewallTest, _ members: GroupMembers, most: Int) -> [FirewallPacket]? {
        let way = test.way
        let places = test.ends.flatMap(ends)
        let theirs = test.subjects.flatMap(members.prefixes).flatMap(addresses)
        let kinds = test.services.flatMap(\.services).flatMap(self.kinds)
        let (some, isLarge) = theirs.count.multipliedReportingOverflow(by: places.count)
        let (all, isLarger) = some.multipliedReportingOverflow(by: kinds.count)
        guard !isLarge, !isLarger, all <= most else { return nil }
        return theirs.flatMap { their in
            places.flatMap { ours, isForwarded in
                kinds.map { kind in
                    var packet =
                        switch way {
                        case .inbound:
                            FirewallPacket(isForwarded ? .toNetwork : .toBox, from: their, to: ours, transport: 0)
                        case .outbound:
                            FirewallPacket(isForwarded ? .fromNetwork : .fromBox, from: ours, to: their, transport: 0)
                        }
                    packet.transport = kind.transport
                    packet.destinationPort = kind.port
                    packet.icmpType = kind.type
                    packet.icmpCode = kind.code
                    return packet
                }
            }
        }
    }

    // MARK: Addresses

    private var rules: [FirewallRule] { policy.inbound.rules + policy.outbound.rules }

    /// The first address of a prefix, and the first of everything within it that the policy names, and of what is behind that.
    private func addresses(_ prefix: IPv6Prefix) -> [IPv6Address] {
        if prefix.length == 128 { return [prefix.address] }
        var named: [IPv6Prefix] = policy.groups.flatMap(\.members)
        for rule in rules {
            for case .prefix(let other) in rule.peers { named.append(other) }
        }
        var found: Set<IPv6Address> = [prefix.address]
        for other in named {
            for address in [other.address, other.following].compactMap(\.self) where prefix.contains(address) {
                found.insert(address)
            }
        }
        return found.sorted()
    }

    /// Addresses on our side, and whether packets to them are forwarded.
    private func ends(_ end: FirewallTest.End) -> [(IPv6Address, Bool)] {
        switch end {
        // The rules do not look at the box's own address: the input hook is enough.
        case .box: [(.unspecified, false)]
        case .address(let address): [(address, true)]
        case .network(let name): (policy.network(name)?.prefixes ?? []).map { ($0.address, true) }
        case .any: ends(.box) + policy.networks.flatMap { ends(.network($0.name)) }
        }
    }

    // MARK: Kinds

    private struct Kind {
        var transport: UInt8
        var port: UInt16 = 0
        var type: UInt8 = 0
        var code: UInt8 = 0
    }

    private func kinds(_ service: Service) -> [Kind] {
        switch service {
        case .any:
            // TCP, UDP, what ICMPv6 rules speak of, and whatever else they name; GRE stands for the rest.
            return Set([6, 17, 47] + namedProtocols).sorted().flatMap { kinds(.ipProtocol($0)) }
                + icmpv6Types.map { Kind(transport: FirewallPacket.icmpv6, type: $0) }
        case .ports(let number, let ports):
            return portsOfInterest(number, ports).map { Kind(transport: number, port: $0) }
        case .ipProtocol(let number):
            if number == FirewallPacket.icmpv6 { return kinds(.icmpv6(type: nil, code: nil)) }
            guard Service.protocolsWithPorts.contains(number) else { return [Kind(transport: number)] }
            return kinds(.ports(protocol: number, 0...UInt16.max))
        case .icmpv6(let type, let code):
            let types = type.map { [$0] } ?? icmpv6Types
            return types.map { Kind(transport: FirewallPacket.icmpv6, type: $0, code: code ?? 0) }
        }
    }

    /// Protocols that rules speak of, besides ICMPv6.
    private var namedProtocols: [UInt8] {
        rules.flatMap(\.services).compactMap { service in
            switch service {
            case .ports(let number, _): number
            case .ipProtocol(let number): number == FirewallPacket.icmpv6 ? nil : number
            case .any, .icmpv6: nil
            }
        }
    }

    /// Where the policy's ranges begin, and where they have ended.
    private func portsOfInterest(_ number: UInt8, _ within: ClosedRange<UInt16>) -> [UInt16] {
        var ports: Set<UInt16> = [within.lowerBound]
        for rule in rules {
            for case .ports(number, let range) in rule.services {
                if within.contains(range.lowerBound) { ports.insert(range.lowerBound) }
                if range.upperBound < .max, within.contains(range.upperBound + 1) {
                    ports.insert(range.upperBound + 1)
                }
            }
        }
        return ports.sorted()
    }

    /// Echo requests, and what rules name. (The errors that always pass would hide the rest.)
    private var icmpv6Types: [UInt8] {
        var types: Set<UInt8> = [128]
        for rule in rules {
            for case .icmpv6(let type?, _) in rule.services where type > 4 { types.insert(type) }
        }
        return types.sorted()
    }
}

extension IPv6Prefix {
    /// The first address behind the prefix; nil when there is none.
    fileprivate var following: IPv6Address? {
        let last = self.last
        if last.low != .max { return IPv6Address(high: last.high, low: last.low + 1) }
        return last.high == .max ? nil : IPv6Address(high: last.high + 1, low: 0)
    }
}
