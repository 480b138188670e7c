import INET256
import Testing
import Wire

@testable import Discovery

@Suite struct CentralTests {
    private let a = key(1)
    private let b = key(2)
    private let outerA = v4(192, 0, 2, 1, 4001)
    private let outerB = v4(192, 0, 2, 2, 4002)

    @Test func twoFindEachOtherWithWhereTheServerSawThem() {
        let world = CentralWorld()
        world.add(a, at: outerA, inner: [v4(10, 0, 0, 1)], missing: [b.address])
        world.add(b, at: outerB, inner: [v4(10, 9, 9, 1)], missing: [a.address])
        world.run(8)
        // The other site's private addresses are of no use here.
        #expect(world.found(0) == [b.address: [outerB]])
        #expect(world.found(1) == [a.address: [outerA]])
        #expect(world.boxes[0].client.observed == outerA)
        #expect(world.bytesOut < world.bytesIn)
    }

    /// Within 2 s of both being there, both know: the one who was first is called.
    @Test func whoAskedFirstIsCalled() {
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [b.address])
        world.run(12)
        #expect(world.boxes[0].found.isEmpty)
        world.add(b, at: outerB, missing: [a.address])
        world.run(0.1)
        #expect(world.found(1)[a.address] == [outerA])
        #expect(world.found(0, .called) == [b.address: [outerB]])
    }

    @Test func nobodyIsCalledByWhomItDoesNotAskFor() {
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [])
        world.run(3)
        world.add(b, at: outerB, missing: [a.address])
        world.run(30)
        #expect(world.server.counters.calls == 0)
        #expect(world.found(1)[a.address] == [outerA])
    }

    @Test func behindOneRouterPrivateAddressesAreTried() {
        let world = CentralWorld()
        let inner = v4(192, 168, 1, 7)
        world.add(a, at: v4(192, 0, 2, 1, 4001), inner: [inner], missing: [])
        world.add(b, at: v4(192, 0, 2, 1, 4002), inner: [v4(192, 168, 1, 8)], missing: [a.address])
        world.run(10)
        #expect(world.found(1)[a.address]?.contains(inner) == true)
        #expect(world.found(1)[a.address]?.contains(outerA) == true)
    }

    @Test func sealedEndpointsAreForPeersAlone() {
        let world = CentralWorld()
        let c = key(3)
        world.add(a, at: outerA, visibility: .peers, missing: [b.address])
        world.add(b, at: outerB, visibility: .peers, missing: [a.address])
        world.add(c, at: v4(192, 0, 2, 3, 4003), missing: [a.address, b.address])
        world.run(20)
        #expect(world.found(0) == [b.address: [outerB]])
        #expect(world.found(1) == [a.address: [outerA]])
        #expect(world.boxes[2].found.isEmpty)
        // It is not in anything that c was sent.
        let port = [UInt8(4001 & 255), UInt8(4001 >> 8)]
        for (_, datagram) in world.wire where datagram.target == v4(192, 0, 2, 3, 4003) {
            let bytes = datagram.bytes
            for place in 0..<(bytes.count - 6) where Array(bytes[place..<place + 4]) == [192, 0, 2, 1] {
                #expect(Array(bytes[place + 4..<place + 6]) != port)
            }
        }
    }

    // MARK: Time

    @Test func aClockThatWasSetBackGoesOn() {
        let world = CentralWorld()
        world.add(a, at: outerA)
        world.run(3)
        // Started again, and its clock lost.
        world.boxes.removeAll()
        world.add(a, at: outerA)
        world.boxes[0].ahead = -1_600_000_000_000
        world.run(3)
        #expect(world.boxes[0].client.counters.taken > 0)
        world.add(b, at: outerB, missing: [a.address])
        world.run(3)
        #expect(world.found(1)[a.address] == [outerA])
    }

    @Test func recordsEnd() {
        let world = CentralWorld()
        world.ask(world.announcement(a, from: outerA, life: 60), from: outerA)
        #expect(world.server.count == 1)
        world.now = world.now + .seconds(61)
        _ = world.ask(world.lookup(a.address, by: b.address, from: outerB), from: outerB)
        #expect(world.server.count == 0)
        // However long it is to live.
        world.ask(world.announcement(a, from: outerA, life: .max), from: outerA)
        world.now = world.now + .seconds(3601)
        let answer = world.ask(world.lookup(a.address, by: b.address, from: outerB), from: outerB)
        #expect(answer.count == 1 && answer[0].bytes.count == CentralFormat.foundHead)
    }

    // MARK: What is not believed

    @Test func nobodyAnnouncesForAnother() {
        let world = CentralWorld()
        let record = world.record(.clear([Candidate(outerA, .host)]), at: 5, by: a, for: outerA)
        for place in record.bytes.indices {
            var bent = record.bytes
            bent[place] ^= 4
            #expect(bent.withUnsafeBytes { CentralRecord($0) } == nil, "\(place)")
        }
        // Signed by the key, for another purpose.
        let message = Array(record.bytes.dropLast(64))
        let other = message + a.sign(purpose: "inet256/other", message: message)
        world.ask(world.announcement(other, from: outerA), from: outerA)
        #expect(world.server.count == 0 && world.server.counters.forged == 1)
        world.ask(world.announcement(record.bytes, from: outerA), from: outerA)
        #expect(world.server.count == 1)
        // The same again, and an older one.
        world.ask(world.announcement(record.bytes, from: outerA), from: outerA)
        world.ask(world.announcement(a, from: outerB, at: 4), from: outerB)
        let found = world.ask(world.lookup(a.address, by: b.address, from: outerB), from: outerB)
        #expect(found[0].bytes[34..<52] == Self.bytes(outerA)[...])
    }

    private static func bytes(_ endpoint: Endpoint) -> [UInt8] {
        var bytes: [UInt8] = []
        EndpointBytes.put(endpoint, into: &bytes)
        return bytes
    }

    @Test func aServerCannotForge() throws {
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [b.address])
        world.run(1)
        func answer(_ record: [UInt8], _ nonce: UInt64) {
            var bytes = CentralFormat.begin(.centralFound, nonce)
            bytes += Self.bytes(outerA)
            bytes.appendLittle(UInt32(0))
            bytes += Self.bytes(outerB)
            bytes.appendLittle(UInt16(record.count))
            bytes += record
            bytes.withUnsafeBytes {
                world.boxes[0].client.receive($0, from: CentralWorld.server, now: world.now, wall: 1)
            }
        }
        func ask() -> UInt64? {
            world.boxes[0].client.lookUp(b.address, world.now)
            _ = world.boxes[0].client.takeDatagrams()
            return world.boxes[0].client.open.first { $0.value.about == .lookup(b.address) }?.key
        }
        let genuine = CentralRecord(
            .clear([Candidate(outerB, .host)]), milliseconds: 50, life: 60, binding: .none, by: b
        ).bytes
        let others = CentralRecord(
            .clear([Candidate(outerB, .host)]), milliseconds: 50, life: 60, binding: .none, by: a
        ).bytes
        var bent = genuine
        bent[50] ^= 1
        // A number that nobody asked with, somebody else's record, a bent one.
        answer(genuine, 12345)
        answer(others, try #require(ask()))
        answer(bent, try #require(ask()))
        #expect(world.boxes[0].client.takeNews().isEmpty && world.boxes[0].client.counters.refused >= 3)
        answer(genuine, try #require(ask()))
        #expect(world.boxes[0].client.takeNews().map(\.address) == [b.address])
        // What it replaced does not come back.
        answer(
            CentralRecord(.clear([Candidate(outerB, .host)]), milliseconds: 49, life: 60, binding: .none, by: b).bytes,
            try #require(ask()))
        #expect(world.boxes[0].client.takeNews().isEmpty)
    }

    @Test func callsTakeTheCookie() {
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [b.address])
        world.run(3)
        for cookie in [[UInt8](repeating: 0, count: 16), [UInt8](repeating: 9, count: 16)] {
            var bytes = CentralFormat.begin(.centralCall, 0) + cookie
            bytes.append(b.address.raw)
            bytes += Self.bytes(outerB)
            bytes.withUnsafeBytes {
                world.boxes[0].client.receive($0, from: CentralWorld.server, now: world.now, wall: 1)
            }
        }
        #expect(world.boxes[0].client.takeNews().isEmpty)
    }

    @Test func endpointsThatAreNobodysAreLeftOut() {
        let bad = [
            v4(127, 0, 0, 1), v4(224, 0, 0, 1), v4(255, 255, 255, 255), v4(0, 1, 2, 3), v4(169, 254, 1, 1),
            Endpoint(address: IPv6Address(high: 0xff02 << 48, low: 1), port: 1),
            Endpoint(address: IPv6Address(high: 0xfe80 << 48, low: 1), port: 1),
            Endpoint(address: .loopback, port: 1),
        ]
        for endpoint in bad { #expect(!endpoint.address.isWorthAProbe, "\(endpoint)") }
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [b.address])
        world.ask(
            world.announcement(b, from: outerB, places: bad.map { Candidate($0, .host) }), from: outerB)
        world.run(3)
        #expect(world.found(0)[b.address] == [outerB])
    }

    // MARK: Servers

    @Test func aDeadFamilyCostsNothing() {
        let world = CentralWorld()
        let dead = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 1), port: 25633)
        world.deaf = [dead]
        world.add(a, at: outerA, missing: [b.address], servers: [dead, CentralWorld.server])
        world.add(b, at: outerB, missing: [a.address], servers: [dead, CentralWorld.server])
        world.run(1.5)
        #expect(world.found(0)[b.address] == [outerB] || world.found(0, .called)[b.address] == [outerB])
        #expect(world.boxes[0].client.server == CentralWorld.server)
    }

    @Test func aServerThatIsBackIsUsedAgain() {
        let world = CentralWorld()
        world.add(a, at: outerA, missing: [b.address])
        world.run(3)
        world.deaf = [CentralWorld.server]
        world.run(60)
        #expect(world.boxes[0].client.server == nil)
        // It has forgotten everything, its cookies too.
        world.server = CentralServer(random: FixedRandom(99))
        world.deaf = []
        world.run(16)
        #expect(world.server.count == 1)
    }

    @Test func anIdleBoxIsQuiet() {
        let world = CentralWorld()
        world.add(a, at: outerA, inner: [v4(10, 0, 0, 1), v4(10, 0, 1, 1)], missing: [b.address])
        world.run(60)
        world.boxes[0].client.setMissing([], now: world.now)
        world.run(300)
        world.wire = []
        world.run(1200)
        let sent = world.wire.filter { $0.from == outerA }.reduce(0) { $0 + $1.datagram.bytes.count + 28 }
        #expect(sent > 0 && sent / 1200 < 4, "\(sent)")
    }
}
