package import INET256
internal import Wire

/// A configured neighbour.
package struct PeerConfiguration: Hashable, Sendable {
    package var id: Address
    package var name: String?
    /// Where it may be reached, tried in this order. Empty: it comes to us.
    package var endpoints: [PeerEndpoint] = []

    package init(id: Address, name: String? = nil, endpoints: [PeerEndpoint] = []) {
        self.id = id
        self.name = name
        self.endpoints = endpoints
    }

    /// What people call it.
    package var label: String { name ?? id.description }
}

/// A place where a peer listens: its host may be a name, looked up when it is needed. Or a name under which its places are published.
package struct PeerEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case udp
        /// SRV and TXT records of `host` say where; there is no port.
        case dns
    }

    package var scheme = Scheme.udp
    /// A host name or a numeric address, an IPv6 one without brackets.
    package var host: String
    package var port: UInt16

    package init(scheme: Scheme = .udp, host: String, port: UInt16) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    package var description: String {
        switch scheme {
        case .udp: host.contains(":") ? "udp://[\(host)]:\(port)" : "udp://\(host):\(port)"
        case .dns: "dns://\(host)"
        }
    }
}

extension PeerConfiguration {
    private static let list = Form<[PeerConfiguration]> { value, _ in
        value.peers()
    } show: { list, _ in
        .list(
            list.map { peer in
                .mapping([
                    ("id", .word("\(peer.id)")), ("name", peer.name.map { .word($0) } ?? .nothing),
                    ("addrs", .words(peer.endpoints.map(\.description))),
                ])
            })
    }

    static let setting = Setting(
        "peers", \.peers, list, .together,
        comment: """
            The boxes that this one keeps links to. A peer without addrs is waited for.
            `inet256vpn status` on the other box prints its id, behind "address".
            """
    )
    .placed(in: .file, behind: "transports")
    .inFile(
        .lines(
            """
            #peers:
            #  - id: "oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ"
            #    name: office
            #    addrs: ["udp://vpn.example.org:25632", "udp://[2001:db8::1]:25632"]
            """)
    )
    .rows([
        TableRow("`peers[].id`", "required", "the peer's address"),
        TableRow(
            "`peers[].name`", "none",
            "what to call it in commands and logs; \(reservedNames) mean something else"),
        TableRow(
            "`peers[].addrs`", "`[]`",
            "`udp://host:port`, names or numbers; `dns://name`: what SRV and TXT records [publish](docs/underlay.md#names); "
                + "none: it calls us"),
    ])

    /// "`any`, `peers`, `box` and `mesh`".
    private static var reservedNames: String {
        let words = PeerName.reserved.map { "`\($0)`" }
        return words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
    }
}

extension ConfigurationValue {
    /// The list of peers; nothing at all is an empty list, as it remains when every entry is commented out.
    func peers() -> [PeerConfiguration] {
        if isNull { return [] }
        var peers: [PeerConfiguration] = []
        var ids: [Address: String] = [:]
        var names: [String: String] = [:]
        for item in items(expected: "a list of peers, each {id: ADDRESS, name: NAME, addrs: [\"udp://host:port\"]}")
            ?? []
        {
            guard let peer = item.peer(ids: &ids, names: &names) else { continue }
            peers.append(peer)
        }
        return peers
    }

    private func peer(ids: inout [Address: String], names: inout [String: String]) -> PeerConfiguration? {
        var id: Address?
        var idGiven = false
        var name: String?
        var endpoints: [PeerEndpoint] = []
        let isComplete = fields(["id", "name", "addrs"], expected: "a mapping with id, name and addrs") { key, value in
            switch key {
            case "id":
                idGiven = true
                id = value.address()
                if let id {
                    if let first = ids[id] {
                        value.complain(expected: "each peer once", found: "the address of \(first)")
                    }
                    ids[id] = keyPath
                }
            case "name":
                name = value.peerName()
                if let name {
                    if let first = names[name] {
                        value.complain(expected: "a name of its own for each peer", found: "the name of \(first)")
                    }
                    names[name] = keyPath
                }
            default:
                endpoints = value.peerEndpoints()
            }
        }
        if isComplete, !idGiven { complain(expected: "the key id (the peer's address, 43 characters)") }
        return id.map { PeerConfiguration(id: $0, name: name, endpoints: endpoints) }
    }

    /// An address of 43 characters.
    func address() -> Address? {
        let expected = "an address of 43 characters"
        guard let text = text(expected: expected) else { return nil }
        do throws(AddressTextError) {
            return try Address(parsing: text)
        } catch {
            complain(expected: "\(expected) (\(error))")
            return nil
        }
    }

    private func peerName() -> String? {
        guard let text = text(expected: PeerName.rule) else { return nil }
        if let fault = PeerName.fault(in: text) {
            complain(expected: "\(PeerName.rule) (\(fault))")
            return nil
        }
        return text
    }

    /// A list of "udp://host:port"; nothing at all is an empty one.
    func peerEndpoints() -> [PeerEndpoint] {
        if isNull { return [] }
        var endpoints: [PeerEndpoint] = []
        for item in items(expected: "a list such as [\"udp://host:25632\"]") ?? [] {
            let expected =
                "\"udp://host:port\", such as \"udp://vpn.example.org:25632\" or \"udp://[2001:db8::1]:25632\", "
                + "or \"dns://name\""
            guard let text = item.text(expected: expected) else { continue }
            guard let endpoint = PeerEndpoint(text) else {
                // The commonest slip is a missing scheme.
                let slip = PeerEndpoint("udp://" + text).map(\.description)
                item.complain(expected: expected, suggestion: slip)
                continue
            }
            if endpoints.contains(endpoint) { item.complain(expected: "each address once") }
            endpoints.append(endpoint)
        }
        return endpoints
    }
}

/// What a peer may be called.
package enum PeerName {
    package static let rule = "a name of letters, digits, _, . and - that does not begin with -"
    static let longest = 63
    /// They mean something else where names are used.
    static let reserved = ["any", "peers", "box", "mesh"]

    /// What is wrong with `text` as a name, or nil.
    package static func fault(in text: String) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.utf8.count > longest { return "at most \(longest) characters" }
        if text.hasPrefix("-") { return "commands would take it for an option" }
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (Character(scalar).isLetter || Character(scalar).isNumber || "_.-".unicodeScalars.contains(scalar))
        }
        if !isPlain { return "other characters are not possible" }
        if reserved.contains(text) { return "\"\(text)\" has a meaning of its own" }
        if Address(text) != nil { return "this is an address" }
        return nil
    }
}

extension PeerEndpoint {
    /// Parses "udp://host:port"; an IPv6 address stands in brackets and may have a zone. Or "dns://name".
    package init?(_ text: String) {
        let published = "dns://"
        if text.hasPrefix(published) {
            let name = text.dropFirst(published.count)
            // A number is nobody's name.
            guard Self.isHostName(name), !name.allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
            self.init(scheme: .dns, host: String(name), port: 0)
            return
        }
        let scheme = "udp://"
        guard text.hasPrefix(scheme) else { return nil }
        guard let parts = HostPort(text.dropFirst(scheme.count)), parts.port != 0 else { return nil }
        if parts.isBracketed {
            let inner = parts.host.split(separator: "%", omittingEmptySubsequences: false)
            guard inner.count <= 2, IPv6Address(String(inner[0])) != nil, inner.count == 1 || !inner[1].isEmpty else {
                return nil
            }
        } else {
            guard Self.isHostName(parts.host) else { return nil }
        }
        self.init(host: String(parts.host), port: parts.port)
    }

    /// RFC 1123 section 2.1: labels of letters, digits and inner hyphens, 253 characters at most. What consists of
    /// digits and dots alone has to be an IPv4 address.
    private static func isHostName(_ host: Substring) -> Bool {
        if host.allSatisfy({ $0.isNumber || $0 == "." }) { return IPv4Text.parse(host) != nil }
        guard host.utf8.count <= 253 else { return false }
        let name = host.hasSuffix(".") ? host.dropLast() : host
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
    }
}
