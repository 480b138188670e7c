import API
import AdminProtocol
import ArgumentParser
import Foundation
import INET256
import Logging
import Settings
import TestSupport
import Testing

@testable import inet256vpn

/// `check`, `firewall check` and `reload` refuse what the next start would refuse.
@Suite struct RehearsalTests {
    /// A folder with a key and a configuration that is in order.
    private struct Folder {
        let directory: TemporaryDirectory
        var path: String { directory.file("config.yaml") }

        init(_ yaml: String = "") throws {
            directory = try TemporaryDirectory()
            let key = PrivateKey(generatedFrom: SystemRandom())
            try PrivateKeyFile.create(directory.file("private_key.inet256"), key: key, asText: true)
            try write(yaml)
        }

        func write(_ yaml: String) throws { try directory.write("config.yaml", yaml, mode: 0o644) }
    }

    /// What is wrong, and a word of what is said of it.
    static let refused: [(yaml: String, word: String)] = [
        ("firewall: {tests: [{from: any, to: ssh, expect: allow}]}", "firewall.tests[0] fails"),
        ("firewall: {include: [missing.nft]}", "missing.nft"),
        ("nodes: [{private_key_path: missing.inet256}]", "missing.inet256"),
        ("private_key_path: none.inet256", "none.inet256"),
        ("portal: {prefix: \"2001::/16\"}", "global unicast"),
        ("networks: {lan: \"fd00::/8\"}", "portal.prefix itself"),
        ("crypto: {min_suite: 2, ciphers: [chacha20-poly1305]}", "crypto.min_suite"),
        ("transports: [{udp: \"[::]:7\"}, {udp: \"0.0.0.0:7\"}]", "transports[1]"),
        ("crypto: {ciphers: [chacha20-poly1305], backends: [ipsec-mb], min_suite: 2}", "crypto.min_suite"),
    ]

    @Test(arguments: refused.indices)
    func bothChecksAndAReloadRefuse(_ place: Int) throws {
        let (yaml, word) = Self.refused[place]
        let folder = try Folder()
        let running = try DaemonSetup.load(folder.path)
        try running.rehearse()
        try folder.write(yaml)
        func refuses(_ what: () throws -> Void) {
            #expect {
                try what()
            } throws: { error in
                let status = (error as? any StatusError)?.exitStatus
                let isRefusal = status == .usage || error is FileError
                return "\(error)".contains(word) && isRefusal
            }
        }
        refuses { try CheckCommand.parse([folder.path]).run() }
        refuses { try FirewallCheckCommand.parse([folder.path]).run() }
        refuses { _ = try running.reread(after: running.configuration) }
    }

    /// Whoever takes such a prefix on purpose is not refused the next change of a rule.
    @Test func whatWasForcedStaysForced() throws {
        let folder = try Folder("portal: {prefix: \"2001::/16\"}")
        var running = try DaemonSetup.load(folder.path)
        #expect(throws: CommandFailure.self) { try running.rehearse() }
        running.force = true
        try running.rehearse()
        try folder.write("portal: {prefix: \"2001::/16\"}\naccept: any")
        #expect(try running.reread(after: running.configuration).1.applied == ["accept"])
        try CheckCommand.parse([folder.path, "--force", "--json"]).run()
    }

    /// The path is the same, and the key in it is another: the next start makes another box of this one.
    @Test func anotherKeyInTheSameFileWaitsForARestart() throws {
        let folder = try Folder()
        let running = try DaemonSetup.load(folder.path)
        try FileManager.default.removeItem(atPath: folder.directory.file("private_key.inet256"))
        let other = PrivateKey(generatedFrom: SystemRandom())
        try PrivateKeyFile.create(folder.directory.file("private_key.inet256"), key: other, asText: false)
        #expect(try running.reread(after: running.configuration).1.needsRestart == ["private_key_path"])
    }

    @Test func bothChecksTakeTheFileInTheSameWays() throws {
        for arguments in [["f.yaml"], ["--config", "f.yaml"], ["f.yaml", "--json"]] {
            #expect(try CheckCommand.parse(arguments).file.path == "f.yaml")
            #expect(try FirewallCheckCommand.parse(arguments).file.path == "f.yaml")
        }
        #expect(try CheckCommand.parse([]).file.path == Configuration.standardPath)
        #expect(try FirewallCheckCommand.parse([]).file.path == Configuration.standardPath)
        #expect(throws: (any Error).self) { try CheckCommand.parse(["a", "--config", "b"]) }
        #expect(throws: (any Error).self) { try FirewallCheckCommand.parse(["a", "--config", "b"]) }
    }

    /// What `reload --help` names is what a reload applies: no more, no less, whatever key comes to be.
    @Test func theReloadableKeysAreNamed() throws {
        var next = try Sample.parse(
            "peers: [{id: \(Sample.plain)}]\nportal: {except: [fd12::/16]}\ngroups: {g: [\(Sample.plain)]}")
        let old = next
        next.accept = old.accept == .any ? .peers : .any
        next.portal.allow = .only([], peers: true)
        next.portal.except = []
        next.api.allow = .only([], peers: true)
        next.api.limits.nodes += 1
        next.firewall.enabled.toggle()
        next.groups = []
        next.log.level = old.log.level == .debug ? .info : .debug
        next.peers = []
        let change = ConfigurationChange(from: old, to: next)
        #expect(change.needsRestart.isEmpty && !change.peersRemoved.isEmpty)
        for key in change.applied {
            let isNamed = ConfigurationChange.reloadable.contains { key == $0 || key.hasPrefix($0 + ".") }
            #expect(isNamed, "\(key) is not said to be applied by a reload")
        }
        let help = ReloadCommand.helpMessage()
        for key in ConfigurationChange.reloadable { #expect(help.contains("\n  \(key)\n"), "\(help)") }
    }

    @Test func aByteOrderMarkIsNoPartOfTheFile() throws {
        let folder = try Folder("\u{feff}accept: any\n")
        #expect(try Configuration.load(folder.path).accept == .any)
    }

    @Test func statusSaysWhatWaits() {
        var report = FakeDaemon.sampleReport
        let terminal = TerminalText(isTerminal: false)
        #expect(!StatusText(report: report, terminal: terminal).lines.contains { $0.hasPrefix("waiting") })
        report.needsRestart = ["portal.mtu", "threads"]
        let line = StatusText(report: report, terminal: terminal).lines.first { $0.hasPrefix("waiting") }
        #expect(line?.contains("portal.mtu, threads") == true && line?.contains("restart") == true)
    }
}
