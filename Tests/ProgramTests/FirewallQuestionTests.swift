import AdminProtocol
import Firewall
import INET256
import Settings
import Testing
import Wire

@testable import inet256vpn

/// The policy of a file, asked: `firewall.tests`, `firewall test`, `firewall diff`.
@Suite struct FirewallQuestionTests {
    static let file = """
        networks:
          lan: [fdaa:1::/64, fdaa:2::/64]
        groups:
          crowd: ["fd10::/16", "fd20::1"]
        firewall:
          rules:
            - {deny: any, from: "fd10:5::/32"}
            - {allow: tcp/5000-5010, from: crowd}
            - {reject: tcp/5005-5020, from: any}
            - {allow: any, from: crowd, to: lan}
        """

    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/config.yaml")
    }

    private func failures(_ tests: String) throws -> [FirewallTestFailure] {
        let configuration = try Self.parse(Self.file + "\n  tests:\n    - " + tests)
        return configuration.firewallTestFailures(configuration.firewallPolicy())
    }

    /// Tests that hold.
    @Test(arguments: [
        "{from: \"fd20::1\", to: tcp/5000-5010, expect: allow}",
        "{from: \"fd10:5::1\", to: any, expect: deny}",
        "{from: \"fd30::1\", to: tcp/5005-5020, expect: reject}",
        "{from: \"fd30::1\", to: tcp/5000-5004, expect: deny}",
        "{from: \"fd20::1\", to: any, at: lan, expect: allow}",
        "{from: any, to: udp/1, expect: deny}",
        "{from: any, to: icmpv6/packet-too-big, expect: allow}",
        "{from: \"fd30::1\", to: icmpv6/echo-request, expect: allow}",
        "{from: \"fd30::1\", to: any, at: \"fdaa:2::9\", expect: deny}",
        "{way: out, to: any, service: any, expect: allow}",
        "{from: [\"fd20::1\", \"fd10::1\"], to: [tcp/5000, tcp/5010], expect: allow}",
        "{from: [\"fd30::1\", \"fd31::1\"], to: [udp/1, proto/47], at: any, expect: deny}",
        "{from: any, to: udp/1, at: [box], expect: deny}",
        "{way: out, to: [any], service: [any], at: any, expect: allow}",
    ])
    func whatHolds(_ test: String) throws {
        // "any" at a place that pings may reach is not all denied.
        let pings = test.contains("to: any,") && test.contains("fd30") ? ["allow"] : []
        let found = try failures(test)
        #expect(found.map(\.decision.action.rawValue) == pings, "\(found)")
    }

    /// Tests that do not hold for one packet in many: a corner of a range or a prefix decides it.
    @Test(arguments: [
        ("{from: crowd, to: tcp/5000, expect: allow}", FirewallAction.deny, "rule 0"),
        ("{from: \"fd20::1\", to: tcp/5000-5011, expect: allow}", .reject, "rule 2"),
        ("{from: any, to: tcp/5000, expect: deny}", .allow, "rule 1"),
        ("{from: \"fd20::1\", to: tcp/4999-5000, expect: allow}", .deny, "the default"),
        ("{from: \"fd10:5::1\", to: any, at: lan, expect: deny}", .allow, "rule 3"),
        ("{from: \"fd20::1\", to: udp/1, at: any, expect: deny}", .allow, "rule 3"),
        ("{from: \"fd20::1\", to: udp/1, at: [box, lan], expect: deny}", .allow, "rule 3"),
        ("{from: [\"fd30::1\", \"fd20::1\"], to: [udp/1, tcp/5000], expect: deny}", .allow, "rule 1"),
    ])
    func whatDoesNotHold(_ test: String, _ action: FirewallAction, _ reason: String) throws {
        let found = try failures(test)
        #expect(found.count == 1 && found.first?.decision.action == action, "\(found)")
        #expect(found.first?.reason.hasPrefix(reason) == true, "\(found)")
        #expect(found.first.map { "\($0)".hasPrefix("firewall.tests[0] fails: ") } == true)
    }

    @Test func aFailingTestKeepsThePolicyOut() throws {
        let configuration = try Self.parse(
            Self.file + "\n  tests: [{from: \"fd20::1\", to: ssh, expect: allow}]")
        let error = #expect(throws: CommandFailure.self) { try FirewallKeeper.prepare(configuration) }
        #expect(error?.description.contains("ssh from fd20::1/128 should be allow, and is deny by the default") == true)
    }

    @Test func differences() throws {
        let old = try Self.parse(Self.file).firewallLines()
        #expect(old.changes(from: old).isEmpty)
        let text = Self.file.replacing("tcp/5000-5010", with: "tcp/5000").replacing("fd20::1", with: "fd20::2")
        let changes = try Self.parse(text).firewallLines().changes(from: old)
        #expect(
            changes.map { ($0.isAdded ? "+ " : "- ") + $0.text } == [
                "- from the mesh: allow tcp/5000-5010 from crowd", "+ from the mesh: allow tcp/5000 from crowd",
                "- group crowd: fd20::1/128", "+ group crowd: fd20::2/128",
            ])
        let off = try Self.parse("firewall: {enabled: false}").firewallLines()
        #expect(off.changes(from: old).contains { $0.isAdded && $0.text == "from the mesh: allow the rest" })
    }
}
