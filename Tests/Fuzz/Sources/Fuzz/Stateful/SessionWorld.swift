import INET256
import Wire

@testable import Mesh

/// Four boxes on virtual time, and hostile nodes that attack them by a list of steps:
///
///     0 open      accepts anybody, peer of 1
///     1 relay     accepts anybody, peer of 0 and 2; its keys are of the kind that several engines share
///     2 closed    accepts peers: 1
///     3 lonely    accepts peers and has none
///
/// A cable without loss or time, and nothing depends on chance but by `random`: the same steps do the same each time.
final class SessionWorld {
    static let boxCount = 4
    static let hostileCount = 3

    let random: FixedRandom
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var boxes: [MeshBox] = []
    private(set) var lines: [Int: HostileLine] = [:]
    /// The first invariant that did not hold.
    private(set) var fault: String?

    /// What is on its way, and what hostile nodes are about to answer.
    private var posts: [Post] = []
    private var replies: [(line: HostileLine, bytes: [UInt8], isFrame: Bool)] = []
    /// Some of what was on the wire, to be replayed.
    private(set) var recorded: [[UInt8]] = []
    private var recordedNext = 0
    /// Bytes that each endpoint sent and was sent.
    var traffic: [Endpoint: (sent: Int, got: Int)] = [:]
    /// Ticks of each box at this instant without a step or a datagram between, and in this second.
    var ticks = [Int](repeating: 0, count: boxCount)
    private var second = [(began: Instant, ticks: Int, datagrams: Int)](
        repeating: (.distantPast, 0, 0), count: boxCount)
    /// Called with a line for each step and datagram.
    var trace: ((String) -> Void)?
    /// Messages of boxes to each other that came.
    private(set) var arrived: Set<[UInt8]> = []

    struct Post {
        let from: Int
        let bytes: [UInt8]
        let to: Endpoint
    }

    /// Keys cost more to make than anything else.
    static let keys: [PrivateKey] = {
        let random = FixedRandom(20)
        return (0..<boxCount + hostileCount + crowdCount).map { _ in PrivateKey(generatedFrom: random) }
    }()
    /// Nodes that come once each, to fill the tables.
    static let crowdCount = 40
    static let hostiles = (0..<hostileCount + crowdCount).map { Hostile(number: $0, key: keys[boxCount + $0]) }

    init(seed: UInt64 = 1) {
        random = FixedRandom(seed)
        for place in 0..<Self.boxCount {
            let settings = Self.settings(place)
            boxes.append(MeshBox(key: Self.keys[place], settings: settings, random: random, now: now))
        }
        for (a, b) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            boxes[a].setPeer(PeerSettings(address: address(b), endpoints: [endpoint(b)]), now: now)
        }
        advance(.milliseconds(500))
        demand(isLinked(0, 1) && isLinked(1, 2), "the boxes have no links: \(fault ?? "")")
    }

    private static func settings(_ place: Int) -> BoxSettings {
        var settings = BoxSettings(startMilliseconds: 1_700_000_000_000)
        settings.acceptsAnybody = place < 2
        settings.isShared = place == 1
        settings.direct = place < 3 ? .any : .off
        settings.sprays = place < 2
        settings.limits.outboxBytes = 512 << 10
        settings.limits.outboxDatagrams = 1024
        settings.limits.maximumSessions = 32
        settings.limits.maximumResponses = 16
        settings.limits.maximumLinks = 16
        settings.limits.maximumLocalNodes = 4
        settings.limits.reassemblies = 8
        settings.limits.reassembliesPerSession = 4
        settings.limits.pendingFrames = 8
        settings.limits.pendingBytesInAll = 512 << 10
        settings.limits.handshakesPerSecondBeforeCookies = 40
        return settings
    }

    func address(_ place: Int) -> Address { Self.keys[place].address }

    func isLinked(_ a: Int, _ b: Int) -> Bool { isLinked(a, with: address(b)) && isLinked(b, with: address(a)) }

    func isLinked(_ place: Int, with remote: Address) -> Bool {
        guard let main = boxes[place].node(.main) else { return false }
        return boxes[place].session(main, remote)?.link.neighbour != nil
    }

    func line(_ hostile: Int, _ box: Int, _ way: Int?) -> HostileLine {
        // Through itself is a way too: a relay frame that ends where it is received.
        let key = hostile << 8 | box << 4 | (way.map { $0 + 1 } ?? 0)
        if let known = lines[key] { return known }
        let line = HostileLine(Self.hostiles[hostile], box: box, way: way)
        lines[key] = line
        return line
    }

    private var seconds: String { "\(Double(now.nanoseconds / 1_000_000) / 1000)" }

    func fail(_ what: String) {
        if fault == nil { fault = what }
    }

    // MARK: Datagrams

    /// Hands a datagram to a box. `leaves` says whether what it puts out is taken at once, or left to fill the burst.
    func give(_ bytes: [UInt8], to place: Int, from source: Endpoint, newTurn: Bool = true, leaves: Bool = false) {
        guard fault == nil else { return }
        var datagram = Array(bytes.prefix(StepTables.largestDatagram))
        trace?("\(seconds) \(source) -> box \(place): \(datagram.count) bytes, kind \(datagram.first ?? 0)")
        record(datagram)
        ticks[place] = 0
        second[place].datagrams += 1
        traffic[source, default: (0, 0)].sent += datagram.count
        let box = boxes[place]
        let before = Authenticity(box)
        let kind = datagram.first.flatMap(DatagramKind.init)
        let count = datagram.count
        if newTurn { box.beginTurn() }
        datagram.withUnsafeMutableBytes { bytes in
            take(box.receive(bytes, from: Path(remote: source, interface: 1), now: now), place)
            while box.hasOvertaken, let found = box.nextOvertaken(now: now) { take(found, place) }
        }
        guard !leaves else { return }
        let answers = collect(place)
        if before == Authenticity(box) { checkAnswer(answers, to: kind, count, of: place) }
    }

    private func record(_ datagram: [UInt8]) {
        if recorded.count < 64 {
            recorded.append(datagram)
        } else {
            recorded[recordedNext] = datagram
            recordedNext = (recordedNext + 1) % 64
        }
    }

    /// Takes what a box has put out.
    @discardableResult
    func collect(_ place: Int) -> [Post] {
        let box = boxes[place]
        let taken = box.outbox.datagrams.map { datagram in
            Post(from: place, bytes: Array(box.outbox.bytes(of: datagram)), to: datagram.path.remote)
        }
        box.outbox.removeAll()
        _ = box.takeKeyNews()
        for post in taken {
            trace?("\(seconds) box \(place) -> \(post.to): \(post.bytes.count) bytes, kind \(post.bytes[0])")
            traffic[post.to, default: (0, 0)].got += post.bytes.count
            checkAmplification(post.to)
        }
        posts += taken
        return taken
    }

    /// A message came in for a node of a box: nobody but its sender can have made it.
    private func take(_ delivery: Delivery?, _ place: Int) {
        guard let delivery else { return }
        if delivery.message.count > MeshBox.messageLimit { fail("a message of \(delivery.message.count) bytes") }
        guard let sender = (0..<Self.boxCount).first(where: { address($0) == delivery.source }) else {
            if !Self.hostiles.contains(where: { $0.address == delivery.source }) { fail("a message of nobody") }
            return
        }
        guard let first = delivery.message.first else { return }
        if first != Self.mark(sender) { fail("a message that box \(sender) did not send") }
        if delivery.message.count < 32 { arrived.insert(Array(delivery.message) + [UInt8(place)]) }
    }

    /// The first byte of what a box sends.
    static func mark(_ place: Int) -> UInt8 { 0xa0 | UInt8(place) }

    // MARK: Time

    /// Lets everything arrive, be answered and be done that is due at this instant.
    func calm() {
        var left = 20_000
        while fault == nil {
            left -= 1
            if left == 0 { return fail("they talk without end") }
            if !posts.isEmpty {
                // In order; the list is short.
                deliver(posts.removeFirst())
            } else if !replies.isEmpty {
                let (line, bytes, isFrame) = replies.removeFirst()
                if let datagram = isFrame ? line.seal(bytes) : bytes {
                    carry(datagram, line, source: line.answersFrom, seeks: false)
                }
            } else if let place = boxes.indices.first(where: { boxes[$0].deadline <= now }) {
                tick(place)
            } else {
                return
            }
        }
    }

    private func tick(_ place: Int) {
        ticks[place] += 1
        if ticks[place] > 8 { fail("box \(place) wants to be called again and again") }
        if now - second[place].began >= .seconds(1) { second[place] = (now, 0, 0) }
        second[place].ticks += 1
        let bound = 300 + 20 * boxes[place].allSessions.count + 2 * second[place].datagrams
        if second[place].ticks > bound { fail("box \(place) was called \(bound) times in a second") }
        boxes[place].beginTurn()
        boxes[place].tick(now: now)
        _ = boxes[place].shareWays(now: now)
        collect(place)
    }

    /// Lets time pass, with everything that is due on the way.
    func advance(_ span: Interval) {
        let end = now + span
        calm()
        while fault == nil, let next = boxes.map(\.deadline).min(), next <= end {
            jump(max(next, now) - now)
        }
        jump(end - now)
    }

    /// Time passes while nobody looks at the clock.
    func jump(_ span: Interval) {
        now = now + span
        if span > .zero { ticks = [Int](repeating: 0, count: Self.boxCount) }
        calm()
    }

    // MARK: Hostile ends

    private func deliver(_ post: Post) {
        if let place = (0..<Self.boxCount).first(where: { endpoint($0) == post.to }) {
            give(post.bytes, to: place, from: endpoint(post.from))
        } else if let number = hostile(at: post.to) {
            hear(post.bytes, number, from: post.from, way: nil)
        }
    }

    /// What reaches a hostile node, straight or out of a relay frame.
    private func hear(_ datagram: [UInt8], _ number: Int, from place: Int, way: Int?) {
        guard let kind = datagram.first.flatMap(DatagramKind.init), datagram.count >= HintLayout.count else { return }
        let receiver: UInt32 = datagram.withUnsafeBytes { $0.little(kind == .transport || kind == .cookie ? 4 : 8) }
        if kind == .initiation {
            let line = self.line(number, place, way)
            line.initiation = datagram
            if line.isPolite, let message = line.answer(lying: 0, random: random) {
                replies.append((line, message, false))
            }
            return
        }
        guard let line = lines.values.first(where: { $0.hostile.number == number && $0.owns(receiver) }) else { return }
        switch kind {
        case .response: line.response = datagram
        case .finish: line.complete(datagram)
        case .cookie: line.take(cookie: datagram)
        case .transport:
            guard let frame = line.open(datagram) else { return }
            if frame.first == FrameKind.relay.rawValue, frame.count > RelayLayout.header {
                let source = frame.withUnsafeBytes {
                    Address(raw: Bytes32(loading: $0.baseAddress! + RelayLayout.source))
                }
                guard let origin = (0..<Self.boxCount).first(where: { address($0) == source }) else { return }
                hear(Array(frame[RelayLayout.header...]), number, from: origin, way: line.box)
            } else if let reply = line.hear(frame, datagram.count), line.isPolite {
                replies.append((line, reply, true))
            }
        case .initiation, .unknownIndex: break
        }
    }
}
