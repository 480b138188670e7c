import INET256
import Wire

@testable import Discovery

/// One central server and boxes that use it, on virtual time. A box may stand behind a router that gives its datagrams another source.
final class CentralWorld {
    struct Box {
        var client: CentralClient
        var outer: Endpoint
        var found: [DiscoveryNews] = []
        /// Milliseconds that its clock is ahead.
        var ahead: Int64 = 0
    }

    static let server = v4(198, 51, 100, 1, 25633)
    var server: CentralServer
    var boxes: [Box] = []
    var now = Instant.at(0)
    /// Bytes that came to the server, and that it sent.
    var bytesIn = 0
    var bytesOut = 0
    /// Where the server is deaf.
    var deaf: Set<Endpoint> = []
    /// Of each datagram: who sent it, where to, and what.
    var wire: [(from: Endpoint, datagram: DiscoveryDatagram)] = []

    init(_ limits: CentralLimits = CentralLimits()) {
        server = CentralServer(limits: limits, random: FixedRandom(4711))
    }

    @discardableResult
    func add(
        _ key: PrivateKey, at outer: Endpoint, inner: [Endpoint] = [], visibility: CentralSettings.Visibility = .all,
        missing: [Address] = [], servers: [Endpoint] = [server]
    ) -> Int {
        var settings = CentralSettings()
        settings.visibility = visibility
        var client = CentralClient(
            key: key, settings: settings, random: FixedRandom(UInt64(boxes.count) &* 131 &+ 7))
        client.setServers(servers, now: now)
        client.setCandidates(inner.map { Candidate($0, .host) }, now: now)
        client.setPeers(Set(missing), now: now)
        client.setMissing(Set(missing), now: now)
        boxes.append(Box(client: client, outer: outer))
        return boxes.count - 1
    }

    func wall(_ index: Int) -> UInt64 {
        UInt64(1_700_000_000_000 + now.nanoseconds / 1_000_000 + boxes[index].ahead)
    }

    func run(_ seconds: Double) {
        let end = now + Interval(nanoseconds: Int64(seconds * 1e9))
        while true {
            for index in boxes.indices { boxes[index].client.tick(now: now, wall: wall(index)) }
            flush()
            let next = boxes.map(\.client.deadline).min() ?? .distantFuture
            guard next <= end else { break }
            now = max(now + .microseconds(100), next)
        }
        now = end
    }

    func flush() {
        while true {
            var sent: [(Int, DiscoveryDatagram)] = []
            for index in boxes.indices {
                sent += boxes[index].client.takeDatagrams().map { (index, $0) }
                boxes[index].found += boxes[index].client.takeNews()
            }
            guard !sent.isEmpty else { return }
            for (index, datagram) in sent {
                wire.append((boxes[index].outer, datagram))
                if !deaf.contains(datagram.target) {
                    ask(datagram.bytes, from: boxes[index].outer, at: datagram.target)
                }
            }
        }
    }

    /// What the server makes of a datagram goes to whom it is for.
    @discardableResult
    func ask(_ bytes: [UInt8], from source: Endpoint, at place: Endpoint = server) -> [DiscoveryDatagram] {
        bytesIn += bytes.count
        let answers = bytes.withUnsafeBytes { server.receive($0, from: source, now: now) }
        bytesOut += answers.reduce(0) { $0 + $1.bytes.count }
        for answer in answers {
            wire.append((place, answer))
            for index in boxes.indices where boxes[index].outer == answer.target {
                answer.bytes.withUnsafeBytes {
                    boxes[index].client.receive($0, from: place, now: now, wall: wall(index))
                }
            }
        }
        return answers
    }

    func found(_ index: Int, _ source: PlaceSource = .central) -> [Address: [Endpoint]] {
        Dictionary(
            boxes[index].found.filter { $0.source == source }.map { ($0.address, $0.endpoints) },
            uniquingKeysWith: { $1 })
    }

    /// A record of somebody's, as an announcement with a good cookie.
    func announcement(
        _ key: PrivateKey, from source: Endpoint, at milliseconds: UInt64 = 1, life: UInt16 = 60,
        places: [Candidate] = []
    ) -> [UInt8] {
        let record = record(.clear(places), at: milliseconds, life: life, by: key, for: source)
        return announcement(record.bytes, from: source)
    }

    /// A record that the server takes from one endpoint.
    func record(
        _ body: CentralRecord.Body, at milliseconds: UInt64, life: UInt16 = 60, by key: PrivateKey,
        for source: Endpoint
    ) -> CentralRecord {
        let cookie = cookie(for: source).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return reader.cookie() ?? .none
        }
        return CentralRecord(body, milliseconds: milliseconds, life: life, binding: cookie.binding, by: key)
    }

    func announcement(_ record: [UInt8], from source: Endpoint) -> [UInt8] {
        CentralFormat.begin(.centralAnnounce, 1) + cookie(for: source) + record
    }

    func lookup(_ wanted: Address, by asker: Address, from source: Endpoint) -> [UInt8] {
        var bytes = CentralFormat.begin(.centralLookup, 2) + cookie(for: source)
        bytes.append(asker.raw)
        bytes.append(wanted.raw)
        return bytes + [UInt8](repeating: 0, count: CentralFormat.lookupCount - bytes.count)
    }

    func cookie(for source: Endpoint) -> [UInt8] {
        let question = CentralFormat.begin(.centralAnnounce, 1) + [UInt8](repeating: 0, count: 100)
        let answers = question.withUnsafeBytes { server.receive($0, from: source, now: now) }
        guard let answer = answers.first, answer.bytes.count == CentralFormat.cookieAnswerCount else { return [] }
        return Array(answer.bytes[CentralFormat.head..<CentralFormat.askHead])
    }
}
