package import Wire

/// Boxes behind NATs. One NAT may stand in several cables, of one box or of several; a cable without it is on the inside.
extension Simulation {
    /// Adds a NAT, which then is an element of cables; returns its number.
    package func addNAT(
        _ mapping: NAT.Mapping, _ filtering: NAT.Filtering = .addressAndPort, timeout: Interval = .seconds(120)
    ) -> Int {
        let address = IPv6Address(high: 0x2001_0db8 << 32 | 0xa70_0000 | UInt64(nats.count), low: 1)
        nats.append(NAT(address: address, mapping: mapping, filtering: filtering, timeout: timeout))
        return nats.count - 1
    }

    /// A NAT loses all its mappings, as in a power cut.
    package func restartNAT(_ number: Int) { nats[number].forget() }

    package func addressOfNAT(_ number: Int) -> IPv6Address { nats[number].address }

    /// The box at an endpoint: its own, or a port that a NAT gave it.
    func node(at endpoint: Endpoint) -> Int? {
        var endpoint = endpoint
        // A NAT may stand behind another.
        for _ in 0...nats.count {
            if let place = nodes.firstIndex(where: { $0.endpoint == endpoint }) { return place }
            guard let inside = nats.lazy.compactMap({ $0.owner(of: endpoint) }).first else { return nil }
            endpoint = inside
        }
        return nil
    }

    /// Where something that a box sends comes from, as those outside see it.
    func translated(from place: Int, to remote: Endpoint, by cable: Cable?) -> Endpoint {
        guard let cable else { return nodes[place].endpoint }
        return cable.nats(of: place).reduce(nodes[place].endpoint) { source, nat in
            nats[nat].outbound(from: source, to: remote, now: now)
        }
    }

    /// Does something reach a box that is sent to `endpoint`?
    func isLet(in place: Int, by cable: Cable?, to endpoint: Endpoint, from source: Endpoint) -> Bool {
        guard let cable else { return false }
        var endpoint = endpoint
        for nat in cable.nats(of: place).reversed() {
            guard let inside = nats[nat].inbound(to: endpoint, from: source, now: now) else { return false }
            endpoint = inside
        }
        return endpoint == nodes[place].endpoint
    }
}

extension Cable {
    /// The NATs that a node is behind, the nearest first.
    fileprivate func nats(of node: Int) -> [Int] {
        quality.elements.compactMap { if case .nat(let number, inside: node) = $0 { number } else { nil } }
    }
}
