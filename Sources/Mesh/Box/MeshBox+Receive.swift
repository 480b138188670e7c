internal import INET256
package import Wire

/// The way in: a datagram, straight or out of a relay frame.
extension MeshBox {
    /// Takes one datagram that came in over UDP. It is opened in place. Whatever it holds, the worst it does is to be counted.
    /// `trafficClass`: that of the packet that brought it.
    package func receive(
        _ datagram: UnsafeMutableRawBufferPointer, from path: Path, trafficClass: UInt8 = 0, now: Instant
    ) -> Delivery? {
        receive(datagram, .direct(path, trafficClass: trafficClass), now)
    }

    func receive(_ datagram: UnsafeMutableRawBufferPointer, _ arrival: Arrival, _ now: Instant) -> Delivery? {
        guard let first = datagram.first, let kind = DatagramKind(rawValue: first) else {
            drops.count(.malformedDatagram)
            return nil
        }
        switch kind {
        case .transport:
            return receiveTransport(datagram, arrival, now)
        case .initiation:
            receiveInitiation(UnsafeRawBufferPointer(datagram), arrival, now)
        case .response:
            receiveResponse(UnsafeRawBufferPointer(datagram), arrival, now)
        case .finish:
            receiveFinish(UnsafeRawBufferPointer(datagram), arrival, now)
        case .cookie:
            receiveCookie(UnsafeRawBufferPointer(datagram), now)
        case .unknownIndex:
            receiveHint(UnsafeRawBufferPointer(datagram), arrival, now)
        }
        return nil
    }

    @inline(__always)
    private func receiveTransport(
        _ datagram: UnsafeMutableRawBufferPointer, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        guard let head = TransportHead(UnsafeRawBufferPointer(datagram)) else {
            drops.count(.malformedDatagram)
            return nil
        }
        let index = head.index
        guard case .keypair(let session, let keypair) = indices[index] else {
            if case .response = indices[index] {
                // Overtook message 3, which is on its way.
                hold(UnsafeRawBufferPointer(datagram), index, arrival)
            } else {
                drops.count(.unknownIndex)
                sendHint(head, arrival, now)
            }
            return nil
        }
        guard let (count, newest) = keypair.keys.take(datagram, now, limits, &sealer.drops) else { return nil }
        return receiveOpened(datagram, frameCount: count, newest: newest, session, keypair, arrival, now)
    }

    /// What is authentic and new takes effect.
    @inline(__always)
    func receiveOpened(
        _ datagram: UnsafeMutableRawBufferPointer, frameCount: Int, newest: Bool, _ session: Session,
        _ keypair: Keypair, _ arrival: Arrival, _ now: Instant
    ) -> Delivery? {
        sessions.watchForLoss(session)
        if !keypair.confirmed { confirmed(session, keypair, now) }
        switch session.receive(datagram.count, under: keypair, newest: newest, arrival, now) {
        case .noted:
            break
        case .wantsSign:
            wake(session, session.path.nextQuestion ?? now, for: .signOfLife)
        case .elsewhere:
            let kind = FrameKind(rawValue: datagram[TransportLayout.header])
            guard let path = arrival.path, !isSearch(kind, session, from: path) else { break }
            _ = session.path.move(to: path, bytes: datagram.count, challenge: random.next64(), now: now)
            if session.path.isProvenByArrival {
                note(.moved(session.remote, path.remote))
                session.peer?.noteProven(path.remote)
            }
            wake(session, now)
        case .newStamp:
            wake(session, now)
        }
        let start = TransportLayout.header
        let frame = UnsafeMutableRawBufferPointer(rebasing: datagram[start..<start + frameCount])
        return receiveFrame(frame, session, keypair, arrival, now)
    }
}
