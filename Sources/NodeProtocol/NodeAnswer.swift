package import INET256
internal import Wire

/// What the answer to a FIND or PUBK says: `{"ok": {...}}`, or `{"ok": ..., "error": "words"}`.
package enum NodeAnswer: Sendable {
    case address(Address)
    case publicKey(PublicKey)
    case failed(String)

    /// The JSON of an answer to a question of `kind` (a precondition: not DATA, not KEEP).
    package init(_ kind: NodeFrame.Kind, _ json: UnsafeRawBufferPointer) throws(NodeAnswerError) {
        guard let answer = JSONObject(json) else { throw .notJSON }
        if let words = answer.string("error"), !words.isEmpty {
            self = .failed(words)
            return
        }
        guard answer.has("ok") else { throw .empty }
        let ok = answer.object("ok")
        switch kind {
        case .find:
            guard let text = ok?.string("addr"), let address = Address(text) else { throw .noAddress }
            self = .address(address)
        case .publicKey:
            guard let text = ok?.string("public_key"), let bytes = Base64.standard.bytes(padded: Array(text.utf8)),
                let key = try? PublicKey(serialized: bytes)
            else { throw .noKey }
            self = .publicKey(key)
        case .data, .keep:
            preconditionFailure("only questions have answers")
        }
    }
}

/// Why bytes are no answer to what was asked.
package enum NodeAnswerError: Error, Hashable, Sendable {
    case notJSON
    /// Neither `ok` nor `error`.
    case empty
    case noAddress
    case noKey
}
