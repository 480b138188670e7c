package import INET256
package import Wire

/// A box that has changed its key answers under its former address as well, for a time. Neighbours know it by the one or the other, as
/// their configurations have it, and each has one link with it: the session of the address that it knows.
extension MeshBox {
    /// Adds the node of the key that was the box's before. Once, and before there are peers, who are taken to know the box by this one.
    /// Its sessions may be links; it ends with `close`.
    package func openFormer(_ key: PrivateKey, now: Instant) throws(NodeError) -> NodeID {
        guard nodes[key.address] == nil, links.former == nil else { throw .alreadyOpen }
        guard nodes.count < limits.maximumLocalNodes else { throw .tooMany(limit: limits.maximumLocalNodes) }
        let id = add(key, isBox: true, now)
        links.former = id
        return id
    }

    package var formerAddress: Address? { links.former.flatMap { node($0)?.address } }

    /// The peer's configuration has the box's new address, or its former one: the link is to be between these. Found out by itself where
    /// that is not so; to know it saves a call in vain. Nothing for who is no peer, or without a former address.
    package func setKnown(to remote: Address, asFormer: Bool, now: Instant) {
        guard let peer = links.peers[remote], let former = links.former else { return }
        name(peer, as: asFormer ? former : .main, now)
    }

    /// By which node the daemon of another box knows this one, as far as can be told.
    package func knownAs(to remote: Address) -> NodeID {
        guard let former = links.former else { return .main }
        if let peer = links.peers[remote] { return peer.knowsUs }
        // Whoever has called the former one knows that.
        let called = node(former).flatMap { session($0, remote) }
        let other = node(.main).flatMap { session($0, remote) }
        return called?.current != nil && other?.link.neighbour == nil ? former : .main
    }

    /// The nodes whose sessions may be links.
    var boxNodes: [NodeID] { [.main] + (links.former.map { [$0] } ?? []) }

    /// The session of the box's other address with the same neighbour.
    private func otherwise(_ session: Session) -> Session? {
        guard let former = links.former, session.local.isBox else { return nil }
        guard let other = node(session.local.id == former ? .main : former) else { return nil }
        return self.session(other, session.remote)
    }

    /// A peer is one under whichever address it knows the box.
    func mayBeKnownOtherwise(_ session: Session) -> Bool {
        links.former != nil && links.peers[session.remote] != nil
    }

    func hasLinkOtherwise(_ session: Session) -> Bool { otherwise(session)?.link.neighbour != nil }

    /// The link under one address is down: what was refused under the other for its sake is not any more.
    func greetOtherwise(_ session: Session, _ now: Instant) {
        guard let other = otherwise(session), other.link.neighbour == nil else { return }
        greet(other, now)
        wake(other, now)
    }

    /// A peer has said whether it takes this box, under this address, for a neighbour.
    func heedName(_ session: Session, _ now: Instant) {
        guard let former = links.former, let peer = links.peers[session.remote] else { return }
        let isKnown = session.link.remoteAccepts
        if peer.knowsUs == session.local.id {
            // Called as somebody whom it does not know. It may be its own affair: not again at once.
            guard !isKnown, session.link.neighbour == nil, now >= peer.nextName else { return }
            peer.nextName = now + Self.nameStays
            name(peer, as: session.local.id == former ? .main : former, now)
        } else if isKnown, !hasLinkOtherwise(session) {
            name(peer, as: session.local.id, now)
        }
    }

    /// So long a peer is called under one address before the other is tried again.
    private static let nameStays: Interval = .seconds(20)

    private func name(_ peer: Peer, as id: NodeID, _ now: Instant) {
        guard peer.knowsUs != id, let local = node(id) else { return }
        if let old = node(peer.knowsUs).flatMap({ session($0, peer.address) }) {
            old.configure(as: nil)
            // It must not go on there alone, as one end of a link.
            if old.link.neighbour != nil {
                sayGoodbye(old, now)
                takeLinkDown(old, now)
            }
        }
        peer.knowsUs = id
        guard let session = openSession(local, peer.address, now) else { return }
        session.configure(as: peer)
        if let neighbour = session.link.neighbour { routes.network.distinguish(neighbour, isPeer: true) }
        greet(session, now)
        evaluateLink(session, now)
        wake(session, now)
    }

    /// The former address is gone: all know the box by the one that it has.
    func forgetFormer(_ now: Instant) {
        links.former = nil
        for peer in links.peers.values.sorted(by: { $0.address < $1.address }) { name(peer, as: .main, now) }
    }
}
