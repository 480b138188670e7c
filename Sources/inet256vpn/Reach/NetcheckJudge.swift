internal import AdminProtocol
internal import Wire

/// What the facts about this machine's network mean, and what to do about it. Nothing in here asks anybody.
struct NetcheckJudge {
    private let facts: NetcheckFacts
    private let nat: NATKind

    init(_ facts: NetcheckFacts) {
        self.facts = facts
        nat = NATKind(facts)
    }

    var findings: [NetcheckFinding] {
        [reach, udp, ipv4, ipv6, mapping, filtering, portMapping, mtu].compactMap(\.self)
    }

    // MARK: The sum

    private var reach: NetcheckFinding {
        let open = open
        if nat == .symmetric, open.isEmpty {
            return NetcheckFinding(
                .reach, .bad, "a symmetric NAT is on the way, and no port of it leads here",
                advice: "two boxes that are both behind symmetric NAT stay relayed: \(forward)")
        }
        if !open.isEmpty {
            return NetcheckFinding(.reach, .good, "others can begin: \(open.joined(separator: ", "))")
        }
        switch nat {
        case .stable:
            return NetcheckFinding(
                .reach, .limited, "behind a NAT that lets straight paths through when both ends try at once",
                advice: "where the far end is behind a symmetric NAT it stays relayed: \(forward)")
        case .unknown, .none, .symmetric:
            return NetcheckFinding(
                .reach, .unknown, "no address of this box is known to be reached from everywhere",
                advice: "most routers let a straight path come about by itself once both ends have a neighbour in "
                    + "common; where none does, \(forward)")
        }
    }

    /// Where somebody who knows it can call this box first.
    private var open: [String] {
        facts.candidates.filter { candidate in
            // An address of its own that is public and not what others see is behind something all the same.
            candidate.isPublic && !(candidate.kind == Self.host && candidate.isIPv4 && nat.isThere)
        }.map { "udp://\($0.endpoint)" }
    }

    private static let host = "\(Candidate.Kind.host)"

    private var forward: String {
        "have the router forward UDP port \(port) to this machine, or set port_mapping: auto on both sides of it"
    }

    /// That of the first transport.
    private var port: String {
        facts.transports.first.flatMap { $0.split(separator: ":").last.map(String.init) } ?? "25632"
    }

    // MARK: One by one

    private var udp: NetcheckFinding {
        let up = facts.neighbours.filter(\.isUp)
        if !up.isEmpty {
            let direct = up.compactMap(\.endpoint)
            let isIPv6 = Set(direct.map { $0.hasPrefix("[") })
            let by = (isIPv6.contains(false) ? ["IPv4"] : []) + (isIPv6.contains(true) ? ["IPv6"] : [])
            return NetcheckFinding(
                .udp, .good, "UDP works" + (by.isEmpty ? "" : ", over " + by.joined(separator: " and ")))
        }
        let called = facts.neighbours.filter(\.isCalled)
        guard !called.isEmpty else {
            return NetcheckFinding(
                .udp, .unknown, "no neighbour that could tell",
                advice: "add a peer with its addrs, and run this again")
        }
        let names = called.prefix(4).map(\.name).joined(separator: ", ")
        return NetcheckFinding(
            .udp, .bad, "no neighbour answers: \(names)" + (called.count > 4 ? ", ..." : ""),
            advice:
                "they are off, or UDP is blocked between here and there: `inet256vpn peers` says what became of each")
    }

    private var ipv4: NetcheckFinding {
        let family = facts.ipv4
        guard family.transport else {
            return NetcheckFinding(
                .ipv4, .limited, "no transport of this box speaks IPv4",
                advice: "add udp: \"0.0.0.0:\(port)\" to transports")
        }
        guard let source = family.source else {
            return NetcheckFinding(.ipv4, .limited, "there is no way to the world by IPv4")
        }
        if family.isPublic { return NetcheckFinding(.ipv4, .good, "public: \(source)") }
        let router = family.router.map { " behind \($0)" } ?? ""
        return NetcheckFinding(.ipv4, .limited, "private: \(source)\(router)")
    }

    private var ipv6: NetcheckFinding {
        let family = facts.ipv6
        guard family.transport else {
            return NetcheckFinding(
                .ipv6, .limited, "no transport of this box speaks IPv6",
                advice: "add udp: \"[::]:\(port)\" to transports")
        }
        guard let source = family.source else {
            return NetcheckFinding(
                .ipv6, .limited, "there is no way to the world by IPv6",
                advice: "with IPv6 on both sides no NAT is in the way: ask the provider for it")
        }
        guard family.isPublic else { return NetcheckFinding(.ipv6, .limited, "private: \(source)") }
        return NetcheckFinding(
            .ipv6, .good, "public: \(source)",
            advice: "for others to begin, the router's firewall has to let UDP port \(port) in for this machine")
    }

    private var mapping: NetcheckFinding? {
        guard facts.ipv4.transport, facts.ipv4.source != nil else { return nil }
        switch nat {
        case .none:
            return NetcheckFinding(.mapping, .good, "no NAT: neighbours see this box's own address")
        case .stable(let outside):
            return NetcheckFinding(
                .mapping, .good, "endpoint-independent: one outside port for all, \(outside)")
        case .symmetric:
            return NetcheckFinding(
                .mapping, .limited, "symmetric: the NAT shows another outside port, or address, to each",
                advice: "both ends behind symmetric NAT stay relayed: \(forward)")
        case .unknown(let seen):
            guard let seen else {
                return NetcheckFinding(
                    .mapping, .unknown, "no neighbour outside has said where it sees this box",
                    advice: "link to two boxes outside this network, and run this again")
            }
            return NetcheckFinding(
                .mapping, .unknown,
                "one neighbour sees this box at \(seen): a second one tells which kind of NAT it is",
                advice: "link to another box outside this network, and run this again")
        }
    }

    private var filtering: NetcheckFinding? {
        guard nat.isThere else { return nil }
        switch facts.filtering {
        case "open": return NetcheckFinding(.filtering, .good, "the NAT lets everybody in by the outside port")
        case "address":
            return NetcheckFinding(.filtering, .good, "the NAT lets in who has been written to, from any port")
        case "address-and-port":
            return NetcheckFinding(
                .filtering, .limited, "the NAT lets in answers alone: both ends have to try at once, which they do")
        case .some, nil:
            return NetcheckFinding(.filtering, .unknown, "what the NAT lets in besides answers is not known")
        }
    }

    private var portMapping: NetcheckFinding {
        let mapping = facts.portMapping
        let router = facts.ipv4.router ?? "the router"
        let by = mapping.by ?? "it"
        switch mapping.state {
        case .off:
            return NetcheckFinding(
                .portMapping, .unknown, "the router is not asked (port_mapping: off)",
                advice: facts.ipv4.isPublic ? nil : "set port_mapping: auto")
        case .notNeeded:
            return NetcheckFinding(.portMapping, .good, "not needed: this machine has a public IPv4 address")
        case .impossible:
            return NetcheckFinding(.portMapping, .unknown, "nobody is asked: \(mapping.detail ?? "there is no router")")
        case .asking:
            return NetcheckFinding(.portMapping, .unknown, "\(router) is being asked: try again in 10 seconds")
        case .mapped:
            let lasts =
                mapping.lifetimeSeconds.map { $0 == 0 ? ", until it is taken back" : ", for \($0) s, renewed in time" }
                ?? ""
            return NetcheckFinding(
                .portMapping, .good, "\(router) has opened \(mapping.external ?? "a port") (\(by)\(lasts))")
        case .notPublic:
            return NetcheckFinding(
                .portMapping, .limited,
                "\(router) has opened a port (\(by)), and has no public address itself: two NATs in series",
                advice: "forward the port on the second router too, or ask the provider for a public address; "
                    + "where it has carrier-grade NAT, IPv6 is the way")
        case .failed:
            let tried = mapping.tried.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            return NetcheckFinding(
                .portMapping, .limited, "\(router) opens no port (\(tried.joined(separator: "; ")))",
                advice:
                    "switch UPnP, NAT-PMP or PCP on in the router, or forward UDP port \(port) to this machine there"
                    + (hasUPnP ? "" : "; for UPnP install libminiupnpc17"))
        }
    }

    private var hasUPnP: Bool { facts.portMapping.tried["UPnP"]?.contains("libminiupnpc") != true }

    /// What is carried in one piece to each neighbour.
    private var mtu: NetcheckFinding? {
        let sizes = facts.neighbours.filter(\.isUp).compactMap { neighbour in
            neighbour.mtu.map { (neighbour.name, $0) }
        }
        guard let least = sizes.min(by: { $0.1 < $1.1 }), let most = sizes.max(by: { $0.1 < $1.1 }) else { return nil }
        guard least.1 >= Self.leastIPv6 else {
            return NetcheckFinding(
                .mtu, .limited, "to \(least.0) \(least.1) bytes go in one piece, and larger packets are cut",
                advice: "a tunnel or a line on the way is narrow: where it can be, raise its MTU")
        }
        let text = least.1 == most.1 ? "\(least.1) bytes" : "\(least.1) to \(most.1) bytes"
        return NetcheckFinding(.mtu, .good, "packets of \(text) go in one piece")
    }

    /// What IPv6 packets may have without being cut (RFC 8200 section 5).
    private static let leastIPv6 = 1280
}

extension NetcheckFacts.CandidateFact {
    fileprivate var isIPv4: Bool { !endpoint.hasPrefix("[") }
}

/// What is between this machine and the world for IPv4, as neighbours see it.
enum NATKind: Equatable {
    /// They see an address of the machine itself.
    case none
    /// One outside endpoint for all (RFC 4787 section 4.1), and which.
    case stable(String)
    case symmetric
    /// Too few have told; where the one sees this box.
    case unknown(String?)

    init(_ facts: NetcheckFacts) {
        let own = Set(facts.candidates.filter { $0.kind == "\(Candidate.Kind.host)" }.map(\.endpoint))
        var seen: [String: Endpoint] = [:]
        for observed in facts.observed ?? [] {
            // On the same network there is no NAT between, which says nothing about the world.
            guard let endpoint = Endpoint(observed.endpoint), endpoint.isIPv4, endpoint.address.reach <= .carrier else {
                continue
            }
            seen[observed.by] = endpoint
        }
        let endpoints = Set(seen.values)
        if let one = endpoints.first, endpoints.count == 1 {
            if own.contains("\(one)") {
                self = .none
            } else {
                self = seen.count > 1 ? .stable("\(one)") : .unknown("\(one)")
            }
        } else {
            self = endpoints.isEmpty ? .unknown(nil) : .symmetric
        }
    }

    /// Whether there is one for sure.
    var isThere: Bool {
        switch self {
        case .none, .unknown(nil): false
        case .stable, .symmetric, .unknown: true
        }
    }
}
