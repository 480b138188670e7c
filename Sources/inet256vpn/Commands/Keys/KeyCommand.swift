internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import INET256
internal import Settings

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Move this box to a new key, and let the old one go.",
        discussion: """
            A box's address is the hash of its key, so a new key is a new address. `rotate`
            makes one and keeps the old key for a time: the box is there under both
            addresses and both IPv6 addresses, and tells its peers by a statement that both
            keys have signed. Peers replace the address in their configurations
            (`key_changes`), so that their names, groups and rules go on holding. `show`
            says who has; `forget` ends the old one's time.

            EXAMPLES
              sudo inet256vpn key rotate
              sudo inet256vpn key rotate --keep 7d --dry-run
              inet256vpn key show
              sudo inet256vpn key forget

            \(ExitStatus.help)
            """,
        subcommands: [KeyShowCommand.self, KeyRotateCommand.self, KeyForgetCommand.self],
        defaultSubcommand: KeyShowCommand.self)
}

struct KeyShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print this box's address, the former one, and who has heard of the change.",
        discussion: """
            Asks the daemon.

            \(ExitStatus.help)
            """)

    @Flag(help: "Print it as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let status = try await daemon.client().status()
        let report = KeyReport(address: status.mainAddr, ip6Addr: status.ip6Addr, former: status.formerKey)
        if json { return try printJSON(report) }
        printLines(report.lines)
    }
}

/// A box's keys, by their addresses.
struct KeyReport: Encodable {
    let address: String
    let ip6Addr: String?
    var former: FormerKeyStatus?

    enum CodingKeys: String, CodingKey {
        case address
        case ip6Addr = "ip6_addr"
        case former = "former_key"
    }

    var lines: [String] {
        var lines = ["address    \(address)"]
        if let ip6Addr { lines.append("ipv6       \(ip6Addr)") }
        guard let former else { return lines }
        lines.append("former     \(former.address)")
        if let ip6 = former.ip6Addr { lines.append("           \(ip6)") }
        lines.append("until      \(KeyWords.time(former.until))")
        for one in former.told {
            lines.append("told       \(TerminalText.clean(one.name ?? one.id)): \(Self.words(one.state))")
        }
        return lines
    }

    private static func words(_ state: String) -> String {
        switch state {
        case "replaced": "has the new address"
        case "waiting": "somebody there has to accept it, or write it down"
        case "refused": "does not want new keys (key_changes: refuse)"
        case "not_a_peer": "has this box in no configuration"
        case "failed": "could not write it into its configuration"
        default: "no answer yet"
        }
    }
}

struct KeyForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "End the former key's time now.",
        discussion: """
            Takes `former_key` out of the configuration and has the daemon reload it: the
            box is not there under its former address any more. The key itself is kept
            under another name, which is printed; remove it where nobody is to have it.

            \(EditOptions.help)

            \(ExitStatus.help)
            """)

    @OptionGroup var options: EditOptions

    func run() async throws {
        let path = options.config?.path ?? Configuration.standardPath
        guard let former = try Configuration.load(path).formerKey else {
            throw CommandFailure(.failure, "there is no former key in \(path)")
        }
        try await options.run([.removeFormerKey])
        if !options.dryRun { try FormerKeyFile(former.path).putAway() }
    }
}
