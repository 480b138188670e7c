internal import ArgumentParser
internal import Foundation
internal import INET256

struct KeygenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a private key.",
        discussion: """
            The key goes to standard output: 81 bytes, as other INET256 software reads
            them, or with --text one line of base64. With --output it goes to a new file
            of mode 0600. Its address is printed on standard error.

            With --leading-zeros, keys are tried on all processors until one has an
            address with that many zero bits in front. Each such bit lets the IPv6
            address bind one bit more of the key, and doubles the work.

            EXAMPLES
              inet256vpn keygen --output private_key.inet256
              inet256vpn keygen --leading-zeros 16 --output private_key.inet256
              inet256vpn keygen --text

            \(ExitStatus.help)
            """)

    @Option(
        help: ArgumentHelp(
            "Zero bits that the address is to begin with, 0 to \(KeyMiner.mostLeadingZeros).", valueName: "n"))
    var leadingZeros = 0
    @Flag(help: "Write base64 text.")
    var text = false
    @Option(help: ArgumentHelp("Write to this new file (mode 0600).", valueName: "file"))
    var output: FileArgument?

    func validate() throws {
        guard KeyMiner(leadingZeros: leadingZeros) != nil else {
            throw ValidationError("--leading-zeros must be 0 to \(KeyMiner.mostLeadingZeros)")
        }
    }

    func run() async throws {
        if output == nil, !text, isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(
                .usage, "not writing a binary key to a terminal: use --output FILE, or --text, or redirect the output")
        }
        if let path = output?.path, access(path, F_OK) == 0 { throw KeyFileError.exists(path) }
        guard let miner = KeyMiner(leadingZeros: leadingZeros) else { throw ExitStatus.usage }
        let key = await KeySearch(miner: miner).run()
        if let path = output?.path {
            try PrivateKeyFile.create(path, key: key, asText: text)
        } else {
            PrivateKeyFile.contents(of: key, asText: text).withBytes { Output.write($0) }
        }
        Program.note("address \(key.address)")
    }
}

extension Program {
    /// Writes a line to standard error.
    static func note(_ text: String) { Output.note(text) }
}
