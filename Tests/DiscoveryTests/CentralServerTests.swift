import INET256
import Testing
import Wire

@testable import Discovery

/// A central server among strangers.
@Suite struct CentralServerTests {
    private let own = key(1)
    private let peer = key(2)
    private let place = v4(192, 0, 2, 1, 4001)

    /// Of 100,000 announcements by as many keys and from 30,000 sources some thousand are kept, and the operator's own boxes are
    /// served all the while. The signatures are the test's costliest part, so what is announced is put into the table itself.
    @Test func aHundredThousandAnnouncements() {
        var table = CentralTable(capacity: 2000, kept: [own.address], seed: 5)
        var now = Instant.at(0)
        let record = CentralRecord(
            .clear([]), milliseconds: 1, life: 60, binding: .none, by: own)
        holds(table.put(record, from: asker(place), until: now + .seconds(60), now: now))
        let random = FixedRandom(3)
        var refused = 0
        for number in 0..<100_000 {
            now = now + .milliseconds(1)
            if number % 10_000 == 0 {
                holds(table.put(record, from: asker(place), until: now + .seconds(60), now: now))
            }
            table.expire(now: now)
            let stranger = Self.record(random)
            let source = v4(10, UInt32(number % 30_000 >> 8), UInt32(number % 30_000 & 255), 7, 9)
            if !table.put(stranger, from: asker(source), until: now + .seconds(Int64(5 + number % 3595)), now: now) {
                refused += 1
            }
            if number % 1000 == 0 { #expect(table.entries[own.address] != nil) }
        }
        #expect(table.entries.count <= 2001 && table.entries.count > 1900)
        #expect(table.entries[own.address] != nil)
        #expect(refused < 100_000)
    }

    private func asker(_ endpoint: Endpoint) -> CentralServer.Asker {
        CentralServer.Asker(endpoint: endpoint, at: .unspecified)
    }

    /// A record of a key that nobody has.
    private static func record(_ random: FixedRandom) -> CentralRecord {
        var bytes: [UInt8] = [1, 0, 60, 0]
        bytes.appendLittle(UInt64(1))
        for _ in 0..<4 { bytes.appendLittle(random.next64()) }
        bytes += [UInt8](repeating: 0, count: 16) + [1, 0, 0] + [UInt8](repeating: 0, count: 64)
        guard let record = bytes.withUnsafeBytes({ CentralRecord(unverified: $0) }) else { fatalError("no record") }
        return record
    }

    @Test func oneSourceHasItsShare() {
        var table = CentralTable(capacity: 10_000, kept: [own.address], seed: 5)
        let now = Instant.at(0)
        let random = FixedRandom(3)
        for _ in 0..<5000 {
            _ = table.put(Self.record(random), from: asker(place), until: now + .seconds(60), now: now)
        }
        #expect(table.entries.count == Int(CentralTable.mostPerSource))
        let record = CentralRecord(
            .clear([]), milliseconds: 1, life: 60, binding: .none, by: own)
        holds(table.put(record, from: asker(place), until: now + .seconds(60), now: now))
        // What has ended gives its part back.
        table.expire(now: now + .seconds(61))
        #expect(table.entries.isEmpty)
        holds(table.put(Self.record(random), from: asker(place), until: now + .seconds(99), now: now + .seconds(61)))
    }

    @Test func whoRenewsItsRecordKeepsOnePlace() {
        var table = CentralTable(capacity: 100, kept: [], seed: 5)
        let random = FixedRandom(3)
        let record = Self.record(random)
        for second in 0..<10_000 {
            let now = Instant.at(Double(second))
            table.expire(now: now)
            holds(
                table.put(record, from: asker(v4(10, 0, 0, UInt32(second % 200))), until: now + .seconds(60), now: now))
        }
        #expect(table.entries.count == 1)
    }

    @Test func aFloodLeavesThePeersServed() {
        var limits = CentralLimits()
        limits.kept = [own.address]
        limits.verifications = 10
        let world = CentralWorld(limits)
        let strangers = (100..<140).map { key(UInt64($0)) }
        for round in 0..<10 {
            for (number, stranger) in strangers.enumerated() {
                let source = v4(203, 0, UInt32(number), 1, 7)
                world.ask(world.announcement(stranger, from: source, at: UInt64(round + 1)), from: source)
            }
            world.now = world.now + .milliseconds(100)
            let answer = world.ask(world.announcement(own, from: place, at: UInt64(round + 1)), from: place)
            #expect(answer.first?.bytes[2] == CentralFormat.Status.done.rawValue, "\(round)")
        }
        #expect(world.server.counters.limited > 100)
    }

    // MARK: No amplification

    @Test func nothingIsDoneWithoutACookie() {
        let world = CentralWorld()
        let none = [UInt8](repeating: 0, count: 16)
        let record = CentralRecord(
            .clear([Candidate(place, .host)]), milliseconds: 5, life: 60, binding: CentralCookie.none.binding, by: own)
        let answer = world.ask(CentralFormat.begin(.centralAnnounce, 7) + none + record.bytes, from: place)
        #expect(world.server.count == 0)
        #expect(answer.count == 1 && answer[0].bytes.count == CentralFormat.cookieAnswerCount)
        // Of another port, of another machine, and much later.
        let cookie = world.cookie(for: place)
        let bound = world.record(.clear([]), at: 6, by: own, for: place).bytes
        let elsewhere = Endpoint(address: place.address, port: place.port + 1)
        for source in [elsewhere, v4(192, 0, 2, 9, 4001)] {
            world.ask(CentralFormat.begin(.centralAnnounce, 7) + cookie + bound, from: source)
        }
        world.now = world.now + .seconds(1000)
        _ = world.cookie(for: place)
        world.now = world.now + .seconds(1000)
        world.ask(CentralFormat.begin(.centralAnnounce, 7) + cookie + bound, from: place)
        #expect(world.server.count == 0)
    }

    /// Whatever is asked: what goes out is no longer than what came in, and goes to who asked or to who asked for it.
    @Test func noAnswerIsLongerThanItsQuestion() {
        let world = CentralWorld()
        let random = FixedRandom(17)
        var kinds: Set<UInt8> = []
        let body = SealedPlaces.seal([], by: own.address, for: [], random)
        let largest = world.record(.sealed(body), at: 5, by: own, for: place)
        #expect(largest.bytes.count == CentralRecord.largest)
        world.ask(world.announcement(largest.bytes, from: place), from: place)
        let other = v4(192, 0, 2, 2, 4002)
        let two = world.record(.sealed(body), at: 5, by: peer, for: other)
        world.ask(world.announcement(two.bytes, from: other), from: other)
        // Both ask for each other: the longest answer that there is, and a call.
        world.ask(world.lookup(peer.address, by: own.address, from: place), from: place)
        let question = world.lookup(own.address, by: peer.address, from: other)
        let answers = world.ask(question, from: other)
        #expect(answers.count == 2 && answers[1].target == place)
        #expect(answers.reduce(0) { $0 + $1.bytes.count } <= question.count)
        // Bent ones of every length.
        let genuine = [question, world.announcement(largest.bytes, from: place)]
        for number in 0..<20_000 {
            var bytes = genuine[number % 2]
            if number % 3 == 0 { bytes.removeLast(Int(random.next(below: UInt32(bytes.count)))) }
            for _ in 0..<(number % 4) where !bytes.isEmpty {
                bytes[Int(random.next(below: UInt32(bytes.count)))] = UInt8(random.next(below: 256))
            }
            world.now = world.now + .milliseconds(100)
            let source = [place, other, v4(203, 0, 113, 7, 9)][number % 3]
            let answers = bytes.withUnsafeBytes { world.server.receive($0, from: source, now: world.now) }
            #expect(answers.reduce(0) { $0 + $1.bytes.count } <= bytes.count)
            for answer in answers { kinds.insert(answer.bytes[0]) }
        }
        #expect(kinds.contains(DiscoveryKind.centralCookie.rawValue))
    }

    /// Whoever knows an address may have its record: it is of no use to him, here or at another server.
    @Test func recordsAreGoodFromTheirOwnEndpointAlone() {
        let world = CentralWorld()
        let record = world.record(.clear([]), at: 5, by: own, for: place)
        let other = v4(203, 0, 113, 7, 9)
        world.ask(world.announcement(record.bytes, from: other), from: other)
        #expect(world.server.count == 0 && world.server.counters.forged == 1)
        world.ask(world.announcement(record.bytes, from: place), from: place)
        #expect(world.server.count == 1)
        let elsewhere = CentralWorld()
        elsewhere.server = CentralServer(random: FixedRandom(12))
        elsewhere.ask(elsewhere.announcement(record.bytes, from: place), from: place)
        #expect(elsewhere.server.count == 0)
    }

    /// A server with several addresses answers, and calls, from the one that the box knows.
    @Test func answersLeaveFromWhereTheQuestionCame() {
        let world = CentralWorld()
        let (first, second) = (v4(198, 51, 100, 1).address, v4(198, 51, 100, 2).address)
        let other = v4(192, 0, 2, 2, 4002)
        func ask(_ bytes: [UInt8], from source: Endpoint, at local: IPv6Address) -> [DiscoveryDatagram] {
            bytes.withUnsafeBytes { world.server.receive($0, from: source, at: local, now: world.now) }
        }
        #expect(ask(world.announcement(own, from: place), from: place, at: first).map(\.source) == [first])
        #expect(ask(world.announcement(peer, from: other), from: other, at: second).map(\.source) == [second])
        _ = ask(world.lookup(peer.address, by: own.address, from: place), from: place, at: first)
        let answers = ask(world.lookup(own.address, by: peer.address, from: other), from: other, at: second)
        #expect(answers.map(\.target) == [other, place] && answers.map(\.source) == [second, first])
    }

    @Test func aSourceHasARate() {
        let world = CentralWorld()
        let question = world.lookup(own.address, by: peer.address, from: place)
        var answered = 0
        for _ in 0..<1000 { answered += world.ask(question, from: place).count }
        #expect(answered <= 64 && world.server.counters.limited > 900)
        // Others are none the worse for it.
        let other = v4(192, 0, 2, 77, 1)
        #expect(world.ask(world.lookup(own.address, by: peer.address, from: other), from: other).count == 1)
    }
}
