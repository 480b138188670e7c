import INET256
import Testing
import Wire

@testable import Discovery

/// The same bytes in every run.
final class FixedRandom: RandomSource {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        for place in buffer.indices {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            buffer[place] = UInt8(truncatingIfNeeded: mixed ^ mixed >> 31)
        }
    }
}

func key(_ seed: UInt64) -> PrivateKey { PrivateKey(generatedFrom: FixedRandom(seed)) }

func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, _ port: UInt16 = 25632) -> Endpoint {
    Endpoint(address: IPv6Address(mappedIPv4: a << 24 | b << 16 | c << 8 | d), port: port)
}

extension Instant {
    static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64((seconds + 1) * 1e9)) }
}

/// Boxes on one link, on virtual time: what one sends to a group comes to all others, at once.
final class Link {
    struct Box {
        var discovery: LocalDiscovery
        var place: LocalPlace
        var found: [DiscoveryNews] = []
    }

    var boxes: [Box] = []
    var now = Instant.at(0)
    /// Everything that was on the wire: who sent it, and when.
    var wire: [(at: Instant, datagram: LocalDatagram)] = []
    /// What gets lost.
    var loses: (LocalDatagram) -> Bool = { _ in false }

    static func place(_ number: Int, ports: [UInt16] = [25632]) -> LocalPlace {
        LocalPlace(
            interface: 7, address: IPv6Address(high: 0xfe80 << 48, low: UInt64(number + 1)), prefixLength: 64,
            ports: ports)
    }

    @discardableResult
    func add(
        _ key: PrivateKey, knows peers: [Address] = [], _ change: (inout LocalSettings) -> Void = { _ in },
        anybody: Bool = false
    ) -> Int {
        var settings = LocalSettings()
        change(&settings)
        var discovery = LocalDiscovery(
            own: key.address, settings: settings, random: FixedRandom(UInt64(boxes.count) &* 77 &+ 5))
        discovery.admitsAnybody = anybody
        discovery.setPeers(Set(peers), now: now)
        let place = Self.place(boxes.count)
        discovery.setPlaces([place], now: now)
        boxes.append(Box(discovery: discovery, place: place))
        return boxes.count - 1
    }

    func run(_ seconds: Double) {
        let end = now + Interval(nanoseconds: Int64(seconds * 1e9))
        while true {
            flush()
            let next = boxes.map(\.discovery.deadline).min() ?? .distantFuture
            guard next <= end else { break }
            now = max(now, next)
            for index in boxes.indices { boxes[index].discovery.tick(now: now) }
        }
        now = end
    }

    /// Until nobody has anything to say.
    func flush() {
        while true {
            var sent: [(Int, LocalDatagram)] = []
            for index in boxes.indices {
                sent += boxes[index].discovery.takeDatagrams().map { (index, $0) }
                boxes[index].found += boxes[index].discovery.takeNews()
            }
            guard !sent.isEmpty else { return }
            for (sender, datagram) in sent { carry(datagram, from: sender) }
        }
    }

    func carry(_ datagram: LocalDatagram, from sender: Int? = nil) {
        wire.append((now, datagram))
        guard !loses(datagram) else { return }
        let source = Endpoint(address: datagram.source, port: LocalGroup.port, scope: datagram.interface)
        for index in boxes.indices where index != sender {
            let isForIt = datagram.target.address.isMulticast || datagram.target.address == boxes[index].place.address
            guard isForIt else { continue }
            datagram.bytes.withUnsafeBytes {
                boxes[index].discovery.receive($0, from: source, interface: 7, now: now)
            }
        }
    }

    /// Who was found by a box, and where.
    func found(_ index: Int) -> [Address: [Endpoint]] {
        Dictionary(boxes[index].found.map { ($0.address, $0.endpoints) }, uniquingKeysWith: { $1 })
    }
}

/// As `#expect`, which takes no call that changes what it is made on.
func holds(_ fact: Bool, at place: SourceLocation = #_sourceLocation) { #expect(fact, sourceLocation: place) }
