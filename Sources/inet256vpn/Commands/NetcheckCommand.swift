internal import AdminProtocol
internal import ArgumentParser
internal import Settings

struct NetcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "netcheck",
        abstract: "Say what this machine's network allows, and what would help.",
        discussion: """
            Asks the daemon: IPv4 and IPv6, whether UDP works, what kind of NAT is on the
            way (as neighbours see it), whether the router opens a port, the size of
            packets. Nothing is sent to strangers.

            Each line begins with + (good), ~ (works, with less), - (bad) or ? (nobody has
            told yet); what to do stands below it.

            EXAMPLES
              inet256vpn netcheck
              inet256vpn netcheck --json | jq -r '.facts.candidates[].endpoint'

            \(ExitStatus.help)
            """)

    @Flag(help: "Print facts and findings as JSON.")
    var json = false
    @OptionGroup var daemon: DaemonAccess

    func run() async throws {
        let report = try await daemon.client().netcheck()
        if json { return try printJSON(report) }
        printLines(NetcheckText(report: report, terminal: .standardOutput).lines)
    }
}
