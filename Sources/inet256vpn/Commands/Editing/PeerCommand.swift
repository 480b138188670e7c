internal import AdminProtocol
internal import ArgumentParser
internal import INET256
internal import Settings

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "Add, remove and rename peers in the configuration.",
        discussion: """
            \(EditOptions.help)

            `inet256vpn peers` lists them with the state of their links.

            EXAMPLES
              sudo inet256vpn peer add oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ \\
                --name office --endpoint udp://vpn.example.org:25632
              sudo inet256vpn peer rename office headquarters --dry-run
              sudo inet256vpn peer remove headquarters

            \(ExitStatus.help)
            """,
        subcommands: [PeerAddCommand.self, PeerRemoveCommand.self, PeerRenameCommand.self, PeerAcceptCommand.self])
}

struct PeerAcceptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept",
        abstract: "Take a peer's new key.",
        discussion: """
            A peer that has a new key says so by a statement that its old key and its new
            one have signed; `status` shows it where `key_changes: ask` leaves it to you.
            This writes the new address in the place of the old one, wherever the
            configuration has it: the peer's name, its groups and rules go on holding.

            \(EditOptions.help)

            EXAMPLES
              sudo inet256vpn peer accept bob

            \(ExitStatus.help)
            """)

    @Argument(help: "The peer: its name, or the address in the configuration.")
    var who: WordArgument
    @OptionGroup var options: EditOptions

    func run() async throws {
        var daemon = DaemonAccess()
        daemon.config = options.config
        let offers = try await daemon.client().status().newKeys ?? []
        guard let offer = offers.first(where: { $0.name == who.text || $0.former == who.text }),
            let former = Address(offer.former), let new = Address(offer.new)
        else {
            throw CommandFailure(.failure, "no peer \(who.text) has said that it has a new key")
        }
        try await options.run([.replacePeer(former, with: new)])
    }
}

struct PeerAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a peer, and have the daemon call it.",
        discussion: """
            \(EditOptions.help)

            A peer without an endpoint is waited for, or found (docs/discovery.md). Both
            ends have to name each other, unless one has `accept: any`.

            EXAMPLES
              sudo inet256vpn peer add oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ --name office
              sudo inet256vpn peer add oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ --name office \\
                --endpoint udp://vpn.example.org:25632 --group admins

            \(ExitStatus.help)
            """)

    @Argument(help: "Its address: what `status` prints there behind \"address\".")
    var id: AddressArgument
    @Option(help: "What to call it.")
    var name: WordArgument?
    @Option(
        name: .customLong("endpoint"),
        help: ArgumentHelp("Where it listens: udp://host:port or dns://name. May be repeated.", valueName: "endpoint"))
    var endpoints: [EndpointArgument] = []
    @Option(
        name: .customLong("group"),
        help: ArgumentHelp("A group to put it into, made where it is not there. May be repeated.", valueName: "group"))
    var groups: [WordArgument] = []
    @OptionGroup var options: EditOptions

    func run() async throws {
        let peer = PeerConfiguration(id: id.address, name: name?.text, endpoints: endpoints.map(\.endpoint))
        try await options.run(
            [.addPeer(peer)] + groups.map { .addGroupMember(group: $0.text, member: peer.label) })
    }
}

struct PeerRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a peer.",
        discussion: """
            \(EditOptions.help)

            A peer that groups, rules or other keys still name is not removed; you are told
            where. With --everywhere it is taken out of these as well: out of lists that
            have others, and of rules that allow something to it alone the whole rule goes.
            Who is no peer may still come in through others, so what a rule denies it stays
            denied: then nothing is changed.

            Its open connections go on until `reload --cut`.

            EXAMPLES
              sudo inet256vpn peer remove office
              sudo inet256vpn peer remove office --everywhere --dry-run

            \(ExitStatus.help)
            """)

    @Argument(help: "Its name or address.")
    var peer: WordArgument
    @Flag(help: "Take it out of groups, rules and other lists as well.")
    var everywhere = false
    @OptionGroup var options: EditOptions

    func run() async throws {
        try await options.run([.removePeer(peer.text, everywhere: everywhere)])
    }
}

struct PeerRenameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give a peer another name, here and wherever the file uses it.",
        discussion: """
            \(EditOptions.help)

            Groups, rules, tests, networks and lists of who is let in follow, so the file
            means what it meant.

            EXAMPLES
              sudo inet256vpn peer rename office headquarters

            \(ExitStatus.help)
            """)

    @Argument(help: "Its name, or its address where it has none.")
    var old: WordArgument
    @Argument(help: "The new name.")
    var new: WordArgument
    @OptionGroup var options: EditOptions

    func run() async throws { try await options.run([.renamePeer(old.text, to: new.text)]) }
}

/// Where a peer listens.
struct EndpointArgument: ExpressibleByArgument {
    let endpoint: PeerEndpoint

    init?(argument: String) {
        guard let endpoint = PeerEndpoint(argument) else { return nil }
        self.endpoint = endpoint
    }
}
