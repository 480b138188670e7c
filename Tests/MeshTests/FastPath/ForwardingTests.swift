import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// A box in the middle with an engine beside it, which passes on what its box published the way of.
@Suite struct ForwardingTests {
    @Test func framesArePassedOnAsTheBoxDoesIt() throws {
        let relay = try RelayBench()
        let frame = relay.frame(to: 2, stamp: 60_000, count: 500)
        // Nobody has said yet where it goes.
        #expect(try relay.give(frame) == "left" && relay.side.outbox.isEmpty)
        let expected = try #require(try relay.giveToBox(frame, trafficClass: 3).first)
        #expect(relay.bench.boxes[1].hasRouteNews)
        relay.share()
        #expect(!relay.bench.boxes[1].hasRouteNews)
        #expect(try relay.give(frame, trafficClass: 3) == "passed")
        let passed = try #require(relay.takeSide().first)
        #expect(passed.path == expected.path && passed.trafficClass == expected.trafficClass)
        #expect(passed.trafficClass == 3 && passed.bytes.count == expected.bytes.count)
        let (ours, theirs) = (try relay.open(passed.bytes, at: 2), try relay.open(expected.bytes, at: 2))
        #expect(ours == theirs && ours.count == frame.count)
        let link = try #require(relay.bench.session(1, 2))
        let stamp = relay.bench.boxes[1].linkDatagramCapacity(link)
        #expect(ours[RelayLayout.hopLimit] == 63)
        #expect(UInt16(ours[2]) | UInt16(ours[3]) << 8 == UInt16(stamp) && stamp < 60_000)
        #expect(Array(ours[4...]) == Array(frame[4...]))
        // A stamp that is smaller stays.
        #expect(try relay.give(relay.frame(to: 2, stamp: 300, count: 200)) == "passed")
        let small = try relay.open(try #require(relay.takeSide().first).bytes, at: 2)
        #expect(Array(small[2..<4]) == [44, 1])
    }

    /// What is not clear from the table alone is the box's, which says what is wrong with it.
    @Test func hostileFramesGetNothingPassedOn() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        for hops in [0, 1, 65, 255] as [UInt8] {
            #expect(try relay.give(relay.frame(to: 2, hops: hops)) == "dropped")
        }
        #expect(relay.side.drops[.relayHopLimit] == 4)
        // For the box itself, whatever it claims: there is no way to it in any table.
        #expect(try relay.give(relay.frame(to: 1, hops: 0)) == "left")
        // Back to where it came from, to nobody, and too short to have a head.
        #expect(try relay.give(relay.frame(to: 0)) == "left")
        var nobody = relay.frame(to: 2)
        nobody[RelayLayout.destination] ^= 1
        #expect(try relay.give(nobody) == "left")
        for count in [1, 5, RelayLayout.header - 1, RelayLayout.header] {
            #expect(try relay.give(Array(relay.frame(to: 2).prefix(count))) == "opened")
        }
        // The same again as a replay, forged, and from somewhere else.
        let sealed = try relay.seal(relay.frame(to: 2))
        #expect(relay.receive(sealed.altered(at: 20)) == "dropped" && relay.receive(sealed) == "passed")
        #expect(relay.receive(sealed) == "dropped" && relay.side.drops[.replayed] == 1)
        #expect(relay.takeSide().count == 1 && relay.side.relayedFrames == 1)
        let moved = try relay.seal(relay.frame(to: 2))
        #expect(relay.receive(moved, from: relay.bench.elsewhere(3)) == "left first")
        #expect(relay.side.outbox.isEmpty)
    }

    /// The box counts the rest, as it did before there was anybody beside it.
    @Test func whatIsLeftIsCountedByTheBox() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        let box = relay.bench.boxes[1]
        func leave(_ frame: [UInt8]) throws {
            var datagram = try relay.seal(frame)
            let path = relay.bench.path(to: relay.bench.endpoint(0))
            let isLeft = datagram.withUnsafeMutableBytes { bytes -> Bool in
                let receipt = relay.side.receive(bytes, from: path, trafficClass: 0, now: relay.bench.now)
                guard case .relay(let isNewest, _) = receipt else { return false }
                _ = box.receiveOpened(bytes, isNewest: isNewest, from: path, trafficClass: 0, now: relay.bench.now)
                return true
            }
            #expect(isLeft)
        }
        let before = box.drops[.relayNoRoute]
        try leave(relay.frame(to: 0))
        #expect(box.drops[.relayNoRoute] == before + 1)
        // A link that has ended: its session goes on.
        let session = try #require(relay.bench.session(1, 0))
        box.takeLinkDown(session, relay.bench.now)
        relay.share()
        try leave(relay.frame(to: 2))
        #expect(box.drops[.relayNotALink] == 1)
    }

    /// What is too large for the next link goes in pieces, by the box; those after it wait for that.
    @Test func nothingOvertakesAFrameThatIsLeft() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        let link = try #require(relay.bench.session(1, 2))
        let room = relay.bench.boxes[1].linkDatagramCapacity(link)
        #expect(try relay.give(relay.frame(to: 2, count: room)) == "passed")
        #expect(try relay.give(relay.frame(to: 2, count: room + 1)) == "left first")
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "left")
        relay.share()
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "left", "the table is the same")
        relay.side.settleRelays()
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "passed")
        // A message in pieces detours its link, and so what the link brings for others.
        let piece: [UInt8] = [FrameKind.fragment.rawValue, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 7, 7]
        #expect(try relay.give(piece) == "detour")
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "left first")
        relay.side.settle()
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "left")
        relay.side.settleRelays()
        #expect(try relay.give(relay.frame(to: 2, count: 10)) == "passed")
    }

    @Test func endedKeysAndWaysCarryNothing() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        let shared = try #require(relay.bench.session(1, 2)?.current?.shared)
        relay.side.apply(.forget(shared.localIndex))
        #expect(try relay.give(relay.frame(to: 2)) == "left first")
        relay.side.settleRelays()
        relay.side.forgetAll()
        #expect(try relay.give(relay.frame(to: 2)) == "sealed")
        for change in relay.bench.boxes[1].shareAnew() { relay.side.apply(change) }
        #expect(try relay.give(relay.frame(to: 2)) == "passed")
        let link = try #require(relay.bench.session(1, 2))
        relay.bench.boxes[1].takeLinkDown(link, relay.bench.now)
        relay.share()
        #expect(try relay.give(relay.frame(to: 2)) == "left")
        #expect(relay.takeSide().count == 1)
    }

    /// An address that has moved to this box is not sent to where it was.
    @Test func aNodeThatOpensHereIsNotRelayedTo() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        _ = try relay.bench.boxes[1].open(relay.bench.keys[2], now: relay.bench.now)
        #expect(relay.bench.boxes[1].hasRouteNews)
        relay.share()
        #expect(try relay.give(relay.frame(to: 2)) == "left")
    }

    @Test func theBoxHearsWhatWasRelayed() throws {
        let relay = try RelayBench()
        try relay.learn(2)
        relay.share()
        let (from, to) = (try #require(relay.bench.session(1, 0)), try #require(relay.bench.session(1, 2)))
        let before = (
            from.traffic.receivedDatagrams, from.traffic.receivedBytes, to.traffic.sentDatagrams, to.traffic.sentBytes,
            from.traffic.lastDataReceived
        )
        relay.bench.now = relay.bench.now + .milliseconds(10)
        let frame = relay.frame(to: 2, count: 700)
        for _ in 0..<3 { #expect(try relay.give(frame) == "passed") }
        relay.side.report(now: relay.bench.now)
        relay.share()
        let bytes = UInt64(3 * (frame.count + TransportLayout.overhead))
        #expect(from.traffic.receivedDatagrams == before.0 + 3 && from.traffic.receivedBytes == before.1 + bytes)
        #expect(to.traffic.sentDatagrams == before.2 + 3 && to.traffic.sentBytes == before.3 + bytes)
        #expect(from.traffic.lastReceived == relay.bench.now && to.traffic.lastDataSent == relay.bench.now)
        // It is no answer to what this box says: a path that carries nothing back must not look as if it did.
        #expect(from.traffic.lastDataReceived == before.4)
        #expect(relay.side.relayedFrames == 3 && relay.side.relayedBytes == UInt64(3 * frame.count))
    }

    @Test func aTableIsMadeWhereSomethingChanged() {
        let places = (0..<2).map { Address(raw: Bytes32(words: ($0, 7, 7, 7))) }
        var forwarding = Forwarding()
        #expect(forwarding.update(1, links: []) { _ in nil } == nil && !forwarding.isStale(2))
        forwarding.note(places[0])
        forwarding.note(places[1])
        #expect(forwarding.isStale(1))
        let first = forwarding.update(1, links: []) { $0 == places[0] ? 4 : nil }
        #expect(first?.hops == [places[0]: 4] && !forwarding.isStale(1))
        // One that had no way is asked about again when there is a frame for it, one that is known is not.
        forwarding.note(places[0])
        #expect(!forwarding.isStale(1) && forwarding.isStale(2))
        #expect(forwarding.update(2, links: []) { _ in 4 } == nil)
        #expect(forwarding.update(3, links: []) { _ in 5 }?.hops == [places[0]: 5])
        forwarding.doubt()
        #expect(forwarding.update(3, links: []) { _ in nil }?.hops.isEmpty == true)
        for number in 0...Forwarding.maximum {
            forwarding.note(Address(raw: Bytes32(words: (UInt64(number), 1, 1, 1))))
        }
        #expect(forwarding.update(3, links: []) { _ in 1 }?.hops.count == 1, "it begins anew")
    }
}

/// Three boxes in a row, the middle one with an engine beside it.
private final class RelayBench {
    struct Passed {
        let bytes: [UInt8]
        let path: Path
        let trafficClass: UInt8
    }

    let bench: Bench
    let side = SideBox()

    init() throws {
        bench = Bench(3) { $0.isShared = true }
        try bench.join(0, 1)
        try bench.join(1, 2)
        bench.run(for: .seconds(5))
        try #require(bench.boxes[0].nextHop(to: bench.address(2)) == bench.address(1), bench.comment)
        share()
    }

    /// What the box says at the end of a turn.
    func share() {
        let box = bench.boxes[1]
        for change in box.takeKeyNews() + box.shareWays(now: bench.now) { side.apply(change) }
    }

    /// A frame goes to `place` by the box, which publishes the way.
    func learn(_ place: Int) throws {
        _ = try giveToBox(frame(to: place))
        share()
    }

    func frame(to place: Int, hops: UInt8 = 64, stamp: Int = 1000, count: Int = 100) -> [UInt8] {
        var bytes = [UInt8](repeating: 9, count: RelayLayout.header + count)
        bytes.withUnsafeMutableBytes { raw in
            guard let base = raw.baseAddress else { return }
            RelayFrame.writeHead(to: base, bench.address(place), bench.address(0), stamp: stamp)
        }
        bytes[RelayLayout.hopLimit] = hops
        return bytes
    }

    /// A frame as box 0 sends it by the link.
    func seal(_ frame: [UInt8]) throws -> [UInt8] {
        let keys = try #require(bench.session(0, 1)?.current).keys
        var datagram = [UInt8](repeating: 0, count: TransportLayout.header) + frame
        datagram += [UInt8](repeating: 0, count: TransportLayout.tag)
        let length = datagram.withUnsafeMutableBytes { raw in
            raw.baseAddress.flatMap { keys.sealInLimit(at: $0, frameCount: frame.count) }
        }
        try #require(length == datagram.count)
        return datagram
    }

    /// The frame in a datagram that came out of the middle.
    func open(_ datagram: [UInt8], at place: Int) throws -> [UInt8] {
        let keys = try #require(bench.session(place, 1)?.current).keys
        var copy = datagram
        let opening = copy.withUnsafeMutableBytes { keys.open($0) }
        guard case .frame(let count, _) = opening else {
            Issue.record("\(opening)")
            return []
        }
        return Array(copy[TransportLayout.header..<TransportLayout.header + count])
    }

    func give(_ frame: [UInt8], trafficClass: UInt8 = 0) throws -> String {
        receive(try seal(frame), trafficClass: trafficClass)
    }

    func receive(_ datagram: [UInt8], from endpoint: Endpoint? = nil, trafficClass: UInt8 = 0) -> String {
        var copy = datagram
        let path = bench.path(to: endpoint ?? bench.endpoint(0))
        return copy.withUnsafeMutableBytes {
            switch side.receive($0, from: path, trafficClass: trafficClass, now: bench.now) {
            case .message: "message"
            case .sealed: "sealed"
            case .opened(_, let orderMatters): orderMatters ? "detour" : "opened"
            case .relay(_, let isFirst): isFirst ? "left first" : "left"
            case .passed: "passed"
            case .dropped: "dropped"
            }
        }
    }

    func giveToBox(_ frame: [UInt8], trafficClass: UInt8 = 0) throws -> [Passed] {
        let box = bench.boxes[1]
        box.outbox.removeAll()
        var datagram = try seal(frame)
        datagram.withUnsafeMutableBytes {
            _ = box.receive(
                $0, from: bench.path(to: bench.endpoint(0)), trafficClass: trafficClass, now: bench.now)
        }
        return take(box.outbox)
    }

    /// What the engine beside it put out.
    func takeSide() -> [Passed] { take(side.outbox) }

    private func take(_ outbox: Outbox) -> [Passed] {
        defer { outbox.removeAll() }
        return outbox.runs.map {
            Passed(bytes: Array(outbox.bytes(of: $0)), path: $0.path, trafficClass: $0.trafficClass)
        }
    }
}
