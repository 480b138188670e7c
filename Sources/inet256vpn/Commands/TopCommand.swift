internal import API
internal import AdminProtocol
internal import ArgumentParser

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch peers, traffic and warnings, refreshed every second.",
        discussion: """
            On a terminal the screen is redrawn, and given back at the end: press q or
            Ctrl-C. Columns that a narrow terminal has no room for are left out, the
            endpoint first. Where the output is no terminal (or TERM is dumb), each
            round is printed below the one before, with an empty line between.

            IN and OUT are what came and went since the round before, of the link with
            the peer. NO_COLOR turns emphasis off.

            EXAMPLES
              inet256vpn top
              inet256vpn top --interval 5
              inet256vpn top --once

            For programs: inet256vpn status --json

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: ArgumentHelp("Seconds between two rounds, 0.2 to 3600.", valueName: "seconds"))
    var interval = 1.0
    @Flag(name: .long, help: "Print one round, with the rates of one interval, and end.")
    var once = false
    @OptionGroup var daemon: DaemonAccess

    func validate() throws {
        guard interval.isFinite, (0.2...3600).contains(interval) else {
            throw ValidationError("--interval is 0.2 to 3600 seconds")
        }
    }

    func run() async throws {
        let client = try daemon.client()
        // The first report: who cannot be asked at all is told so as by every other command.
        var last = (report: try await client.status(), at: ContinuousClock.now)
        let screen = once ? Screen.plain : Screen.open()
        defer { screen.close() }
        if !once { screen.show { TopText(report: last.report, terminal: $0, width: $1, height: $2).lines } }
        while screen.wait(.seconds(interval)) {
            do {
                let report = try await client.status()
                let now = ContinuousClock.now
                let before = (last.report, (now - last.at) / .seconds(1))
                screen.show {
                    TopText(report: report, before: before, terminal: $0, width: $1, height: $2).lines
                }
                last = (report, now)
            } catch {
                if once || !screen.isRedrawn { throw error }
                screen.show { _, width, _ in [String("the daemon does not answer: \(error)".prefix(width))] }
            }
            if once { return }
        }
    }
}
