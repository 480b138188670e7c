internal import Wire

/// A rule on its way into the table: its alternatives and what it does. What a map has already decided is nil here.
struct RuleLine {
    enum Peer: Hashable {
        case prefix(IPv6Prefix)
        case set(String)
    }

    /// Nil matches everything; an empty list nothing.
    var services: [Service]?
    var peers: [Peer]?
    let places: [[Statement]]
    let actions: [Statement]
    let comment: String

    /// The ports that it speaks of, if it speaks of nothing else.
    var ports: [PortRange]? {
        guard let services else { return nil }
        var ports: [PortRange] = []
        for service in services {
            guard case .ports(let number, let range) = service else { return nil }
            ports.append(PortRange(protocol: number, ports: range))
        }
        return ports
    }

    /// The single addresses that it speaks of, if it speaks of nothing else.
    var hosts: [IPv6Address]? {
        guard let peers, !peers.isEmpty else { return nil }
        var hosts: [IPv6Address] = []
        for peer in peers {
            guard case .prefix(let prefix) = peer, prefix.length == 128 else { return nil }
            hosts.append(prefix.address)
        }
        return hosts
    }

    /// The line as rules of the table: one for each combination of its alternatives.
    func rules(side: Statement.Side, into parts: inout RulesetParts) -> [RulesetRule] {
        let peers = peerMatches(side, &parts)
        let services = serviceMatches(&parts)
        return peers.flatMap { peer in
            services.flatMap { service in
                places.map { RulesetRule(peer + service + $0 + actions, comment: comment.isEmpty ? nil : comment) }
            }
        }
    }

    private func peerMatches(_ side: Statement.Side, _ parts: inout RulesetParts) -> [[Statement]] {
        guard let peers else { return [[]] }
        var matches: [[Statement]] = []
        var literals: [IPv6Prefix] = []
        for peer in peers {
            switch peer {
            case .prefix(let prefix): literals.append(prefix)
            case .set(let name): matches.append([.addressIn(side, set: name)])
            }
        }
        if literals.count == 1 { return [[.address(side, literals[0])]] + matches }
        if literals.isEmpty { return matches }
        let elements: RulesetSet.Elements =
            literals.allSatisfy { $0.length == 128 } ? .hosts(literals.map(\.address)) : .prefixes(literals)
        return [[.addressIn(side, set: parts.set(literal: elements))]] + matches
    }

    private func serviceMatches(_ parts: inout RulesetParts) -> [[Statement]] {
        guard let services else { return [[]] }
        var matches: [[Statement]] = []
        var ports: [PortRange] = []
        for service in services {
            switch service {
            case .any: return [[]]
            case .ports(let number, let range): ports.append(PortRange(protocol: number, ports: range))
            case .ipProtocol(let number): matches.append([.transport(number)])
            case .icmpv6(let type, let code):
                let first: Statement = type.map { .icmpv6Type($0) } ?? .transport(FirewallPacket.icmpv6)
                matches.append(code.map { [first, .icmpv6Code($0)] } ?? [first])
            }
        }
        ports = PortRange.disjoint(ports)
        switch ports.count {
        case 0: break
        case 1: matches.insert([.transport(ports[0].protocol), .destinationPort(ports[0].ports)], at: 0)
        default: matches.insert([.serviceIn(set: parts.set(literal: .services(ports)))], at: 0)
        }
        // One service twice would be one rule twice.
        var seen: Set<[Statement]> = []
        return matches.filter { seen.insert($0).inserted }
    }
}

extension PortRange {
    /// Sorted, and joined where they touch: what an interval set takes.
    static func disjoint(_ ranges: [PortRange]) -> [PortRange] {
        let sorted = ranges.sorted {
            ($0.protocol, $0.ports.lowerBound, $0.ports.upperBound) < (
                $1.protocol, $1.ports.lowerBound, $1.ports.upperBound
            )
        }
        var joined: [PortRange] = []
        for range in sorted {
            if let last = joined.last, last.protocol == range.protocol,
                Int(range.ports.lowerBound) <= Int(last.ports.upperBound) + 1
            {
                let upper = max(last.ports.upperBound, range.ports.upperBound)
                joined[joined.count - 1] = PortRange(protocol: last.protocol, ports: last.ports.lowerBound...upper)
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}
