internal import ArgumentParser
internal import INET256
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
            Reads the file and the keys that it names as `up` would, and touches
            nothing. Everything that is wrong is named with its line. The output is the
            effective configuration with all defaults filled in; the box's addresses
            stand in front as comments. Warnings go to standard error.

            EXAMPLES
              inet256vpn check /etc/inet256vpn/config.yaml
              inet256vpn check --json config.yaml | jq .configuration.peers

            \(ExitStatus.help)
            """)

    @Flag(help: "Print JSON.")
    var json = false
    @Argument(help: "The configuration file.")
    var file: FileArgument

    func run() throws {
        let setup = try DaemonSetup.load(file.path)
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
        print("# \(file.path) is in order")
        print("# address: \(setup.key.address)")
        print("# ipv6: \(ip6)")
        print(try effective.yaml(), terminator: "")
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
        table.lines.forEach { print($0) }
    }
}
