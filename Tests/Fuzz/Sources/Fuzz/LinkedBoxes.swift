import INET256
import Wire

@testable import Mesh

/// Two boxes with a link, on a cable without time or loss. The second one is the fuzzer's victim.
final class LinkedBoxes {
    let random = FixedRandom(1)
    let keys: [PrivateKey]
    let boxes: [MeshBox]
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    /// The first datagrams of all.
    private(set) var recorded: [[UInt8]] = []

    init() {
        let random = self.random
        var settings = BoxSettings(startMilliseconds: 1_700_000_000_000)
        settings.acceptsAnybody = true
        settings.ciphers = [.chaCha20Poly1305]
        settings.limits.outboxBytes = 1 << 20
        settings.limits.outboxDatagrams = 4096
        settings.limits.reassemblies = 8
        settings.limits.maximumSessions = 64
        settings.limits.maximumResponses = 64
        let start = now
        keys = (0..<2).map { _ in PrivateKey(generatedFrom: random) }
        boxes = keys.map { MeshBox(key: $0, settings: settings, random: random, now: start) }
        for place in 0...1 {
            let other = 1 - place
            boxes[place].setPeer(
                PeerSettings(address: keys[other].address, endpoints: [endpoint(other)]), now: now)
        }
        for _ in 0..<100 { step(.milliseconds(20)) }
        demand(link != nil, "the boxes have no link")
    }

    func endpoint(_ place: Int) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }

    func path(from place: Int) -> Path { Path(remote: endpoint(place), interface: 1, socket: 0) }

    var victim: MeshBox { boxes[1] }

    /// The victim's side of the link.
    var link: Session? {
        guard let main = victim.node(.main), let session = victim.session(main, keys[0].address),
            session.link.neighbour != nil
        else { return nil }
        return session
    }

    /// Lets time pass and delivers everything.
    func step(_ span: Interval) {
        now = now + span
        for box in boxes {
            box.beginTurn()
            box.tick(now: now)
        }
        for _ in 0..<8 {
            for place in 0...1 {
                let posted = boxes[place].outbox.datagrams.map { (Array(boxes[place].outbox.bytes(of: $0)), $0.path) }
                boxes[place].outbox.removeAll()
                for (bytes, path) in posted where path.remote == endpoint(1 - place) {
                    if recorded.count < 32 { recorded.append(bytes) }
                    var copy = bytes
                    boxes[1 - place].beginTurn()
                    _ = copy.withUnsafeMutableBytes {
                        boxes[1 - place].receive($0, from: self.path(from: place), now: now)
                    }
                }
            }
        }
    }

    /// What no input may make grow.
    func checkMemory() {
        let limits = victim.limits
        demand(victim.sessions.count <= limits.maximumSessions, "sessions")
        demand(victim.answering.responses.count <= limits.maximumResponses, "half-open handshakes")
        demand(victim.reassembler.count <= limits.reassemblies, "reassemblies")
        demand(victim.pendingBytes <= limits.pendingBytesInAll, "pending bytes")
        demand(victim.news.events.count <= BoxNews.maximumEvents, "events")
        demand(victim.indices.inUse <= 4 * limits.maximumSessions + limits.maximumResponses, "indices")
        demand(victim.links.strangers.count <= limits.refusalsRemembered, "refusals")
    }
}

/// Boxes that are made anew now and then, so that an input that broke something is near the end of what led to it.
struct Lifetimes {
    private var uses = 0
    private(set) var boxes = LinkedBoxes()

    mutating func next() -> LinkedBoxes {
        uses += 1
        if uses % 20_000 == 0 || boxes.link == nil { boxes = LinkedBoxes() }
        return boxes
    }
}
