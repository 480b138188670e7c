package import INET256
internal import Wire

/// What the invited asks of the inviter inside the session of their two addresses: let me in, by this invitation.
///
///     version (1) | invitation (8) | signature (64)
///
/// The signature is by the invitation's key over both addresses, the inviter's first: what one box has sent is of no use to another, nor
/// towards another.
package struct JoinRequest: Equatable, Sendable {
    package let invitation: InvitationID
    let signature: [UInt8]

    private static let version: UInt8 = 1
    private static let purpose = "inet256/vpn/join"
    package static let count = 1 + 8 + SignatureScheme.signatureCount

    package init(_ secret: InvitationSecret, from joiner: Address, to inviter: Address) {
        let key = secret.key
        invitation = InvitationID(key.publicKey)
        signature = key.sign(purpose: Self.purpose, message: Self.message(joiner, inviter))
    }

    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard bytes.count == Self.count, reader.big(UInt8.self) == Self.version, let id = reader.big(UInt64.self),
            let signature = reader.take(SignatureScheme.signatureCount)
        else { return nil }
        invitation = InvitationID(value: id)
        self.signature = Array(signature)
    }

    package var bytes: [UInt8] {
        var bytes = [Self.version]
        bytes.appendBig(invitation.value)
        return bytes + signature
    }

    /// Whether it was made with the secret of this invitation, by the one that it comes from, for the one that it came to.
    func isProven(by key: PublicKey, from joiner: Address, to inviter: Address) -> Bool {
        key.verify(signature: signature, purpose: Self.purpose, message: Self.message(joiner, inviter))
    }

    private static func message(_ joiner: Address, _ inviter: Address) -> [UInt8] {
        var message: [UInt8] = []
        message.append(inviter.raw)
        message.append(joiner.raw)
        return message
    }
}
