package import INET256
package import Wire

/// A spray (`Spray`) between configured peers that both say in their configuration that they would: after the search for a straight path
/// has come to nothing, and the one router is symmetric and the other is not.
///
/// What protects others, since an end says itself where it is seen and nothing but a spray could prove it: the two are peers by both
/// configurations, the address is a public one and none of this side's, and it gets one spray in ten minutes (`Sprays`): 256 datagrams of
/// 41 bytes to one port, or 512 in four seconds to as many.
extension MeshBox {
    /// Whether peers may have this box spray.
    package func setSpray(_ isWanted: Bool, now: Instant) {
        guard isWanted != reach.sprays.isWanted else { return }
        reach.sprays.isWanted = isWanted
        if !isWanted { reach.sprays.end() }
        for session in allSessions where session.peer != nil { wake(session, now, for: .reach) }
    }

    /// The ports that a spray wants cannot be opened: nothing more is sent for it.
    package func sprayFailed(_ peer: Address, now: Instant) {
        guard let session = allSessions.first(where: { $0.remote == peer && $0.peer != nil }),
            reach.sprays.current(with: peer) != nil
        else { return }
        reach.sprays.end()
        wake(session, now, for: .reach)
    }

    /// Whether the other end may count on this one.
    func wantsSpray(_ session: Session) -> Bool { reach.sprays.isWanted && session.peer != nil }

    // MARK: What goes out

    /// When there is something to do for it.
    func sprayDue(_ session: Session, _ now: Instant) -> Instant {
        if let spray = reach.sprays.current(with: session.remote) { return spray.next }
        guard reach.sprays.isWanted, let failed = session.reach.failedAt, now - failed < SprayLimits.afterSearch,
            sprayTarget(session, now) != nil
        else { return .distantFuture }
        return failed
    }

    func serveSpray(_ session: Session, _ now: Instant) {
        guard let spray = reach.sprays.current(with: session.remote) else { return beginSpray(session, now) }
        guard now >= spray.next else { return }
        // Found, not wanted any more, or over.
        guard !session.usesDirectPath, wantsSpray(session), wantsDirect(session), now < spray.end else {
            return reach.sprays.end()
        }
        switch reach.sprays.takeStep(now, draw: { random.next64() }) {
        case .challenge(let number, let path):
            reach.counts.sprayed &+= 1
            emitShort(.challenge(number), session, to: path, now)
        case .call:
            var frame = CandidatesFrame(
                reach.candidates(for: session.reach.candidates.map(\.endpoint), now), wantsAnswer: false,
                hasHardNAT: true)
            frame.wantsSpray = true
            frame.isSpraying = true
            emitShort(.candidates(frame), session, now)
        case nil: break
        }
    }

    /// This end's router is the symmetric one: it begins.
    private func beginSpray(_ session: Session, _ now: Instant) {
        guard sprayDue(session, now) <= now, let target = sprayTarget(session, now) else { return }
        begin(.opens(to: target), at: target.address, session, now)
        note(.spray(session.remote, target))
    }

    private func begin(_ role: Spray.Role, at address: IPv6Address, _ session: Session, _ now: Instant) {
        reach.counts.sprays &+= 1
        reach.sprays.begin(Spray(session.remote, role, number: random.next64(), now), at: address, now)
        wake(session, now, for: .reach)
    }

    /// Where ports are to be opened for; nil where a spray is not wanted, would be in vain, or is not yet allowed again.
    private func sprayTarget(_ session: Session, _ now: Instant) -> Endpoint? {
        guard wantsSpray(session), session.reach.wantsSpray, !session.reach.hasHardNAT, !session.usesDirectPath,
            session.current != nil, wantsDirect(session), reach.hasHardNAT(now) == true,
            now - session.traffic.lastData < ReachLimits.interest
        else { return nil }
        return outside(session.reach.candidates, of: session, now)
    }

    /// Where the other end is seen, as it says itself, if that may be sprayed.
    private func outside(_ candidates: [Candidate], of session: Session, _ now: Instant) -> Endpoint? {
        // What is behind the same router, or is this box's own, is no place to meet outside.
        let own = reach.observed.endpoints(now) + reach.seen + reach.own.map(\.endpoint)
        let open = candidates.filter { candidate in
            !candidate.endpoint.address.isPrivate && !own.contains { $0.address == candidate.endpoint.address }
        }
        // What is seen where it is has a firewall before it and no router that translates.
        let place = open.first { $0.kind == .observed } ?? open.first { $0.kind == .host && $0.endpoint.isIPv4 }
        guard let place, reach.sprays.mayBegin(with: session.remote, at: place.endpoint.address, now) else {
            return nil
        }
        return place.endpoint
    }

    // MARK: What comes in

    /// The other end says that it has opened ports: now they are tried.
    func receiveSprayCall(_ frame: CandidatesFrame, _ session: Session, _ now: Instant) {
        guard wantsSpray(session), frame.wantsSpray, frame.hasHardNAT, !session.usesDirectPath,
            reach.hasHardNAT(now) != true, let place = outside(frame.candidates, of: session, now)
        else { return }
        begin(.tries(at: place.address), at: place.address, session, now)
    }

    /// A challenge came by a port that was opened for it, perhaps: it is asked back by the same.
    func answerSpray(_ session: Session, from path: Path, _ now: Instant) {
        guard reach.sprays.current(with: session.remote) != nil,
            let number = reach.sprays.answer(to: path.remote, now)
        else { return }
        emitShort(.challenge(number), session, to: path, now)
    }

    /// Whether an echo ends the spray well.
    func endsSpray(_ number: UInt64, _ session: Session, from path: Path, _ now: Instant) -> Bool {
        guard let spray = reach.sprays.current(with: session.remote), !session.usesDirectPath,
            spray.isProven(by: number, from: path.remote, now)
        else { return false }
        reach.sprays.end()
        return true
    }
}
