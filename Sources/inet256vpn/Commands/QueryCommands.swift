internal import API
internal import ArgumentParser

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
        StatusText(report: report, terminal: .standardOutput).lines.forEach { print($0) }
    }
}

struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List the neighbours and the state of the links to them.",
        discussion: """
            States: up, handshaking, down, refused (somebody else's key answered, or it
            may not come in).

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
        PeersText(peers: report.peers).lines.forEach { print($0) }
    }
}

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read its configuration again.",
        discussion: """
            Peers, accept, portal.allow and log.level take effect at once; sessions with
            peers that stay as they were are not touched. Keys that wait for a restart
            are named. A faulty file changes nothing. The signal SIGHUP does the same.

            EXAMPLES
              sudo inet256vpn check /etc/inet256vpn/config.yaml
              sudo inet256vpn reload

            \(ExitStatus.help)
            """)

    @Flag(help: "Print what has changed as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let summary = try await daemon.client().reload()
        if json { return try printJSON(summary) }
        ReloadText.lines(summary).forEach { print($0) }
    }
}
