internal import Firewall
internal import Wire
internal import Yams

extension Configuration {
    /// A question about a packet, worded as an entry of `firewall.tests` would be: of `from` and `to` one is the mesh's side and the
    /// other the service.
    package func firewallQuestion(
        from: String, to: String, at: String?, way: FirewallTest.Way
    ) throws(ConfigurationError) -> FirewallTest {
        let problems = ProblemList(file: "the command line")
        let isOut = way == .outbound
        var pairs: [(Yams.Node, Yams.Node)] = [
            (Yams.Node(isOut ? "to" : "from"), Yams.Node(from)), (Yams.Node(isOut ? "service" : "to"), Yams.Node(to)),
            (Yams.Node("expect"), Yams.Node("allow")),
        ]
        if isOut { pairs.append((Yams.Node("way"), Yams.Node("out"))) }
        if let at { pairs.append((Yams.Node("at"), Yams.Node(at))) }
        let value = ConfigurationValue(node: Yams.Node(pairs), keyPath: "", problems: problems)
        var scope = NameScope(peers: peers)
        scope.networks = networks
        scope.groups = Set(groups.map(\.name))
        guard let test = value.firewallTest(scope), problems.problems.isEmpty else { throw .invalid(problems.problems) }
        return test
    }
}

extension ConfigurationValue {
    /// The list of tests; nothing at all is an empty one.
    func firewallTests(_ scope: NameScope) -> [FirewallTest] {
        if isNull { return [] }
        let form = "a list such as [{from: alice, to: ssh, expect: allow}]"
        return (items(expected: form) ?? []).compactMap { $0.firewallTest(scope) }
    }

    /// Inbound `{from: SUBJECT, to: SERVICE, at: END, expect: ACTION}`, outbound
    /// `{way: out, to: SUBJECT, service: SERVICE, at: END, expect: ACTION}`; `at` may be missing. Each may be a list.
    func firewallTest(_ scope: NameScope) -> FirewallTest? {
        var given: [String: ConfigurationValue] = [:]
        let form = "a mapping such as {from: alice, to: ssh, expect: allow}"
        let known = ["way", "from", "to", "service", "at", "expect"]
        guard fields(known, expected: form, { key, value in given[key] = value }) else { return nil }
        var way = FirewallTest.Way.inbound
        if let value = given["way"] {
            guard let word = value.word(FirewallTest.Way.self) else { return nil }
            way = word
        }
        let (subjectKey, serviceKey, needless) =
            way == .inbound ? ("from", "to", "service") : ("to", "service", "from")
        if let value = given[needless] {
            value.complain(
                expected: way == .inbound
                    ? "no key service: inbound, `to` is the service" : "no key from: outbound, `at` is our side",
                found: "the key \(needless)")
            return nil
        }
        for key in [subjectKey, serviceKey, "expect"] where given[key] == nil {
            complain(expected: "the keys \(subjectKey), \(serviceKey) and expect", found: "no key \(key)")
            return nil
        }
        let one =
            "one or a list: a peer's name, an address of 43 characters, a group, any, peers, a network with via, a prefix"
        let subjects = given[subjectKey]?.each(expected: one) { $0.subject(scope, orAny: true) }
        let services = given[serviceKey]?.configuredServices()
        let expect = given["expect"]?.word(ActionWord.self)
        let ends =
            given["at"].map { at in at.each(expected: "\(Self.testEnds), or a list") { $0.testEnd(scope) } } ?? [.box]
        guard let subjects, let services, let expect, let ends else { return nil }
        return FirewallTest(way: way, subjects: subjects, services: services, ends: ends, expect: expect.action)
    }

    private static let testEnds = "box, any, a network behind this box, or an IPv6 address in one"

    private func testEnd(_ scope: NameScope) -> FirewallTest.End? {
        let expected = Self.testEnds
        guard let text = text(expected: expected) else { return nil }
        if text == "box" { return .box }
        if text == "any" { return .any }
        guard let address = IPv6Address(text) else {
            return localNetwork(text, scope, expected, besides: ["box", "any"]).map { .network($0) }
        }
        let isLocal = scope.networks.contains { network in
            network.via == nil && network.prefixes.contains { $0.contains(address) }
        }
        guard isLocal || !scope.faulty.isEmpty else {
            complain(expected: expected)
            return nil
        }
        return .address(address)
    }
}
