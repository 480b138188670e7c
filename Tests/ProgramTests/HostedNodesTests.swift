import API
import INET256
import Mesh
import Testing
import Wire

@testable import inet256vpn

/// Nodes of applications on boxes in this process, on a clock of the test's own.
@Suite struct HostedNodesTests {
    // MARK: Opening and closing

    @Test func theFirstConnectionThatHasRoomGetsTheBatch() throws {
        let place = Place()
        let key = Place.key()
        let (first, second) = (Sink(), Sink())
        let hold = try place.hosted.open(key, sink: first, now: place.now)
        _ = try place.hosted.open(key, sink: second, now: place.now)
        place.send([("one", key.address), ("two", key.address)], hold)
        #expect(first.texts == ["one", "two"] && second.texts.isEmpty)
        #expect(first.batches == 1, "one batch a node and turn")
        first.isFull = true
        place.send([("three", key.address)], hold)
        #expect(second.texts == ["three"])
        second.isFull = true
        place.send([("four", key.address), ("five", key.address)], hold)
        #expect(place.hosted.counters.full == 2)
        #expect(place.hosted.counters.received == 3 && place.hosted.counters.sent == 5)
    }

    @Test func whatOneHasNoRoomForGoesToTheNext() throws {
        let place = Place()
        let key = Place.key()
        let (first, second) = (Sink(), Sink())
        let hold = try place.hosted.open(key, sink: first, now: place.now)
        _ = try place.hosted.open(key, sink: second, now: place.now)
        (first.room, second.room) = (2, 1)
        place.send((1...5).map { ("\($0)", key.address) }, hold)
        #expect(first.texts == ["1", "2"] && second.texts == ["3"])
        #expect(place.hosted.counters.full == 2 && place.hosted.counters.received == 3)
    }

    @Test func whatIsLargerThanABatchGoesInSeveral() throws {
        let place = Place()
        let key = Place.key()
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        let long = String(repeating: "x", count: 65_535)
        place.send(Array(repeating: (long, key.address), count: 9), hold)
        #expect(sink.batches > 1)
        #expect(sink.texts == Array(repeating: long, count: 9))
    }

    @Test func theMainAddressIsReservedAndNodesAreLimited() throws {
        let place = Place(limit: 1)
        #expect(throws: APINodeError.reserved) {
            try place.hosted.open(place.mainKey, sink: Sink(), now: place.now)
        }
        #expect(throws: APINodeError.reserved) { try place.hosted.drop(place.mainKey, now: place.now) }
        let key = Place.key()
        let hold = try place.hosted.open(key, sink: Sink(), now: place.now)
        let again = try place.hosted.open(key, sink: Sink(), now: place.now)
        let error = #expect(throws: APINodeError.self) {
            try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
        }
        #expect(error?.status == 503)
        place.hosted.leave(hold, now: place.now)
        #expect(place.hosted.node(key.address) != nil, "the other connection has it open")
        place.hosted.leave(again, now: place.now)
        place.hosted.leave(again, now: place.now)
        #expect(place.hosted.node(key.address) == nil && place.hosted.applications.isEmpty)
        _ = try place.hosted.open(key, sink: Sink(), now: place.now)
        #expect(place.hosted.applications == [key.address])
    }

    @Test func aConfiguredNodeCanBeJoinedAndStays() throws {
        let place = Place(limit: 1)
        let key = Place.key()
        try place.hosted.addConfigured(key, now: place.now)
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        let other = try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
        place.send([("a", key.address)], other)
        #expect(sink.texts == ["a"])
        try place.hosted.drop(key, now: place.now)
        #expect(sink.end == .closed)
        place.send([("b", key.address)], other)
        #expect(place.hosted.counters.unread == 1)
        place.send([("c", key.address)], hold)
        #expect(place.hosted.counters.closed == 1)
        #expect(place.hosted.node(key.address) != nil)
    }

    @Test func dropEndsEveryConnectionAndTheNodeCanBeOpenedAgain() throws {
        let place = Place()
        let key = Place.key()
        let sinks = [Sink(), Sink()]
        let holds = try sinks.map { try place.hosted.open(key, sink: $0, now: place.now) }
        try place.hosted.drop(key, now: place.now)
        #expect(sinks.allSatisfy { $0.end == .closed })
        #expect(place.hosted.node(key.address) == nil)
        try place.hosted.drop(key, now: place.now)
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        for old in holds { place.hosted.leave(old, now: place.now) }
        place.send([("again", key.address)], hold)
        #expect(sink.texts == ["again"])
        place.hosted.endAll()
        #expect(sink.end == .closed)
    }

    @Test func whoOpensAndClosesForeverLeavesNothingBehind() throws {
        let place = Place()
        for _ in 0..<3000 {
            let hold = try place.hosted.open(Place.key(), sink: Sink(), now: place.now)
            place.hosted.leave(hold, now: place.now)
            place.now = place.now + .milliseconds(20)
        }
        let status = place.box.status(now: place.now)
        #expect(status.nodes.count == 1)
        #expect(status.network.knownOrigins <= 1024)
    }

    // MARK: On one box

    @Test func nodesOfOneBoxReachEachOtherWithoutLeavingIt() throws {
        let place = Place(gate: .only([]))
        let (a, b) = (Place.key(), Place.key())
        let (sinkA, sinkB) = (Sink(), Sink())
        let holdA = try place.hosted.open(a, sink: sinkA, now: place.now)
        _ = try place.hosted.open(b, sink: sinkB, now: place.now)
        place.send(
            [("to b", b.address), ("to me", a.address), ("", b.address), ("main", place.box.mainAddress)], holdA)
        #expect(sinkA.received.map(\.from) == [a.address] && sinkA.texts == ["to me"])
        #expect(sinkB.received.map(\.from) == [a.address, a.address] && sinkB.texts == ["to b", ""])
        #expect(place.atMain == ["main"])
        #expect(place.box.outbox.isEmpty)
        // Somebody elsewhere is not among those whom the gate lets through.
        place.send([("far", Place.key().address)], holdA)
        #expect(place.hosted.counters.prohibited == 1 && place.box.status(now: place.now).sessions.isEmpty)
    }

    @Test(arguments: [
        [0, 0, 0, 1], Array("garbage".utf8), [UInt8](repeating: 0, count: 100), [0, 1, 0, 36] + Array("DATA".utf8),
        [0, 0, 0, 36] + Array("KEEP".utf8) + [UInt8](repeating: 0, count: 32),
        [0, 0, 0, 37] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
        [0, 0, 0, 35] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
        [255, 255, 255, 255] + Array("DATA".utf8) + [UInt8](repeating: 0, count: 32),
    ]) func whatIsNoFrameEndsItsBatchOnly(_ rubbish: [UInt8]) throws {
        let place = Place()
        let key = Place.key()
        let sink = Sink()
        let hold = try place.hosted.open(key, sink: sink, now: place.now)
        place.send(Place.frame("good", key.address) + rubbish, hold)
        place.send([("next", key.address)], hold)
        #expect(sink.texts == ["good", "next"])
        #expect(place.hosted.counters.malformed == 1)
    }

    // MARK: Two boxes

    @Test func aMessageSentRightAfterOpenArrives() throws {
        let (near, far) = Place.pair()
        let (a, b) = (Place.key(), Place.key())
        let (sinkA, sinkB) = (Sink(), Sink())
        let holdA = try near.hosted.open(a, sink: sinkA, now: near.now)
        // Before its destination is there.
        near.send([("early", b.address)], holdA)
        let holdB = try far.hosted.open(b, sink: sinkB, now: far.now)
        far.send([("back", a.address)], holdB)
        Place.run(near, far, for: .milliseconds(60))
        #expect(sinkB.texts == ["early"] && sinkB.received.map(\.from) == [a.address])
        #expect(sinkA.texts == ["back"])
        let long = String(repeating: "y", count: 65_535)
        near.send([(long, b.address), ("", b.address)], holdA)
        Place.run(near, far, for: .milliseconds(20))
        #expect(Set(sinkB.texts.dropFirst()) == [long, ""])
        // Opened again elsewhere on the same box, it is the same address.
        far.hosted.leave(holdB, now: far.now)
        let again = Sink()
        _ = try far.hosted.open(b, sink: again, now: far.now)
        Place.run(near, far, for: .milliseconds(20))
        near.send([("again", b.address)], holdA)
        Place.run(near, far, for: .milliseconds(100))
        #expect(again.texts == ["again"])
    }

    @Test func theGateIsAskedInBothDirections() throws {
        let (near, far) = Place.pair()
        let (a, b) = (Place.key(), Place.key())
        let sink = Sink()
        let hold = try near.hosted.open(a, sink: Sink(), now: near.now)
        _ = try far.hosted.open(b, sink: sink, now: far.now)
        far.hosted.gate = .only([])
        near.send([("knock", b.address)], hold)
        Place.run(near, far, for: .milliseconds(100))
        #expect(sink.texts.isEmpty && far.hosted.counters.prohibited == 1)
        far.hosted.gate = .only([a.address])
        near.send([("knock", b.address)], hold)
        Place.run(near, far, for: .milliseconds(100))
        #expect(sink.texts == ["knock"])
        near.hosted.gate = .only([far.box.mainAddress])
        near.send([("out", b.address)], hold)
        #expect(near.hosted.counters.prohibited == 1)
    }

    @Test func questionsWaitForTheNetworkAndNotForEver() throws {
        let (near, far) = Place.pair()
        let b = Place.key()
        let (found, key) = (Sink(), Sink())
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 64)), from: found, now: near.now)
        near.hosted.ask(NodeQuestion(.publicKey(of: b.address)), from: key, now: near.now)
        let hold = try far.hosted.open(b, sink: Sink(), now: far.now)
        Place.run(near, far, for: .milliseconds(60))
        #expect(found.answers == ["\(b.address)"])
        #expect(key.answers == ["\(b.publicKey.serialized)"])
        far.hosted.leave(hold, now: far.now)
        Place.run(near, far, for: .milliseconds(60))
        let (gone, quitter) = (Sink(), Sink())
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 256)), from: gone, now: near.now)
        near.hosted.ask(NodeQuestion(.publicKey(of: Place.key().address)), from: quitter, now: near.now)
        Place.run(near, far, for: .milliseconds(1900))
        #expect(gone.answers.isEmpty && near.hosted.questions.count == 2)
        // Who has gone is not asked for any more.
        quitter.end(.closed)
        Place.run(near, far, for: .milliseconds(400))
        #expect(gone.answers == ["not found"] && quitter.answers.isEmpty && near.hosted.questions.isEmpty)
        let wild = Sink()
        near.hosted.ask(NodeQuestion(.address(prefix: b.address, bits: 257)), from: wild, now: near.now)
        #expect(wild.answers == ["not found"])
    }

    // MARK: The way in

    @Test func aCancelledQuestionEndsAtOnce() async throws {
        let answer = Promise<Address, APINodeError>()
        let task = Task { () async throws(APINodeError) -> Address in try await answer.value(cancelled: .cancelled) }
        task.cancel()
        await #expect(throws: APINodeError.cancelled) { try await task.value }
        #expect(answer.isDecided)
    }

    @Test func aClosedInboxTellsThoseWhoWait() async throws {
        let inbox = try NodeInbox()
        let answer = Promise<Void, APINodeError>()
        try inbox.post(.drop(Place.key(), answer))
        inbox.close()
        await #expect(throws: APINodeError.closed) { try await answer.value(cancelled: .cancelled) }
        #expect(throws: APINodeError.closed) { try inbox.post(.drop(Place.key(), Promise<Void, APINodeError>())) }
    }

    @Test func aFullInboxRefuses() throws {
        let inbox = try NodeInbox()
        let key = Place.key()
        for _ in 0..<8192 { try inbox.post(.drop(key, Promise<Void, APINodeError>())) }
        #expect(throws: APINodeError.busy) { try inbox.post(.drop(key, Promise<Void, APINodeError>())) }
        #expect(inbox.drain().count == 8192)
        try inbox.post(.drop(key, Promise<Void, APINodeError>()))
    }
}

/// A box with hosted nodes, and the wire to another one.
private final class Place {
    static let start = Instant(nanoseconds: 1_000_000_000)
    private static let delay: Interval = .milliseconds(1)

    let mainKey = Place.key()
    let box: MeshBox
    let hosted: HostedNodes
    var now = Place.start
    var atMain: [String] = []
    let endpoint: Endpoint

    init(gate: PortalGate = .everybody, limit: Int = 4096, number: UInt64 = 1) {
        box = MeshBox(key: mainKey, settings: BoxSettings(startMilliseconds: 1), random: SystemRandom(), now: now)
        hosted = HostedNodes(box: box, gate: gate, limit: limit)
        endpoint = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: number), port: 25632)
    }

    /// Two that are linked.
    static func pair() -> (Place, Place) {
        let (a, b) = (Place(number: 1), Place(number: 2))
        a.box.setPeer(PeerSettings(address: b.box.mainAddress, endpoints: [b.endpoint]), now: a.now)
        b.box.setPeer(PeerSettings(address: a.box.mainAddress, endpoints: [a.endpoint]), now: b.now)
        run(a, b, for: .seconds(2))
        #expect(a.box.status(now: a.now).links.first?.state == .up)
        return (a, b)
    }

    static func key() -> PrivateKey { PrivateKey(generatedFrom: SystemRandom()) }

    static func frame(_ text: String, _ address: Address) -> [UInt8] {
        let length = UInt32(36 + text.utf8.count)
        return withUnsafeBytes(of: length.bigEndian) { Array($0) } + Array("DATA".utf8) + address.raw.bytes
            + Array(text.utf8)
    }

    func send(_ messages: [(String, Address)], _ hold: UInt64) {
        send(messages.flatMap { Self.frame($0.0, $0.1) }, hold)
    }

    func send(_ frames: [UInt8], _ hold: UInt64) {
        frames.withUnsafeBytes { frames in
            hosted.send(frames, hold: hold, now: now) { message, _ in
                atMain.append(String(decoding: message, as: UTF8.self))
            } flush: {
            }
        }
        hosted.handOverAll()
    }

    /// A millisecond at a time: what one put out in a step reaches the other in the next.
    static func run(_ a: Place, _ b: Place, for span: Interval) {
        let end = a.now + span
        while a.now < end {
            let (toB, toA) = (a.takeOut(), b.takeOut())
            for place in [a, b] { place.now = place.now + delay }
            b.turn(toB, from: a.endpoint)
            a.turn(toA, from: b.endpoint)
        }
    }

    private func takeOut() -> [[UInt8]] {
        defer { box.outbox.removeAll() }
        return box.outbox.datagrams.map { Array(box.outbox.bytes(of: $0)) }
    }

    private func turn(_ datagrams: [[UInt8]], from remote: Endpoint) {
        box.beginTurn()
        let path = Path(remote: remote, local: endpoint.address, interface: 1, socket: 0)
        for var datagram in datagrams {
            datagram.withUnsafeMutableBytes { bytes in
                if let delivery = box.receive(bytes, from: path, now: now) { take(delivery) }
                while box.hasOvertaken, let delivery = box.nextOvertaken(now: now) { take(delivery) }
            }
        }
        box.tick(now: now)
        hosted.tick(now: now)
        hosted.handOverAll()
    }

    private func take(_ delivery: Delivery) {
        if delivery.node == .main { return atMain.append(String(decoding: delivery.message, as: UTF8.self)) }
        hosted.receive(delivery)
    }
}

/// A connection that keeps what it gets.
private final class Sink: APINodeSink {
    struct Message {
        let from: Address
        let text: String
    }

    private(set) var received: [Message] = []
    private(set) var batches = 0
    private(set) var answers: [String] = []
    private(set) var end: APINodeError?
    /// Messages that there is room for.
    var room = Int.max

    var texts: [String] { received.map(\.text) }
    var isEnded: Bool { end != nil }
    var isFull: Bool {
        get { room == 0 }
        set { room = newValue ? 0 : .max }
    }

    func offer(_ frames: UnsafeRawBufferPointer) -> Int {
        let all = Array(frames)
        var rest = all[...]
        while rest.count >= 40, room > 0 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let frame = rest.prefix(4 + length)
            guard let from = Bytes32(frame.dropFirst(8).prefix(32)) else { break }
            rest = rest.dropFirst(4 + length)
            room -= 1
            received.append(
                Message(from: Address(raw: from), text: String(decoding: frame.dropFirst(40), as: UTF8.self)))
        }
        if rest.count < all.count { batches += 1 }
        return all.count - rest.count
    }

    func answer(_ question: NodeQuestion, _ answer: NodeQuestion.Answer) {
        switch answer {
        case .address(let address): answers.append("\(address)")
        case .publicKey(let key): answers.append("\(key.serialized)")
        case .failed(let error): answers.append("\(error)")
        }
    }

    func end(_ reason: APINodeError) { end = reason }
}
