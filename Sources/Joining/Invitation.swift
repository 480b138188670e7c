package import INET256
internal import Wire

/// An invitation as the inviter keeps it: everything but the secret.
package struct Invitation: Equatable, Sendable, Codable {
    /// The public half of the key that is made of the secret.
    package let key: String
    /// What the invited is to be called, and in which groups it is to be.
    package var name: String?
    package var groups: [String]
    /// In seconds since 1970, by the inviter's clock, which alone decides.
    package var created: Int64
    package var expires: Int64
    /// How many boxes it lets in.
    package var uses: Int
    /// Whether the invited is told of the inviter's other peers.
    package var introduces: Bool
    package var revoked = false
    /// Who has come by it, in the order in which they came.
    package internal(set) var joined: [Address] = []
    /// Those of them who are known to have been written down.
    package internal(set) var settled: [Address] = []

    package init(
        _ secret: InvitationSecret, name: String? = nil, groups: [String] = [], created: Int64, expires: Int64,
        uses: Int = 1, introduces: Bool = false
    ) {
        key = Address(raw: secret.key.publicKey.raw).description
        self.name = name
        self.groups = groups
        self.created = created
        self.expires = expires
        self.uses = uses
        self.introduces = introduces
    }

    /// Nil for a record that is none.
    package var publicKey: PublicKey? { Address(key).map { PublicKey(raw: $0.raw) } }
    package var id: InvitationID? { publicKey.map(InvitationID.init) }

    package enum State: String, Sendable, Codable, CaseIterable {
        case open, used, expired, revoked
    }

    package func state(now: Int64) -> State {
        if revoked { return .revoked }
        if joined.count >= uses { return .used }
        return now >= expires ? .expired : .open
    }
}
