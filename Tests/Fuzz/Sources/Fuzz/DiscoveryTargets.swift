import INET256
import Wire

@testable import Discovery

/// `LocalDiscovery.receive`: whatever is sent to the group or to the box. The first byte says whether it comes as it is, or what of it
/// is sealed by somebody who has a key, and is put right so that it gets far.
struct DiscoveryLinkTarget: FuzzTarget {
    private let random = FixedRandom(5)
    private let keys = (0..<3).map { PrivateKey(generatedFrom: FixedRandom(UInt64($0) + 50)) }
    private var box: LocalDiscovery
    private var now = Instant(nanoseconds: 1_000_000_000)
    private static let link = IPv6Address(high: 0xfe80 << 48, low: 0)

    init() {
        var settings = LocalSettings()
        settings.secret = "of the house"
        settings.autopeering = true
        box = LocalDiscovery(own: keys[0].address, settings: settings, random: random)
        box.admitsAnybody = true
        box.setPeers([keys[1].address], now: now)
        box.setPlaces(
            [LocalPlace(interface: 3, address: Self.address(1), prefixLength: 64, ports: [25632])], now: now)
        box.tick(now: now)
        _ = box.takeDatagrams()
    }

    private static func address(_ number: UInt64) -> IPv6Address { IPv6Address(high: link.high, low: number) }

    mutating func run(_ input: [UInt8]) {
        guard let mode = input.first else { return }
        now = now + .milliseconds(100)
        let source = Endpoint(address: Self.address(UInt64(2 + mode >> 6)), port: 25634, scope: 3)
        let datagram = mode & 1 == 0 ? Array(input.dropFirst()) : sealed(Array(input.dropFirst()), mode, source)
        datagram.withUnsafeBytes { box.receive($0, from: source, interface: 3, now: now) }
        let out = box.takeDatagrams()
        demand(out.count <= 1 && out.allSatisfy { $0.bytes.count <= datagram.count }, "amplified")
        for found in box.takeNews() {
            demand((1...PlaceSource.local.most).contains(found.endpoints.count), "\(found.endpoints.count) endpoints")
            demand(found.endpoints.allSatisfy { $0.address.isLinkLocal && $0.port != 0 }, "a place off the link")
        }
        demand(box.heard.count <= LocalDiscovery.mostHeard && box.asked.count <= LocalDiscovery.mostAsked, "too many")
        box.tick(now: now)
        _ = box.takeDatagrams()
    }

    /// What is sealed, with the token of whoever is asked where that is wanted.
    private func sealed(_ bytes: [UInt8], _ mode: UInt8, _ source: Endpoint) -> [UInt8] {
        let kinds: [DiscoveryKind] = [.localAnnouncement, .localArrival, .localChallenge, .localAnswer]
        let ways = [
            LocalKey(knowing: keys[0].address), LocalKey(knowing: keys[1].address), .anybody,
            LocalKey(secret: "of the house"),
        ]
        let padded = Array(
            (bytes + [UInt8](repeating: 0, count: LocalMessage.sealedCount)).prefix(LocalMessage.sealedCount))
        var key = ways[Int(mode >> 3 & 3)]
        let kind = kinds[Int(mode >> 1 & 3)]
        var message = padded.withUnsafeBytes { LocalMessage($0) } ?? LocalMessage(sender: keys[1].address)
        if mode & 0x20 != 0 {
            message.source = source.address
            if case .knowing(let address) = key.reader { message.sender = address }
            if kind == .localAnswer, let (token, asked) = box.asked.first {
                message.token = token
                message.sender = asked.sender
                key = asked.key
            }
        }
        return message.sealed(kind, key, random)
    }
}

/// A central server, and who asks one: datagrams to either. The first byte says to whom, and what is put right: cookie, signature,
/// number.
struct CentralTarget: FuzzTarget {
    private let random = FixedRandom(6)
    private let keys = (0..<2).map { PrivateKey(generatedFrom: FixedRandom(UInt64($0) + 60)) }
    private var server: CentralServer
    private var client: CentralClient
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let place = Endpoint(address: IPv6Address(mappedIPv4: 0xc633_6401), port: 25633)
    private let asker = Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0201), port: 4001)

    static var bentInputs: Int { 500 }

    init() {
        server = CentralServer(random: random)
        client = CentralClient(key: keys[0], settings: CentralSettings(), random: random)
        client.setServers([place], now: now)
        client.setPeers([keys[1].address], now: now)
        client.setMissing([keys[1].address], now: now)
    }

    mutating func run(_ input: [UInt8]) {
        guard let mode = input.first else { return }
        now = now + .milliseconds(200)
        var bytes = Array(input.dropFirst())
        if mode & 1 == 0 { ask(&bytes, mode) } else { answer(&bytes, mode) }
        _ = LastGoodPlaces(text: String(decoding: bytes, as: UTF8.self))
    }

    private mutating func ask(_ bytes: inout [UInt8], _ mode: UInt8) {
        if mode & 2 != 0, bytes.count >= CentralFormat.askHead {
            bytes.replaceSubrange(CentralFormat.head..<CentralFormat.askHead, with: cookie())
        }
        if mode & 4 != 0, bytes.first == DiscoveryKind.centralAnnounce.rawValue,
            bytes.count > CentralFormat.askHead + 120
        {
            let start = CentralFormat.askHead
            bytes.replaceSubrange(start + 12..<start + 44, with: keys[1].publicKey.raw.bytes)
            bytes.replaceSubrange(start + 44..<start + 60, with: binding(Array(bytes[CentralFormat.head..<start])))
            let signed = Array(bytes[start..<bytes.count - 64])
            bytes.replaceSubrange(
                (bytes.count - 64)..., with: keys[1].sign(purpose: CentralRecord.purpose, message: signed))
        }
        let answers = bytes.withUnsafeBytes { server.receive($0, from: asker, now: now) }
        demand(answers.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "amplified")
        for answer in answers {
            answer.bytes.withUnsafeBytes { demand(CentralMessage($0) != nil, "an answer that is none") }
        }
    }

    private func binding(_ cookie: [UInt8]) -> [UInt8] {
        cookie.withUnsafeBytes { cookie in
            var reader = ByteReader(cookie)
            var bytes: [UInt8] = []
            (reader.cookie() ?? .none).binding.put(into: &bytes)
            return bytes
        }
    }

    private mutating func cookie() -> [UInt8] {
        let question = CentralFormat.begin(.centralAnnounce, 1) + [UInt8](repeating: 0, count: 100)
        let answer = question.withUnsafeBytes { server.receive($0, from: asker, now: now) }
        return answer.first.map { Array($0.bytes[CentralFormat.head..<CentralFormat.askHead]) }
            ?? [UInt8](repeating: 0, count: CentralFormat.cookieCount)
    }

    private mutating func answer(_ bytes: inout [UInt8], _ mode: UInt8) {
        client.tick(now: now, wall: 1_700_000_000_000)
        _ = client.takeDatagrams()
        let isLookup = mode & 4 != 0
        let open = client.open.first { ($0.value.about != .announcement) == isLookup }
        if mode & 2 != 0, let open, bytes.count >= CentralFormat.head {
            var number: [UInt8] = []
            number.appendLittle(open.key)
            bytes.replaceSubrange(4..<12, with: number)
        }
        bytes.withUnsafeBytes { client.receive($0, from: place, now: now, wall: 1_700_000_000_000) }
        for found in client.takeNews() {
            demand(found.address == keys[1].address, "news of somebody else")
            demand(found.endpoints.count <= found.source.most, "\(found.endpoints.count) endpoints")
            demand(found.endpoints.allSatisfy { $0.address.isWorthAProbe }, "an endpoint of nobody")
        }
        demand(client.open.count <= CentralClient.mostOpen, "too many questions")
        demand(client.takeDatagrams().count <= 4, "too many datagrams")
    }
}

/// The file of places that were good last: what is taken comes out as it was.
struct LastGoodTarget: FuzzTarget {
    func run(_ input: [UInt8]) {
        let places = LastGoodPlaces(text: String(decoding: input, as: UTF8.self))
        demand(LastGoodPlaces(text: places.text) == places, "places that do not come back")
        demand(places.places.count <= LastGoodPlaces.mostPeers, "too many peers")
        demand(places.places.values.allSatisfy { $0.count <= PlaceSource.lastGood.most }, "too many endpoints")
    }
}
