internal import INET256
internal import Wire

/// "No session of mine has that index": what the other end says when it has started again.
extension MeshBox {
    /// A hint may start a handshake and ends nothing: anybody on the way could have made it.
    func receiveHint(_ bytes: UnsafeRawBufferPointer, _ arrival: Arrival, _ now: Instant) {
        guard let hint = UnknownIndexMessage(bytes) else {
            drops.count(.malformedDatagram)
            return
        }
        // Found without a search, so that junk costs next to nothing and empties no bucket that genuine ones are taken from.
        guard let session = sessionSending(to: hint.index, arrival), session.keys.heedsHint(hint.counter, now) else {
            drops.count(.hintIgnored)
            return
        }
        switch arrival.way {
        case .direct: startDirectAttempt(session, keysAreDoubtful: true, now)
        case .relayed: startRelayedAttempt(session, keysAreDoubtful: true, now)
        }
    }

    private func sessionSending(to index: UInt32, _ arrival: Arrival) -> Session? {
        switch arrival.way {
        case .direct(let path):
            return sessions.sending(to: index).first {
                $0.current?.remoteIndex == index && $0.direct?.path.remote == path.remote
            }
        case .relayed:
            // The relay frame's source is the box's main address, the session may be a hosted node's.
            return sessions.sending(to: index).first { $0.current?.remoteIndex == index && !$0.usesDirectPath }
        }
    }
}
