package import INET256
internal import Wire

/// A FIND or PUBK request, understood.
package struct NodeQuestion: Sendable {
    package enum Subject: Sendable {
        case address(prefix: Address, bits: Int)
        case publicKey(of: Address)
    }

    package let subject: Subject
    package let id: NodeQuestionID

    /// Reads a request (a precondition: not DATA, not KEEP). Throws words for the client.
    package init(_ frame: NodeFrame) throws(NodeQuestionError) {
        guard let members = JSONObject(frame.json) else { throw .notJSON }
        id = frame.requestID
        switch frame.kind {
        case .find:
            guard let bits = members.integer("nbits"), (0...Address.bitCount).contains(bits) else { throw .badBits }
            let bytes = Base64.standard.bytes(padded: members.text("prefix") ?? [])
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
    package init(_ subject: Subject) {
        self.subject = subject
        id = NodeQuestionID(high: 0, low: 0)
    }
}

package enum NodeQuestionError: Error, Hashable, CustomStringConvertible {
    case notJSON
    case badBits
    case badPrefix
    case badTarget

    package var description: String {
        switch self {
        case .notJSON: "the request is not a JSON object"
        case .badBits: "nbits is not a number from 0 to 256"
        case .badPrefix: "prefix is not standard base64 of at least nbits bits and at most 32 bytes"
        case .badTarget: "target is not an address"
        }
    }
}
