package import INET256
package import NodeProtocol

extension NodeQuestion {
    /// What the box says to a question.
    package enum Answer: Sendable {
        case address(Address)
        case publicKey(PublicKey)
        case failed(APINodeError)
    }

    /// The frame that answers it.
    func frame(_ answer: Answer) -> [UInt8] {
        switch (subject, answer) {
        case (_, .address(let address)): NodeFrame.found(id, address)
        case (_, .publicKey(let key)): NodeFrame.publicKey(id, serialized: key.serialized)
        case (.address, .failed(let error)):
            NodeFrame.failed(.find, id, error == .notFound ? "no address with prefix" : error.description)
        case (.publicKey, .failed(let error)):
            NodeFrame.failed(.publicKey, id, error == .notFound ? "public key not found" : error.description)
        }
    }
}
