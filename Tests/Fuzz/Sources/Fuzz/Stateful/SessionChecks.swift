import INET256
import Wire

@testable import Mesh

/// What tells whether a box took anything for authentic.
struct Authenticity: Equatable {
    let handshakes: UInt64
    let received: UInt64

    init(_ box: MeshBox) {
        handshakes = box.handshakes
        received = box.allSessions.reduce(0) { $0 &+ $1.traffic.receivedDatagrams }
    }
}

/// What must hold after every step, whatever the step was.
extension SessionWorld {
    /// Nothing is answered by more than was asked, before it is authentic.
    func checkAnswer(_ answers: [Post], to kind: DatagramKind?, _ count: Int, of place: Int) {
        switch kind {
        case .cookie, .unknownIndex:
            // Both may make a box call, who knows whom it called.
            if answers.contains(where: { $0.bytes.first != DatagramKind.initiation.rawValue && $0.bytes.count > count })
            {
                fail("a hint or a cookie made box \(place) say more than to call")
            }
        default:
            let sum = answers.reduce(0) { $0 + $1.bytes.count }
            if sum > count { fail("box \(place) answers \(count) bytes that prove nothing with \(sum)") }
        }
    }

    /// An endpoint that never answers is sent three times what came from it at most.
    func checkAmplification(_ endpoint: Endpoint) {
        let isMute = Self.hostiles.contains { self.endpoint(of: $0.number, 2) == endpoint }
        guard isMute, let (sent, got) = traffic[endpoint] else { return }
        if got > DirectPath.amplification * sent { fail("\(endpoint) sent \(sent) bytes and was sent \(got)") }
    }

    func check() {
        for (place, box) in boxes.enumerated() {
            let status = box.status(now: now)
            let reassembly = (box.limits.reassemblies + 4) * Reassembler.frameCapacity
            bound(status.queuedBytes, box.limits.pendingBytesInAll + reassembly, "queued bytes", place)
            bound(status.sessions.count, box.limits.maximumSessions, "sessions", place)
            bound(box.sessions.count, box.allSessions.count, "sessions that are not in the list", place)
            bound(box.answering.responses.count, box.limits.maximumResponses, "half-open handshakes", place)
            bound(box.reassembler.count, box.limits.reassemblies, "reassemblies", place)
            bound(box.news.events.count, BoxNews.maximumEvents, "events", place)
            bound(
                box.indices.inUse, 6 * box.limits.maximumSessions + box.limits.maximumResponses, "indices", place)
            bound(status.strangers.count, box.limits.refusalsRemembered, "refusals", place)
            bound(box.links.places.count, box.limits.maximumLinks, "links", place)
            bound(box.links.knownHops, Links.maximumHops, "next hops", place)
            bound(box.answering.overtaken.count, 256, "overtaken datagrams", place)
            bound(box.answering.overtaken.bytes, 512 << 10, "overtaken bytes", place)
            bound(Int(status.network["known_origins"]), 4096 + 16, "origins", place)
            bound(box.nodes.places.count, box.limits.maximumLocalNodes, "nodes", place)
            if box.stuckDeadlines > 0 { fail("box \(place) was due again in the instant in which it was called") }
            if !box.outbox.isEmpty { fail("box \(place) put something out that nobody asked for") }
            if place % 2 == 1 { _ = box.takeEvents() }
        }
    }

    private func bound(_ value: Int, _ most: Int, _ what: String, _ place: Int) {
        if value > most || value < 0 { fail("box \(place) has \(value) \(what), not \(most) at most") }
    }

    /// When the attack is over, boxes reach each other again: straight, and through the relay.
    func checkHonestTraffic() {
        let pairs = [(0, 1), (1, 2), (0, 2), (2, 0)]
        for line in lines.values { line.isPolite = false }
        var missing = pairs
        var second: UInt8 = 0
        while !missing.isEmpty, second < 90 {
            for (a, b) in missing {
                let message: [UInt8] = [Self.mark(a), UInt8(b), second]
                message.withUnsafeBytes { _ = boxes[a].send($0, from: .main, to: address(b), now: now) }
                collect(a)
            }
            advance(.seconds(1))
            missing = missing.filter { a, b in
                !(0...second).contains { arrived.contains([Self.mark(a), UInt8(b), $0, UInt8(b)]) }
            }
            second += 1
        }
        if let (a, b) = missing.first { fail("nothing of box \(a) reaches box \(b) when the attack is over") }
    }
}
