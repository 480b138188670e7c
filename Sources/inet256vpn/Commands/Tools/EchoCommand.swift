internal import ArgumentParser
internal import INET256
internal import INET256Client

struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Open a node that sends every message back.",
        discussion: """
            Prints the node's address and answers until it is interrupted. When the
            daemon is restarted, the node is opened again.

            EXAMPLES
              inet256vpn echo
              inet256vpn echo --key echo.inet256 --json

            \(ExitStatus.help)
            """)

    @Flag(help: "Print the address as JSON.")
    var json = false
    @OptionGroup var access: NodeAccess

    private struct Opened: Encodable {
        let address: String
    }

    func run() async throws {
        let node = try await access.open(reconnects: true)
        defer { node.close() }
        if json { try printJSON(Opened(address: "\(node.localAddress)")) } else { print(node.localAddress) }
        for try await message in node.messages {
            try await node.send(message.payload, to: message.source)
        }
    }
}
