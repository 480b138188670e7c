import Mesh
import Testing

@testable import Settings

/// Options of algorithms, of whatever kind: what one has is read, shown and told without a line in the reader.
@Suite struct RoutingOptionTests {
    private static let many = RoutingOption("many", .number(1...9, standard: 4), help: "how many, {range}")
    private static let eager = RoutingOption("eager", .flag(standard: false), help: "whether it is")
    private static let section = NetworkKind.section("forest", [many, eager])
    private static let table = Section("") { return [.section(section)] }

    private func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/c.yaml", by: Self.table)
    }

    @Test func whatIsSetIsReadAndShown() throws {
        let standard = try parse("forest: {}")
        #expect(standard.routing == RoutingConfiguration())
        #expect(standard.routing[Self.many, of: "forest"] == .number(4))
        #expect(Self.section.shown(standard).line == "{many: 4, eager: false}")
        let set = try parse("forest: {eager: true, many: 9}")
        #expect(set.routing[Self.many, of: "forest"] == .number(9))
        #expect(set.routing[Self.eager, of: "forest"] == .flag(true))
        #expect(set.routing[Self.eager, of: "meadow"] == .flag(false))
        #expect(Self.section.shown(set).line == "{many: 9, eager: true}")
        let said = try parse("forest: {eager: false, many: 4}")
        #expect(said.routing == standard.routing, "to say what is so anyway is no change")
    }

    @Test func whatDoesNotFitIsComplainedOf() {
        let wrong = [
            ("forest: {many: 10}", "forest.many: found the number 10, expected a whole number from 1 to 9"),
            ("forest: {many: true}", "forest.many: found \"true\", expected a whole number from 1 to 9"),
            ("forest: {eager: 1}", "forest.eager: found"),
            ("forest: {few: 1}", "expected one of the keys many, eager"),
            ("forest: []", "expected a mapping such as {many: 4}"),
        ]
        for (yaml, words) in wrong {
            do throws(ConfigurationError) {
                _ = try Configuration.parse(yaml, file: "/etc/box/c.yaml", by: Self.table)
                Issue.record("\(yaml) is taken")
            } catch {
                #expect("\(error)".contains(words), "\(error)")
            }
        }
    }

    @Test func whatIsToldOfIt() {
        let rows = KeyTable.lines(of: Self.table)
        #expect(rows.contains("| `network.forest.many` | `4` | how many, 1 to 9 |"))
        #expect(rows.contains("| `network.forest.eager` | `false` | whether it is |"))
        let settings = Self.section.settings
        #expect(settings.map(\.path) == ["network.forest.many", "network.forest.eager"])
    }

    /// Only what is registered can be named, and all of it.
    @Test func whatCanBeNamed() {
        #expect(NetworkKind.allCases.map(\.rawValue) == RoutingAlgorithms.all.map { $0.name })
        #expect(NetworkKind(rawValue: "forest") == nil)
        for kind in NetworkKind.allCases { #expect(kind.algorithm.name == kind.rawValue) }
        let summaries = NetworkKind.allCases.map(\.summary)
        #expect(summaries.count { $0.hasSuffix(" (the default)") } == 1)
    }
}
