import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Boxes on a table: what they put out goes nowhere until the test hands it over, datagram by datagram. For traffic at
/// large there is `Simulation`.
final class Bench {
    /// A datagram that a box put out.
    struct Posted {
        let from: Int
        let bytes: [UInt8]
        let path: Path

        var kind: DatagramKind? { bytes.first.flatMap(DatagramKind.init) }
    }

    struct Delivered: Equatable {
        let box: Int
        let node: NodeID
        let source: Address
        let message: [UInt8]
    }

    let seed: UInt64
    let random: MeshSim.SeededRandom
    var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var boxes: [MeshBox] = []
    private(set) var keys: [PrivateKey] = []
    /// What reached local nodes, in order.
    var delivered: [Delivered] = []
    /// Bytes that went into each box and came out of it.
    private(set) var bytesIn: [Int] = []
    private(set) var bytesOut: [Int] = []

    /// `count` boxes that do not know each other.
    init(_ count: Int = 2, seed: UInt64 = Seeds.fresh(), _ change: (inout BoxSettings) -> Void = { _ in }) {
        self.seed = seed
        random = MeshSim.SeededRandom(seed: seed)
        var settings = Simulation.smallBoxes()
        change(&settings)
        for _ in 0..<count { add(settings) }
    }

    var comment: Comment { "seed \(seed)" }

    @discardableResult
    func add(_ settings: BoxSettings) -> Int {
        let key = PrivateKey(generatedFrom: random)
        keys.append(key)
        boxes.append(MeshBox(key: key, settings: settings, random: random, now: now))
        bytesIn.append(0)
        bytesOut.append(0)
        return boxes.count - 1
    }

    /// The same key in a new process.
    func restart(_ place: Int, _ change: (inout BoxSettings) -> Void = { _ in }) {
        var settings = Simulation.smallBoxes()
        settings.startMilliseconds += UInt64(now.nanoseconds / 1_000_000)
        change(&settings)
        boxes[place] = MeshBox(key: keys[place], settings: settings, random: random, now: now)
    }

    /// A new key in a new process, which answers under the former one as well.
    func rotate(_ place: Int, _ change: (inout BoxSettings) -> Void = { _ in }) throws -> (NodeID, Address) {
        let old = keys[place]
        keys[place] = PrivateKey(generatedFrom: random)
        restart(place, change)
        return (try boxes[place].openFormer(old, now: now), old.address)
    }

    func address(_ place: Int) -> Address { keys[place].address }
    func endpoint(_ place: Int) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }
    /// An endpoint at which no box is; each number is another network.
    func elsewhere(_ number: UInt16) -> Endpoint {
        Endpoint(
            address: IPv6Address(high: 0x2001_0db8 << 32 | 0xbad << 16 | UInt64(number), low: 1), port: 4000 &+ number)
    }
    /// One of many endpoints of one host, which has a /64.
    func neighbour(_ number: UInt16) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32 | 0xbad_bad, low: UInt64(number)), port: 4000 &+ number)
    }
    func path(to endpoint: Endpoint) -> Path { Path(remote: endpoint, interface: 1, socket: 0) }

    /// Makes `b` a configured peer of `a`.
    func introduce(_ a: Int, to b: Int) {
        boxes[a].setPeer(PeerSettings(address: address(b), endpoints: [endpoint(b)]), now: now)
    }

    // MARK: Datagrams

    /// What a box has put out since the last time.
    func take(_ place: Int) -> [Posted] {
        let box = boxes[place]
        defer { box.outbox.removeAll() }
        return box.outbox.datagrams.map {
            bytesOut[place] += $0.count
            return Posted(from: place, bytes: Array(box.outbox.bytes(of: $0)), path: $0.path)
        }
    }

    /// Hands a datagram to a box, in a turn of its own or in the one before.
    func give(_ bytes: [UInt8], to place: Int, from source: Endpoint, newTurn: Bool = true) {
        var copy = bytes
        bytesIn[place] += bytes.count
        if newTurn { boxes[place].beginTurn() }
        copy.withUnsafeMutableBytes { datagram in
            take(boxes[place].receive(datagram, from: path(to: source), now: now), place)
            while boxes[place].hasOvertaken, let found = boxes[place].nextOvertaken(now: now) { take(found, place) }
        }
    }

    private func take(_ found: Delivery?, _ place: Int) {
        guard let found else { return }
        delivered.append(
            Delivered(box: place, node: found.node, source: found.source, message: Array(found.message)))
    }

    /// Hands a datagram to whom it is addressed to; one to an endpoint without a box is lost.
    func deliver(_ posted: Posted) {
        guard let target = boxes.indices.first(where: { endpoint($0) == posted.path.remote }) else { return }
        give(posted.bytes, to: target, from: endpoint(posted.from))
    }

    /// Delivers everything until all is quiet. `filter` says what gets through.
    func exchange(_ filter: (Posted) -> Bool = { _ in true }) {
        var rounds = 0
        while rounds < 100 {
            let posted = boxes.indices.flatMap { take($0) }
            if posted.isEmpty { return }
            for datagram in posted where filter(datagram) { deliver(datagram) }
            rounds += 1
        }
        Issue.record("the boxes talk without end")
    }

    /// Lets time pass, with ticks when they are due, and everything delivered at once.
    func run(for span: Interval, _ filter: (Posted) -> Bool = { _ in true }) {
        let end = now + span
        exchange(filter)
        while let next = boxes.map(\.deadline).min(), next <= end {
            now = max(now, next)
            tick()
            exchange(filter)
        }
        now = max(now, end)
    }

    func tick() {
        for box in boxes {
            box.beginTurn()
            box.tick(now: now)
        }
    }

    // MARK: Sessions

    func session(_ a: Int, _ b: Int) -> Session? {
        guard let main = boxes[a].node(.main) else { return nil }
        return boxes[a].session(main, address(b))
    }

    func isEstablished(_ a: Int, _ b: Int) -> Bool { session(a, b)?.current != nil }

    /// Whether `a` and `b` have a link, as both see it.
    func isLinked(_ a: Int, _ b: Int) -> Bool {
        session(a, b)?.link.neighbour != nil && session(b, a)?.link.neighbour != nil
    }

    /// Makes two boxes peers and waits for the link.
    func join(_ a: Int, _ b: Int) throws {
        introduce(a, to: b)
        introduce(b, to: a)
        run(for: .seconds(2))
        try #require(isLinked(a, b), comment)
    }

    @discardableResult
    func send(_ message: [UInt8], from a: Int, to b: Int) -> SendOutcome {
        message.withUnsafeBytes { boxes[a].send($0, from: .main, to: address(b), now: now) }
    }
}
