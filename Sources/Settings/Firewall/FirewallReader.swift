internal import Firewall
internal import Wire

extension Configuration {
    /// Takes in the firewall's part, whose names are the peers' and those of each other: so it is read behind all
    /// else, wherever it stands in the file.
    mutating func read(
        networks networksValue: ConfigurationValue?, groups groupsValue: ConfigurationValue?,
        firewall firewallValue: ConfigurationValue?, directory: String
    ) {
        var scope = NameScope(peers: peers)
        if portal.enabled { scope.portalPrefix = portal.prefix }
        if let networksValue { networks = networksValue.networks(&scope) }
        scope.networks = networks
        if let groupsValue { groups = groupsValue.groups(&scope) }
        if portal.enabled, portal.prefix.length > NameScope.mostBits { scope.weakPrefix = portal.prefix }
        if let firewallValue { firewall.read(firewallValue, scope, directory: directory) }
    }
}

extension FirewallConfiguration {
    fileprivate mutating func read(_ value: ConfigurationValue, _ scope: NameScope, directory: String) {
        var scope = scope
        var rest: [(key: String, value: ConfigurationValue)] = []
        let known = [
            "enabled", "default", "rules", "outbound", "nat", "clamp_mss", "include", "tests", "cut_removed", "table",
        ]
        value.fields(known, expected: "a mapping such as {default: deny, rules: []}") { key, value in
            if key == "enabled" {
                if let flag = value.bool() { enabled = flag }
            } else {
                rest.append((key, value))
            }
        }
        // Rules that nobody enforces may speak of whom they like.
        if !enabled { scope.weakPrefix = nil }
        for (key, value) in rest {
            switch key {
            case "default":
                if let word = value.word(ActionWord.self) { inbound.fallback = word.action }
            case "rules": inbound.read(rules: value, .inbound, scope)
            case "outbound": outbound.readOutbound(value, scope)
            case "nat": nat = value.masquerades(scope)
            case "clamp_mss":
                if let word = value.word(ClampMSS.self) { clampMSS = word }
            case "include": include = value.globs(in: directory)
            case "table":
                let expected = "a letter and up to 99 letters, digits and underscores, such as \(Ruleset.standardTable)"
                if let name = value.text(expected: expected) {
                    if Ruleset.isTableName(name) { table = name } else { value.complain(expected: expected) }
                }
            case "cut_removed":
                if let flag = value.bool() { cutRemoved = flag }
            default: tests = value.firewallTests(scope)
            }
        }
    }
}

extension ConfiguredRules {
    fileprivate mutating func readOutbound(_ value: ConfigurationValue, _ scope: NameScope) {
        value.fields(["default", "rules"], expected: "a mapping such as {default: allow, rules: []}") { key, value in
            if key == "rules" {
                read(rules: value, .outbound, scope)
            } else if let word = value.word(ActionWord.self) {
                fallback = word.action
            }
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
