import INET256
import Testing
import Wire

@testable import Discovery

@Suite struct LocalTests {
    private let a = key(1)
    private let b = key(2)
    private let c = key(3)

    private func endpoint(_ number: Int) -> Endpoint {
        Endpoint(address: Link.place(number).address, port: 25632, scope: 7)
    }

    @Test func twoThatKnowEachOtherFindEachOtherAtOnce() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.run(3)
        link.add(b, knows: [a.address])
        link.run(0.3)
        #expect(link.found(0) == [b.address: [endpoint(1)]])
        #expect(link.found(1) == [a.address: [endpoint(0)]])
    }

    /// The newcomer is whom nobody knows: it hears of the other all the same, which answers to an arrival that it cannot read.
    @Test func oneThatIsNotKnownFindsWhomItKnows() {
        let link = Link()
        link.add(a)
        link.run(10)
        link.add(b, knows: [a.address])
        link.run(0.3)
        #expect(link.found(1) == [a.address: [endpoint(0)]])
        #expect(link.found(0).isEmpty)
    }

    @Test func whatIsLostIsSaidAgain() {
        let link = Link()
        var count = 0
        link.loses = { _ in
            count += 1
            return count <= 4
        }
        link.add(a, knows: [b.address])
        link.add(b, knows: [a.address])
        link.run(3)
        #expect(link.found(0)[b.address] != nil && link.found(1)[a.address] != nil)
    }

    @Test func strangersLearnNothing() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.add(b, knows: [a.address])
        link.add(c)
        link.run(60)
        #expect(link.boxes[2].found.isEmpty)
        // Nothing in any two datagrams is the same, but for their kind and length.
        let all = link.wire.map(\.datagram.bytes)
        #expect(all.count > 10 && Set(all.map(\.count)) == [LocalMessage.count])
        #expect(Set(all.map { Array($0[1..<9]) }).count == all.count)
        for bytes in all {
            let text = bytes.map { UInt8($0) }
            for address in [a.address, b.address] {
                #expect(!Self.contains(text, address.raw.bytes))
            }
        }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        (0...(bytes.count - 8)).contains { Array(bytes[$0..<$0 + 8]) == Array(part.prefix(8)) }
    }

    // MARK: Replays

    @Test func whatWasHeardBeforeDoesNothing() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.add(b, knows: [a.address])
        link.run(20)
        let old = link.wire.map(\.datagram)
        for index in link.boxes.indices { link.boxes[index].found = [] }
        let before = link.wire.count
        let challenged = link.boxes.map(\.discovery.counters.challenged)
        // All of it once more, from where it came.
        for datagram in old { link.carry(datagram) }
        link.flush()
        #expect(link.boxes.allSatisfy { $0.found.isEmpty })
        #expect(link.boxes.map(\.discovery.counters.challenged) == challenged)
        #expect(link.boxes.allSatisfy { $0.discovery.counters.replayed > 0 })
        // Old questions may be answered, each by one datagram of the same length.
        #expect(link.wire.count - before <= 2 * old.count)
    }

    @Test func whatComesFromElsewhereDoesNothing() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.add(b)
        link.run(1)
        let before = link.found(0)
        let challenged = link.boxes[0].discovery.counters.challenged
        link.boxes[0].found = []
        for datagram in link.wire.map(\.datagram) where datagram.target.address.isMulticast {
            var moved = datagram
            moved.source = Link.place(66).address
            link.carry(moved)
        }
        link.flush()
        #expect(before.count == 1 && link.boxes[0].found.isEmpty)
        // Nobody is even asked: that would show that this box knows the other.
        #expect(link.boxes[0].discovery.counters.challenged == challenged)
        #expect(link.boxes[0].discovery.counters.replayed > 0)
    }

    /// To a box that starts later, a recording is as fresh as anything: so it asks, and nobody answers.
    @Test func aRecordingOfWhoIsGoneIsAskedAndDoesNotAnswer() {
        let link = Link()
        link.add(b)
        link.run(5)
        let recorded = link.wire.map(\.datagram)
        let other = Link()
        other.add(a, knows: [b.address])
        other.run(1)
        // From the very address that it was first sent from, which is somebody else's now.
        other.boxes[0].place = Link.place(9)
        other.boxes[0].discovery.setPlaces([Link.place(9)], now: other.now)
        for datagram in recorded { other.carry(datagram) }
        other.run(5)
        #expect(other.boxes[0].discovery.counters.challenged > 0)
        #expect(other.boxes[0].found.isEmpty)
    }

    @Test func clocksDoNotMatter() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.now = .at(1_000_000)
        link.boxes[0].discovery.tick(now: link.now)
        link.add(b, knows: [a.address])
        link.run(1)
        #expect(link.found(0)[b.address] != nil && link.found(1)[a.address] != nil)
    }

    @Test func whoStartsAgainIsFoundAgain() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.add(b, knows: [a.address])
        link.run(20)
        link.boxes[0].found = []
        // Another run, and other ports.
        var again = LocalDiscovery(own: b.address, settings: LocalSettings(), random: FixedRandom(999))
        again.setPlaces([Link.place(1, ports: [777])], now: link.now)
        link.boxes[1].discovery = again
        link.run(0.3)
        #expect(link.found(0)[b.address]?.first?.port == 777)
    }

    // MARK: Groups

    @Test func aSecretMakesStrangersMeet() {
        let link = Link()
        link.add(a) { $0.secret = "of the house" }
        link.add(b) { $0.secret = "of the house" }
        link.add(c) { $0.secret = "another" }
        link.run(3)
        #expect(link.found(0) == [b.address: [endpoint(1)]] && link.found(1) == [a.address: [endpoint(0)]])
        #expect(link.boxes[0].found.allSatisfy { $0.isStranger })
        #expect(link.boxes[2].found.isEmpty)
        #expect(link.boxes[0].discovery.strangers(now: link.now) == [b.address])
        // Three periods of silence later they are nobody's peers any more.
        link.loses = { _ in true }
        link.run(3 * 8 * 15 + 10)
        #expect(link.boxes[0].discovery.strangers(now: link.now).isEmpty)
    }

    @Test func autopeeringTakesBothSides() {
        let link = Link()
        link.add(a, { $0.autopeering = true }, anybody: true)
        link.add(b, { $0.autopeering = true }, anybody: true)
        // It says who it is, and takes nobody whom it does not know.
        link.add(c, { $0.autopeering = true })
        link.run(3)
        #expect(Set(link.found(0).keys) == [b.address, c.address])
        #expect(link.boxes[2].found.isEmpty)
    }

    @Test func strangersAreBounded() {
        let link = Link()
        link.add(a, { $0.autopeering = true }, anybody: true)
        for number in 0..<100 { link.add(key(UInt64(1000 + number)), { $0.autopeering = true }) }
        link.run(120)
        let found = link.found(0).count
        #expect(found > 20 && found <= LocalDiscovery.mostStrangers, "\(found)")
    }

    // MARK: Limits

    @Test func nobodyFarAwayIsHeard() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.run(3)
        let message = LocalMessage(sender: a.address)
        let datagram = message.sealed(.localChallenge, LocalKey(knowing: a.address), FixedRandom(3))
        let far = Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: 1), port: 5)
        datagram.withUnsafeBytes { link.boxes[0].discovery.receive($0, from: far, interface: 7, now: link.now) }
        #expect(link.boxes[0].discovery.takeDatagrams().isEmpty)
        let near = Endpoint(address: Link.place(8).address, port: 5, scope: 7)
        datagram.withUnsafeBytes { link.boxes[0].discovery.receive($0, from: near, interface: 8, now: link.now) }
        #expect(link.boxes[0].discovery.takeDatagrams().isEmpty)
    }

    /// Answers are as long as what asks for them, and no more of them: whatever comes in, from whomever.
    @Test func aFloodIsNotAmplified() {
        let link = Link()
        link.add(a, knows: (10..<60).map { key($0).address })
        link.run(5)
        let random = FixedRandom(8)
        let kinds: [DiscoveryKind] = [.localAnnouncement, .localArrival, .localChallenge, .localAnswer]
        var bytesIn = 0
        var bytesOut = 0
        for number in 0..<20_000 {
            var question = LocalMessage(sender: number % 2 == 0 ? a.address : key(10).address)
            let source = Endpoint(address: Link.place(100 + number % 500).address, port: 5, scope: 7)
            question.source = source.address
            question.ports = [1]
            let key = LocalKey(knowing: question.sender)
            let datagram = question.sealed(kinds[number % 4], key, random)
            bytesIn += datagram.count
            link.now = link.now + .microseconds(100)
            datagram.withUnsafeBytes {
                link.boxes[0].discovery.receive($0, from: source, interface: 7, now: link.now)
            }
            link.boxes[0].discovery.tick(now: link.now)
            bytesOut += link.boxes[0].discovery.takeDatagrams().reduce(0) { $0 + $1.bytes.count }
        }
        // In two seconds: a part of what came.
        #expect(bytesOut * 20 < bytesIn, "\(bytesOut) of \(bytesIn)")
        #expect(link.boxes[0].discovery.heard.count <= LocalDiscovery.mostHeard)
        #expect(link.boxes[0].discovery.asked.count <= LocalDiscovery.mostAsked)
        #expect(link.boxes[0].discovery.counters.limited > 10_000)
    }

    /// Whoever is linked says little: with both families of addresses under 10 bytes a second.
    @Test func anIdleLinkIsQuiet() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.add(b, knows: [a.address])
        link.run(5)
        for index in 0...1 { link.boxes[index].discovery.setMissing(false, now: link.now) }
        link.run(120)
        link.wire = []
        link.run(1200)
        let bytes = link.wire.filter { $0.datagram.source == Link.place(0).address }.count * (LocalMessage.count + 62)
        #expect(bytes > 0 && bytes / 1200 < 3, "\(bytes)")
        link.wire = []
        link.boxes[0].discovery.setMissing(true, now: link.now)
        link.run(60)
        #expect(link.wire.count >= 4)
    }

    @Test func placesComeAndGo() {
        let link = Link()
        link.add(a, knows: [b.address])
        link.boxes[0].discovery.setPlaces([], now: link.now)
        link.add(b)
        link.run(3)
        #expect(link.boxes[0].found.isEmpty)
        link.boxes[0].discovery.setPlaces([Link.place(0)], now: link.now)
        link.run(0.3)
        #expect(link.found(0)[b.address] != nil)
    }

    @Test func messagesAreReadStrictly() {
        var message = LocalMessage(sender: a.address)
        message.ports = [1, 2, 65535]
        message.token = .init(high: 1, low: 2)
        message.source = Link.place(3).address
        message.run = 5
        message.sequence = 6
        message.next = 7
        let key = LocalKey(knowing: b.address)
        let datagram = message.sealed(.localAnswer, key, FixedRandom(1))
        #expect(datagram.count == 144)
        #expect(LocalMessage.open(datagram, .localAnswer, key) == message)
        #expect(LocalMessage.open(datagram, .localChallenge, key) == nil)
        #expect(LocalMessage.open(datagram, .localAnswer, LocalKey(knowing: a.address)) == nil)
        #expect(LocalMessage.open(datagram, .localAnswer, LocalKey.anybody) == nil)
        for place in datagram.indices.dropFirst() {
            var bent = datagram
            bent[place] ^= 1
            #expect(LocalMessage.open(bent, .localAnswer, key) == nil)
        }
        #expect(LocalMessage.open(datagram.dropLast(), .localAnswer, key) == nil)
    }
}
