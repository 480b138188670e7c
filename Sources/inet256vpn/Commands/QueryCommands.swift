internal import API
internal import AdminProtocol
internal import ArgumentParser
internal import Settings

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the daemon is doing.",
        discussion: """
            Prints this box's address, its portal, peers and sessions, and whatever needs
            attention.

            EXAMPLES
              inet256vpn status
              inet256vpn status --json | jq -r .main_addr
              INET256_API=tcp://127.0.0.1:2560 inet256vpn status

            \(ExitStatus.help)
            """)

    @Flag(help: "Print the whole report as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let report = try await daemon.client().status()
        if json { return try printJSON(report) }
        printLines(StatusText(report: report, terminal: .standardOutput).lines)
    }
}

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List the neighbours and the state of the links to them.",
        discussion: """
            States: up, handshaking, down, refused (somebody else's key answered, or it
            may not come in).

            Below stands how each session of this box goes: direct, and where to, or
            relayed, and by whom; since when; and why there is no straight path.

            EXAMPLES
              inet256vpn peers
              inet256vpn peers --json | jq -r '.[] | select(.state != "up") | .name'

            \(ExitStatus.help)
            """)

    @Flag(help: "Print the list as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let report = try await daemon.client().status()
        if json { return try printJSON(report.peers) }
        let paths = PathsText(report: report).lines
        // In one piece: who has read what it looked for may have gone.
        printLines(PeersText(peers: report.peers).lines + (paths.isEmpty ? [] : [""] + paths))
    }
}

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read its configuration again.",
        discussion: """
            These keys take effect at once; sessions with peers that stay as they were are
            not touched:
            \(ConfigurationChange.reloadable.map { "  " + $0 }.joined(separator: "\n"))
            A new value of any other key waits for a restart; it is named here, and by
            `status` from then on. A file that a start would refuse changes nothing. The
            signal SIGHUP does the same, and can only tell the log what came of it.

            Connections that are open stay open, also those that the new rules would not
            let begin; with --cut those are ended at both ends, and whatever a removed
            peer has open (`firewall.cut_removed: true` does so in every reload).

            EXAMPLES
              sudo inet256vpn check
              sudo inet256vpn reload
              sudo inet256vpn reload --cut

            \(ExitStatus.help)
            """)

    @Flag(help: "End what is open and what the new rules would not let begin.")
    var cut = false
    @Flag(help: "Print what has changed as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let summary = try await daemon.client().reload(cut: cut)
        if json { return try printJSON(summary) }
        printLines(ReloadText.lines(summary))
    }
}
