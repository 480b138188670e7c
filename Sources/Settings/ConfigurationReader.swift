internal import API
internal import INET256
internal import Logging
internal import Wire

extension Configuration {
    /// Takes in the file's top level; complaints go to `root.problems`.
    mutating func read(_ root: ConfigurationValue, directory: String) {
        var allow: ConfigurationValue?
        var except: ConfigurationValue?
        var apiAllow: ConfigurationValue?
        var endpoint: ConfigurationValue?
        var networks: ConfigurationValue?
        var groups: ConfigurationValue?
        var firewall: ConfigurationValue?
        let known = [
            "private_key_path", "api_endpoint", "api", "network", "transports", "threads", "scheduling", "peers",
            "accept", "crypto", "portal", "networks", "groups", "firewall", "log", "nodes",
        ]
        root.fields(known, expected: "a mapping of keys such as private_key_path, peers and portal") { key, value in
            switch key {
            case "private_key_path":
                if let path = value.path(in: directory) { privateKeyPath = path }
            case "api_endpoint":
                endpoint = value
            case "api":
                apiAllow = api.read(value)
            case "network":
                if let kind = value.network(maxNodes: &maxNodes) { network = kind }
            case "transports":
                if let list = value.transports() { transports = list }
            case "threads":
                if let count = value.integer(in: Self.threadCounts) { threads = count }
            case "scheduling":
                if let choice = value.word(SchedulingChoice.self) { scheduling = choice }
            case "peers":
                peers = value.peers()
            case "accept":
                if let policy = value.word(AcceptPolicy.self) { accept = policy }
            case "crypto":
                crypto.read(value)
            case "portal":
                (allow, except) = portal.read(value)
            case "networks":
                networks = value
            case "groups":
                groups = value
            case "firewall":
                firewall = value
            case "log":
                log.read(value)
            case "nodes":
                nodes = value.nodes(in: directory, besides: privateKeyPath)
            default:
                preconditionFailure("a known key without a reader: \(key)")
            }
        }
        if let endpoint = endpoint?.apiEndpoint(in: directory, allowingRemote: api.allowRemote) {
            apiEndpoint = endpoint
        }
        // Last, since the names that it uses are the peers', and those may stand further down in the file.
        if let allow, let access = allow.portalAccess(peers: peers) { portal.allow = access }
        if let apiAllow, let access = apiAllow.portalAccess(peers: peers) { api.allow = access }
        read(networks: networks, groups: groups, firewall: firewall, directory: directory)
        if let endpoint, case .tcp = apiEndpoint, api.listen == apiEndpoint {
            endpoint.complain(expected: "another port than that of api.listen", found: "\(apiEndpoint) for both")
        }
        if let list = except?.exceptions(of: portal.prefix, beside: self.networks) { portal.except = list }
    }
}

extension CryptoConfiguration {
    fileprivate mutating func read(_ value: ConfigurationValue) {
        var suiteValue: ConfigurationValue?
        value.fields(["min_suite", "ciphers", "backends", "rekey_after"]) { key, value in
            switch key {
            case "min_suite":
                suiteValue = value
                if let suite = value.integer(in: Self.suites) { minSuite = suite }
            case "ciphers":
                let example = "a list such as [aes-256-gcm, chacha20-poly1305]"
                if let list = value.words(CipherName.self, expected: example, each: "cipher") { ciphers = list }
            case "backends":
                let example = "a list such as [openssl, libsodium]"
                if let list = value.words(CipherBackend.self, expected: example, each: "backend") { backends = list }
            default:
                if let age = value.integer(in: Self.rekeyAges) { rekeyAfter = age }
            }
        }
        if let suiteValue, minSuite > 1, !ciphers.contains(.aes256GCM) {
            suiteValue.complain(
                expected: "1, or \(CipherName.aes256GCM.rawValue) among crypto.ciphers: suite 2 is that cipher",
                found: "the number \(minSuite)")
        }
    }
}

extension LogConfiguration {
    /// The level alone, or a mapping.
    fileprivate mutating func read(_ value: ConfigurationValue) {
        if value.isScalar {
            if let word = value.word(Logger.Level.self) { level = word }
            return
        }
        value.fields(["level", "format"], expected: "a level such as \"notice\", or a mapping") { key, value in
            if key == "level" {
                if let word = value.word(Logger.Level.self) { level = word }
            } else if let word = value.word(Format.self) {
                format = word
            }
        }
    }
}

extension ConfigurationValue {
    fileprivate func path(in directory: String) -> String? {
        guard let text = text(expected: "the path of a file") else { return nil }
        guard !text.isEmpty, !text.hasSuffix("/"), !text.utf8.contains(0) else {
            complain(expected: "the path of a file")
            return nil
        }
        return FilePath.resolve(text, in: directory)
    }

    /// `{beaconnet: {}}`, or the name alone.
    fileprivate func network(maxNodes: inout Int) -> NetworkKind? {
        if isScalar { return word(NetworkKind.self) }
        let expected = "one network, such as {beaconnet: {}}"
        guard keyCount == 1 else {
            complain(expected: expected, found: keyCount.map { $0 == 0 ? "none" : "\($0) networks" })
            return nil
        }
        var kind: NetworkKind?
        var room: Int?
        fields(NetworkKind.allCases.map(\.rawValue)) { name, options in
            kind = NetworkKind(rawValue: name)
            guard !options.isNull else { return }
            if kind == .beaconnet {
                options.fields(["max_nodes"], expected: "a mapping such as {max_nodes: 4096}") { _, value in
                    room = value.integer(in: Configuration.nodeCounts)
                }
            } else {
                options.fields([], expected: "{}: \(name) has no options") { _, _ in }
            }
        }
        if let room { maxNodes = room }
        return kind
    }

    fileprivate func transports() -> [TransportConfiguration]? {
        let form = "a list such as [{udp: \"[::]:25632\"}]"
        guard let items = items(expected: form) else { return nil }
        guard !items.isEmpty else {
            complain(expected: "at least one transport")
            return nil
        }
        var list: [TransportConfiguration] = []
        for item in items {
            var udp: Endpoint?
            var offload = OffloadChoice.auto
            var given = false
            let expected = "a mapping such as {udp: \"[::]:25632\"}"
            let isComplete = item.fields(["udp", "offload"], expected: expected) { name, value in
                if name == "offload" {
                    if let choice = value.word(OffloadChoice.self) { offload = choice }
                    return
                }
                given = true
                let expected = "a numeric address and port to bind, such as \"[::]:25632\" or \"192.0.2.1:25632\""
                guard let text = value.text(expected: expected) else { return }
                udp = Endpoint(text)
                if udp == nil { value.complain(expected: expected) }
            }
            if isComplete, !given { item.complain(expected: "the key udp") }
            guard let udp else { continue }
            if let other = list.map(\.udp).first(where: udp.collides) {
                item.complain(
                    expected: other == udp ? "each endpoint once" : "another port, as that one has all addresses",
                    found: other == udp ? "\(udp) a second time" : "\(udp) beside \(other)")
            }
            list.append(TransportConfiguration(udp: udp, offload: offload))
        }
        return list
    }

    /// A list of at least one of the known words, each once.
    fileprivate func words<Word: RawRepresentable & CaseIterable & Equatable>(
        _: Word.Type, expected: String, each thing: String
    ) -> [Word]? where Word.RawValue == String {
        guard let items = items(expected: expected) else { return nil }
        guard !items.isEmpty else {
            complain(expected: "at least one \(thing)")
            return nil
        }
        var list: [Word] = []
        for item in items {
            guard let word = item.word(Word.self) else { continue }
            if list.contains(word) { item.complain(expected: "each \(thing) once") }
            list.append(word)
        }
        return list
    }

    fileprivate func nodes(in directory: String, besides main: String) -> [NodeConfiguration] {
        if isNull { return [] }
        var list: [NodeConfiguration] = []
        for item in items(expected: "a list such as [{private_key_path: ./second.inet256}]") ?? [] {
            var given = false
            let isComplete = item.fields(["private_key_path"], expected: "a mapping with private_key_path") {
                _, value in
                given = true
                guard let path = value.path(in: directory) else { return }
                let node = NodeConfiguration(privateKeyPath: path)
                if path == main || list.contains(node) {
                    value.complain(expected: "a key file of its own for each node", found: "\(path) a second time")
                }
                list.append(node)
            }
            if isComplete, !given { item.complain(expected: "the key private_key_path") }
        }
        return list
    }
}

extension Endpoint {
    /// Whether the kernel refuses to bind one while the other is bound. `[::]` is every IPv4 address too.
    fileprivate func collides(with other: Endpoint) -> Bool {
        guard port != 0, port == other.port else { return false }
        if self == other || address == .unspecified || other.address == .unspecified { return true }
        return isIPv4 && other.isIPv4 && (address.mappedIPv4 == 0 || other.address.mappedIPv4 == 0)
    }
}
