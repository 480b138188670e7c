internal import ArgumentParser
internal import Foundation
internal import INET256
internal import Settings

/// The program's entry: parses the command line, runs the command, turns what was thrown into a text and an
/// exit status.
@main
struct Program {
    static let name = "inet256vpn"
    static let version = "0.1.0"

    static func main() async {
        Output.claimStandardStreams()
        // The runtime takes the command line from there; without it, every command would be none.
        guard !CommandLine.arguments.isEmpty else {
            complain("the arguments cannot be read, as /proc is missing: mount -t proc proc /proc")
            exit(ExitStatus.failure.rawValue)
        }
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        exit(status.rawValue)
    }

    /// Runs one command line without the program's name.
    static func run(_ arguments: [String]) async -> ExitStatus {
        do {
            var command = try RootCommand.parseAsRoot(DashedAddress.protect(arguments))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return .success
        } catch {
            return report(error)
        }
    }

    /// Writes what there is to say about `error` and gives the status to exit with.
    private static func report(_ error: any Error) -> ExitStatus {
        switch error {
        case let status as ExitStatus:
            return status
        case let failure as any StatusError:
            complain("\(failure)")
            return failure.exitStatus
        default:
            break
        }
        let text = DashedAddress.unprotect(RootCommand.fullMessage(for: error))
        switch RootCommand.exitCode(for: error) {
        case .success:
            print(text)
            return .success
        case .validationFailure:
            Output.note(text)
            return .usage
        default:
            complain("\(error)")
            return .failure
        }
    }

    /// Writes "inet256vpn: text" to standard error.
    static func complain(_ text: String) { Output.complain(text) }
}

/// `inet256vpn` itself: a list of commands.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Program.name,
        abstract: "An IPv6 mesh VPN in which every address is the hash of its owner's key.",
        discussion: """
            A first run, on each of two machines:
              sudo inet256vpn up         make a key and a configuration, and run
              sudo inet256vpn status     show this box's address
            Then name each machine at the other one:
              sudo inet256vpn peer add ADDRESS --name NAME --endpoint udp://HOST:25632
              sudo inet256vpn ping NAME

            An ADDRESS has 43 characters. One that begins with "-" is given as it is.

            \(ExitStatus.help)
            """,
        version: Program.version,
        subcommands: [
            UpCommand.self, StatusCommand.self, PeersCommand.self, TopCommand.self, PingCommand.self,
            ReloadCommand.self,
            PeerCommand.self, GroupCommand.self, InviteCommand.self, JoinCommand.self,
            FirewallCommand.self, GuardCommand.self, EchoCommand.self, BenchGroup.self, NetcatCommand.self,
            FindCommand.self, NetcheckCommand.self,
            PubkeyCommand.self,
            IslandCommand.self, CentralDiscoveryCommand.self,
            KeyCommand.self, InitCommand.self, ExportCommand.self, ImportCommand.self, KeygenCommand.self,
            AddrCommand.self,
            IP6AddrCommand.self, CreateConfigCommand.self,
            CheckCommand.self,
            ListNetworksCommand.self, VersionCommand.self,
        ])
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the program's version.")

    func run() { print("\(Program.name) \(Program.version)") }
}
