import Foundation
import TestSupport
import Testing

@testable import Settings

@Suite struct FormerKeyConfigurationTests {
    private static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/c.yaml")
    }

    /// With and without quotes: YAML may think that it is a time itself.
    @Test(arguments: [
        ("2026-12-29T10:00:00Z", Int64(1_798_538_400)), ("2026-12-29", 1_798_502_400), ("1970-01-01", 0),
        ("2000-02-29T23:59:59Z", 951_868_799), ("2024-03-01", 1_709_251_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ]) func timesAreRead(_ text: String, _ seconds: Int64) throws {
        for written in [text, "\"\(text)\"", "'\(text)'", "!!str \(text)", "!!timestamp \(text)"] {
            let configuration = try Self.parse("former_key:\n  path: ./old\n  until: \(written)   # a word\n")
            #expect(configuration.formerKey == FormerKeyConfiguration(path: "/etc/box/old", until: seconds))
            let inBraces = try Self.parse("former_key: {until: \(written), path: /etc/box/old}")
            #expect(inBraces.formerKey == configuration.formerKey)
        }
    }

    @Test(arguments: ["former_key:", "former_key: ~"]) func nothingIsNone(_ yaml: String) throws {
        #expect(try Self.parse(yaml).formerKey == nil)
    }

    /// As Foundation has it, over all years that a text can have.
    @Test func timesAreShownAsTheyAreRead() throws {
        let foundation = ISO8601DateFormatter()
        var random = SplitMix(seed: 12)
        var times = (0..<5_000).map { _ in Int64.random(in: UTCTime.range, using: &random) }
        // Each day of some years around the rules' exceptions.
        for year in [1999, 2000, 2023, 2024, 2099, 2100, 2400] {
            let first = try UTCTime.parse("\(year)-01-01")
            times += (0...366).map { first + $0 * 86_400 }
            times += (0...366).map { first + $0 * 86_400 - 1 }
        }
        for time in times {
            let text = UTCTime.text(time)
            #expect(text == foundation.string(from: Date(timeIntervalSince1970: Double(time))))
            #expect(try UTCTime.parse(text) == time)
        }
        #expect(UTCTime.text(.min) == "1970-01-01T00:00:00Z" && UTCTime.text(.max) == "9999-12-31T23:59:59Z")
    }

    @Test(arguments: [
        ("", UTCTime.Fault.form), ("2026", .form), ("2026-1-29", .form), ("26-12-29", .form), ("2026/12/29", .form),
        ("2026-12-29 10:00:00Z", .form), ("2026-12-29t10:00:00z", .form), ("2026-12-29T10:00Z", .form),
        ("2026-12-29T10:00:00.5Z", .form), ("2026-12-29T10:00:00ZZ", .form), ("2026-12-29Z", .form),
        (" 2026-12-29", .form),
        ("-026-12-29", .form), ("２０２６-12-29", .form), ("10000-01-01", .form), ("1969-12-31T23:59:59Z", .early),
        ("2026-12-29T10:00:00", .zone), ("2026-12-29T10:00:00+00:00", .zone), ("2026-12-29T10:00:00-05:00", .zone),
        ("2026-00-10", .day), ("2026-13-10", .day), ("2026-12-00", .day), ("2026-12-32", .day), ("2026-11-31", .day),
        ("2026-02-29", .day), ("2100-02-29", .day), ("2026-12-29T24:00:00Z", .hour), ("2026-12-29T23:60:00Z", .hour),
        ("2026-12-31T23:59:60Z", .hour),
    ]) func whatIsNoTime(_ text: String, _ fault: UTCTime.Fault) {
        #expect(throws: fault) { try UTCTime.parse(text) }
    }

    @Test func checkShowsTheLongForm() throws {
        let yaml = try EffectiveConfiguration(try Self.parse("former_key: {path: ./old, until: 2026-12-29}")).yaml()
        #expect(yaml.contains("2026-12-29T00:00:00Z") && yaml.contains("path: /etc/box/old"))
        #expect(try !EffectiveConfiguration(try Self.parse("")).yaml().contains("former_key"))
    }

    /// What a reload does about a former key, case by case.
    @Test func aReloadEndsItOrWaits() throws {
        let none = try Self.parse("")
        let one = try Self.parse("former_key: {path: old, until: 2026-12-29}")
        let longer = try Self.parse("former_key: {path: old, until: 2026-12-30}")
        let other = try Self.parse("former_key: {path: older, until: 2026-12-30}")
        func check(
            _ old: Configuration, _ new: Configuration, taken: FormerKeyConfiguration??, sourceLocation: SourceLocation
        ) {
            let change = ConfigurationChange(from: old, to: new)
            #expect(change.formerKey == taken, sourceLocation: sourceLocation)
            #expect(change.applied == (taken == nil ? [] : ["former_key"]), sourceLocation: sourceLocation)
            let waits = taken == nil && old != new
            #expect(change.needsRestart == (waits ? ["former_key"] : []), sourceLocation: sourceLocation)
            #expect(old.reloaded(from: new).formerKey == (waits ? old : new).formerKey, sourceLocation: sourceLocation)
        }
        check(none, none, taken: nil, sourceLocation: #_sourceLocation)
        check(one, one, taken: nil, sourceLocation: #_sourceLocation)
        check(none, one, taken: nil, sourceLocation: #_sourceLocation)
        check(one, other, taken: nil, sourceLocation: #_sourceLocation)
        check(longer, other, taken: nil, sourceLocation: #_sourceLocation)
        check(one, longer, taken: .some(longer.formerKey), sourceLocation: #_sourceLocation)
        check(one, none, taken: .some(nil), sourceLocation: #_sourceLocation)
    }

    @Test func itIsSaidWhatAReloadTakes() {
        let keys = ConfigurationChange.reloadable.filter { $0.contains("former") }
        #expect(keys == ["former_key (another until, or that there is none any more)"])
        #expect(ConfigurationChange.reloadable.contains("key_changes"))
    }

    @Test func aReloadChangesWhatIsDoneAboutPeersKeys() throws {
        let policies = try ["accept", "ask", "refuse"].map { try Self.parse("key_changes: \($0)") }
        #expect(policies.map(\.keyChanges) == [.accept, .ask, .refuse])
        #expect(policies[0] == (try Self.parse("")))
        let change = ConfigurationChange(from: policies[0], to: policies[2])
        #expect(change.applied == ["key_changes"] && change.needsRestart.isEmpty)
        #expect(policies[0].reloaded(from: policies[2]).keyChanges == .refuse)
    }
}
