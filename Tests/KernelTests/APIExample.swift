import INET256
import INET256Client

func echo(_ key: PrivateKey) async throws {
    let node = try await INET256.connect(reconnects: true).open(key)
    print(node.localAddress)
    for try await message in node.messages {
        try await node.send(message.payload, to: message.source)
    }
}
