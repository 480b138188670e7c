package import INET256
internal import Wire

/// All invitations of a box: what is open, and, so that a refusal has its own words, what was open until not long ago. Pure: what it was told
/// is written down by the caller, before anybody is let in.
package struct InvitationBook: Equatable, Sendable, Codable {
    package private(set) var invitations: [Invitation] = []
    /// How often a secret was not right, or an invitation not known, since the book was begun.
    package private(set) var wrong: UInt64 = 0

    /// Open at once, and kept in all.
    package static let mostOpen = 256
    static let most = 1024
    /// For how long it is remembered what an invitation was, in seconds.
    static let remembered: Int64 = 90 * 86_400

    package init() {}

    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case tooMany

        package var description: String {
            "\(InvitationBook.mostOpen) invitations are open: `inet256vpn invite list` shows them, `inet256vpn invite revoke` ends one"
        }
    }

    package mutating func add(_ invitation: Invitation, now: Int64) throws(Refusal) {
        tidy(now)
        guard invitations.count(where: { $0.state(now: now) == .open }) < Self.mostOpen else { throw .tooMany }
        // The oldest that is not open gives way.
        if invitations.count >= Self.most, let old = invitations.firstIndex(where: { $0.state(now: now) != .open }) {
            invitations.remove(at: old)
        }
        invitations.append(invitation)
    }

    /// - Returns: whether there was an open one.
    package mutating func revoke(_ id: InvitationID, now: Int64) -> Bool {
        guard let place = invitations.firstIndex(where: { $0.id == id }), invitations[place].state(now: now) == .open
        else { return false }
        invitations[place].revoked = true
        return true
    }

    package func invitation(_ id: InvitationID) -> Invitation? { invitations.first { $0.id == id } }

    /// What is to be done about a request.
    package enum Judgement: Equatable, Sendable {
        /// Somebody new is let in: to be written down as this book now is, then into the configuration.
        case admit(Invitation)
        /// The same one asks again: it was let in, and is answered as it was.
        case again(Invitation)
        case refuse(JoinAnswer.Verdict)
    }

    /// - Parameters:
    ///   - joiner: whom the session proves the request to come from.
    ///   - now: by this box's clock.
    package mutating func judge(
        _ request: JoinRequest, from joiner: Address, to own: Address, now: Int64
    ) -> Judgement {
        guard let place = invitations.firstIndex(where: { $0.id == request.invitation }),
            let key = invitations[place].publicKey
        else {
            wrong = wrong.saturatingIncrement
            return .refuse(.unknown)
        }
        // First of all, or strangers could ask about invitations of others.
        guard request.isProven(by: key, from: joiner, to: own) else {
            wrong = wrong.saturatingIncrement
            return .refuse(.wrongProof)
        }
        // Who was let in stays so: an answer that was lost is asked for again, however late. What became of the peer since is the
        // configuration's to say.
        if invitations[place].joined.contains(joiner), !invitations[place].revoked { return .again(invitations[place]) }
        switch invitations[place].state(now: now) {
        case .open:
            invitations[place].joined.append(joiner)
            return .admit(invitations[place])
        case .used: return .refuse(.used)
        case .expired: return .refuse(.expired)
        case .revoked: return .refuse(.revoked)
        }
    }

    /// The configuration has it from now on: whoever takes it out again means it.
    package mutating func settle(_ joiner: Address, by id: InvitationID) {
        guard let place = invitations.firstIndex(where: { $0.id == id }),
            invitations[place].joined.contains(joiner), !invitations[place].settled.contains(joiner)
        else { return }
        invitations[place].settled.append(joiner)
    }

    /// It could not be written down: as if nobody had come.
    package mutating func takeBack(_ joiner: Address, by id: InvitationID) {
        guard let place = invitations.firstIndex(where: { $0.id == id }) else { return }
        invitations[place].joined.removeAll { $0 == joiner }
    }

    private mutating func tidy(_ now: Int64) {
        invitations.removeAll { invitation in
            let end = invitation.expires.addingReportingOverflow(Self.remembered)
            return invitation.state(now: now) != .open && !end.overflow && now >= end.partialValue
        }
    }
}

extension UInt64 {
    fileprivate var saturatingIncrement: UInt64 { self == .max ? .max : self + 1 }
}
