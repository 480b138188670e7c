internal import ArgumentParser
internal import INET256
internal import Wire

struct AddrCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "addr",
        abstract: "Print the address of a private key: 43 characters.",
        discussion: """
            EXAMPLES
              inet256vpn addr --private-key /etc/inet256vpn/private_key.inet256

            \(ExitStatus.help)
            """)

    @Option(help: ArgumentHelp("The key file, in binary or text form.", valueName: "file"))
    var privateKey: FileArgument

    func run() throws { print(try privateKey.loadAddress()) }
}

struct IP6AddrCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ip6-addr",
        abstract: "Print the IPv6 address of an address, of a name or of a private key.",
        discussion: """
            The prefix must be that of the network's portals. Only about a name the daemon
            is asked: a peer's, NAME.mesh.internal, or this.mesh.internal.

            EXAMPLES
              inet256vpn ip6-addr bob
              inet256vpn ip6-addr oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ
              inet256vpn ip6-addr --private-key key.inet256 --prefix 0200::/7

            \(ExitStatus.help)
            """)

    @Option(help: ArgumentHelp("The key file, in binary or text form.", valueName: "file"))
    var privateKey: FileArgument?
    @Option(help: ArgumentHelp("The portal's prefix, /1 to /64.", valueName: "prefix"))
    var prefix = PrefixArgument(.standard)
    @OptionGroup var daemon: DaemonAccess
    @Argument(help: ArgumentHelp("A peer's name, NAME.mesh.internal, or an address.", valueName: "name|address"))
    var address: TargetArgument?

    func validate() throws {
        guard (privateKey == nil) != (address == nil) else {
            throw ValidationError("Give either a name or an address, or --private-key FILE.")
        }
    }

    func run() async throws {
        if let address {
            print(prefix.map.address(of: try await daemon.resolve(address)))
        } else if let privateKey {
            print(prefix.map.address(of: try privateKey.loadAddress()))
        }
    }
}

extension FileArgument {
    /// The address of the key in this file. What is wrong with the file's mode goes to standard error.
    fileprivate func loadAddress() throws -> Address {
        let file = try PrivateKeyFile.load(path, tolerant: true)
        for warning in file.warnings { Program.complain("warning: \(warning)") }
        return file.key.address
    }
}
