internal import INET256
internal import Logging
internal import Mesh
internal import Portal
internal import System
internal import Transport
internal import Wire

/// What the control side tells, what the machine's network does, and what the mesh core has to say.
extension Engine {
    func obey(_ command: EngineCommand, _ now: Instant) throws {
        switch command {
        case .setPeer(let peer, let name):
            names[peer.address] = name
            box.setPeer(peer, now: now)
        case .removePeer(let address):
            box.removePeer(address, now: now)
            names[address] = nil
        case .setAcceptsAnybody(let accepts): box.setAcceptsAnybody(accepts, now: now)
        case .setDirect(let policy): box.setDirect(policy, now: now)
        case .setSpray(let isWanted): box.setSpray(isWanted, now: now)
        case .setCandidates(let candidates): box.setOwnCandidates(candidates, now: now)
        case .setSeen(let endpoints): box.setSeen(endpoints, now: now)
        case .setAccess(let gate):
            worker.bridge?.gate = gate
            sides?.setAccess(gate)
        case .setNodeAccess(let gate, let limit):
            hosted.gate = gate
            hosted.limit = limit
        case .ping(let target, let bytes, let timeout, let answer):
            beginPing(target, bytes, timeout, answer, now)
        case .snapshot(let answer): answer(snapshot(now))
        case .sendRaw(let bytes, let target, let source): try sendRaw(bytes, to: target, from: source)
        case .service(let purpose, let body, let target):
            _ = box.sendService(purpose, body, to: target, now: now)
        case .setKnown(let address): box.setKnown(to: address, asFormer: false, now: now)
        case .forgetFormer: forgetFormer(now)
        case .portalLost: failure = TunError.gone(name: worker.bridge?.device.name ?? "")
        case .stop(let keeping):
            stopping = true
            isKeeping = keeping
        }
    }

    /// Addresses and routes of the machine changed, other than by our own portal.
    func heedSurroundings(_ now: Instant) throws {
        guard let watcher, try watcher.drain(portal: interfaceIndex) else { return }
        surroundingsChangeAt = min(surroundingsChangeAt, now + Self.surroundingsSettle)
    }

    func name(_ address: Address) -> String { names[address] ?? "\(address)" }

    func heedEvents(_ now: Instant) throws {
        reports.settle(now: now)
        for event in box.takeEvents() {
            switch event {
            case .linkUp(let address, let endpoint):
                spareAnswered(address)
                report(.linkUp, address, ["endpoint": "\(endpoint)"], now)
            case .linkDown(let address): report(.linkDown, address, [:], now)
            case .straight(let address, let endpoint):
                noteSprays(now)
                report(.straight, address, ["endpoint": "\(endpoint)"], now)
            case .moved(let address, let endpoint): report(.moved, address, ["endpoint": "\(endpoint)"], now)
            case .refused(let address, let trouble): report(.refused, address, ["reason": "\(trouble.text)"], now)
            case .stranger(let address, let endpoint):
                let reason = "asked for a link from \(endpoint) and is not a configured peer"
                report(.refused, address, ["reason": "\(reason)"], now)
            case .troubled(let address, let trouble):
                report(.troubled, address, ["reason": "\(trouble.text)", "word": "\(trouble.cause.rawValue)"], now)
            case .prefixDiffers(let address, let prefix):
                report(.otherPrefix, address, ["prefix": "\(prefix)"], now)
            case .sameKey(let address):
                let isHere = box.isLocal(address)
                reports.write(
                    .sameKey, ["node": isHere ? "\(address) (this box)" : "\(name(address))"],
                    isPeer: isHere || names[address] != nil, now: now)
            case .tableFull(let refused, let places):
                reports.write(
                    .tableFull, ["refused": "\(refused)", "max_nodes": "\(places)"], isPeer: true, now: now)
            case .pong(let id, let source, _):
                if let ping = pings.take(id, from: source) { ping.answer(.answered(now - ping.sent)) }
            case .sized: fitPortal()
            case .fruitless(let address): try callBySpare(address, now)
            case .spray(let address, let endpoint): openSpray(address, endpoint, now)
            case .service(let address, let purpose, let body): serviceHeard(address, purpose, body)
            case .undeliverable(let node, _, let message):
                if node == .main || node == former { try desk?.undeliverable(message, now: now) }
            }
        }
    }

    private func report(
        _ kind: EventReports.Kind, _ address: Address, _ metadata: @autoclosure () -> Logger.Metadata, _ now: Instant
    ) {
        let name = names[address]
        reports.write(
            kind, metadata().merging(["peer": "\(name ?? "\(address)")"]) { $1 }, isPeer: name != nil, now: now)
    }
}
