internal import Firewall
internal import Wire

/// The words for actions in a file: each of them has a synonym or none.
enum ActionWord: String, CaseIterable {
    case allow, deny, reject, drop

    var action: FirewallAction {
        switch self {
        case .allow: .allow
        case .deny, .drop: .deny
        case .reject: .reject
        }
    }
}

extension ConfigurationValue {
    /// The list of rules; each that was complained about is left out. Nothing at all is an empty one.
    func rules(_ way: FirewallTest.Way, _ scope: NameScope) -> [ConfiguredRule] {
        if isNull { return [] }
        let items = items(expected: "a list of rules, such as [{allow: ssh, from: [admins]}]") ?? []
        return items.compactMap { $0.rule(way, scope) }
    }

    private func rule(_ way: FirewallTest.Way, _ scope: NameScope) -> ConfiguredRule? {
        var actions: [(word: ActionWord, services: [ConfiguredService]?)] = []
        var rule = ConfiguredRule(action: .deny, services: [], places: way == .inbound ? [.box] : [.any])
        let words = ActionWord.allCases.map(\.rawValue)
        let form = "a mapping such as {allow: ssh, from: [admins]}"
        let known = words + ["from", "to", "limit", "log", "comment"]
        let isComplete = fields(known, expected: form) { key, value in
            switch key {
            case "from" where way == .inbound, "to" where way == .outbound:
                if let list = value.subjects(scope) { rule.peers = list }
            case "from", "to":
                if let list = value.places(scope) { rule.places = list }
            case "limit": rule.limit = value.rateLimit()
            case "log": rule.log = value.ruleLog()
            case "comment": rule.comment = value.quotable(limit: RuleText.longestComment, what: "a comment")
            default:
                guard let word = ActionWord(rawValue: key) else { return }
                if !actions.isEmpty { value.complain(expected: "one action for each rule", found: "a second action") }
                actions.append((word, value.configuredServices()))
            }
        }
        guard let action = actions.first else {
            if isComplete { complain(expected: "one of the keys \(words.joined(separator: ", ")) with services") }
            return nil
        }
        guard let services = action.services else { return nil }
        rule.action = action.word.action
        rule.services = services
        return rule
    }

    private func subjects(_ scope: NameScope) -> [ConfiguredSubject]? {
        let expected = "peers, addresses, groups, networks or IPv6 prefixes: one or a list"
        return each(expected: expected) { item in
            guard let subject = item.subject(scope, orAny: true) else { return nil }
            if let prefix = scope.weakPrefix, scope.isIdentity(subject) {
                item.complain(
                    expected: "IPv6 prefixes alone, or a portal.prefix of at most \(NameScope.mostBits) bits: under "
                        + "\(prefix) an IPv6 address holds too few bits of an identity",
                    found: "\(item.found), which stands for identities")
            }
            return subject
        }
    }

    private func places(_ scope: NameScope) -> [ConfiguredPlace]? {
        each(expected: "box, any, or networks behind this box: one or a list") { $0.place(scope) }
    }

    func configuredServices() -> [ConfiguredService]? {
        each(expected: "a service such as ssh or tcp/22, or a list of them") { $0.configuredService() }
    }

    func configuredService() -> ConfiguredService? {
        guard let text = text(expected: ServiceText.expected) else { return nil }
        do throws(ServiceTextError) {
            return ConfiguredService(text: text, services: try ServiceText.parse(text, names: .system))
        } catch {
            complain(expected: error.expected, suggestion: error.suggestion)
            return nil
        }
    }

    /// One or a list of what `read` makes of each; nil when there is none that is right.
    func each<Element: Hashable>(
        expected: String, _ read: (ConfigurationValue) -> Element?
    ) -> [Element]? {
        guard let items = oneOrMore(expected: expected) else { return nil }
        var list: [Element] = []
        var seen: Set<Element> = []
        for item in items {
            guard let element = read(item) else { continue }
            if !seen.insert(element).inserted { item.complain(expected: "each once") }
            list.append(element)
        }
        return list.isEmpty ? nil : list
    }

    /// `10/minute`, or a mapping with that as `rate`, and `burst`.
    private func rateLimit() -> RateLimit? {
        if isScalar { return rate().map { RateLimit($0.rate, per: $0.unit) } }
        var rate: (rate: UInt64, unit: RateLimit.Unit)?
        var rateGiven = false
        var burst: (value: UInt32, place: ConfigurationValue)?
        let form = "a rate such as 10/minute, or a mapping such as {rate: 10/minute, burst: 20}"
        let isComplete = fields(["rate", "burst"], expected: form) { key, value in
            if key == "rate" {
                rateGiven = true
                rate = value.rate()
            } else if let number = value.integer(in: 1...Int(UInt32.max)) {
                burst = (UInt32(number), value)
            }
        }
        if isComplete, !rateGiven { complain(expected: "the key rate, such as 10/minute") }
        guard let rate else { return nil }
        guard let burst else { return RateLimit(rate.rate, per: rate.unit) }
        // The kernel keeps a bucket in nanoseconds, of burst times the span of one, and 64 bits hold no more.
        let most = UInt64.max / max(1, rate.unit.rawValue * 1_000_000_000 / rate.rate)
        guard UInt64(burst.value) <= most else {
            burst.place.complain(expected: "a burst of at most \(most) at this rate")
            return nil
        }
        return RateLimit(rate.rate, per: rate.unit, burst: burst.value)
    }

    private func rate() -> (rate: UInt64, unit: RateLimit.Unit)? {
        let units = RateLimit.Unit.allCases.map { "\($0)" }
        let most = UInt64(UInt32.max)
        let expected = "a rate such as 10/minute: 1 to \(most) in a second, minute, hour or day"
        guard let text = text(expected: expected) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let rate = UInt64(parts[0]), String(rate) == parts[0], (1...most).contains(rate) else {
            complain(expected: expected)
            return nil
        }
        guard let unit = RateLimit.Unit.allCases.first(where: { "\($0)" == parts[1] }) else {
            // Such as 10/min.
            let near =
                NearMiss.of(String(parts[1]), among: units)
                ?? units.first { !parts[1].isEmpty && $0.hasPrefix(parts[1]) }
            complain(expected: expected, suggestion: near.map { "\(rate)/\($0)" })
            return nil
        }
        return (rate, unit)
    }

    /// `true`, `false`, or a prefix.
    private func ruleLog() -> RuleLog? {
        let isFlag = found == "\"true\"" || found == "\"false\""
        if isFlag { return bool() == true ? .standard : nil }
        return quotable(limit: RuleText.longestLogPrefix, what: "true, false, or a prefix for the log").map {
            .prefix($0)
        }
    }

    /// Text for the kernel, which people also read as a quoted word: the quoted form knows no escapes.
    private func quotable(limit: Int, what: String) -> String? {
        let expected = "\(what) of 1 to \(limit) bytes without control characters, double quotes and backslashes"
        guard let text = text(expected: expected) else { return nil }
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control && !"\"\\\u{2028}\u{2029}".unicodeScalars.contains($0)
        }
        guard isPlain, (1...limit).contains(text.utf8.count) else {
            complain(expected: expected, found: isPlain ? "\(found), \(text.utf8.count) bytes" : nil)
            return nil
        }
        return text
    }
}
