internal import Firewall

extension EditedConfiguration {
    mutating func add(_ draft: RuleDraft) throws {
        let isInbound = draft.way == .inbound
        let old = list(of: draft.way, in: configuration)
        if let before = draft.before, before > old.count {
            throw EditRefusal("there are \(old.count) rules, so none can be put before rule \(before)")
        }
        for subject in draft.subjects { _ = try configuration.subject(subject, anybody: true) }
        let path: YAMLPath =
            isInbound ? [.key("firewall"), .key("rules")] : [.key("firewall"), .key("outbound"), .key("rules")]
        let original = self
        var place = draft.before ?? old.count
        while true {
            self = original
            let change = YAMLChange.insert(content(of: draft), into: path, before: place < old.count ? place : nil)
            try take([change], nil)
            let new = list(of: draft.way, in: configuration)
            guard new.indices.contains(place) else { throw EditRefusal("the rule did not come out as a rule") }
            let rule = new[place]
            try requireOnly(rule, at: place, draft, since: original, change)
            let text = RuleText.line(rule, draft.way, peers: configuration.peers)
            if let same = old.firstIndex(where: { Self.without(comment: $0) == Self.without(comment: rule) }) {
                throw EditRefusal("rule \(same) says that already: \(text)")
            }
            if draft.before == nil, let cover = shadow(of: place, draft.way) {
                guard cover.isContradiction else {
                    throw EditRefusal(
                        "rule \(cover.by) covers that already: "
                            + RuleText.line(new[cover.by], draft.way, peers: configuration.peers))
                }
                // Behind that one it would never match.
                place = cover.by
                continue
            }
            addedRules.append((draft.way, rule))
            done.append("\(isInbound ? "rule" : "outbound rule") \(place): \(text)")
            return
        }
    }

    /// Besides the new rule nothing may be different.
    private func requireOnly(
        _ rule: ConfiguredRule, at place: Int, _ draft: RuleDraft, since original: EditedConfiguration,
        _ change: YAMLChange
    ) throws(EditRefusal) {
        var expected = original.configuration
        switch draft.way {
        case .inbound: expected.firewall.inbound.rules.insert(rule, at: place)
        case .outbound: expected.firewall.outbound.rules.insert(rule, at: place)
        }
        guard configuration == expected, rule.action == draft.action else {
            throw EditRefusal(
                "the file was left as it is, since it would mean something else besides", advice: change.advice)
        }
    }

    private func list(of way: FirewallTest.Way, in configuration: Configuration) -> [ConfiguredRule] {
        way == .inbound ? configuration.firewall.inbound.rules : configuration.firewall.outbound.rules
    }

    private static func without(comment rule: ConfiguredRule) -> ConfiguredRule {
        var rule = rule
        rule.comment = nil
        return rule
    }

    private func shadow(of place: Int, _ way: FirewallTest.Way) -> ShadowedRule? {
        let policy = configuration.firewallPolicy()
        let list = way == .inbound ? policy.inbound : policy.outbound
        return policy.shadowedRules(of: list).first { $0.rule == place }
    }

    private func content(of draft: RuleDraft) -> YAMLContent {
        func oneOrMore(_ words: [String]) -> YAMLContent {
            words.count == 1 ? Self.content(words[0]) : .list(words.map { Self.content($0) })
        }
        var fields = [YAMLField(draft.action.rawValue, oneOrMore(draft.services))]
        let (theirs, ours) = draft.way == .inbound ? ("from", "to") : ("to", "from")
        if !draft.subjects.isEmpty { fields.append(YAMLField(theirs, oneOrMore(draft.subjects))) }
        if !draft.places.isEmpty { fields.append(YAMLField(ours, oneOrMore(draft.places))) }
        if let limit = draft.limit { fields.append(YAMLField("limit", .text(limit))) }
        if let comment = draft.comment { fields.append(YAMLField("comment", .text(comment))) }
        return .mapping(fields)
    }
}
