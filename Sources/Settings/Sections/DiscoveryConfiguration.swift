package import INET256

/// How the box looks for its peers besides calling where the configuration says that they are.
package struct DiscoveryConfiguration: Equatable, Sendable {
    /// On the links of this machine; nil: not there.
    package var local: LocalDiscoveryConfiguration?
    /// By servers, each of which is told where this box is.
    package var central: [CentralDiscoveryConfiguration] = []
}

package struct LocalDiscoveryConfiguration: Equatable, Sendable {
    /// Names of interfaces; none: all that are up and can do multicast.
    package var interfaces: [String] = []
    /// In seconds, while a peer is missing.
    package var announcePeriod = 15
    /// Who has the same text is taken for a peer.
    package var secret: String?
    /// So is everybody on the link who says so of itself too.
    package var autopeering = false

    static let periods = 1...3600
    static let secrets = 8...255
}

package struct CentralDiscoveryConfiguration: Hashable, Sendable {
    /// Who is told where this box is.
    package enum Visibility: String, CaseIterable, Sendable {
        case all, peers
    }

    package var host: String
    package var port: UInt16
    /// In seconds, while a peer is missing.
    package var period = 15
    package var visibility = Visibility.all

    static let periods = 5...600
    static let standardPort: UInt16 = 25633

    package var endpoint: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// What the box does for others besides relaying.
package struct ServeConfiguration: Equatable, Sendable {
    /// A central server on the mesh's own sockets.
    package var discovery = false
}

/// Where it is kept across starts where peers were.
package enum StateFileChoice: Equatable, Sendable {
    /// In the folder that systemd gives (STATE_DIRECTORY), else in /var/lib/inet256vpn, where there is one.
    case auto
    case none
    /// Absolute.
    case path(String)
}

extension DiscoveryConfiguration {
    private static let list = Form<DiscoveryConfiguration> { value, reading in
        value.discovery(acceptsAnybody: reading.configuration.accept == .any)
    } show: { discovery, _ in
        let local = discovery.local.map { local -> Shown in
            .mapping([
                (
                    "local",
                    .mapping([
                        ("interfaces", .words(local.interfaces)),
                        ("announce_period", .word(Seconds.text(local.announcePeriod))),
                        ("secret", local.secret.map { .word($0) } ?? .nothing),
                        ("autopeering", .flag(local.autopeering)),
                    ])
                )
            ])
        }
        let central = discovery.central.map { central -> Shown in
            .mapping([
                (
                    "central",
                    .mapping([
                        ("endpoint", .word(central.endpoint)), ("period", .word(Seconds.text(central.period))),
                        ("visibility", .word(central.visibility.rawValue)),
                    ])
                )
            ])
        }
        return .list([local].compactMap(\.self) + central)
    }

    static let setting = Setting(
        "discovery", \.discovery, list, .restart,
        comment: """
            How peers are found besides by their addrs: on this machine's links, and by servers that are told where this
            box is. docs/discovery.md says who learns what by that.
            """
    )
    .turn(.last)
    .inFile(
        .lines(
            """
            #discovery:
            #  - local:
            #      interfaces: []
            #      announce_period: 15s
            #      #secret: "a long text of your own: boxes that have it find each other"
            #      autopeering: false
            #  - central:
            #      endpoint: "discovery.example.org:25633"
            #      period: 15s
            #      visibility: all
            """)
    )
    .rows([
        TableRow(
            "`discovery[].local`", "none",
            "peers are found [on the links of this machine](docs/discovery.md#on-a-link); `local: {}` is enough"),
        TableRow(
            "`discovery[].local.interfaces`", "`[]`",
            "where; none: all that are up and can do multicast, as they come and go"),
        TableRow(
            "`discovery[].local.announce_period`", "`15s`",
            "between two announcements while a peer is missing, 1 s to 1 hour; eight times as long else"),
        TableRow(
            "`discovery[].local.secret`", "none",
            "boxes with the same text become peers without having heard of each other, \(secrets) characters"),
        TableRow(
            "`discovery[].local.autopeering`", "`false`",
            "`true`: the box tells its address to everybody on the link, and takes for a peer who does so too; with `accept: any`"
        ),
        TableRow(
            "`discovery[].central.endpoint`", "required",
            "`host:port` of [a server](docs/discovery.md#by-a-central-server) that is told where this box is, and asked where peers are"
        ),
        TableRow(
            "`discovery[].central.period`", "`15s`",
            "between two announcements, or questions, while a peer is missing, 5 s to 10 minutes; eight times as long else"
        ),
        TableRow(
            "`discovery[].central.visibility`", "`all`",
            "`peers`: sealed, so that neither the server nor a stranger who knows this box's address reads where it is"),
    ])

    private static var secrets: String {
        let range = LocalDiscoveryConfiguration.secrets
        return "\(range.lowerBound) to \(range.upperBound)"
    }
}

extension ServeConfiguration {
    static let table = Section("serve", comment: "What this box does for others besides relaying.") {
        Setting(
            "serve.discovery", \.serve.discovery, .flag, .restart,
            comment: "A discovery server for everybody, on the sockets of `transports`.",
            help:
                "`true`: the box is [a central server](docs/discovery.md#a-server-of-your-own) too, on its `transports`"
        )
    }
}

extension StateFileChoice {
    private static let form = Form<StateFileChoice> { value, reading in
        if value.isWord("auto") { return .auto }
        if value.isWord("none") { return StateFileChoice.none }
        return value.path(in: reading.directory).map { .path($0) }
    } show: { choice, _ in
        switch choice {
        case .auto: .word("auto")
        case .none: .word("none")
        case .path(let path): .word(path)
        }
    }

    static let setting = Setting(
        "state_file", \.stateFile, form, .restart,
        comment: """
            Where it is kept across starts where peers were last: a file, auto (in the folder that systemd gives, or in
            /var/lib/inet256vpn where that is there) or none. The box does without as well.
            """,
        help:
            "where peers were last is kept there across starts: a file, `auto` (systemd's folder, or `/var/lib/inet256vpn`) "
            + "or `none`; [never needed](docs/discovery.md#where-they-were-last)"
    )
}

extension ConfigurationValue {
    fileprivate func discovery(acceptsAnybody: Bool) -> DiscoveryConfiguration? {
        if isNull { return DiscoveryConfiguration() }
        let form = "a list such as [{local: {}}, {central: {endpoint: \"discovery.example.org:25633\"}}]"
        guard let items = items(expected: form) else { return nil }
        var discovery = DiscoveryConfiguration()
        for item in items {
            guard item.keyCount == 1 else {
                item.complain(expected: "a mapping with one key, local or central")
                continue
            }
            item.fields(["local", "central"], expected: "a mapping with one key, local or central") { name, value in
                if name == "local" {
                    if discovery.local != nil { value.complain(expected: "local once, with all its interfaces") }
                    discovery.local = value.localDiscovery(acceptsAnybody: acceptsAnybody)
                } else if let central = value.centralDiscovery() {
                    if discovery.central.contains(where: { $0.endpoint == central.endpoint }) {
                        value.complain(expected: "each server once", found: "\(central.endpoint) a second time")
                    }
                    discovery.central.append(central)
                }
            }
        }
        return discovery
    }

    private func localDiscovery(acceptsAnybody: Bool) -> LocalDiscoveryConfiguration {
        var local = LocalDiscoveryConfiguration()
        if isNull { return local }
        let keys = ["interfaces", "announce_period", "secret", "autopeering"]
        fields(keys, expected: "a mapping such as {interfaces: [eth0]}, or {}") { name, value in
            switch name {
            case "interfaces": local.interfaces = value.interfaceNames()
            case "announce_period":
                if let seconds = value.seconds(in: LocalDiscoveryConfiguration.periods) {
                    local.announcePeriod = seconds
                }
            case "secret": local.secret = value.sharedSecret()
            default:
                guard let isOn = value.bool() else { return }
                local.autopeering = isOn
                if isOn, !acceptsAnybody {
                    value.complain(
                        expected: "false, or accept: any beside it: else nobody who introduces himself gets a link",
                        found: "autopeering: true with accept: peers")
                }
            }
        }
        return local
    }

    private func interfaceNames() -> [String] {
        if isNull { return [] }
        var names: [String] = []
        for item in items(expected: "a list of interfaces such as [eth0, wlan0]") ?? [] {
            guard let name = item.text(expected: "the name of an interface") else { continue }
            guard (1...15).contains(name.utf8.count), !name.contains("/"), !name.contains(where: \.isWhitespace) else {
                item.complain(expected: "the name of an interface, at most 15 characters")
                continue
            }
            if names.contains(name) { item.complain(expected: "each interface once") }
            names.append(name)
        }
        return names
    }

    private func sharedSecret() -> String? {
        let range = LocalDiscoveryConfiguration.secrets
        let expected = "a text of \(range.lowerBound) to \(range.upperBound) characters that others cannot guess"
        guard let text = text(expected: expected) else { return nil }
        guard range.contains(text.utf8.count) else {
            complain(expected: expected, found: "a text of \(text.utf8.count)")
            return nil
        }
        return text
    }

    private func centralDiscovery() -> CentralDiscoveryConfiguration? {
        var place: PeerEndpoint?
        var isGiven = false
        var period = 15
        var visibility = CentralDiscoveryConfiguration.Visibility.all
        let example = "a mapping such as {endpoint: \"discovery.example.org:25633\"}"
        let isComplete = fields(["endpoint", "period", "visibility"], expected: example) { name, value in
            switch name {
            case "endpoint":
                isGiven = true
                let expected = "\"host:port\", such as \"discovery.example.org:25633\" or \"[2001:db8::1]:25633\""
                guard let text = value.text(expected: expected) else { return }
                place = PeerEndpoint("udp://" + text)
                if place == nil { value.complain(expected: expected) }
            case "period":
                if let seconds = value.seconds(in: CentralDiscoveryConfiguration.periods) { period = seconds }
            default:
                if let word = value.word(CentralDiscoveryConfiguration.Visibility.self) { visibility = word }
            }
        }
        if isComplete, !isGiven { complain(expected: "the key endpoint") }
        return place.map {
            CentralDiscoveryConfiguration(host: $0.host, port: $0.port, period: period, visibility: visibility)
        }
    }

    /// "15s", "2m", "1h", or a bare number of seconds.
    private func seconds(in range: ClosedRange<Int>) -> Int? {
        let expected =
            "a time from \(Seconds.text(range.lowerBound)) to \(Seconds.text(range.upperBound)), such as 15s or 2m"
        guard let text = text(expected: expected) else { return nil }
        guard let seconds = Seconds.parse(text), range.contains(seconds) else {
            complain(expected: expected)
            return nil
        }
        return seconds
    }
}

/// Whole seconds as the configuration writes them.
enum Seconds {
    private static let units: [(name: String, count: Int)] = [("h", 3600), ("m", 60), ("s", 1)]

    static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard digits.count <= 9, let count = Int(digits), String(count) == digits else { return nil }
        let unit = text.dropFirst(digits.count)
        if unit.isEmpty { return count }
        return units.first { $0.name == unit }.map { count * $0.count }
    }

    /// By the largest unit that divides it.
    static func text(_ seconds: Int) -> String {
        let unit = units.first { seconds != 0 && seconds % $0.count == 0 } ?? ("s", 1)
        return "\(seconds / unit.count)\(unit.name)"
    }
}

extension PeerConfiguration {
    /// One that nobody configured: it introduced itself.
    package init(stranger id: Address) { self.init(id: id) }
}
