public import INET256
internal import Wire

/// A FIND or PUBK request, understood.
public struct NodeQuestion: Sendable {
    public enum Subject: Sendable {
        case address(prefix: Address, bits: Int)
        case publicKey(of: Address)
    }

    public enum Answer: Sendable {
        case address(Address)
        case publicKey(PublicKey)
        case failed(APINodeError)
    }

    public let subject: Subject
    private let id: APIRequestID

    /// Reads a request (a precondition: not DATA, not KEEP). Throws words for the client.
    init(_ frame: APIFrame) throws(NodeQuestionError) {
        guard let members = JSONMembers(frame.json) else { throw .notJSON }
        id = frame.requestID
        switch frame.kind {
        case .find:
            guard let bits = members.integer("nbits"), (0...Address.bitCount).contains(bits) else { throw .badBits }
            let bytes = StandardBase64.bytes(members.text("prefix") ?? [])
            guard let bytes, bytes.count <= Address.count, bytes.count * 8 >= bits else { throw .badPrefix }
            let zeros = [UInt8](repeating: 0, count: Address.count - bytes.count)
            guard let raw = Bytes32(bytes + zeros) else { throw .badPrefix }
            subject = .address(prefix: Address(raw: raw), bits: bits)
        case .publicKey:
            let text = String(decoding: members.text("target") ?? [], as: UTF8.self)
            guard let address = Address(text) else { throw .badTarget }
            subject = .publicKey(of: address)
        case .data, .keep:
            preconditionFailure("only requests are questions")
        }
    }

    /// Of a request that was never read; for tests of those who answer.
    public init(_ subject: Subject) {
        self.subject = subject
        id = APIRequestID(high: 0, low: 0)
    }

    /// The frame that answers it.
    func frame(_ answer: Answer) -> [UInt8] {
        switch (subject, answer) {
        case (_, .address(let address)): APIFrame.found(id, address)
        case (_, .publicKey(let key)): APIFrame.publicKey(id, serialized: key.serialized)
        case (.address, .failed(let error)):
            APIFrame.failed(.find, id, error == .notFound ? "no address with prefix" : error.description)
        case (.publicKey, .failed(let error)):
            APIFrame.failed(.publicKey, id, error == .notFound ? "public key not found" : error.description)
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
