import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The parts of a session, each alone: what went through it, its way through relays, and what it is as a link.
@Suite struct SessionPartsTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    // MARK: Traffic

    @Test func trafficIsCounted() {
        var traffic = SessionTraffic(start)
        #expect(traffic.lastHeard == start && !traffic.everSentData)
        traffic.received(100, start + .seconds(1))
        traffic.sent(2000, start + .seconds(2))
        traffic.sent(50, start + .seconds(3))
        #expect(traffic.receivedDatagrams == 1 && traffic.receivedBytes == 100)
        #expect(traffic.sentDatagrams == 2 && traffic.sentBytes == 2050 && traffic.sentLarge == 1)
        #expect(traffic.lastHeard == start + .seconds(1) && traffic.lastSent == start + .seconds(3))
        // Neither is data by itself.
        #expect(!traffic.everSentData && traffic.lastData == .distantPast)
        traffic.receivedData(start + .seconds(4))
        traffic.sentData(start + .seconds(5))
        #expect(traffic.everSentData && traffic.lastData == start + .seconds(5))
        traffic.discountLarge(since: 0)
        traffic.unsend(datagrams: 1, bytes: 50)
        #expect(traffic.sentLarge == 0 && traffic.sentDatagrams == 1 && traffic.sentBytes == 2000)
        // Never below nothing, whatever the kernel says.
        traffic.unsend(datagrams: 9, bytes: 1 << 40)
        traffic.unsend(datagrams: -1, bytes: -1)
        #expect(traffic.sentDatagrams == 0 && traffic.sentBytes == 0)
    }

    @Test func whatIsNotAnswered() {
        var traffic = SessionTraffic(start)
        #expect(traffic.awaitsAnswer(start + .seconds(1)) && !traffic.awaitsAnswer(start + .seconds(2)))
        #expect(traffic.unansweredSince == start + .seconds(1))
        traffic.received(10, start + .seconds(3))
        #expect(traffic.unansweredSince == .distantFuture && traffic.awaitsAnswer(start + .seconds(4)))
        traffic.answered()
        #expect(traffic.awaitsAnswer(start + .seconds(5)) == true)
        traffic.agreed(start + .seconds(6))
        #expect(traffic.unansweredSince == .distantFuture && traffic.lastReceived == start + .seconds(6))
        #expect(traffic.receivedDatagrams == 1)
    }

    @Test func whatOtherWorkersDid() {
        var traffic = SessionTraffic(start)
        var work = WorkerKeys.Work()
        (work.received, work.receivedBytes) = (3, 300)
        (work.sent, work.sentBytes, work.sentLarge) = (5, 5000, 4)
        traffic.received(1, start + .seconds(9))
        _ = traffic.awaitsAnswer(start)
        // Heard of late: nothing goes back in time, but it is the first data.
        let data = start + .seconds(8)
        #expect(traffic.receivedElsewhere(work, data, dataAt: data) == true)
        #expect(traffic.receivedElsewhere(work, start + .seconds(7), dataAt: start + .seconds(7)) == false)
        // What is relayed is no data of the neighbour's own.
        #expect(traffic.receivedElsewhere(work, start + .seconds(9), dataAt: nil) == false)
        #expect(traffic.lastReceived == start + .seconds(9) && traffic.lastDataReceived == data)
        #expect(traffic.receivedDatagrams == 10 && traffic.receivedBytes == 901)
        #expect(traffic.unansweredSince == .distantFuture)
        traffic.sentElsewhere(work, start + .seconds(5))
        #expect(traffic.sentDatagrams == 5 && traffic.sentBytes == 5000 && traffic.sentLarge == 4)
        #expect(traffic.lastSent == start + .seconds(5) && traffic.lastDataSent == start + .seconds(5))
    }

    // MARK: Relays

    @Test func theStampIsReportedThrice() {
        var way = RelayedWay()
        #expect(way.report(start) == nil && way.reportDue == .distantFuture)
        #expect(way.saw(stamp: 1300) && !way.saw(stamp: 1300))
        var now = start
        for round in 0..<3 {
            #expect(way.report(now) == 1300, "round \(round)")
            #expect(way.report(now) == nil, "round \(round)")
            if round < 2 { #expect(way.reportDue == now + .seconds(1)) }
            now = now + .seconds(1)
        }
        #expect(way.report(now) == nil && way.reportDue == .distantFuture)
        // News is told at once, even between two reports.
        #expect(way.saw(stamp: 900) && way.report(now) == 900)
        #expect(way.saw(stamp: 1200) && way.report(now) == 1200 && way.reportDue == now + .seconds(1))
        #expect(way.saw(stamp: 1 << 20) && way.report(now) == .max)
        way.told(700)
        #expect(way.capacity == 700)
    }

    // MARK: Links

    private func hello(_ run: UInt64, accepts: Bool = true) -> HelloFrame {
        HelloFrame(acceptsLink: accepts, wantsAnswer: false, run: run)
    }

    @Test func hellosGoOutUntilTheLinkIsUp() {
        var link = LinkState()
        #expect(link.helloIsDue(start, accepts: true) == false)
        link.greet(start)
        #expect(link.helloIsDue(start, accepts: true) && link.nextHello == start + .seconds(1))
        #expect(link.helloIsDue(start, accepts: true) == false)
        #expect(link.heard(hello(7), spacing: .seconds(3), start) == .known)
        // It was heard: it is asked more seldom.
        #expect(link.helloIsDue(start + .seconds(1), accepts: true) && link.nextHello == start + .seconds(11))
        link.up(as: NeighbourID(rawValue: 3))
        #expect(link.isUp && !link.helloIsDue(start + .seconds(99), accepts: true))
        #expect(link.down() == NeighbourID(rawValue: 3) && link.down() == nil && !link.isUp)
        // Who does not want a link says so once.
        link.greet(start)
        #expect(link.helloIsDue(start, accepts: false) && link.nextHello == .distantFuture)
    }

    @Test func whoHasForgottenTheLinkIsGreetedOnceASecond() {
        var link = LinkState()
        link.saidHello(start)
        #expect(link.greetAgain(start + .milliseconds(999)) == false)
        #expect(link.greetAgain(start + .seconds(1)) && link.nextHello == start + .seconds(1))
    }

    @Test func anotherRunIsBelievedNowAndThen() {
        var link = LinkState()
        let spacing = Interval.seconds(3)
        #expect(link.heard(hello(1), spacing: spacing, start) == .known && link.remoteAccepts)
        #expect(link.heard(hello(1, accepts: false), spacing: spacing, start) == .known && !link.remoteAccepts)
        #expect(link.heard(hello(2), spacing: spacing, start) == .changed && link.remoteRun == 2)
        // Nothing of one that comes too soon is believed.
        #expect(link.heard(hello(3, accepts: false), spacing: spacing, start + .seconds(2)) == .tooSoon)
        #expect(link.remoteRun == 2 && link.remoteAccepts)
        #expect(link.heard(hello(3), spacing: spacing, start + .seconds(3)) == .changed)
        // On a new path it is said anew, and that is no change.
        link.pathDied()
        #expect(link.remoteRun == nil && !link.remoteAccepts && link.nextHello == .distantFuture)
        #expect(link.heard(hello(4), spacing: spacing, start + .seconds(3)) == .known)
        link.forget()
        #expect(link.heard(hello(5), spacing: spacing, start + .seconds(3)) == .known)
    }

    @Test func aPrefixIsNewsOnce() throws {
        var link = LinkState()
        let one = try #require(IPv6Prefix("fd04::/16"))
        let other = try #require(IPv6Prefix("fd05::/16"))
        #expect(link.heard(one) && !link.heard(one) && link.heard(other) && link.remotePrefix == other)
    }
}
