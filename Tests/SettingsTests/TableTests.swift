import Foundation
import Testing

@testable import Settings

/// The table of keys, and what comes from it.
@Suite struct TableTests {
    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/c.yaml")
    }

    private static let settings = Configuration.table.settings

    /// With another value than its default, where a sample has one.
    private static let samples = Dictionary(GoldenSample.scalars.map { ($0.path, $0.value) }) { first, _ in first }

    @Test func everyKeyStandsOnceAndWhereItBelongs() {
        #expect(Self.settings.count > 45)
        #expect(Set(Self.settings.map(\.path)).count == Self.settings.count)
        for section in Configuration.table.sections where !section.path.isEmpty {
            for setting in section.settings { #expect(setting.path.hasPrefix(section.path + "."), "\(setting.path)") }
        }
        for setting in Self.settings {
            #expect(!setting.comment.contains("{range}") && !setting.help.contains("{range}"), "\(setting.path)")
            if let place = setting.places[.told] { #expect(Self.settings.contains { $0.path == place }, "\(place)") }
        }
    }

    /// Whoever adds a key adds a sample of it, and so it is among all that is held to the letter.
    @Test func everyScalarKeyHasASample() {
        let lists = [
            "transports", "peers", "networks", "groups", "nodes", "firewall.rules", "firewall.outbound.rules",
            "firewall.nat", "firewall.include", "firewall.tests", "discovery",
        ]
        #expect(Set(Self.settings.map(\.path)).subtracting(lists).subtracting(Self.samples.keys) == [])
    }

    /// Read, compared, copied and shown: each key does all of it to its own value, and to no other.
    @Test func everyKeyIsAboutItsOwnValue() throws {
        let standard = try Self.parse("")
        var changed = try Self.parse(GoldenSample.changed)
        changed.firewall.outbound.rules = changed.firewall.inbound.rules
        for setting in Self.settings where setting.path != "network" {
            #expect(!setting.isSame(standard, changed), "\(setting.path)")
            var one = standard
            setting.copy(changed, &one)
            #expect(Self.settings.filter { !$0.isSame(one, standard) }.map(\.path) == [setting.path])
        }
    }

    @Test func whatAReloadMayChangeIsTakenAndTheRestStays() throws {
        let old = try Self.parse("")
        var new = try Self.parse(GoldenSample.changed)
        // Networks take part in the rules before they are routed.
        new.networks = []
        let next = old.reloaded(from: new)
        for setting in Self.settings {
            #expect(setting.isSame(next, setting.effect == .restart ? old : new), "\(setting.path)")
        }
        #expect(ConfigurationChange(from: old, to: next).needsRestart.isEmpty)
        // What waits for a restart is still told when the file is read the next time.
        let again = ConfigurationChange(from: next, to: new)
        #expect(again.needsRestart == ConfigurationChange(from: old, to: new).needsRestart)
        #expect(again.needsRestart.contains("firewall.table") && again.applied.isEmpty)
    }

    @Test func aKeyIsReadInItsTurnWhereverItStands() throws {
        let yaml = """
            nodes: [{private_key_path: own}]
            private_key_path: ./own
            """
        let error = #expect(throws: ConfigurationError.self) { try Self.parse(yaml) }
        #expect("\(String(describing: error))".contains("second time"))
        let crypto = try Self.parse("crypto: {min_suite: 2, ciphers: [aes-256-gcm]}").crypto
        #expect(crypto.minSuite == 2)
    }

    @Test func whatIsPlacedComesDirectlyBehind() {
        func arranged(_ places: [String: String], _ items: String) -> String {
            String(Arrangement.of(Array(items), name: { String($0) }, behind: { places[String($0)] }))
        }
        #expect(arranged([:], "abc") == "abc")
        #expect(arranged(["a": "c"], "abcd") == "bcad")
        #expect(arranged(["a": "b", "b": "d"], "abcd") == "cdba")
        #expect(arranged(["b": "d", "c": "d"], "abcd") == "adbc")
    }

    @Test func whatIsShownInALine() {
        #expect(Shown.mapping([("a", .number(1)), ("b", .words(["x", "y"]))]).line == "{a: 1, b: [x, y]}")
        #expect(Shown.list([]).line == "[]" && Shown.flag(true).line == "true")
    }

    /// README.md's table of keys is made here: `SETTINGS_RECORD=1` writes it anew.
    @Test func theReadmesTableIsThis() throws {
        let path =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/README.md"
        var lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
        let table = KeyTable.lines(of: Configuration.table)
        let first = try #require(lines.firstIndex(of: table[0]))
        let end = try #require(lines[first...].firstIndex { !$0.hasPrefix("|") })
        if ProcessInfo.processInfo.environment["SETTINGS_RECORD"] != nil {
            lines.replaceSubrange(first..<end, with: table)
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            return
        }
        let written = Array(lines[first..<end])
        for (now, meant) in zip(written, table) { #expect(now == meant) }
        #expect(written.count == table.count)
    }
}
