package import Wire

/// Boxes behind NATs. One NAT may stand in several cables, of one box or of several; a cable without it is on the inside.
extension Simulation {
    /// Adds a NAT, which then is an element of cables; returns its number. `drawingBy`: it gives ports at random.
    package func addNAT(
        _ mapping: NAT.Mapping, _ filtering: NAT.Filtering = .addressAndPort, timeout: Interval = .seconds(120),
        drawingBy seed: UInt64? = nil
    ) -> Int {
        let address = IPv6Address(high: 0x2001_0db8 << 32 | 0xa70_0000 | UInt64(nats.count), low: 1)
        nats.append(
            NAT(address: address, mapping: mapping, filtering: filtering, timeout: timeout, drawingBy: seed))
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
            if let place = nodes.firstIndex(where: { $0.socket(at: endpoint) != nil }) { return place }
            guard let inside = nats.lazy.compactMap({ $0.owner(of: endpoint) }).first else { return nil }
            endpoint = inside
        }
        return nil
    }

    /// Where something that a box sends from one of its ports comes from, as those outside see it.
    func translated(_ source: Endpoint, of place: Int, to remote: Endpoint, by cable: Cable?) -> Endpoint {
        guard let cable else { return source }
        return cable.nats(of: place).reduce(source) { source, nat in
            nats[nat].outbound(from: source, to: remote, now: now)
        }
    }

    /// Which port of a box something reaches that is sent to `endpoint`; nil where it is not let in.
    func inside(_ place: Int, by cable: Cable?, to endpoint: Endpoint, from source: Endpoint) -> Endpoint? {
        guard let cable else { return nil }
        var endpoint = endpoint
        for nat in cable.nats(of: place).reversed() {
            guard let inside = nats[nat].inbound(to: endpoint, from: source, now: now) else { return nil }
            endpoint = inside
        }
        return nodes[place].socket(at: endpoint) == nil ? nil : endpoint
    }
}

extension Cable {
    /// The NATs that a node is behind, the nearest first.
    fileprivate func nats(of node: Int) -> [Int] {
        quality.elements.compactMap { if case .nat(let number, inside: node) = $0 { number } else { nil } }
    }
}
