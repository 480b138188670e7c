internal import ArgumentParser
internal import Glibc
internal import INET256
internal import Logging
internal import Settings
internal import System

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run the daemon in the foreground.",
        discussion: """
            Reads the configuration, opens the portal and the transports, and runs until
            SIGTERM, SIGINT or SIGQUIT; what it added to the system is then gone again but
            for the guard: with `portal.guard: always` the prefix stays unreachable, so
            that nothing meant for the mesh goes out in clear (see `inet256vpn guard
            --help`). SIGHUP reloads the configuration.

            SIGUSR2 restarts it in its own place, from the file that it was started from,
            which may be a newer version by then: interface, sockets and firewall stay as
            they are, packets wait in them meanwhile, and sessions come up anew. Where the
            configuration would not start, or its key cannot be read, the log says so and
            all stays as it is. The systemd unit has the same with `systemctl restart`, and
            where the daemon dies.

            A prefix that takes something away which the machine needs is refused: one with
            global addresses, or a part of the network on one of its links. Nameservers and
            gateways inside the prefix keep their way by routes of ours that `status`
            shows; `portal.except` names other parts of the prefix that are not the mesh's
            here.

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
    @Flag(help: "Take the prefix, whatever that takes away from this machine.")
    var force = false

    /// Sockets, devices, timers and a few connections at a time.
    private static let leastFiles = 48
    /// In bytes, generously: stacks of 8 MB, pools of memory, tables. Most of it is never used.
    private static let space = 256 << 20
    private static let spacePerThread = 48 << 20

    func run() async throws {
        // A reader of our output that goes away must not take the daemon with it.
        signal(SIGPIPE, SIG_IGN)
        // Nor one who asks for a restart too early.
        signal(SIGUSR2, SIG_IGN)
        _ = Succession.program
        if config == nil {
            for line in try FirstRun.prepare(Configuration.standardPath, random: SystemRandom()) {
                Program.complain(line)
            }
        }
        var setup = try DaemonSetup.load(config?.path ?? Configuration.standardPath)
        setup.force = force
        if let fault = setup.configuration.portal.prefixFault, !force { throw CommandFailure(.usage, fault) }
        // Behind all that may be refused, and before anything is opened: as root it begins again from here, as somebody else.
        let confinement = try Confinement.settle(setup)
        // In the run that stays: until then they are open and lie where they were.
        setup.store = DescriptorStore.fromEnvironment()
        // Without these it would come up, hang and not even stop.
        Descriptors.raiseLimit()
        do {
            try OwnThread.probe(ThreadNeeds.besides)
            try Descriptors.probe(Self.leastFiles)
            try AddressSpace.probe(Self.space + setup.configuration.threads * Self.spacePerThread)
        } catch { throw CommandFailure(.failure, "\(error)") }
        let logger = setup.log.logger(Program.name)
        if let confinement { logger.log(level: confinement.isWarning ? .warning : .notice, "\(confinement.line)") }
        for warning in setup.warnings { logger.warning("\(warning)") }
        try await setup.runDaemon(logger)
    }
}

extension DaemonSetup {
    /// Runs the daemon; when it has ended, however it did, its log is whole.
    func runDaemon(_ logger: Logger) async throws {
        ResidentMemory.settle()
        CrashFlush.install()
        let succession: Succession?
        do {
            succession = try await Daemon.run(self, logger: logger)
        } catch {
            // Whoever does not read the log would not read this either, and we would wait for it.
            guard log.close() else { throw (error as? any StatusError)?.exitStatus ?? .failure }
            throw error
        }
        _ = log.close()
        guard let succession else { return }
        throw CommandFailure(.failure, "the program could not begin again: \(succession.begin())")
    }
}
