internal import ArgumentParser
internal import Glibc
internal import INET256
internal import Logging

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run the daemon in the foreground.",
        discussion: """
            Reads the configuration, opens the portal and the transports, and runs until
            SIGTERM or SIGINT; what it added to the system is then gone again. SIGHUP
            reloads the configuration.

            Without --config, \(Configuration.standardPath) is used. Where that is
            missing too, a key and a commented default configuration are made first.

            EXAMPLES
              sudo inet256vpn up
              inet256vpn up --config ./relay.yaml

            With `portal: {enabled: false}` no privilege is needed.

            \(ExitStatus.help)
            """,
        aliases: ["daemon"])

    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: FileArgument?

    func run() async throws {
        // A reader of our output that goes away must not take the daemon with it.
        signal(SIGPIPE, SIG_IGN)
        if config == nil {
            for line in try FirstRun.prepare(Configuration.standardPath, random: SystemRandom()) {
                Program.complain(line)
            }
        }
        let setup = try DaemonSetup.load(config?.path ?? Configuration.standardPath)
        let logger = setup.log.logger(Program.name)
        for warning in setup.warnings { logger.warning("\(warning)") }
        try await setup.runDaemon(logger)
    }
}

extension DaemonSetup {
    /// Runs the daemon; when it has ended, however it did, its log is whole.
    func runDaemon(_ logger: Logger) async throws {
        CrashFlush.install()
        do {
            try await Daemon.run(self, logger: logger)
        } catch {
            // Whoever does not read the log would not read this either, and we would wait for it.
            guard log.close() else { throw (error as? any StatusError)?.exitStatus ?? .failure }
            throw error
        }
        _ = log.close()
    }
}
