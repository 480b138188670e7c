internal import INET256
internal import Wire

/// A FIND or PUBK request, understood, with the way to its answer.
enum NodeQuestion: Sendable {
    case find(prefix: Address, bits: Int)
    case publicKey(Address)

    /// Reads the JSON of a request (a precondition: not DATA, not KEEP). Throws words for the client.
    init(_ frame: APIFrame) throws(NodeQuestionError) {
        guard let members = JSONMembers(frame.json) else { throw .notJSON }
        switch frame.kind {
        case .find:
            guard let bits = members.integer("nbits"), (0...Address.bitCount).contains(bits) else { throw .badBits }
            let bytes = StandardBase64.bytes(members.text("prefix") ?? [])
            guard let bytes, bytes.count <= Address.count, bytes.count * 8 >= bits else { throw .badPrefix }
            let zeros = [UInt8](repeating: 0, count: Address.count - bytes.count)
            guard let raw = Bytes32(bytes + zeros) else { throw .badPrefix }
            self = .find(prefix: Address(raw: raw), bits: bits)
        case .publicKey:
            let text = String(decoding: members.text("target") ?? [], as: UTF8.self)
            guard let address = Address(text) else { throw .badTarget }
            self = .publicKey(address)
        case .data, .keep:
            preconditionFailure("only requests are questions")
        }
    }

    /// Asks `node`: the frame to answer with.
    func answer(_ id: APIRequestID, from node: any APINode) async -> [UInt8] {
        switch self {
        case .find(let prefix, let bits):
            do throws(APINodeError) {
                return APIFrame.found(id, try await node.find(prefix: prefix, bits: bits))
            } catch {
                return APIFrame.failed(.find, id, error == .notFound ? "no address with prefix" : error.description)
            }
        case .publicKey(let address):
            do throws(APINodeError) {
                return APIFrame.publicKey(id, serialized: try await node.lookup(address).serialized)
            } catch {
                let reason = error == .notFound ? "public key not found" : error.description
                return APIFrame.failed(.publicKey, id, reason)
            }
        }
    }
}

enum NodeQuestionError: Error, CustomStringConvertible {
    case notJSON
    case badBits
    case badPrefix
    case badTarget

    var description: String {
        switch self {
        case .notJSON: "the request is not a JSON object"
        case .badBits: "nbits is not a number from 0 to 256"
        case .badPrefix: "prefix is not standard base64 of at least nbits bits and at most 32 bytes"
        case .badTarget: "target is not an address"
        }
    }
}
