import Firewall
import INET256
import TestSupport
import Testing

@testable import Settings

/// What is wrong in `networks`, `groups` and `firewall`. The YAML stands behind `FirewallSample.peers`, whose lines
/// are not counted.
@Suite struct ConfigurationFirewallErrorTests {
    static func problems(_ yaml: String) -> [ConfigurationProblem] {
        let before = FirewallSample.peers.count { $0 == "\n" }
        do throws(ConfigurationError) {
            _ = try Configuration.parse(FirewallSample.peers + yaml, file: "c.yaml")
            return []
        } catch {
            guard case .invalid(let problems) = error else { return [] }
            return problems.map { problem in
                var problem = problem
                problem.line -= before
                return problem
            }
        }
    }

    private static func rule(_ text: String, line: Int = 3, _ keyPath: String, _ says: String...) -> Wrong {
        var wrong = Wrong(
            "networks: {lan: \"fdaa:1::/64\", far: {via: bob, prefixes: \"fdaa:2::/64\"}}\nfirewall:\n  rules: [{\(text)}]",
            line: line, "firewall.rules[0]" + keyPath)
        wrong.says = says
        return wrong
    }

    static let names: [Wrong] = [
        Wrong("networks: [lan]", line: 1, "networks", "a list", "a mapping such as {lan"),
        Wrong("networks: {lan: []}", line: 1, "networks.lan", "an empty list", "an IPv6 prefix"),
        Wrong("networks: {lan: }", line: 1, "networks.lan", "nothing"),
        Wrong("networks:\n  lan: fdaa:1::1/64", line: 2, "networks.lan", "did you mean \"fdaa:1::/64\""),
        Wrong("networks:\n  lan: [192.0.2.0/24]", line: 2, "networks.lan[0]", "IPv6 prefix"),
        Wrong("networks:\n  lan: \"ff02::/16\"", line: 2, "networks.lan", "multicast"),
        Wrong("networks:\n  any: fdaa:1::/64", line: 2, "networks", "\"any\"", "meaning of its own"),
        Wrong("networks:\n  box: fdaa:1::/64", line: 2, "networks", "meaning of its own"),
        Wrong("networks:\n  alice: fdaa:1::/64", line: 2, "networks", "the name of a peer", "alice"),
        Wrong("networks:\n  \"a b\": fdaa:1::/64", line: 2, "networks", "other characters"),
        Wrong("networks:\n  far: {via: bob}", line: 2, "networks.far", "the key prefixes"),
        Wrong(
            "networks:\n  far: {via: bbo, prefixes: fdaa:1::/64}", line: 2, "networks.far.via", "did you mean \"bob\""),
        Wrong("networks:\n  far: {va: bob, prefixes: fdaa:1::/64}", line: 2, "networks.far", "did you mean \"via\""),
        Wrong(
            "networks:\n  a: fdaa:1::/64\n  b: [fdaa:9::/64, \"fdaa::/16\"]", line: 3, "networks.b[1]",
            "overlaps fdaa:1::/64 of the network a", "do not overlap"),
        Wrong("networks:\n  a:\n  - fdaa:1::/64\n  - fdaa:1::/64", line: 4, "networks.a[1]", "overlaps"),
        Wrong("groups: []", line: 1, "groups", "an empty list"),
        Wrong("groups:\n  g: []", line: 2, "groups.g", "an empty list", "at least one member"),
        Wrong("groups:\n  g:", line: 2, "groups.g", "nothing", "at least one member"),
        Wrong("groups:\n  g: [alcie]", line: 2, "groups.g[0]", "\"alcie\"", "did you mean \"alice\""),
        Wrong("groups:\n  g: [alice, any]", line: 2, "groups.g[1]", "\"any\""),
        Wrong("groups:\n  g: [alice, alice]", line: 2, "groups.g[1]", "once"),
        Wrong("groups:\n  g: [\(Sample.plain.dropLast())K]", line: 2, "groups.g[0]", "mistyped"),
        Wrong("groups:\n  g: [\"fd12::1/16\"]", line: 2, "groups.g[0]", "did you mean \"fd12::/16\""),
        Wrong(
            "networks: {lan: \"fdaa:1::/64\"}\ngroups:\n  g: [lan]", line: 3, "groups.g[0]", "a network behind this box"
        ),
        Wrong("networks: {lan: \"fdaa:1::/64\"}\ngroups:\n  lan: [bob]", line: 3, "groups", "the name of a network"),
        Wrong("groups:\n  bob: [alice]", line: 2, "groups", "the name of a peer"),
        Wrong("groups:\n  peers: [alice]", line: 2, "groups", "meaning of its own"),
        Wrong("groups:\n  -g: [alice]", line: 2, "groups", "does not begin with -"),
        Wrong("groups:\n  g: [g]", line: 2, "groups.g[0]", "the circle g -> g", "do not contain themselves"),
        Wrong(
            "groups:\n  a: [b]\n  b: [alice, c]\n  c: [bob, b]\n  d: [a]", line: 4, "groups.c[1]",
            "the circle b -> c -> b"),
        Wrong("firewall: []", line: 1, "firewall", "an empty list", "a mapping"),
        Wrong("firewall: {enabled: yes}", line: 1, "firewall.enabled", "did you mean \"true\""),
        Wrong("firewall: {rule: []}", line: 1, "firewall", "did you mean \"rules\""),
        Wrong("firewall: {default: block}", line: 1, "firewall.default", "\"allow\"", "\"drop\""),
        Wrong("firewall: {outbound: deny}", line: 1, "firewall.outbound", "a mapping such as"),
        Wrong("firewall: {outbound: {default: dney}}", line: 1, "firewall.outbound.default", "did you mean \"deny\""),
        Wrong("firewall: {rules: {allow: ssh}}", line: 1, "firewall.rules", "a list of rules"),
    ]

    static let rules: [Wrong] = [
        rule("from: alice", "", "one of the keys allow, deny, reject, drop"),
        rule("allow: ssh, deny: ssh", ".deny", "a second action"),
        rule("alow: ssh", "", "did you mean \"allow\""),
        rule("allow: []", ".allow", "a service such as ssh"),
        rule("allow: ", ".allow", "nothing"),
        rule("allow: shh", ".allow", "\"shh\"", "did you mean \"ssh\""),
        rule("allow: [ssh, 22]", ".allow[1]", "did you mean \"tcp/22\""),
        rule("allow: [ssh, ssh]", ".allow[1]", "once"),
        rule("allow: tcp/0", ".allow", "1 to 65535"),
        rule("allow: proto/44", ".allow", "44 is one of them"),
        rule("allow: ssh, from: []", ".from", "an empty list"),
        rule("allow: ssh, from: lan", ".from", "a network behind this box"),
        rule("allow: ssh, from: 10.0.0.0/8", ".from", "IPv6 prefix"),
        rule("allow: ssh, from: [nobody]", ".from[0]", "\"nobody\""),
        rule("allow: ssh, from: [[alice]]", ".from[0]", "a list"),
        rule("allow: ssh, to: far", ".to", "a network behind another box"),
        rule("allow: ssh, to: lna", ".to", "did you mean \"lan\""),
        rule("allow: ssh, to: [box, alice]", ".to[1]", "\"alice\"", "behind this box"),
        rule("allow: ssh, limit: 0/minute", ".limit", "1 to 4294967295"),
        rule("allow: ssh, limit: 4294967296/minute", ".limit", "1 to 4294967295"),
        rule("allow: ssh, limit: 10", ".limit", "10/minute"),
        rule("allow: ssh, limit: 10/min", ".limit", "did you mean \"10/minute\""),
        rule("allow: ssh, limit: 1/fortnight", ".limit", "a second, minute, hour or day"),
        rule("allow: ssh, limit: {burst: 5}", ".limit", "the key rate"),
        rule("allow: ssh, limit: {rate: 1/day, burst: 0}", ".limit.burst", "from 1"),
        rule("allow: ssh, limit: {rate: 1/day, burst: 4294967295}", ".limit.burst", "at most 213503"),
        rule("allow: ssh, limit: []", ".limit", "a rate such as"),
        rule("allow: ssh, log: \(String(repeating: "x", count: 65))", ".log", "65 bytes", "1 to 64"),
        rule("allow: ssh, log: 'a\"b'", ".log", "double quotes"),
        rule("allow: ssh, log: \"a\\nb\"", ".log", "control characters"),
        rule("allow: ssh, log: \"\"", ".log", "1 to 64"),
        rule("allow: ssh, comment: \(String(repeating: "x", count: 129))", ".comment", "1 to 128"),
        Wrong(
            "firewall:\n  outbound:\n    rules:\n      - {deny: tcp/25, from: alice}", line: 4,
            "firewall.outbound.rules[0].from", "behind this box"),
        Wrong(
            "firewall:\n  outbound:\n    rules:\n      - deny: tcp/25\n        to: box", line: 5,
            "firewall.outbound.rules[0].to", "\"box\""),
        Wrong(
            "portal: {prefix: \"fd00:1::/32\"}\ngroups: {g: [h], h: [bob]}\nfirewall:\n  rules: [{allow: ssh, from: g}]",
            line: 4, "firewall.rules[0].from", "\"g\", which stands for identities", "at most 16 bits", "fd00:1::/32"),
        Wrong(
            "portal: {prefix: \"fd00::/17\"}\nfirewall: {rules: [{allow: ssh, from: [\"fd00::/32\", peers]}]}", line: 2,
            "firewall.rules[0].from[1]", "identities"),
    ]

    static let rest: [Wrong] = [
        Wrong("firewall: {nat: {masquerade: lan}}", line: 1, "firewall.nat", "a list such as"),
        Wrong("firewall: {nat: [{masquerade: lan}]}", line: 1, "firewall.nat[0].masquerade", "\"lan\"", "mesh, or"),
        Wrong("firewall: {nat: [{to: lan}]}", line: 1, "firewall.nat[0]", "the key masquerade"),
        Wrong("firewall: {nat: [{masquerade: mesh}]}", line: 1, "firewall.nat[0]", "the key to"),
        Wrong("firewall: {nat: [{masquerade: msh}]}", line: 1, "firewall.nat[0].masquerade", "did you mean \"mesh\""),
        Wrong(
            "networks: {lan: \"fdaa:1::/64\"}\nfirewall: {nat: [{masquerade: lan, to: lan}]}", line: 2,
            "firewall.nat[0].to", "no key to"),
        Wrong(
            "networks: {lan: \"fdaa:1::/64\"}\nfirewall:\n  nat: [{masquerade: lan}, {masquerade: lan}]", line: 3,
            "firewall.nat[1]", "once"),
        Wrong(
            "networks: {far: {via: bob, prefixes: \"fdaa:1::/64\"}}\nfirewall: {nat: [{masquerade: far}]}", line: 2,
            "firewall.nat[0].masquerade", "behind another box"),
        Wrong("firewall: {table: \"my table\"}", line: 1, "firewall.table", "a letter"),
        Wrong("firewall: {table: 7}", line: 1, "firewall.table", "a letter"),
        Wrong("firewall: {cut_removed: maybe}", line: 1, "firewall.cut_removed", "true"),
        Wrong("firewall: {clamp_mss: maybe}", line: 1, "firewall.clamp_mss", "\"auto\"", "\"true\""),
        Wrong("firewall: {include: [a, a]}", line: 1, "firewall.include[1]", "once"),
        Wrong("firewall: {include: dir/}", line: 1, "firewall.include", "the path of a file"),
        Wrong("firewall: {include: {}}", line: 1, "firewall.include", "or a list of them"),
        Wrong("firewall: {tests: {}}", line: 1, "firewall.tests", "a list such as"),
        Wrong("firewall: {tests: [{from: bob, to: ssh}]}", line: 1, "firewall.tests[0]", "no key expect"),
        Wrong("firewall: {tests: [{to: ssh, expect: deny}]}", line: 1, "firewall.tests[0]", "no key from"),
        Wrong("firewall: {tests: [{from: bob, to: ssh, expect: no}]}", line: 1, "firewall.tests[0].expect", "\"deny\""),
        Wrong(
            "firewall: {tests: [{from: bob, to: ssh, at: \"fd00::1\", expect: deny}]}", line: 1,
            "firewall.tests[0].at", "IPv6 address in one"),
        Wrong(
            "firewall: {tests: [{from: bob, service: ssh, expect: deny}]}", line: 1, "firewall.tests[0].service",
            "inbound, `to` is the service"),
        Wrong(
            "firewall: {tests: [{way: out, from: box, to: bob, service: ssh, expect: deny}]}", line: 1,
            "firewall.tests[0].from", "outbound, `at` is our side"),
        Wrong(
            "firewall: {tests: [{way: out, to: bob, expect: deny}]}", line: 1, "firewall.tests[0]", "no key service"),
        Wrong("firewall: {tests: [{way: up, to: bob}]}", line: 1, "firewall.tests[0].way", "\"in\" or \"out\""),
    ]

    @Test(arguments: names + rules + rest)
    func eachFieldWrong(_ wrong: Wrong) throws {
        let problems = Self.problems(wrong.yaml)
        #expect(problems.count == 1, "\(problems)")
        let problem = try #require(problems.first)
        #expect(problem.line == wrong.line)
        #expect(problem.column >= 1)
        #expect(problem.keyPath == wrong.keyPath)
        for words in wrong.says { #expect(problem.description.contains(words), "\(problem)") }
    }

    @Test func nestingMayBeDeep() throws {
        let depth = 20_000
        let chain = (0..<depth).map { "  g\($0): [g\($0 + 1)]\n" }.joined()
        let tail = "  g\(depth): [bob]\nfirewall: {rules: [{allow: ssh, from: g0}]}"
        let configuration = try Configuration.parse(FirewallSample.peers + "groups:\n" + chain + tail, file: "c.yaml")
        let bob = try FirewallSample.host(Sample.dashed)
        #expect(configuration.firewallPolicy().groups.map(\.members) == [[bob]])
        let closed = Self.problems("groups:\n" + chain + "  g\(depth): [g7]")
        #expect(closed.map(\.keyPath) == ["groups.g\(depth)[0]"])
    }

    @Test func whatNobodyEnforcesMaySpeakOfIdentities() {
        let prefix = "portal: {prefix: \"fd00:1::/32\"}\n"
        #expect(Self.problems(prefix + "firewall: {rules: [{allow: ssh, from: bob}]}").count == 1)
        #expect(Self.problems(prefix + "firewall: {rules: [{allow: ssh, from: \"fd00:1::/40\"}]}").isEmpty)
        #expect(Self.problems(prefix + "firewall: {rules: [{allow: ssh, from: bob}], enabled: false}").isEmpty)
        #expect(
            Self.problems("portal: {prefix: \"fd00::/16\"}\nfirewall: {rules: [{allow: ssh, from: bob}]}").isEmpty)
    }

    @Test func theUseOfAFaultyEntryIsNotAFurtherMistake() {
        let yaml = """
            networks: {far: {via: nobody, prefixes: "fdaa:1::/64"}}
            groups: {g: [], any: [bob]}
            firewall: {rules: [{allow: ssh, from: [far, g], to: far}]}
            """
        #expect(Self.problems(yaml).map(\.keyPath) == ["networks.far.via", "groups.g", "groups"])
    }

    @Test func allThatIsWrongIsTold() {
        let yaml = """
            firewall:
              default: no
              rules:
                - allow: [shh, tcp/x]
                  from: [nobody]
                - {}
            groups:
              a: [a]
            """
        #expect(
            Self.problems(yaml).map(\.keyPath) == [
                "firewall.default", "firewall.rules[0].allow[0]", "firewall.rules[0].allow[1]",
                "firewall.rules[0].from[0]", "firewall.rules[1]", "groups.a[0]",
            ])
    }
}
