internal import API
internal import ArgumentParser
internal import Foundation
internal import INET256
internal import Logging
internal import Settings

struct IslandCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "island",
        abstract: "Run a daemon by itself, for developing applications.",
        discussion: """
            It has no peers, no portal, no firewall and no configuration file, and needs
            no privilege: applications that open nodes on its socket reach each other and
            nobody else. It runs until it is interrupted.

            EXAMPLES
              inet256vpn island --socket /tmp/island.sock &
              export INET256_API=unix:///tmp/island.sock
              inet256vpn echo

            \(ExitStatus.help)
            """)

    @Option(help: ArgumentHelp("The socket that is made.", valueName: "path"))
    var socket = FileArgument(path: "./inet256.sock")
    @Option(help: ArgumentHelp("The daemon's own key file. Without it: a fresh key.", valueName: "file"))
    var key: FileArgument?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let directory = FileManager.default.currentDirectoryPath
        var configuration = Configuration(directory: directory)
        let path = FilePath.resolve(socket.path, in: directory)
        do throws(APIEndpointError) {
            configuration.apiEndpoint = try APIEndpoint(parsing: "unix://\(path)")
        } catch {
            throw CommandFailure(.usage, "--socket \(socket.path): \(error)")
        }
        configuration.transports = []
        configuration.portal.enabled = false
        // That nobody is reached is what it is for: no warning about it.
        let setup = DaemonSetup(
            configuration: configuration, file: configuration.privateKeyPath, key: try privateKey(), nodeKeys: [],
            log: LogOutput(configuration.log), warnings: [])
        Program.note("\(DaemonAccess.environmentKey)=\(configuration.apiEndpoint)")
        try await setup.runDaemon(setup.log.logger(Program.name))
    }

    private func privateKey() throws -> PrivateKey {
        guard let key else { return PrivateKey(generatedFrom: SystemRandom()) }
        let file = try PrivateKeyFile.load(key.path)
        for warning in file.warnings { Program.complain("warning: \(warning)") }
        return file.key
    }
}

extension FileArgument {
    /// A path that the program itself chooses.
    init(path: String) { self.path = path }

    var defaultValueDescription: String { path }
}
