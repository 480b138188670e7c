import ArgumentParser
import Firewall
import Foundation
import INET256
import Settings
import TestSupport
import Testing

@testable import inet256vpn

/// The commands that change the configuration, where no daemon is running.
@Suite struct ConfigurationEditTests {
    /// A folder with a key and a configuration.
    private struct Folder {
        let directory: TemporaryDirectory
        let own: Address
        var path: String { directory.file("config.yaml") }
        var text: String {
            get throws { try String(contentsOfFile: path, encoding: .utf8) }
        }

        init(_ yaml: String) throws {
            directory = try TemporaryDirectory()
            let key = PrivateKey(generatedFrom: SystemRandom())
            own = key.address
            try PrivateKeyFile.create(directory.file("private_key.inet256"), key: key, asText: true)
            try directory.write(
                "config.yaml", "api_endpoint: unix://\(directory.path)/api.sock\n" + yaml, mode: 0o644)
        }

        func edit(isDryRun: Bool = false) -> ConfigurationEdit {
            var daemon = DaemonAccess()
            daemon.config = FileArgument(argument: path)
            return ConfigurationEdit(path: path, daemon: daemon, isDryRun: isDryRun)
        }

        /// What a command line ends with.
        func run(_ words: String...) async -> Int32 { await Program.run(words + ["--config", path]).rawValue }
    }

    private static let policy = """
        # who
        peers:
          - id: \(Sample.plain)   # the office
            name: office
        firewall:
          tests: [{from: office, to: ssh, expect: deny}]

        """

    @Test func allOfItOrNothing() async throws {
        let folder = try Folder(Self.policy)
        let before = try folder.text
        let peer = PeerConfiguration(id: try Sample.address(Sample.dashed), name: "barn")
        let report = try await folder.edit().apply([.addPeer(peer), .addGroupMember(group: "all", member: "barn")])
        #expect(report.done == ["added the peer barn", "made the group all with barn"])
        #expect(report.daemon == .notRunning && report.reload == nil)
        #expect(report.lines.last == "no daemon is running: it takes effect at the next start")
        let configuration = try Configuration.load(folder.path)
        #expect(configuration.peers.map(\.label) == ["office", "barn"] && configuration.groups.map(\.name) == ["all"])
        let changed = try folder.text
        #expect(changed.hasPrefix(before.prefix(before.count - 80)))
        await #expect(throws: EditRefusal.self) {
            _ = try await folder.edit().apply([.renamePeer("office", to: "hq"), .removeGroup("nobody")])
        }
        #expect(try folder.text == changed)
    }

    @Test func aDryRunChangesNothing() async throws {
        let folder = try Folder(Self.policy)
        let before = try folder.text
        let version = FileVersion(folder.path)
        let report = try await folder.edit(isDryRun: true).apply([.renamePeer("office", to: "hq")])
        #expect(report.lines.contains("-    name: office") && report.lines.contains("+    name: hq"))
        #expect(report.lines.contains("+  tests: [{from: hq, to: ssh, expect: deny}]"))
        #expect(report.daemon == .notAsked)
        #expect(try folder.text == before && FileVersion(folder.path) == version)
    }

    /// What a start would refuse is not written.
    @Test func whatAStartWouldRefuseIsNotWritten() async throws {
        let folder = try Folder(Self.policy)
        let before = try folder.text
        await #expect {
            _ = try await folder.edit().apply([.addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["office"]))])
        } throws: { error in
            "\(error)".contains("firewall.tests[0] fails") && (error as? any StatusError)?.exitStatus == .usage
        }
        await #expect {
            _ = try await folder.edit().apply([.addPeer(PeerConfiguration(id: folder.own))])
        } throws: { error in
            "\(error)".contains("is this box itself")
        }
        #expect(try folder.text == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.directory.path).count == 2)
    }

    /// Where others still decide about some of what a new rule speaks of, that is said.
    @Test func aRuleThatHasHalfItsEffectIsToldOf() async throws {
        let folder = try Folder(
            """
            peers: [{id: \(Sample.plain), name: office}, {id: "\(Sample.dashed)", name: barn}]
            groups: {all: [office, barn]}
            firewall: {rules: [{deny: any, from: barn}]}

            """)
        let half = try await folder.edit(isDryRun: true).apply([
            .addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["all"]))
        ])
        #expect(
            half.warnings == [
                "allow ssh from all: for some of it another rule comes first, rule 0 (deny any from barn)"
            ])
        let whole = try await folder.edit(isDryRun: true).apply([
            .addRule(RuleDraft(.allow, services: ["ssh"], subjects: ["office"]))
        ])
        #expect(whole.warnings.isEmpty)
        var first = RuleDraft(.allow, services: ["any"], subjects: ["any"])
        first.before = 0
        let shadowing = try await folder.edit(isDryRun: true).apply([.addRule(first)])
        #expect(shadowing.warnings.count == 1 && shadowing.warnings[0].contains("contradict"), "\(shadowing.warnings)")
    }

    @Test func commandLinesDoIt() async throws {
        let folder = try Folder(Self.policy)
        #expect(await folder.run("peer", "add", Sample.dashed, "--name", "barn", "--endpoint", "udp://[::1]:7") == 0)
        #expect(await folder.run("peer", "add", Sample.dashed) == 2)
        #expect(await folder.run("peer", "add", "short") == 2)
        #expect(await folder.run("peer", "add", Sample.doubleDashed, "--endpoint", "[::1]:7") == 2)
        #expect(await folder.run("group", "add", "admins", "barn", Sample.doubleDashed) == 0)
        #expect(await folder.run("peer", "rename", "barn", "stable") == 0)
        #expect(await folder.run("firewall", "allow", "http", "https", "--from", "admins", "--comment", "pages") == 0)
        #expect(await folder.run("firewall", "deny", "tcp/25", "--out", "--to", "any", "--reject") == 0)
        #expect(await folder.run("firewall", "allow", "http") == 2)
        #expect(await folder.run("firewall", "allow", "http", "--from", "nobody") == 2)
        #expect(await folder.run("group", "remove", "admins") == 2)
        #expect(await folder.run("group", "remove", "admins", Sample.doubleDashed, "--json") == 0)
        #expect(await folder.run("peer", "remove", "office") == 2)
        let lines = try folder.text.split(separator: "\n").map(String.init)
        #expect(
            lines.dropFirst() == [
                "# who", "peers:", "  - id: \(Sample.plain)   # the office", "    name: office",
                "  - id: \"\(Sample.dashed)\"", "    name: stable", "    addrs: [\"udp://[::1]:7\"]", "firewall:",
                "  tests: [{from: office, to: ssh, expect: deny}]", "  rules:", "    - allow: [http, https]",
                "      from: admins", "      comment: pages", "  outbound:", "    rules:", "      - reject: tcp/25",
                "        to: any", "groups:", "  admins: [stable]",
            ], "\(lines)")
    }
}
