import API
import INET256
import Mesh
import NodeProtocol
import Testing
import Wire

@testable import DataPlane

/// A box with hosted nodes, and the wire to another one.
final class Place {
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
final class Sink: APINodeSink {
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
