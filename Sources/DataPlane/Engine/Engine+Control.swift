internal import API
internal import INET256
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// Pings and snapshots: what the control side asks for and waits for.
extension Engine {
    func beginPing(
        _ target: Address, _ bytes: Int, _ timeout: Interval, _ answer: @escaping @Sendable (PingResult) -> Void,
        _ now: Instant
    ) {
        guard !pings.isFull else {
            answer(.refused("too many pings wait for an answer"))
            return
        }
        let id = SystemRandom().next64()
        pings.add(id, WaitingPings.Ping(target: target, sent: now, deadline: now + timeout, answer: answer))
        if case .dropped(let reason) = box.ping(target, id: id, payload: bytes, now: now) {
            pings.remove(id)
            answer(.refused("dropped: \(reason.name)"))
        }
    }

    func expirePings(_ now: Instant) {
        for ping in pings.takeExpired(now) { ping.answer(.timedOut) }
    }

    /// Nobody is left without an answer when the thread ends.
    func failWaiting() {
        for ping in pings.takeAll() { ping.answer(.refused("the daemon is stopping")) }
        for command in mailbox.close() {
            switch command {
            case .ping(_, _, _, let answer): answer(.refused("the daemon is stopping"))
            case .snapshot(let answer): answer(snapshot(box.deadline))
            case .setPeer, .removePeer, .setAcceptsAnybody, .setDirect, .setSpray, .setCandidates, .setSeen,
                .setAccess, .setNodeAccess, .sendRaw, .service, .setKnown, .forgetFormer, .portalLost, .stop:
                break
            }
        }
        inbox.close()
        hosted.endAll()
        applications.endAll(host: self)
    }

    func snapshot(_ now: Instant) -> EngineSnapshot {
        var snapshot = EngineSnapshot(
            threads: sides?.count ?? 1, scheduling: scheduling, box: box.status(now: now),
            sockets: ports.indices.map(socket),
            portal: desk.map {
                let bridge = $0.bridge
                return EngineSnapshot.PortalSnapshot(
                    interface: bridge.device.name, address: $0.own, mtu: Int(portalMTU),
                    offloads: bridge.device.offloads.names, queue: worker.queueCounters, congested: bridge.congested,
                    device: bridge.device.counters, drops: bridge.drops,
                    prohibited: bridge.prohibited, unknown: $0.unknown, ownDatagrams: $0.ownDatagrams)
            },
            unread: unread + hosted.counters.unread, hosted: hosted.counters, applications: hosted.applications,
            heldTurns: turnGuard.held, warnings: warnings)
        for link in sides?.links ?? [] { snapshot.add(link.report) }
        return snapshot
    }
}
