internal import Firewall
internal import Wire

/// The names that the firewall's part may use are the peers', and those of each other: so it is read behind all else,
/// wherever it stands in the file.
extension Reading {
    func networks(_ value: ConfigurationValue) -> [NetworkConfiguration] {
        var scope = scope ?? names
        let networks = value.networks(&scope)
        self.scope = scope
        return networks
    }

    func groups(_ value: ConfigurationValue) -> [GroupConfiguration] {
        var scope = scope ?? names
        scope.networks = configuration.networks
        let groups = value.groups(&scope)
        self.scope = scope
        return groups
    }

    /// For rules and tests.
    var ruleScope: NameScope {
        var scope = scope ?? names
        scope.networks = configuration.networks
        let portal = configuration.portal
        // Rules that nobody enforces may speak of whom they like.
        let isWeak = configuration.enforcesFirewall && portal.prefix.length > NameScope.mostBits
        scope.weakPrefix = isWeak ? portal.prefix : nil
        return scope
    }

    private var names: NameScope {
        var scope = NameScope(peers: configuration.peers)
        if configuration.portal.enabled { scope.portalPrefix = configuration.portal.prefix }
        return scope
    }
}

extension Form where Value == FirewallAction {
    static var action: Form {
        Form { value, _ in
            value.word(ActionWord.self)?.action
        } show: { action, _ in
            .word(action.rawValue)
        }
    }
}

extension Form where Value == [ConfiguredRule] {
    static func rules(_ way: FirewallTest.Way) -> Form {
        Form { value, reading in
            value.rules(way, reading.ruleScope)
        } show: { rules, configuration in
            EffectiveFirewall.rules(rules, way, configuration.peers)
        }
    }
}

extension Form where Value == [Masquerade] {
    static var masquerades: Form {
        Form { value, reading in
            value.masquerades(reading.ruleScope)
        } show: { list, _ in
            EffectiveFirewall.masquerades(list)
        }
    }
}

extension Form where Value == [FirewallTest] {
    static var tests: Form {
        Form { value, reading in
            value.firewallTests(reading.ruleScope)
        } show: { tests, configuration in
            EffectiveFirewall.tests(tests, configuration.peers)
        }
    }
}

extension Form where Value == ClampMSS {
    static var clamp: Form {
        Form { value, _ in
            value.word(ClampMSS.self)
        } show: { clamp, _ in
            switch clamp {
            case .auto: .word(clamp.rawValue)
            case .on: .flag(true)
            case .off: .flag(false)
            }
        }
    }
}

extension Form where Value == [String] {
    static var globs: Form {
        Form { value, reading in
            value.globs(in: reading.directory)
        } show: { globs, _ in
            .words(globs)
        }
    }
}

extension Form where Value == String {
    static var tableName: Form {
        Form { value, _ in
            let expected = "a letter and up to 99 letters, digits and underscores, such as \(Ruleset.standardTable)"
            guard let name = value.text(expected: expected) else { return nil }
            if Ruleset.isTableName(name) { return name }
            value.complain(expected: expected)
            return nil
        } show: { name, _ in
            .word(name)
        }
    }
}

extension ConfigurationValue {
    fileprivate func masquerades(_ scope: NameScope) -> [Masquerade] {
        if isNull { return [] }
        var list: [Masquerade] = []
        for item in items(expected: "a list such as [{masquerade: lan}, {masquerade: mesh, to: lan}]") ?? [] {
            guard let masquerade = item.masquerade(scope) else { continue }
            if list.contains(masquerade) { item.complain(expected: "each masquerade once") }
            list.append(masquerade)
        }
        return list
    }

    /// `{masquerade: lan}` towards the mesh, `{masquerade: mesh, to: lan}` from it.
    private func masquerade(_ scope: NameScope) -> Masquerade? {
        let expected = "mesh, or the name of a network behind this box"
        var from: (text: String, value: ConfigurationValue)?
        var fromGiven = false
        var to: ConfigurationValue?
        let isComplete = fields(["masquerade", "to"], expected: "a mapping such as {masquerade: lan}") { key, value in
            if key == "to" {
                to = value
            } else {
                fromGiven = true
                from = value.text(expected: expected).map { ($0, value) }
            }
        }
        if isComplete, !fromGiven { complain(expected: "the key masquerade (\(expected))") }
        guard isComplete, let from else { return nil }
        guard from.text == "mesh" else {
            to?.complain(expected: "no key to: what comes from \"\(from.text)\" is masqueraded into the mesh")
            guard to == nil else { return nil }
            return from.value.localNetwork(from.text, scope, expected, besides: ["mesh"]).map { .intoMesh(network: $0) }
        }
        guard let to else {
            complain(expected: "the key to, a network behind this box")
            return nil
        }
        let network = "the name of a network behind this box"
        guard let text = to.text(expected: network) else { return nil }
        return to.localNetwork(text, scope, network, besides: []).map { .intoNetwork($0) }
    }

    /// Paths and patterns, those that are relative under `directory`.
    fileprivate func globs(in directory: String) -> [String] {
        if isNull { return [] }
        let expected = "the path of a file, or a pattern such as /etc/inet256vpn/firewall.d/*.nft"
        var globs: [String] = []
        for item in isScalar ? [self] : items(expected: expected + ", or a list of them") ?? [] {
            guard let text = item.text(expected: expected) else { continue }
            guard !text.isEmpty, !text.hasSuffix("/"), !text.utf8.contains(0) else {
                item.complain(expected: expected)
                continue
            }
            let glob = FilePath.resolve(text, in: directory)
            if globs.contains(glob) { item.complain(expected: "each once") }
            globs.append(glob)
        }
        return globs
    }
}
