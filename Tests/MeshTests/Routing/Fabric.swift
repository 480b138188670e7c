import INET256
import Mesh
import Wire

/// How links treat frames.
struct LinkQuality {
    var latency = Interval.milliseconds(5)...Interval.milliseconds(15)
    var loss = 0.0
    var duplication = 0.0

    static let good = LinkQuality()
    /// One in ten lost, one in twenty repeated, and latencies that reorder.
    static let bad = LinkQuality(latency: .milliseconds(2)...Interval.milliseconds(40), loss: 0.1, duplication: 0.05)
}

/// Boxes that run a routing algorithm, joined by links on one virtual clock. The same seed gives the same run.
///
/// After each step in which a box changed its mind, the next hops from there to every destination are followed:
/// they must never come back.
final class Fabric<Algorithm: Network> {
    struct Box {
        let key: PrivateKey
        var algorithm: Algorithm
        var isAlive = true
        var checkedVersion: UInt64 = 0
        /// Which session with each neighbour this end is in.
        var sessions: [NeighbourID: Int] = [:]
    }

    /// Two boxes, smaller index first.
    struct Wire: Hashable, Comparable {
        let low: Int
        let high: Int

        init(_ a: Int, _ b: Int) {
            low = min(a, b)
            high = max(a, b)
        }

        func other(than box: Int) -> Int? { box == low ? high : box == high ? low : nil }
        static func < (a: Wire, b: Wire) -> Bool { (a.low, a.high) < (b.low, b.high) }
    }

    private enum Event {
        case frame(from: Int, to: Int, session: Int, bytes: [UInt8])
        case up(Int, neighbour: Int, session: Int)
        case down(Int, neighbour: Int, session: Int)
    }

    let random: SeededRandom
    var quality: LinkQuality
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var boxes: [Box] = []
    /// When each box wants its tick.
    private var deadlines: [Instant] = []
    /// The session that each wire carries; none while it is cut.
    private var wires: [Wire: Int] = [:]
    private var sessionCount = 0
    private var events = EventHeap<Event>()
    private let make: (_ sequence: UInt64, _ now: Instant) -> Algorithm

    private(set) var framesDelivered = 0
    /// Of frames put on links, whether they arrive or not.
    private(set) var bytesSent = 0
    /// Following all next hops takes long where there are many boxes.
    var checksLoops = true
    private(set) var refusals: [RoutingError: Int] = [:]
    /// Boxes around which next hops went, each with the time.
    private(set) var loops: [String] = []
    /// How long an end takes to notice that a link is dead.
    var detection = Interval.milliseconds(50)...Interval.milliseconds(300)

    init(
        seed: UInt64, quality: LinkQuality = .good,
        make: @escaping (_ sequence: UInt64, _ now: Instant) -> Algorithm
    ) {
        random = SeededRandom(seed: seed)
        self.quality = quality
        self.make = make
    }

    // MARK: Building

    @discardableResult
    func addBox() -> Int {
        let key = PrivateKey(generatedFrom: random)
        boxes.append(Box(key: key, algorithm: make(wallClock, now)))
        deadlines.append(.distantFuture)
        step(boxes.count - 1) { $0.addLocal(key, now: self.now) }
        return boxes.count - 1
    }

    func build(_ graph: Graph) {
        for _ in 0..<graph.nodes { addBox() }
        for (a, b) in graph.edges { connect(a, b) }
    }

    var wallClock: UInt64 { 1_700_000_000_000 + UInt64(now.nanoseconds / 1_000_000) }
    func address(_ box: Int) -> Address { boxes[box].key.address }

    func connect(_ a: Int, _ b: Int) {
        sessionCount += 1
        wires[Wire(a, b)] = sessionCount
        for (end, other) in [(a, b), (b, a)] {
            events.push(.up(end, neighbour: other, session: sessionCount), at: now + random.interval(quality.latency))
        }
    }

    /// The wire is dead at once; both ends notice later.
    func cut(_ a: Int, _ b: Int) {
        guard let session = wires.removeValue(forKey: Wire(a, b)) else { return }
        for (end, other) in [(a, b), (b, a)] {
            events.push(.down(end, neighbour: other, session: session), at: now + random.interval(detection))
        }
    }

    func kill(_ box: Int) {
        boxes[box].isAlive = false
        deadlines[box] = .distantFuture
        for wire in wires.keys.sorted() where wire.other(than: box) != nil { cut(wire.low, wire.high) }
        boxes[box].sessions = [:]
    }

    /// Begins anew with the same key and no memory; links are to be connected again. `clockBack` is how much
    /// wall-clock time the box lost.
    func restart(_ box: Int, clockBack: UInt64 = 0) {
        let key = boxes[box].key
        boxes[box] = Box(key: key, algorithm: make(wallClock - clockBack, now))
        step(box) { $0.addLocal(key, now: self.now) }
    }

    // MARK: Running

    /// Ticks in the same instant: a deadline that does not move makes no headway.
    private var rings = 0
    private var lastRing: Instant = .distantPast

    /// Lets a box do something, carries what it puts out and checks that nothing goes around.
    func step(_ box: Int, _ body: (inout Algorithm) -> Void) {
        body(&boxes[box].algorithm)
        for frame in boxes[box].algorithm.takeOutput() {
            precondition(frame.bytes.count <= ControlFrame.maximumBytes, "a control frame is at most 1,024 bytes")
            send(frame, from: box)
        }
        deadlines[box] = boxes[box].algorithm.deadline
        if boxes[box].checkedVersion != boxes[box].algorithm.version {
            boxes[box].checkedVersion = boxes[box].algorithm.version
            if checksLoops { checkLoops(from: box) }
        }
    }

    private func send(_ frame: ControlFrame, from: Int) {
        bytesSent += frame.bytes.count
        let to = Int(frame.to.rawValue)
        guard let session = boxes[from].sessions[frame.to], wires[Wire(from, to)] == session,
            !random.chance(quality.loss)
        else { return }
        for _ in 0..<(random.chance(quality.duplication) ? 2 : 1) {
            events.push(
                .frame(from: from, to: to, session: session, bytes: frame.bytes),
                at: now + random.interval(quality.latency))
        }
    }

    func run(for span: Interval) { run(until: now + span) }

    func run(until end: Instant) {
        while true {
            var tick = (at: Instant.distantFuture, box: 0)
            for (box, at) in deadlines.enumerated() where at < tick.at { tick = (at, box) }
            let event = events.nextAt ?? .distantFuture
            let next = min(tick.at, event)
            guard next <= end else { break }
            now = max(now, next)
            if event <= next {
                handle(events.pop())
            } else {
                step(tick.box) { $0.tick(now: self.now) }
                rings = tick.at == lastRing ? rings + 1 : 0
                lastRing = tick.at
                precondition(rings < 8 * boxes.count, "box \(tick.box) is due again and again at \(now.nanoseconds) ns")
            }
        }
        now = end
    }

    /// Runs until the condition holds, looking every 10 ms; how long that took, or nil.
    func run(atMost span: Interval, until holds: () -> Bool) -> Interval? {
        let start = now
        while now - start < span {
            if holds() { return now - start }
            run(for: .milliseconds(10))
        }
        return holds() ? now - start : nil
    }

    private func handle(_ event: Event) {
        switch event {
        case .frame(let from, let to, let session, let bytes):
            guard boxes[to].isAlive, boxes[to].sessions[id(from)] == session else { return }
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
        case .up(let box, let neighbour, let session):
            guard boxes[box].isAlive, wires[Wire(box, neighbour)] == session else { return }
            if boxes[box].sessions[id(neighbour)] != nil {
                step(box) { $0.neighbourDown(self.id(neighbour), now: self.now) }
            }
            boxes[box].sessions[id(neighbour)] = session
            let key = boxes[neighbour].key.publicKey
            step(box) { $0.neighbourUp(self.id(neighbour), key: key, now: self.now) }
        case .down(let box, let neighbour, let session):
            guard boxes[box].isAlive, boxes[box].sessions[id(neighbour)] == session else { return }
            boxes[box].sessions[id(neighbour)] = nil
            step(box) { $0.neighbourDown(self.id(neighbour), now: self.now) }
        }
    }

    func id(_ box: Int) -> NeighbourID { NeighbourID(rawValue: UInt32(box)) }

    // MARK: Looking

    enum Walk: Equatable {
        case arrived(hops: Int)
        case noRoute(at: Int)
        /// The next hop does not hear this box, whatever it believes.
        case deadLink(from: Int, to: Int)
        case loop(through: [Int])
    }

    /// Follows the next hops to `destination`, which may be of any node. A cut wire ends the walk, unless
    /// `acrossCuts`: before both ends have noticed the cut, next hops across it must not go around either.
    func walk(from start: Int, to destination: Address, acrossCuts: Bool = false) -> Walk {
        var path = [start]
        while let at = path.last {
            if boxes[at].key.address == destination { return .arrived(hops: path.count - 1) }
            guard let hop = boxes[at].algorithm.nextHop(to: destination) else { return .noRoute(at: at) }
            let next = Int(hop.rawValue)
            guard boxes[next].isAlive, let session = boxes[at].sessions[hop], boxes[next].sessions[id(at)] == session,
                acrossCuts || wires[Wire(at, next)] == session
            else { return .deadLink(from: at, to: next) }
            if path.contains(next) { return .loop(through: path + [next]) }
            path.append(next)
        }
        return .noRoute(at: start)
    }

    private func checkLoops(from box: Int) {
        for destination in boxes.indices where destination != box {
            if case .loop(let path) = walk(from: box, to: address(destination), acrossCuts: true) {
                loops.append("t=\(now.nanoseconds) to \(destination): \(path)")
            }
        }
    }

    /// Hops between living boxes over uncut wires.
    func distances(from start: Int) -> [Int: Int] {
        var distances = [start: 0]
        var frontier = [start]
        while let at = frontier.first {
            frontier.removeFirst()
            for wire in wires.keys {
                guard let other = wire.other(than: at), boxes[other].isAlive, distances[other] == nil else { continue }
                distances[other] = (distances[at] ?? 0) + 1
                frontier.append(other)
            }
        }
        return distances
    }

    /// Pairs that a way exists between but next hops do not lead along, with `shortest` none but a shortest one.
    func unreached(shortest: Bool = false) -> [(from: Int, to: Int, walk: Walk)] {
        var failures: [(from: Int, to: Int, walk: Walk)] = []
        for from in boxes.indices where boxes[from].isAlive {
            for (to, hops) in distances(from: from) where to != from {
                let walk = walk(from: from, to: address(to))
                guard case .arrived(let walked) = walk, !shortest || walked == hops else {
                    failures.append((from, to, walk))
                    continue
                }
            }
        }
        return failures
    }

    var allReached: Bool { unreached().isEmpty }
}

/// Events by time, and by the order of their making at the same time.
struct EventHeap<Event> {
    private var heap: [(at: Instant, order: Int, event: Event)] = []
    private var count = 0

    var nextAt: Instant? { heap.first?.at }

    mutating func push(_ event: Event, at: Instant) {
        heap.append((at, count, event))
        count += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Event {
        heap.swapAt(0, heap.count - 1)
        let event = heap.removeLast().event
        var parent = 0
        while 2 * parent + 1 < heap.count {
            var child = 2 * parent + 1
            if child + 1 < heap.count && isBefore(child + 1, child) { child += 1 }
            guard isBefore(child, parent) else { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return event
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order)
    }
}
