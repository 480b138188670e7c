internal import INET256
internal import Wire

/// Why links of configured peers are down, said truly and once.
extension MeshBox {
    /// What keeps a peer's link from being up, as found just now. Each cause is news once while the link is down.
    func blame(_ session: Session, _ trouble: LinkTrouble) {
        guard let peer = session.peer, peer.blame(trouble) else { return }
        note(trouble.cause.isRefusal ? .refused(session.remote, trouble) : .troubled(session.remote, trouble))
    }

    /// The kernel sent nothing to a peer's endpoint.
    func noteRefusal(_ reason: SendRefusal.Reason, _ path: Path) {
        for session in allSessions {
            guard let peer = session.peer, session.isOwn(path) || peer.endpoints.contains(path.remote) else { continue }
            peer.noteUnsent(reason, to: path.remote)
            guard !session.usesDirectPath, let trouble = unsendable(session, peer) else { continue }
            blame(session, trouble)
        }
    }

    /// What there is to say of a session that has no link; nil where nothing is known yet.
    func trouble(of session: Session) -> LinkTrouble? {
        guard session.link.neighbour == nil, let peer = session.peer else { return nil }
        if let trouble = occupant(of: session, peer) ?? unsendable(session, peer) ?? peer.trouble { return trouble }
        return peer.endpoints.isEmpty ? .waiting : nil
    }

    private func unsendable(_ session: Session, _ peer: Peer) -> LinkTrouble? {
        peer.unsendable(orElse: session.direct?.path.remote)
    }

    /// Somebody else who proved to be where the peer is said to be. A peer that is called by another address is silent, as all
    /// are to strangers: who it is shows when it calls.
    private func occupant(of session: Session, _ peer: Peer) -> LinkTrouble? {
        for other in allSessions where other.remote != session.remote && other.local.isBox {
            guard other.usesDirectPath, let path = other.direct?.path, other.direct?.validated == true,
                peer.endpoints.contains(path.remote)
            else { continue }
            return .occupied(path.remote, by: other.remote)
        }
        return nil
    }
}
