internal import ArgumentParser
internal import Settings

/// What all commands have that change the configuration.
struct EditOptions: ParsableArguments {
    @Flag(name: .long, help: "Show the difference that it would make, and change nothing.")
    var dryRun = false
    @Flag(help: "Print what was done as JSON.")
    var json = false
    @Flag(help: "Let pass the prefixes that `up --force` takes.")
    var force = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file, which also says where its daemon is. Default: \(Configuration.standardPath).",
            valueName: "file"))
    var config: FileArgument?

    /// Makes the change and says what came of it.
    func run(_ steps: [ConfigurationStep]) async throws {
        var daemon = DaemonAccess()
        daemon.config = config
        let edit = ConfigurationEdit(
            path: config?.path ?? Configuration.standardPath, daemon: daemon, isDryRun: dryRun, force: force)
        let report = try await edit.apply(steps)
        for warning in report.warnings { Program.complain("warning: \(warning)") }
        if json { return try printJSON(report) }
        printLines(report.lines)
        if dryRun { Output.note("nothing was changed") }
    }

    /// How each of them goes about it.
    static let help = """
        The file's comments, order and layout stay; what is written in a way that
        cannot be edited without harm is left as it is, and you are told what to write.
        The outcome is checked as by `check`, with `firewall.tests`, and the daemon
        reloads it. If anything refuses it, the file is as it was.
        """
}

/// A name, address, prefix or service on the command line.
struct WordArgument: ExpressibleByArgument {
    let text: String

    init?(argument: String) {
        text = DashedAddress.unprotect(argument)
        if text.isEmpty { return nil }
    }
}
