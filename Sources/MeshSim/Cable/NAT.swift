package import Wire

/// A router that translates addresses (RFC 4787): what goes out gets a port of its own address, and by that port those get in whom it
/// lets in, which are as a rule those only that were sent to from there, for as long as something goes out now and then.
package struct NAT: Sendable {
    package enum Mapping: Sendable, Equatable {
        /// One port for an inside endpoint, whoever it sends to.
        case endpointIndependent
        /// Another port for each endpoint that it sends to, so nobody can tell another how it is reached.
        case endpointDependent
    }

    package enum Filtering: Sendable, Equatable {
        /// Whoever sends to a port that is open gets in: a full cone, with a mapping of this kind.
        case endpointIndependent
        /// Only who was sent to from there.
        case addressAndPort
    }

    package let address: IPv6Address
    package let mapping: Mapping
    package let filtering: Filtering
    /// How long a port stays for which nothing goes out (120 s at least, says RFC 4787; many have 30).
    package let timeout: Interval
    private var entries: [Key: Entry] = [:]
    private var ports: [UInt16: Key] = [:]
    private var nextPort: UInt16 = 1024
    /// Ports are drawn by it, and given in turn where there is none.
    private var seed: UInt64?

    private struct Key: Hashable {
        let inside: Endpoint
        /// Nil: all of them.
        let outside: Endpoint?
    }

    private struct Entry {
        let port: UInt16
        var used: Instant
        /// Who was sent to, and when.
        var remotes: [Endpoint: Instant] = [:]
    }

    package init(
        address: IPv6Address, mapping: Mapping, filtering: Filtering = .addressAndPort, timeout: Interval,
        drawingBy seed: UInt64? = nil
    ) {
        self.seed = seed
        self.filtering = filtering
        self.address = address
        self.mapping = mapping
        self.timeout = timeout
    }

    /// Something goes out: where it seems to come from.
    package mutating func outbound(from inside: Endpoint, to outside: Endpoint, now: Instant) -> Endpoint {
        let key = Key(inside: inside, outside: mapping == .endpointIndependent ? nil : outside)
        var entry = live(key, now) ?? Entry(port: freePort(now), used: now)
        entry.used = now
        entry.remotes = entry.remotes.filter { now - $0.value < timeout }
        entry.remotes[outside] = now
        entries[key] = entry
        ports[entry.port] = key
        return Endpoint(address: address, port: entry.port)
    }

    /// Something comes for one of its ports: whose that is, if it gets in.
    package func inbound(to endpoint: Endpoint, from outside: Endpoint, now: Instant) -> Endpoint? {
        guard endpoint.address == address, let key = ports[endpoint.port], let entry = live(key, now) else {
            return nil
        }
        if filtering == .endpointIndependent { return key.inside }
        guard let told = entry.remotes[outside], now - told < timeout else { return nil }
        return key.inside
    }

    /// Who has a port, whether anybody gets in by it or not.
    func owner(of endpoint: Endpoint) -> Endpoint? {
        endpoint.address == address ? ports[endpoint.port]?.inside : nil
    }

    /// It starts again, and remembers nothing. The ports it gives next are others.
    package mutating func forget() {
        entries.removeAll()
        ports.removeAll()
    }

    private func live(_ key: Key, _ now: Instant) -> Entry? {
        entries[key].flatMap { now - $0.used < timeout ? $0 : nil }
    }

    /// Ports are given in turn; when all were given, those that nobody uses any more.
    private mutating func freePort(_ now: Instant) -> UInt16 {
        for _ in 0..<Int(UInt16.max) {
            if let seed {
                self.seed = seed &+ 1
                nextPort = 1024 + UInt16(SeededRandom(seed: seed).next() % UInt64(UInt16.max - 1023))
            } else {
                nextPort = nextPort == .max ? 1024 : nextPort + 1
            }
            guard let key = ports[nextPort] else { return nextPort }
            if live(key, now)?.port != nextPort {
                if entries[key]?.port == nextPort { entries[key] = nil }
                return nextPort
            }
        }
        preconditionFailure("more than 64,000 flows through a NAT")
    }
}
