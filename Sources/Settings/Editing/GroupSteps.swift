internal import INET256
internal import Yams

extension Configuration {
    /// Who is meant by a word, as members of groups are named; `anybody`: as in rules.
    package func subject(_ text: String, anybody: Bool = false) throws(ConfigurationError) -> ConfiguredSubject {
        let problems = ProblemList(file: "the command line")
        let value = ConfigurationValue(node: Yams.Node(text, .implicit, .singleQuoted), keyPath: "", problems: problems)
        var scope = NameScope(peers: peers)
        scope.networks = networks
        scope.groups = Set(groups.map(\.name))
        guard let subject = value.subject(scope, orAny: anybody) else { throw .invalid(problems.problems) }
        return subject
    }
}

extension EditedConfiguration {
    private static func path(_ group: String) -> YAMLPath { [.key("groups"), .key(group)] }

    mutating func add(_ member: String, to group: String) throws {
        let index = configuration.groups.firstIndex { $0.name == group }
        if index == nil { try requireFree(group) }
        if member == group { throw EditRefusal("a group cannot be a member of itself: \(group)") }
        let subject = try configuration.subject(member)
        var expected = configuration
        if let index {
            if configuration.groups[index].members.contains(subject) {
                throw EditRefusal("\(member) is in the group \(group) already")
            }
            expected.groups[index].members.append(subject)
        } else {
            expected.groups.append(GroupConfiguration(name: group, members: [subject]))
        }
        try take(
            [.insert(Self.content(member), into: Self.path(group))],
            index == nil ? "made the group \(group) with \(member)" : "added \(member) to the group \(group)",
            expecting: expected)
    }

    mutating func remove(_ member: String, from group: String) throws {
        let index = try groupIndex(group)
        let members = configuration.groups[index].members
        let subject = try configuration.subject(member)
        guard let place = members.firstIndex(of: subject) else {
            throw EditRefusal("\(member) is not in the group \(group)")
        }
        guard members.count > 1 else {
            throw EditRefusal(
                "\(member) is the only one in the group \(group), and a group has at least one member",
                advice: "Remove the group itself: inet256vpn group remove \(group)")
        }
        var expected = configuration
        expected.groups[index].members.remove(at: place)
        try take(
            [.remove(Self.path(group) + [.index(place)])], "took \(member) out of the group \(group)",
            expecting: expected)
    }

    mutating func removeGroup(_ group: String) throws {
        let index = try groupIndex(group)
        let uses = usesOf(group)
        guard uses.isEmpty else {
            throw EditRefusal("the group \(group) is still named in \(uses)", advice: "Change these first.")
        }
        var expected = configuration
        expected.groups.remove(at: index)
        try take([.remove(Self.path(group))], "removed the group \(group)", expecting: expected)
    }

    private func groupIndex(_ group: String) throws(EditRefusal) -> Int {
        if let index = configuration.groups.firstIndex(where: { $0.name == group }) { return index }
        let near = NearMiss.of(group, among: configuration.groups.map(\.name))
        throw EditRefusal("there is no group \(group)", advice: near.map { "Did you mean \($0)?" })
    }

    /// Names as they are, addresses and prefixes in quotes.
    static func content(_ word: String) -> YAMLContent { Address(word) == nil ? .text(word) : .quoted(word) }
}
