internal import ArgumentParser
internal import Foundation
internal import INET256
internal import INET256Client
internal import Wire

struct PubkeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pubkey",
        abstract: "Print the public key of an address.",
        discussion: """
            The key is printed in its serialized form of 41 bytes, as base64. Its hash is
            the address; that has been checked.

            EXAMPLES
              inet256vpn pubkey bob
              inet256vpn pubkey --json oJLz5ZaqwUZSwU9l8AdC6pCFdB7YvAUaKBwacOgKicJ

            \(ExitStatus.help)
            """)

    @OptionGroup var lookup: LookupOptions
    @OptionGroup var access: NodeAccess
    @Argument(help: ArgumentHelp("A peer's name, NAME.mesh.internal, or an address.", valueName: "name|address"))
    var target: TargetArgument

    private struct Found: Encodable {
        let address: String
        let publicKey: String
        let ed25519: String

        enum CodingKeys: String, CodingKey {
            case address, ed25519
            case publicKey = "public_key"
        }
    }

    func run() async throws {
        let address = try await access.resolve(target)
        let node = try await access.open()
        defer { node.close() }
        let key = try await lookup.answer(unknown: "the network knows no key for \(address)") {
            try await node.lookupPublicKey(address)
        }
        let text = Data(key.serialized).base64EncodedString()
        guard lookup.json else { return print(text) }
        let hex = key.raw.bytes.map { String(format: "%02x", $0) }.joined()
        try printJSON(Found(address: "\(address)", publicKey: text, ed25519: hex))
    }
}
