internal import ArgumentParser
internal import Firewall
internal import Settings

struct FirewallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "firewall",
        abstract: "Show, check, ask and change the firewall.",
        discussion: """
            The rules stand in the configuration under `firewall:` and are in the kernel
            before the portal comes up. A change is taken over by `inet256vpn reload`.

            EXAMPLES
              sudo inet256vpn firewall show
              inet256vpn firewall test --from alice --to ssh
              sudo inet256vpn firewall allow ssh --from admins
              sudo inet256vpn firewall check && sudo inet256vpn reload

            \(ExitStatus.help)
            """,
        subcommands: [
            FirewallShowCommand.self, FirewallCheckCommand.self, FirewallTestCommand.self, FirewallDiffCommand.self,
            FirewallExportCommand.self, FirewallAllowCommand.self, FirewallDenyCommand.self,
        ])
}

struct FirewallShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the rules in force, with what each has counted.",
        discussion: """
            The rules stand as configured, in the order in which they are asked. A rule
            counts the packets that it decides on: the first of each connection, since what
            belongs to a connection that was allowed passes before the rules. Counters keep
            their values over a reload as long as the rule stands.

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let report = try await daemon.client().firewall()
        if json { return try printJSON(report) }
        printLines(FirewallText(report: report, terminal: .standardOutput).lines)
    }
}

/// Which configuration a command is about.
struct ConfigurationAccess: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The configuration file. Default: \(Configuration.standardPath).", valueName: "file"))
    var config: FileArgument?

    var path: String { config?.path ?? Configuration.standardPath }

    func load() throws -> Configuration { try Configuration.load(path) }
}

struct FirewallExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print the table as nft text.",
        discussion: """
            What the configuration compiles to, in the words of nft(8), without being
            loaded. `--running` asks the daemon for the table that is in force. Files of
            firewall.include are not part of it.

            The running daemon's table is its own: to whatever bears that name the kernel
            says "Operation not permitted", also where it is only asked. `--table` gives
            another.

            EXAMPLES
              inet256vpn firewall export --config ./config.yaml | less
              inet256vpn firewall export --table trial | sudo nft --check -f -

            \(ExitStatus.help)
            """)

    @Flag(help: "Print the table that the daemon has loaded.")
    var running = false
    @Option(help: ArgumentHelp("Another name for the table.", valueName: "name"))
    var table: String?
    @Flag(help: "Print JSON: the text as a string.")
    var json = false
    @OptionGroup var file: ConfigurationAccess

    private struct Export: Encodable {
        let table: String
        let text: String
    }

    func validate() throws {
        guard let table else { return }
        guard Ruleset.isTableName(table) else {
            throw ValidationError("--table takes a letter and up to 99 letters, digits and underscores behind it.")
        }
    }

    func run() async throws {
        var text: String
        if running {
            var daemon = DaemonAccess()
            daemon.config = file.config
            text = try await daemon.client().firewallText()
        } else {
            let configuration = try file.load()
            text = PolicyCompiler.compile(configuration.firewallPolicy(), table: configuration.firewall.table).nftText
        }
        let head = "table inet "
        let name = text.hasPrefix(head) ? text.dropFirst(head.count).prefix { $0 != " " } : ""
        if let table, !name.isEmpty { text = head + table + text.dropFirst(head.count + name.count) }
        if json { return try printJSON(Export(table: "inet \(table ?? String(name))", text: text)) }
        print(text, terminator: "")
    }
}
