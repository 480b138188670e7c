internal import ArgumentParser
internal import INET256
internal import Settings
internal import Wire

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the key and the configuration of a new box.",
        discussion: """
            Makes a private key and a commented configuration where there is no
            configuration yet, as a first `up` does, and prints the box's address: it can
            be told to others before the daemon runs. What is there is kept.

            Where root does it and there is a user inet256vpn, as on a machine with the
            service, key and configuration are root's: the daemon is handed the key, may
            read the configuration as a member of its group, and can change neither.

            EXAMPLES
              sudo inet256vpn init
              inet256vpn init --config ./box/config.yaml

            \(ExitStatus.help)
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration file; the key is made beside it. Default: \(Configuration.standardPath).",
            valueName: "file"))
    var config: FileArgument?

    func run() throws {
        let path = config?.path ?? Configuration.standardPath
        let done = try FirstRun.prepare(path, random: SystemRandom())
        for line in done { Program.complain(line) }
        if done.isEmpty { Program.complain("kept \(path), which is there already") }
        let setup = try DaemonSetup.load(path)
        let map = try IPv6Map(prefix: setup.configuration.portal.prefix)
        printLines(["address    \(setup.key.address)", "ipv6       \(map.address(of: setup.key.address))"])
    }
}
