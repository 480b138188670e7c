package import INET256
package import Mesh
package import Wire

/// Nodes that are a bare routing algorithm each, on one virtual clock, with links as a box would report them: without keys,
/// handshakes and datagrams, so that there may be ten thousand. The same seed gives the same run.
///
/// After each step in which a node changed its mind, the next hops from there to every destination are followed:
/// they must never come back.
package final class Fabric<Algorithm: Network> {
    package struct Node {
        package let key: PrivateKey
        package fileprivate(set) var algorithm: Algorithm
        package fileprivate(set) var isAlive = true
        fileprivate var checkedVersion: UInt64 = 0
        /// Which session with each neighbour this end is in.
        package fileprivate(set) var sessions: [NeighbourID: Int] = [:]
        fileprivate var pace = TickPace()

        package var address: Address { key.address }
    }

    /// A link while its cable is not cut.
    private struct Link {
        let session: Int
        var cable: Cable
    }

    private enum Event {
        case frame(from: Int, to: Int, session: Int, bytes: [UInt8])
        case up(Int, neighbour: Int, session: Int)
        case down(Int, neighbour: Int, session: Int)
    }

    package let seed: UInt64
    package let random: SeededRandom
    /// Of cables that are laid from now on.
    package var quality: CableQuality
    package private(set) var nodes: [Node] = []
    private var links: [CableKey: Link] = [:]
    private var sessionCount = 0
    private var timeline = Timeline<Event>()
    private let make: (_ sequence: UInt64, _ now: Instant) -> Algorithm

    package private(set) var framesDelivered = 0
    /// Of frames put on links, whether they arrive or not.
    package private(set) var bytesSent = 0
    /// Following all next hops takes long where there are many nodes.
    package var checksLoops = true
    package private(set) var refusals: [RoutingError: Int] = [:]
    /// Nodes around which next hops went, each with the time.
    package private(set) var loops: [String] = []
    /// How long an end takes to notice that a link is dead.
    package var detection = Interval.milliseconds(50)...Interval.milliseconds(300)
    /// A node that asks for its timer without getting on: it ends the run.
    package private(set) var fault: RunFault?
    /// No test passes with such a node, whatever it looks at; one that is about them says otherwise.
    package var onFault: (RunFault, _ seed: UInt64) -> Void = RunFault.stop

    package init(
        seed: UInt64, quality: CableQuality = .uneven,
        make: @escaping (_ sequence: UInt64, _ now: Instant) -> Algorithm
    ) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        self.quality = quality
        self.make = make
    }

    // MARK: Building

    package var now: Instant { timeline.now }
    /// Milliseconds since 1970.
    package var wallClock: UInt64 { 1_700_000_000_000 + UInt64(now.nanoseconds / 1_000_000) }
    package func address(_ node: Int) -> Address { nodes[node].address }
    package func id(_ node: Int) -> NeighbourID { NeighbourID(rawValue: UInt32(node)) }

    @discardableResult
    package func addNode() -> Int {
        let key = PrivateKey(generatedFrom: random)
        nodes.append(Node(key: key, algorithm: make(wallClock, now)))
        timeline.addNode()
        step(nodes.count - 1) { $0.addLocal(key, now: self.now) }
        return nodes.count - 1
    }

    package func build(_ topology: Topology) {
        for _ in 0..<topology.nodes { addNode() }
        for (a, b) in topology.cables { connect(a, b) }
    }

    package func connect(_ a: Int, _ b: Int) {
        sessionCount += 1
        let cable = Cable(ends: (a, b), quality: quality)
        links[CableKey(a, b)] = Link(session: sessionCount, cable: cable)
        for (end, other) in [(a, b), (b, a)] {
            timeline.push(
                .up(end, neighbour: other, session: sessionCount), at: now + quality.travel(random))
        }
    }

    /// The cable is dead at once; both ends notice later.
    package func cut(_ a: Int, _ b: Int) {
        guard let link = links.removeValue(forKey: CableKey(a, b)) else { return }
        for (end, other) in [(a, b), (b, a)] {
            timeline.push(
                .down(end, neighbour: other, session: link.session), at: now + random.interval(detection))
        }
    }

    package func kill(_ node: Int) {
        nodes[node].isAlive = false
        for key in links.keys.sorted() where key.other(than: node) != nil { cut(key.low, key.high) }
        nodes[node].sessions = [:]
    }

    /// Begins anew with the same key and no memory; links are to be connected again. `clockBack` is how much
    /// wall-clock time the node lost, in milliseconds.
    package func restart(_ node: Int, clockBack: UInt64 = 0) {
        let key = nodes[node].key
        nodes[node] = Node(key: key, algorithm: make(wallClock - clockBack, now))
        step(node) { $0.addLocal(key, now: self.now) }
    }

    // MARK: Running

    /// Lets a node do something, carries what it puts out and checks that nothing goes around.
    package func step(_ node: Int, _ body: (inout Algorithm) -> Void) {
        nodes[node].pace.disturbed()
        perform(node, body)
    }

    private func perform(_ node: Int, _ body: (inout Algorithm) -> Void) {
        body(&nodes[node].algorithm)
        for frame in nodes[node].algorithm.takeOutput() {
            precondition(frame.bytes.count <= ControlFrame.maximumBytes, "a control frame is at most 1,024 bytes")
            send(frame, from: node)
        }
        timeline.wake(node, at: nodes[node].algorithm.deadline)
        if nodes[node].checkedVersion != nodes[node].algorithm.version {
            nodes[node].checkedVersion = nodes[node].algorithm.version
            if checksLoops { checkLoops(from: node) }
        }
    }

    private func send(_ frame: ControlFrame, from: Int) {
        bytesSent += frame.bytes.count
        let to = Int(frame.to.rawValue)
        let key = CableKey(from, to)
        guard let session = nodes[from].sessions[frame.to], links[key]?.session == session,
            let arrivals = links[key]?.cable.carry(frame.bytes.count, from: from, at: now, random)
        else { return }
        for arrival in arrivals {
            timeline.push(.frame(from: from, to: to, session: session, bytes: frame.bytes), at: arrival)
        }
    }

    package func run(for span: Interval) {
        let end = now + span
        while fault == nil, let due = timeline.next(until: end) {
            switch due {
            case .event(let event): handle(event)
            case .timer(let node): ring(node)
            }
        }
        timeline.pass(until: end)
    }

    /// Runs until the condition holds, looking every 10 ms; how long that took, or nil.
    package func run(atMost span: Interval, until holds: () -> Bool) -> Interval? {
        let start = now
        while now - start < span {
            if holds() { return now - start }
            run(for: .milliseconds(10))
        }
        return holds() ? now - start : nil
    }

    private func ring(_ node: Int) {
        guard nodes[node].isAlive else { return }
        // It has thought better of it since.
        guard nodes[node].algorithm.deadline <= now else {
            return timeline.wake(node, at: nodes[node].algorithm.deadline)
        }
        if let kind = nodes[node].pace.rings(now) {
            let found = RunFault(node: node, kind: kind, at: now)
            fault = found
            return onFault(found, seed)
        }
        perform(node) { $0.tick(now: self.now) }
    }

    private func handle(_ event: Event) {
        switch event {
        case .frame(let from, let to, let session, let bytes):
            guard nodes[to].isAlive, nodes[to].sessions[id(from)] == session else { return }
            framesDelivered += 1
            step(to) { algorithm in
                bytes.withUnsafeBytes { bytes in
                    do throws(RoutingError) {
                        try algorithm.receive(bytes, from: self.id(from), now: self.now)
                    } catch {
                        self.refusals[error, default: 0] += 1
                    }
                }
            }
        case .up(let node, let neighbour, let session):
            guard nodes[node].isAlive, links[CableKey(node, neighbour)]?.session == session else { return }
            if nodes[node].sessions[id(neighbour)] != nil {
                step(node) { $0.neighbourDown(self.id(neighbour), now: self.now) }
            }
            nodes[node].sessions[id(neighbour)] = session
            let key = nodes[neighbour].key.publicKey
            step(node) { $0.neighbourUp(self.id(neighbour), key: key, now: self.now) }
        case .down(let node, let neighbour, let session):
            guard nodes[node].isAlive, nodes[node].sessions[id(neighbour)] == session else { return }
            nodes[node].sessions[id(neighbour)] = nil
            step(node) { $0.neighbourDown(self.id(neighbour), now: self.now) }
        }
    }

    // MARK: For those who look on

    /// The session that a cable between two nodes carries; nil while it is cut.
    func session(_ a: Int, _ b: Int) -> Int? { links[CableKey(a, b)]?.session }
    /// Who is at the other ends of each node's cables.
    var cabled: [[Int]] {
        var ends = [[Int]](repeating: [], count: nodes.count)
        for key in links.keys.sorted() {
            ends[key.low].append(key.high)
            ends[key.high].append(key.low)
        }
        return ends
    }

    private func checkLoops(from node: Int) {
        for destination in nodes.indices where destination != node {
            if case .loop(let path) = walk(from: node, to: address(destination), acrossCuts: true) {
                loops.append("t=\(now.nanoseconds) to \(destination): \(path)")
            }
        }
    }
}
