internal import INET256
internal import Logging
internal import Mesh
internal import System
internal import Transport
internal import Wire

/// A configured transport as the engine drives it.
struct EnginePort {
    let source: any PortSource
    var spare = SparePlan()
    /// Where the spare is among the worker's lines, once there was one; while it is closed an `AbsentPort` keeps the place.
    var sparePlace: Int?
    var isSpareOpen = false
    /// What was counted by ports that are closed.
    var past = UDPCounters()
    var pastDropped: UInt64 = 0

    init(_ source: any PortSource) { self.source = source }
}

/// Ports that come and go while the engine runs: those of interfaces that do, and spare ones.
extension Engine {
    // MARK: Interfaces

    /// The machine's network changed: what is bound to an interface is bound to what has its name now.
    func renewPorts() {
        for place in ports.indices {
            ports[place].spare.surroundingsChanged()
            renew(place, of: place)
            if let spare = ports[place].sparePlace, ports[place].isSpareOpen { renew(spare, of: place) }
        }
    }

    /// The line at `place`, of the transport `owner`.
    private func renew(_ place: Int, of owner: Int) {
        let source = ports[owner].source
        guard let port = source.renewed(worker.lines[place].port) else { return }
        put(port, at: place, of: owner)
        let isThere = !(port is AbsentPort)
        logger.notice(
            isThere ? "transport bound anew" : "the transport's interface is gone, nothing goes there until it is back",
            metadata: ["transport": "\(port.facts.scheme)://\(source.endpoint)"])
    }

    // MARK: Spare ports

    /// When a spare wants to be looked at.
    var sparesDue: Instant { ports.reduce(.distantFuture) { min($0, $1.spare.deadline) } }

    /// A peer does not answer, and may be behind a router that has lost its way. With several threads there is no spare: what is
    /// published to the others leaves by the ports that all have.
    func callBySpare(_ peer: Address, _ now: Instant) throws {
        guard sides == nil else { return }
        for place in ports.indices {
            let step = ports[place].spare.wanted(by: peer, isUsed: isSpareUsed(place), now: now)
            if step == .open { openSpare(place) }
        }
        settleSpares()
        try flush(now)
    }

    func tickSpares(_ now: Instant) {
        guard now >= sparesDue else { return }
        for place in ports.indices where now >= ports[place].spare.deadline {
            if ports[place].spare.tick(isUsed: isSpareUsed(place), now: now) == .close { closeSpare(place) }
        }
        settleSpares()
    }

    func spareAnswered(_ peer: Address) {
        for place in ports.indices { ports[place].spare.answered(peer) }
    }

    /// Where a call by a spare leaves.
    func sparePlace(_ remote: Endpoint) -> Int? {
        ports.lazy.compactMap { $0.isSpareOpen ? $0.sparePlace : nil }.first { self.worker.lines[$0].reaches(remote) }
    }

    /// The spare of a configured transport that leads somewhere.
    func keptSpare(of place: Int) -> Int? {
        guard place < ports.count, ports[place].isSpareOpen, ports[place].spare.isKept else { return nil }
        return ports[place].sparePlace
    }

    private func isSpareUsed(_ place: Int) -> Bool {
        guard ports[place].isSpareOpen, let spare = ports[place].sparePlace else { return false }
        return box.usesPort(UInt16(spare))
    }

    func settleSpares() {
        box.setCallsBySpare(ports.contains { $0.isSpareOpen && $0.spare.isTried })
        let numbers = worker.lines.compactMap(\.port.facts.udpPort)
        if let bridge = worker.bridge, bridge.rules.ownPorts != Set(numbers) { bridge.rules.ownPorts = Set(numbers) }
    }

    private func openSpare(_ place: Int) {
        let number = ports[place].sparePlace ?? worker.lines.count
        do {
            guard let port = try ports[place].source.spare(number: UInt16(number)) else { return }
            put(port, at: number, of: place)
            ports[place].sparePlace = number
            ports[place].isSpareOpen = true
            logger.debug(
                "a peer does not answer: called from another port too", metadata: ["port": "\(port.facts.bound)"])
        } catch {
            logger.debug("no spare port", metadata: ["reason": "\(error)"])
        }
    }

    private func closeSpare(_ place: Int) {
        guard ports[place].isSpareOpen, let number = ports[place].sparePlace else { return }
        ports[place].isSpareOpen = false
        do {
            put(try AbsentPort(ports[place].source.endpoint, number: UInt16(number)), at: number, of: place)
        } catch {
            logger.debug("a spare port stays open", metadata: ["reason": "\(error)"])
        }
    }

    /// For the snapshot: what goes by a spare is the transport's.
    func socket(_ place: Int) -> EngineSnapshot.Socket {
        let line = worker.lines[place]
        var socket = EngineSnapshot.Socket(
            configured: line.configured, facts: line.port.facts, counters: line.port.counters, dropped: line.dropped)
        socket.counters.add(ports[place].past)
        socket.dropped += ports[place].pastDropped
        guard let spare = ports[place].sparePlace else { return socket }
        let other = worker.lines[spare]
        socket.counters.add(other.port.counters)
        socket.dropped += other.dropped
        if ports[place].isSpareOpen { socket.spare = other.port.facts.bound }
        return socket
    }

    // MARK: Lines

    /// A port at this place among the lines, in the place of the one that was there, for the transport `owner`.
    func put(_ port: any DatagramPort, at place: Int, of owner: Int) {
        do {
            let line = PortLine(port, configured: ports[owner].source.endpoint)
            if place < worker.lines.count {
                ports[owner].past.add(worker.lines[place].port.counters)
                ports[owner].pastDropped += worker.lines[place].dropped
                try worker.replace(place, by: line)
            } else {
                try worker.add(line)
            }
            box.setPorts(worker.lines.map(\.port.traits), now: turnBegan)
        } catch {
            failure = error
        }
    }
}
