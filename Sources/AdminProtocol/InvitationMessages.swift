/// What `inet256vpn invite` asks.
package struct InviteRequest: Codable, Equatable, Sendable {
    package var name: String?
    package var groups: [String]
    /// In seconds from now.
    package var expires: Int64
    package var uses: Int
    package var introduce: Bool

    package init(name: String?, groups: [String], expires: Int64, uses: Int, introduce: Bool) {
        self.name = name
        self.groups = groups
        self.expires = expires
        self.uses = uses
        self.introduce = introduce
    }
}

/// The invitation that was made; its line is said once and kept nowhere.
package struct InviteAnswer: Codable, Equatable, Sendable {
    package var id: String
    package var invitation: String
    /// Seconds since 1970.
    package var expires: Int64
    /// What the invitation says of where this box is.
    package var endpoints: [String]
    /// What should be known before it is passed on.
    package var warnings: [String]

    package init(id: String, invitation: String, expires: Int64, endpoints: [String], warnings: [String]) {
        self.id = id
        self.invitation = invitation
        self.expires = expires
        self.endpoints = endpoints
        self.warnings = warnings
    }
}

/// One invitation of a list.
package struct InvitationEntry: Codable, Equatable, Sendable {
    package var id: String
    /// "open", "used", "expired", "revoked".
    package var state: String
    package var name: String?
    package var groups: [String]
    package var created: Int64
    package var expires: Int64
    package var uses: Int
    /// Addresses of those who have come by it.
    package var joined: [String]
    package var introduce: Bool

    package init(
        id: String, state: String, name: String?, groups: [String], created: Int64, expires: Int64, uses: Int,
        joined: [String], introduce: Bool
    ) {
        self.id = id
        self.state = state
        self.name = name
        self.groups = groups
        self.created = created
        self.expires = expires
        self.uses = uses
        self.joined = joined
        self.introduce = introduce
    }
}

/// All invitations, and how often somebody came with what is none.
package struct InvitationList: Codable, Equatable, Sendable {
    package var invitations: [InvitationEntry]
    package var wrongGuesses: UInt64

    package init(invitations: [InvitationEntry], wrongGuesses: UInt64) {
        self.invitations = invitations
        self.wrongGuesses = wrongGuesses
    }

    enum CodingKeys: String, CodingKey {
        case invitations
        case wrongGuesses = "wrong_guesses"
    }
}

/// Which invitation is taken back.
package struct RevokeRequest: Codable, Equatable, Sendable {
    package var id: String

    package init(id: String) { self.id = id }
}

/// Whether there was one to take back.
package struct RevokeAnswer: Codable, Equatable, Sendable {
    package var revoked: Bool

    package init(revoked: Bool) { self.revoked = revoked }
}

/// What `inet256vpn join` has the daemon do: call the inviter, show it the proof, and say what it answers.
package struct JoinOrder: Codable, Equatable, Sendable {
    package var address: String
    package var endpoints: [String]
    /// The request as it goes over the wire, in base64. The secret itself stays with the command.
    package var request: String

    package init(address: String, endpoints: [String], request: String) {
        self.address = address
        self.endpoints = endpoints
        self.request = request
    }
}

/// What the inviter said.
package struct JoinOutcome: Codable, Equatable, Sendable {
    package struct Introduction: Codable, Equatable, Sendable {
        package var address: String
        package var name: String
        package var endpoints: [String]

        package init(address: String, name: String, endpoints: [String]) {
            self.address = address
            self.name = name
            self.endpoints = endpoints
        }
    }

    /// "welcome", or why not: "used", "expired", "unknown", "revoked", "wrong_proof", "pending", "failed"; "silent" where no answer came.
    package var verdict: String
    /// The same for people.
    package var text: String
    /// What the inviter calls this box.
    package var name: String?
    package var introductions: [Introduction]

    package init(verdict: String, text: String, name: String? = nil, introductions: [Introduction] = []) {
        self.verdict = verdict
        self.text = text
        self.name = name
        self.introductions = introductions
    }
}
