internal import INET256
internal import Mesh
internal import Wire

/// Plays a run and looks at what must hold in any: no node asks for its timer again and again, next hops lead in no circle, a
/// message arrives unaltered, at most once, at the right box and from who sent it; and when all is mended, all who should reach
/// one another do.
final class RunPlayer {
    private let run: SimulatedRun
    private let promises: NetworkPromises
    private let simulation: Simulation
    private let check: ((Simulation) -> String?)?
    private var fault: String?
    /// Messages by their number, and those that came.
    private var sent: [Message] = []
    private var arrived: Set<Int> = []

    private struct Message {
        let from: Int
        let to: Int
        let bytes: [UInt8]
    }

    init(_ run: SimulatedRun, _ promises: NetworkPromises, check: ((Simulation) -> String?)?) {
        self.run = run
        self.promises = promises
        self.check = check
        simulation = run.shape.build(seed: run.seed, promises.algorithm)
    }

    func play() -> String? {
        simulation.onFault = { [unowned self] fault, _ in self.find("\(fault)") }
        simulation.afterEachStep = { [unowned self] in self.look() }
        defer {
            simulation.afterEachStep = nil
            simulation.onFault = RunFault.stop
        }
        for (number, event) in run.events.enumerated() {
            perform(event)
            if fault == nil { look() }
            readMessages()
            if let fault { return "\(fault), in event \(number): \(event.source)" }
        }
        mend()
        return fault.map { "\($0), when all is mended" }
    }

    private func find(_ what: String) { if fault == nil { fault = what } }

    private func look() {
        guard fault == nil else { return }
        if promises.isLoopFree, let loop = simulation.findLoop() { find("a circle \(loop)") }
        if let found = check?(simulation) { find(found) }
    }

    private func perform(_ event: RunEvent) {
        if case .send(let from, let to, let bytes) = event { return send(from, to, bytes) }
        simulation.perform(event)
    }

    /// A message that begins with its number.
    private func send(_ from: Int, _ to: Int, _ count: Int) {
        var bytes: [UInt8] = []
        bytes.appendBig(UInt32(sent.count))
        bytes += (0..<max(0, count - bytes.count)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ sent.count) }
        sent.append(Message(from: from, to: to, bytes: bytes))
        simulation.send(bytes, from: from, to: simulation.address(to))
    }

    private func readMessages() {
        for node in 0..<simulation.count {
            for message in simulation.received(node) {
                let number = message.message.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard message.message.count >= 4, sent.indices.contains(number), sent[number].bytes == message.message
                else { return find("a message that nobody sent came to \(node)") }
                if sent[number].to != node { find("message \(number) came to \(node)") }
                if simulation.address(sent[number].from) != message.from { find("message \(number) of another sender") }
                if !arrived.insert(number).inserted { find("message \(number) came twice") }
            }
        }
        simulation.clearReceived()
    }

    /// All is well again: what must be reached is. A message may be lost on the way to a box that has begun anew, so each is asked
    /// until it hears; and where both ends of a cable have moved, they are told where the other is.
    private func mend() {
        for node in 0..<simulation.count where simulation.box(node) == nil { simulation.startNode(node) }
        for key in run.cables { simulation.connect(key.low, key.high) }
        let reached = promises.reached(in: run.shape)
        let isWhole = simulation.run(
            until: {
                reached.enumerated().allSatisfy { node, others in
                    others.allSatisfy { simulation.box(node)?.nextHop(to: simulation.address($0)) != nil }
                }
            }, within: .seconds(120))
        // What waited for a way comes now.
        simulation.run(for: .seconds(5))
        readMessages()
        guard fault == nil else { return }
        if !isWhole { return find("not everybody is known after two minutes") }
        for (node, others) in reached.enumerated() {
            for other in others where fault == nil {
                guard simulation.secondsUntilReached(from: node, to: other, within: .seconds(20)) == nil else {
                    continue
                }
                find("nothing comes from \(node) to \(other)")
            }
        }
    }
}
