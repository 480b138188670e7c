package import DNS
internal import INET256
package import Wire

/// The names that this machine's programs may use for the mesh, and who answers about them.
package struct DNSConfiguration: Equatable, Sendable {
    package var enabled = true
    package var zone = standardZone
    package var listen = [DNSListen.portal(port: DNSListen.port), .loopback(DNSListen.standardLoopback)]
    /// Whether names without a dot are looked for in the zone, too.
    package var search = true
    /// Whether systemd-resolved is told.
    package var tellsResolved = true
    /// Who is answered besides this machine.
    package var allow = PortalAccess.only([], peers: false)
    package var services: [Zone.Service] = []
    /// What this box calls itself.
    package var ownNames: [String] = []

    /// Below `internal`, which is nobody's in the world (ICANN's resolution of 2024-07-29).
    package static let standardZone: DomainName = {
        guard let name = DomainName("mesh.internal") else { preconditionFailure("mesh.internal is a name") }
        return name
    }()
    static let mostServices = 100
    /// Room for `BASE32.` and more in front.
    static let longestZone = 80
}

/// Where queries are taken. Only this machine's own addresses: it is never an open resolver.
package enum DNSListen: Hashable, Sendable, CustomStringConvertible {
    /// The portal's own address.
    case portal(port: UInt16)
    case loopback(Endpoint)

    /// RFC 1035 section 4.2.
    package static let port: UInt16 = 53
    /// A port that takes no privilege, and that no other resolver has: 53 belongs to systemd-resolved's stub on 127.0.0.53 and .54, and to
    /// dnsmasq, unbound or BIND on all of loopback.
    package static let standardLoopback = Endpoint(address: IPv6Address(mappedIPv4: 0x7f00_0001), port: 25653)

    package var port: UInt16 {
        switch self {
        case .portal(let port): port
        case .loopback(let endpoint): endpoint.port
        }
    }

    package var description: String {
        switch self {
        case .portal(Self.port): "portal"
        case .portal(let port): "portal:\(port)"
        case .loopback(let endpoint): "\(endpoint)"
        }
    }

    /// "portal", "portal:5353", "127.0.0.1:25653", "[::1]:53".
    init?(_ text: String) {
        if text == "portal" {
            self = .portal(port: Self.port)
        } else if text.hasPrefix("portal:") {
            guard let port = UInt16(text.dropFirst(7)), port > 0, "portal:\(port)" == text else { return nil }
            self = .portal(port: port)
        } else {
            guard let endpoint = Endpoint(text), endpoint.address.isLoopback, endpoint.scope == 0, endpoint.port > 0
            else {
                return nil
            }
            self = .loopback(endpoint)
        }
    }
}

extension Configuration {
    /// Whether there is anybody to answer about names.
    package var servesNames: Bool { dns.enabled && portal.enabled && !dns.listen.isEmpty }
}

extension DNSConfiguration {
    static let table = Section(
        "dns", expected: "a mapping such as {zone: mesh.internal}",
        comment:
            "Names for this machine's programs: NAME.mesh.internal for peers and groups, this.mesh.internal, and more (docs/names.md)."
    ) {
        Setting(
            "dns.enabled", \.dns.enabled, .flag, .restart,
            help: "`false`: nobody answers about [names](docs/names.md)")
        Setting(
            "dns.zone", \.dns.zone, zoneName, .reload,
            comment: "Below what they stand. internal is reserved for private use: nobody in the world has it.",
            help: "below what names of peers and groups stand; `internal` is reserved for private use")
        Setting(
            "dns.listen", \.dns.listen, listening, .restart,
            comment: """
                Where queries are taken: portal (the portal's address, port 53, or portal:PORT) and loopback addresses.
                A port below 1024 takes the capability CAP_NET_BIND_SERVICE.
                """,
            help:
                "where queries are taken: `portal` (its address, port 53), `portal:PORT`, `127.0.0.1:PORT`, `[::1]:PORT`; "
                + "a port that is taken is a warning")
        Setting(
            "dns.search", \.dns.search, .flag, .reload,
            comment: "Whether systemd-resolved looks for names without a dot there, so that `ssh office` works.",
            help: "names without a dot are looked for there, too: `ssh office` (where systemd-resolved runs)")
        Setting(
            "dns.resolved", \.dns.tellsResolved, .flag, .reload,
            help: "`false`: systemd-resolved is not told of all this")
        Setting(
            "dns.allow", \.dns.allow, .access, .reload,
            comment: """
                Who is answered besides this machine, at the portal's address: any, peers, names and addresses of nodes. The
                firewall has to let them in as well: {from: peers, allow: [domain]}.
                """,
            help:
                "who is answered besides this machine: `any`, `peers`, names, addresses; the firewall has to let them in as well"
        )
        .turn(.behindNames).inFile(.lines("allow: []\n#  - office"))
        Setting(
            "dns.own_names", \.dns.ownNames, ownNames, .reload,
            comment: "What this box calls itself: peers that call it bob have it as laptop.of.bob.mesh.internal.",
            help:
                "what this box calls itself, told to peers: on one that calls it bob, `laptop` is `laptop.of.bob.mesh.internal`"
        )
        .turn(.last).inFile(.lines("own_names: []\n#  - laptop"))
        Setting(
            "dns.services", \.dns.services, services, .reload,
            comment:
                "Services that are told where they are (SRV), of this box or of the peer or group that host names.",
            help:
                "SRV records: `{name: _ssh._tcp, port: 22}` for `_ssh._tcp.this.mesh.internal`, with `host:` for a peer or a group"
        )
        .turn(.last)
        .inFile(
            .lines("services: []\n#  - {name: _ssh._tcp, port: 22}\n#  - {name: _http._tcp, port: 80, host: office}"))
    }

    private static let zoneName = Form<DomainName> { value, _ in
        value.zoneName()
    } show: { name, _ in
        .word("\(name)")
    }

    private static let listening = Form<[DNSListen]> { value, _ in
        value.listening()
    } show: { list, _ in
        .words(list.map(\.description))
    }

    private static let ownNames = Form<[String]> { value, _ in
        value.ownNames()
    } show: { list, _ in
        .words(list)
    }

    private static let services = Form<[Zone.Service]> { value, reading in
        value.services(reading.configuration)
    } show: { list, _ in
        .list(
            list.map { service in
                .mapping([
                    ("name", .word(service.name)), ("port", .number(Int(service.port))), ("host", .word(service.host)),
                ])
            })
    }
}

extension ConfigurationValue {
    fileprivate func zoneName() -> DomainName? {
        let expected =
            "a name of two labels or more, such as mesh.internal, of \(DNSConfiguration.longestZone) characters at most"
        guard let text = text(expected: expected) else { return nil }
        guard let name = DomainName(text), name.labelCount >= 2, text.utf8.count <= DNSConfiguration.longestZone,
            !name.isReverse
        else {
            complain(expected: expected)
            return nil
        }
        return name
    }

    fileprivate func listening() -> [DNSListen]? {
        let expected = "portal, portal:PORT, or a loopback address with a port such as \"127.0.0.1:25653\""
        guard let items = items(expected: "a list such as [portal, \"\(DNSListen.standardLoopback)\"]") else {
            return nil
        }
        var list: [DNSListen] = []
        for item in items {
            guard let text = item.text(expected: expected) else { continue }
            guard let place = DNSListen(text) else {
                item.complain(expected: expected)
                continue
            }
            if list.contains(place) { item.complain(expected: "each place once") }
            list.append(place)
        }
        return list
    }

    fileprivate func ownNames() -> [String]? {
        if isNull { return [] }
        let expected =
            "a name such as laptop: a-z, 0-9, - and _, with dots between labels, \(OwnNames.longest) characters at most"
        guard let items = items(expected: "a list such as [laptop]") else { return nil }
        guard items.count <= OwnNames.most else {
            complain(expected: "at most \(OwnNames.most) names", found: "\(items.count) of them")
            return nil
        }
        var list: [String] = []
        for item in items {
            guard let text = item.text(expected: expected) else { continue }
            guard OwnNames.isPossible(text) else {
                item.complain(expected: expected)
                continue
            }
            if list.contains(text) { item.complain(expected: "each name once") }
            list.append(text)
        }
        return list
    }

    fileprivate func services(_ configuration: Configuration) -> [Zone.Service]? {
        if isNull { return [] }
        let form = "a list such as [{name: _ssh._tcp, port: 22}]"
        guard let items = items(expected: form) else { return nil }
        guard items.count <= DNSConfiguration.mostServices else {
            complain(expected: "at most \(DNSConfiguration.mostServices) services", found: "\(items.count) of them")
            return nil
        }
        return items.compactMap { $0.service(configuration) }
    }

    private func service(_ configuration: Configuration) -> Zone.Service? {
        var name: String?
        var port: Int?
        var host = Zone.own
        var given: Set<String> = []
        let isComplete = fields(["name", "port", "host"], expected: "a mapping with name, port and perhaps host") {
            key, value in
            given.insert(key)
            switch key {
            case "name": name = value.serviceName()
            case "port": port = value.integer(in: 1...65535)
            default: host = value.host(configuration) ?? host
            }
        }
        if isComplete, !given.isSuperset(of: ["name", "port"]) { complain(expected: "the keys name and port") }
        guard let name, let port else { return nil }
        return Zone.Service(name: name, port: UInt16(port), host: host)
    }

    /// RFC 2782: `_service._protocol`.
    private func serviceName() -> String? {
        let expected = "a service's name such as _ssh._tcp"
        guard let text = text(expected: expected) else { return nil }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count == 2, labels.allSatisfy({ $0.hasPrefix("_") && $0.utf8.count > 1 }), DomainName(text) != nil
        else {
            complain(expected: expected)
            return nil
        }
        return text.lowercased()
    }

    private func host(_ configuration: Configuration) -> String? {
        let expected = "\(Zone.own), a peer's name or a group's"
        guard let text = text(expected: expected) else { return nil }
        let known =
            [Zone.own] + configuration.peers.compactMap(\.name) + configuration.groups.map(\.name)
        if known.contains(text) { return text }
        complain(expected: expected, suggestion: NearMiss.of(text, among: known))
        return nil
    }
}
