package import INET256
internal import Wire

/// What the inviter answers.
///
///     version (1) | invitation (8) | verdict (1) | name (length, text) | boxes (1) | each: address (32), name, endpoints (1), each a text
///
/// An answer is at most `longest` bytes: boxes that do not fit are left out.
package struct JoinAnswer: Equatable, Sendable {
    package enum Verdict: UInt8, Sendable, CaseIterable {
        /// The invited is a peer of the inviter's now.
        case welcome = 0
        case used = 1
        case expired = 2
        case unknown = 3
        case revoked = 4
        /// The secret is not that of the invitation.
        case wrongProof = 5
        /// It is being written down: ask again.
        case pending = 6
        /// The inviter could not write it down.
        case failed = 7
    }

    /// A box that the inviter knows, for an invited that wants to know it too.
    package struct Introduction: Equatable, Sendable {
        package var address: Address
        package var name: String
        package var endpoints: [String]

        package init(_ address: Address, name: String, endpoints: [String]) {
            self.address = address
            self.name = name
            self.endpoints = endpoints
        }
    }

    package var invitation: InvitationID
    package var verdict: Verdict
    /// What the inviter calls the invited; empty where it has no name for it.
    package var name = ""
    package var introductions: [Introduction] = []

    /// In bytes: it goes in one datagram, whatever the path.
    package static let longest = 1000
    private static let version: UInt8 = 1
    private static let mostIntroductions = 32
    private static let mostEndpoints = 4

    package init(_ verdict: Verdict, of invitation: InvitationID) {
        self.verdict = verdict
        self.invitation = invitation
    }

    package var bytes: [UInt8] {
        var bytes = [Self.version]
        bytes.appendBig(invitation.value)
        bytes.append(verdict.rawValue)
        bytes.appendText(String(name.prefix(64)))
        let place = bytes.count
        bytes.append(0)
        for introduction in introductions.prefix(Self.mostIntroductions) {
            var one: [UInt8] = []
            one.append(introduction.address.raw)
            one.appendText(introduction.name)
            let endpoints = introduction.endpoints.prefix(Self.mostEndpoints)
            one.append(UInt8(clamping: endpoints.count))
            for endpoint in endpoints { one.appendText(endpoint) }
            guard bytes.count + one.count <= Self.longest else { break }
            bytes += one
            bytes[place] += 1
        }
        return bytes
    }

    package init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        guard bytes.count <= Self.longest, reader.big(UInt8.self) == Self.version, let id = reader.big(UInt64.self),
            let verdict = reader.big(UInt8.self).flatMap(Verdict.init), let name = reader.text(255),
            let count = reader.big(UInt8.self), count <= Self.mostIntroductions
        else { return nil }
        invitation = InvitationID(value: id)
        self.verdict = verdict
        self.name = name
        for _ in 0..<count {
            guard let introduction = Self.introduction(&reader) else { return nil }
            introductions.append(introduction)
        }
        guard reader.isEmpty else { return nil }
    }

    private static func introduction(_ reader: inout ByteReader) -> Introduction? {
        guard let raw = reader.bytes32(), let name = reader.text(255), let count = reader.big(UInt8.self),
            count <= mostEndpoints
        else { return nil }
        var endpoints: [String] = []
        for _ in 0..<count {
            guard let endpoint = reader.text(255), endpoint.utf8.allSatisfy({ (33...126).contains($0) }) else {
                return nil
            }
            endpoints.append(endpoint)
        }
        return Introduction(Address(raw: raw), name: name, endpoints: endpoints)
    }
}

extension JoinAnswer.Verdict {
    /// For the invited, in words.
    package var words: String {
        switch self {
        case .welcome: "welcome"
        case .used: "this invitation has been used by somebody else: ask for another"
        case .expired: "this invitation has expired, by the inviter's clock: ask for another"
        case .unknown: "the inviter does not know this invitation: it may have been made on another box, or long ago"
        case .revoked: "this invitation was taken back: ask for another"
        case .wrongProof: "the secret in this invitation is not the right one: copy the whole line again"
        case .pending: "the inviter is writing it down"
        case .failed: "the inviter could not write it into its configuration: its log says why"
        }
    }
}
