internal import INET256
internal import Logging
internal import Mesh
internal import System
internal import Transport
internal import Wire

/// The ports of sprays: many for a few seconds, and of those the one that a peer was met by.
extension Engine {
    /// Opens ports towards an endpoint; where none can be had the spray is over, and the other end is not told of any.
    func openSpray(_ peer: Address, _ endpoint: Endpoint, _ now: Instant) {
        if let refusal = refusalToOpen(endpoint, now) {
            box.sprayFailed(peer, now: now)
            logger.debug("no ports for a spray", metadata: ["peer": "\(name(peer))", "reason": "\(refusal)"])
        } else {
            logger.debug("ports opened for a spray", metadata: ["peer": "\(name(peer))"])
        }
    }

    /// Nil where they are open. With several threads there are none: what is published to the others leaves by the ports that all have.
    private func refusalToOpen(_ endpoint: Endpoint, _ now: Instant) -> String? {
        guard sides == nil else { return "there are several threads" }
        guard let owner = ports.indices.first(where: { worker.lines[$0].reaches(endpoint) }),
            let place = sprays.open(worker.lines.count, now)
        else { return "no transport reaches \(endpoint), or too many ports of sprays are in use" }
        let isNew = place == worker.lines.count
        do {
            let opened = try sprayPorts(of: owner, number: UInt16(place))
            if !opened.isEmpty {
                put(try SprayPort(opened, number: UInt16(place)), at: place, of: owner)
                settleSpares()
                return nil
            }
            if isNew { sprays.failed(place) }
            return "too few files may be open, or the transport has one port alone"
        } catch {
            if isNew { sprays.failed(place) }
            return "\(error)"
        }
    }

    /// As many as may be had; none where the transport has no others, or too few descriptors are left.
    private func sprayPorts(of owner: Int, number: UInt16) throws -> [any DatagramPort] {
        var opened: [any DatagramPort] = []
        for _ in 0..<SprayPlan.count(free: Descriptors.free) {
            guard let port = try ports[owner].source.spare(number: number) else { return [] }
            opened.append(port)
        }
        return opened
    }

    /// A session has come to a straight path, perhaps by a spray.
    func noteSprays(_ now: Instant) {
        if let place = sprays.searching, box.usesPort(UInt16(place)) { sprays.found(place, now) }
    }

    func tickSprays(_ now: Instant) {
        guard now >= sprays.deadline else { return }
        let steps = sprays.tick(now) { self.box.usesPort(UInt16($0)) }
        for step in steps { perform(step) }
        settleSpares()
    }

    private func perform(_ step: SprayPlan.Step) {
        switch step {
        case .settle(let place):
            guard let winner = (worker.lines[place].port as? SprayPort)?.winner else { return }
            put(winner, at: place, of: owner(of: place))
        case .close(let place):
            do {
                let owner = owner(of: place)
                put(try AbsentPort(ports[owner].source.endpoint, number: UInt16(place)), at: place, of: owner)
            } catch {
                logger.debug("a spray's port stays open", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// The transport that a line is counted with.
    private func owner(of place: Int) -> Int {
        ports.firstIndex { $0.source.endpoint == worker.lines[place].configured } ?? 0
    }
}
