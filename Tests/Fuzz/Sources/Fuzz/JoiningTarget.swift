import INET256
import Wire

@testable import Joining

/// What an invitation's line is read from, and what the two ends say of it: the first byte chooses. What is taken comes out as it was.
struct JoiningTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        guard let first = input.first else { return }
        let bytes = Array(input.dropFirst())
        switch first % 4 {
        case 0:
            if let request = bytes.withUnsafeBytes({ JoinRequest($0) }) {
                demand(request.bytes == bytes, "a request that does not come back")
            }
        case 1:
            if let answer = bytes.withUnsafeBytes({ JoinAnswer($0) }) {
                demand(answer.bytes.count <= JoinAnswer.longest, "an answer that is too long")
                demand(answer.introductions.count <= 32, "too many boxes")
            }
        case 2:
            // Behind a right checksum, which random bytes never have.
            var body = bytes
            var sum = [UInt8](repeating: 0, count: 32)
            sum.withUnsafeMutableBytes { $0.hash(body, []) }
            body += sum.prefix(4)
            read(InvitationLine.scheme + encoded(body))
        default:
            read(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func read(_ text: String) {
        guard let line = try? InvitationLine(parsing: text) else { return }
        let again = try? InvitationLine(parsing: line.text)
        demand(again?.address == line.address && again?.endpoints == line.endpoints, "a line that does not come back")
        demand(line.endpoints.count <= InvitationLine.mostEndpoints, "too many endpoints")
    }

    private func encoded(_ bytes: [UInt8]) -> String {
        var characters = [UInt8](repeating: 0, count: Base64.textCount(bytes.count))
        characters.withUnsafeMutableBytes { text in bytes.withUnsafeBytes { Base64.ordered.encode($0, into: text) } }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Genuine inputs.
    static func seeds() -> [[UInt8]] {
        let secret = InvitationSecret(random: FixedRandom(70))
        let (own, other) = (PrivateKey(generatedFrom: FixedRandom(71)).address, secret.key.address)
        let request = JoinRequest(secret, from: own, to: other)
        var answer = JoinAnswer(.welcome, of: request.invitation)
        answer.name = "bob"
        answer.introductions = [.init(own, name: "carol", endpoints: ["udp://192.0.2.1:25632"])]
        var line = InvitationLine(address: own, secret: secret)
        line.endpoints = ["udp://192.0.2.1:25632", "udp://[2001:db8::1]:25632"]
        line.servers = ["udp://central.example.org:25634"]
        line.prefix = "fd64::/16"
        line.network = "onehop"
        return [
            [0] + request.bytes, [1] + answer.bytes, [1] + JoinAnswer(.used, of: request.invitation).bytes,
            [2, 1, 0] + own.raw.bytes + [UInt8](repeating: 5, count: 16) + [1, 3] + Array("udp".utf8) + [0, 0, 0],
            [3] + Array(line.text.utf8),
        ]
    }
}
