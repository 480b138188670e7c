internal import INET256
internal import Wire

/// What a finished handshake came to, as one end sees it.
struct Agreement {
    let suite: SuiteChoice
    let secrets: TransportSecrets
    /// Did this end begin?
    let initiator: Bool
    /// The index that the other end puts on what it sends here, and the one it wants to see.
    let localIndex: UInt32
    let remoteIndex: UInt32

    var sendSecret: SecretBytes {
        secrets.key(initiator ? secrets.initiatorToResponder : secrets.responderToInitiator, suite.cipher)
    }

    var receiveSecret: SecretBytes {
        secrets.key(initiator ? secrets.responderToInitiator : secrets.initiatorToResponder, suite.cipher)
    }
}
