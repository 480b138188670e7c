internal import ArgumentParser
internal import INET256
internal import Settings
internal import Wire

struct CreateConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-config",
        abstract: "Print a commented default configuration.",
        discussion: """
            EXAMPLES
              inet256vpn create-config >config.yaml

            \(ExitStatus.help)
            """)

    func run() { print(Configuration.commentedDefault, terminator: "") }
}

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration and print what it comes to.",
        discussion: """
            Reads the file, the keys and the firewall's files that it names as `up` would,
            runs `firewall.tests`, and touches nothing. What a start would refuse is
            refused, each with its line where it has one. The output is the effective
            configuration with all defaults filled in; the box's addresses stand in front
            as comments. Warnings go to standard error.

            The key is the daemon's user's alone to read, so it takes sudo.

            EXAMPLES
              sudo inet256vpn check
              inet256vpn check --json ./config.yaml | jq .configuration.peers

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @Flag(help: "Let pass the prefixes that `up --force` takes.")
    var force = false
    @OptionGroup var file: CheckedFile

    func run() throws {
        var setup = try DaemonSetup.load(file.path)
        setup.force = force
        try setup.rehearse()
        if let fault = ThreadNeeds.fault(of: setup.configuration.threads) { setup.warnings.append(fault) }
        for warning in setup.warnings { Program.complain("warning: \(warning)") }
        let map = try IPv6Map(prefix: setup.configuration.portal.prefix)
        let effective = EffectiveConfiguration(setup.configuration)
        let ip6 = map.address(of: setup.key.address).description
        if json {
            return try printJSON(
                CheckReport(
                    file: file.path, address: setup.key.address.description, ip6Addr: ip6, warnings: setup.warnings,
                    configuration: effective))
        }
        printLines(["# \(file.path) is in order", "# address: \(setup.key.address)", "# ipv6: \(ip6)"])
        print(try effective.yaml(), terminator: "")
    }
}

/// The file that `check` and `firewall check` are about, given either way.
struct CheckedFile: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The same as the argument, as other commands have it.", valueName: "file"))
    var config: FileArgument?
    @Argument(help: "The configuration file. Default: \(Configuration.standardPath).")
    var file: FileArgument?

    var path: String { (file ?? config)?.path ?? Configuration.standardPath }

    func validate() throws {
        if file != nil, config != nil {
            throw ValidationError("the file is given twice: as an argument and by --config")
        }
    }
}

private struct CheckReport: Encodable {
    let file: String
    let address: String
    let ip6Addr: String
    let warnings: [String]
    let configuration: EffectiveConfiguration

    enum CodingKeys: String, CodingKey {
        case file, address, warnings, configuration
        case ip6Addr = "ip6_addr"
    }
}

struct ListNetworksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-networks",
        abstract: "List the routing algorithms that `network:` can name.",
        discussion: ExitStatus.help)

    @Flag(help: "Print JSON.")
    var json = false

    private struct Entry: Encodable {
        let name: String
        let description: String
    }

    func run() throws {
        let entries = NetworkKind.allCases.map { Entry(name: $0.rawValue, description: $0.summary) }
        if json { return try printJSON(entries) }
        var table = TextTable(header: ["NAME", "DESCRIPTION"])
        for entry in entries { table.add([entry.name, entry.description]) }
        printLines(table.lines)
    }
}
