internal import INET256
internal import Wire

/// Why a configured peer has no link.
struct LinkTrouble: Equatable {
    var cause: BoxStatus.Link.Cause
    var text: String
}

/// Why links of configured peers are down, said truly and once.
extension MeshBox {
    /// What keeps a peer's link from being up, as found just now. Each cause is news once while the link is down.
    func blame(_ session: Session, _ cause: BoxStatus.Link.Cause, _ text: String) {
        guard let peer = session.peer else { return }
        peer.trouble = LinkTrouble(cause: cause, text: text)
        // That it is down is news of its own.
        guard cause != .lost, cause != .stopped, peer.told.insert(cause).inserted else { return }
        note(cause.isRefusal ? .refused(session.remote, text) : .troubled(session.remote, cause, text))
    }

    /// Of one peer's endpoints, which wander.
    private static let refusalsKept = 64

    /// The kernel sent nothing to a peer's endpoint.
    func noteRefusal(_ reason: SendRefusal.Reason, _ path: Path) {
        for session in allSessions {
            guard let peer = session.peer, session.isOwn(path) || peer.endpoints.contains(path.remote) else { continue }
            if peer.refused.count >= Self.refusalsKept { peer.refused.removeAll() }
            peer.refused[path.remote] = reason
            guard !session.usesDirectPath, let trouble = refusalTrouble(session) else { continue }
            blame(session, trouble.cause, trouble.text)
        }
    }

    /// What there is to say of a session that has no link; nil where nothing is known yet.
    func trouble(of session: Session) -> LinkTrouble? {
        guard session.link.neighbour == nil, let peer = session.peer else { return nil }
        if let trouble = occupant(of: session, peer) ?? refusalTrouble(session) ?? peer.trouble { return trouble }
        guard peer.endpoints.isEmpty else { return nil }
        return LinkTrouble(cause: .waiting, text: "waiting for it to call: no endpoint is configured")
    }

    /// Where the kernel sends nothing to any endpoint, nobody can have been silent.
    private func refusalTrouble(_ session: Session) -> LinkTrouble? {
        guard let peer = session.peer else { return nil }
        let called = peer.endpoints.isEmpty ? [session.direct?.path.remote].compactMap(\.self) : peer.endpoints
        let reasons = called.compactMap { endpoint in peer.refused[endpoint].map { (endpoint, $0) } }
        guard !called.isEmpty, reasons.count == called.count, let first = reasons.first else { return nil }
        return LinkTrouble(
            cause: first.1.cause, text: reasons.map { $0.1.text("\($0.0)") }.joined(separator: "; "))
    }

    /// Somebody else who proved to be where the peer is said to be. A peer that is called by another address is silent, as all
    /// are to strangers: who it is shows when it calls.
    private func occupant(of session: Session, _ peer: Peer) -> LinkTrouble? {
        for other in allSessions where other.remote != session.remote && other.local.isMain {
            guard other.usesDirectPath, let path = other.direct?.path, other.direct?.validated == true,
                peer.endpoints.contains(path.remote)
            else { continue }
            return LinkTrouble(
                cause: .otherKey,
                text: "\(path.remote) is \(other.remote), not this peer: compare the id with what `addr` prints there")
        }
        return nil
    }
}

extension BoxStatus.Link.Cause {
    /// Somebody answers, and says no or is another.
    var isRefusal: Bool {
        switch self {
        case .otherKey, .invalidKey, .noCommonCipher, .notAccepted, .sameKey: true
        default: false
        }
    }
}

extension BoxStatus.Link.Cause {
    /// Nothing was sent.
    var isOfTheKernel: Bool { self == .noRoute || self == .denied || self == .notSent }
}

extension SendRefusal.Reason {
    var cause: BoxStatus.Link.Cause {
        switch self {
        case .unreachable: .noRoute
        case .denied: .denied
        case .tooLarge, .sourceGone, .failed: .notSent
        }
    }

    func text(_ endpoint: String) -> String {
        switch self {
        case .unreachable:
            "no route to \(endpoint): this machine's kernel finds none that works (ip route get shows which it takes)"
        case .denied:
            "a rule of this machine drops what goes to \(endpoint): look at its output filters (nft list ruleset)"
        case .tooLarge, .sourceGone, .failed: "this machine's kernel sends nothing to \(endpoint)"
        }
    }
}
