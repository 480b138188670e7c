internal import ArgumentParser

/// `bench` and what it measures; without a further word, messages.
struct BenchGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure messages between two nodes, or the ciphers of this machine.",
        discussion: """
            EXAMPLES
              inet256vpn bench           messages, between two nodes on the daemon
              inet256vpn bench cipher    libraries of ciphers, without a daemon

            \(ExitStatus.help)
            """,
        subcommands: [BenchCommand.self, CipherBenchCommand.self],
        defaultSubcommand: BenchCommand.self)
}
