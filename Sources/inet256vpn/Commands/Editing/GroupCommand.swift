internal import ArgumentParser
internal import Settings

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Add to groups of the configuration, and take out of them.",
        discussion: """
            \(EditOptions.help)

            A group stands for its members in firewall rules (docs/firewall.md).

            EXAMPLES
              sudo inet256vpn group add admins office alice
              sudo inet256vpn group remove admins alice
              sudo inet256vpn group remove admins

            \(ExitStatus.help)
            """,
        subcommands: [GroupAddCommand.self, GroupRemoveCommand.self])
}

struct GroupAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add members to a group, which is made where it is not there.",
        discussion: """
            \(EditOptions.help)

            EXAMPLES
              sudo inet256vpn group add admins office alice
              sudo inet256vpn group add known admins fd12::/16

            \(ExitStatus.help)
            """)

    @Argument(help: "The group.")
    var group: WordArgument
    @Argument(help: "Who: peers' names, addresses, other groups, networks with via, IPv6 prefixes, `peers`.")
    var members: [WordArgument]
    @OptionGroup var options: EditOptions

    func run() async throws {
        try await options.run(members.map { .addGroupMember(group: group.text, member: $0.text) })
    }
}

struct GroupRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take members out of a group, or remove the group.",
        discussion: """
            \(EditOptions.help)

            A group that rules or other groups still name is not removed; you are told
            where.

            EXAMPLES
              sudo inet256vpn group remove admins alice
              sudo inet256vpn group remove admins

            \(ExitStatus.help)
            """)

    @Argument(help: "The group.")
    var group: WordArgument
    @Argument(help: "Who; nobody: the group itself.")
    var members: [WordArgument] = []
    @OptionGroup var options: EditOptions

    func run() async throws {
        try await options.run(
            members.isEmpty
                ? [.removeGroup(group.text)]
                : members.map { .removeGroupMember(group: group.text, member: $0.text) })
    }
}
