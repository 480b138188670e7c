package import INET256
package import Wire

/// The ways of the box's sessions, as they are at this moment.
extension MeshBox: LaneSource {
    package func lane(to remote: Address, now: Instant) -> Lane? { lane(from: .main, to: remote, now: now) }

    /// The lane to `remote`, or nil while there is none: `send` then knows what to do.
    package func lane(from id: NodeID, to remote: Address, now: Instant) -> Lane? {
        guard let local = node(id), let session = session(local, remote), let keypair = session.current,
            session.pending.isEmpty, keypair.maySend(now, limits)
        else { return nil }
        if let direct = session.direct, session.directAlive, !session.isAvoided {
            // To an endpoint that is not proven yet little is sent, and `send` counts it.
            guard direct.validated, let room = frameCapacity(session) else { return nil }
            noteData(session, keypair, now)
            return Lane(
                capacity: room - 1, isSettled: isSizeSettled(session), keys: keypair.keys, path: direct.path, relay: nil
            )
        }
        guard let link = relayLink(to: remote), let outer = link.current, outer.maySend(now, limits), link.directAlive,
            let direct = link.direct, direct.validated
        else { return nil }
        noteData(session, keypair, now)
        noteData(link, now)
        let head = relayHead(to: remote, from: local.address, by: link, stamp: linkDatagramCapacity(link))
        return Lane(
            capacity: relayedDatagramCapacity(session, link) - TransportLayout.overhead - 1,
            isSettled: isSizeSettled(session), keys: keypair.keys, path: direct.path,
            relay: Lane.Relay(keys: outer.keys, head: head))
    }

    /// Takes in what went by lanes. At the end of a turn.
    package func report(now: Instant) {
        sealer.report(now) { shared in
            guard case .keypair(let session, let keypair) = indices[shared.localIndex], keypair.shared === shared else {
                return
            }
            takeActivity(of: keypair, session, now)
        }
    }
}
