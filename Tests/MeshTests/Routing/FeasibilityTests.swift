import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Babel's rules for what may be a route (RFC 8966 sections 2.4, 3.5.1, 3.6).
@Suite struct FeasibilityTests {
    let random = SeededRandom(seed: 31)
    let start = Instant(nanoseconds: 1_000_000_000)

    @Test func newerIsNearerThanAnyHops() {
        #expect(Distance(sequence: 2, metric: 60) < Distance(sequence: 1, metric: 0))
        #expect(Distance(sequence: 1, metric: 2) < Distance(sequence: 1, metric: 3))
        #expect(!(Distance(sequence: 1, metric: 3) < Distance(sequence: 1, metric: 3)))
    }

    @Test func onlyNearerNeighboursServe() {
        var (a, b, c) = (Speaker(1, random), Speaker(2, random), Speaker(3, random))
        var listener = BeaconNet(sequence: 1, now: start)
        for speaker in [a, b, c] { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        let far = FarNode(random)
        // Ours is 3 hops; b is as near as a, c is not nearer than we are.
        a.say(.beacon(far.beacon(1), metric: 2), to: &listener, now: start)
        b.say(.beacon(far.beacon(1), metric: 2), to: &listener, now: start)
        c.say(.beacon(far.beacon(1), metric: 3), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == a.id)
        _ = listener.takeOutput()
        // To b at once, without asking anybody.
        listener.neighbourDown(a.id, now: start)
        #expect(listener.nextHop(to: far.address) == b.id)
        var told = listener.takeOutput()
        #expect(told.requests.isEmpty)
        // b is our way now, so we are none for b.
        #expect(told.to(b.id).retractions == [far.address] && told.to(b.id).beacons.isEmpty)
        // Then c must not serve, although it has a way.
        b.say(.retraction(far.address), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == nil)
        told = listener.takeOutput()
        #expect(told.requests.map(\.sequence) == [2, 2])
        #expect(told.to(c.id).retractions == [far.address])
        c.say(.beacon(far.beacon(1), metric: 3), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == nil)
        c.say(.beacon(far.beacon(2), metric: 30), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == c.id)
    }

    @Test func theFeasibilityDistanceOutlivesTheRoute() {
        var (a, b) = (Speaker(1, random), Speaker(2, random))
        var listener = BeaconNet(sequence: 1, now: start)
        for speaker in [a, b] { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        let far = FarNode(random)
        a.say(.beacon(far.beacon(5), metric: 1), to: &listener, now: start)
        a.say(.retraction(far.address), to: &listener, now: start)
        var now = start
        // 70 s of lifetime, in which others may believe us, and the margin.
        while now < start + .seconds(125) {
            now = now + .seconds(5)
            listener.tick(now: now)
            b.say(.beacon(far.beacon(5), metric: 2), .beacon(far.beacon(4), metric: 0), to: &listener, now: now)
            #expect(listener.nextHop(to: far.address) == nil, "\(now)")
        }
        #expect(listener.counts.knownOrigins == 1)
        listener.tick(now: start + .seconds(131))
        #expect(listener.counts.knownOrigins == 0)
    }

    @Test func requestsForALostRouteAreRepeatedAndEnd() {
        var (a, b) = (Speaker(1, random), Speaker(2, random))
        var listener = BeaconNet(sequence: 1, now: start)
        for speaker in [a, b] { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        let far = FarNode(random)
        a.say(.beacon(far.beacon(5), metric: 1), to: &listener, now: start)
        listener.neighbourDown(a.id, now: start)
        let epoch = listener.neighbours[b.id]?.epoch ?? 0
        var asked: [Interval] = []
        var now = start
        var serial: UInt64 = 0
        while now < start + .seconds(60) {
            listener.tick(now: now)
            for frame in listener.takeOutput() where !frame.items.isEmpty {
                serial += 1
                if !([frame].requests.isEmpty) { asked.append(now - start) }
                _ = listener.fault(
                    BeaconFrame.acknowledgement(epoch: 1, of: epoch, serials: [serial]), from: b.id, now: now)
            }
            now = now + .milliseconds(50)
        }
        #expect(asked.count == 4, "\(asked.map(\.inSeconds))")
        #expect(zip(asked, [0, 1, 3, 7]).allSatisfy { abs($0.inSeconds - $1) < 0.3 }, "\(asked.map(\.inSeconds))")
    }

    /// A shorter way that stopped passing beacons on is given up for a longer one that did not.
    @Test func overtakenWaysAreGivenUp() {
        var (a, b) = (Speaker(1, random), Speaker(2, random))
        var listener = BeaconNet(sequence: 1, now: start)
        for speaker in [a, b] { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        let far = FarNode(random)
        a.say(.beacon(far.beacon(5), metric: 1), to: &listener, now: start)
        b.say(.beacon(far.beacon(6), metric: 4), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == a.id)
        listener.tick(now: start + .milliseconds(1900))
        #expect(listener.nextHop(to: far.address) == a.id)
        listener.tick(now: start + .milliseconds(2200))
        #expect(listener.nextHop(to: far.address) == b.id)
        a.say(.beacon(far.beacon(6), metric: 1), to: &listener, now: start + .milliseconds(2300))
        #expect(listener.nextHop(to: far.address) == a.id)
    }

    /// Frames that a retraction overtook are not believed, and are told again because nobody acknowledges them.
    @Test func anOvertakenFrameIsNotBelieved() {
        var a = Speaker(1, random)
        var listener = BeaconNet(sequence: 1, now: start)
        listener.neighbourUp(a.id, key: a.key.publicKey, now: start)
        let (far, other) = (FarNode(random), FarNode(random))
        let first = a.updates([.beacon(far.beacon(5), metric: 1), .beacon(other.beacon(5), metric: 1)])
        a.say(.retraction(far.address), to: &listener, now: start)
        #expect(listener.fault(first, from: a.id, now: start) == nil)
        #expect(listener.nextHop(to: far.address) == nil && listener.nextHop(to: other.address) == nil)
        #expect(listener.takeOutput().acknowledged == [2])
        a.say(.beacon(other.beacon(5), metric: 1), to: &listener, now: start)
        #expect(listener.nextHop(to: other.address) == a.id)
    }

    /// What a neighbour said before it started over holds no longer, nor do its old frame numbers.
    @Test func aNeighbourThatStartsOverIsBelievedAnew() {
        var a = Speaker(1, random)
        var listener = BeaconNet(sequence: 1, now: start)
        listener.neighbourUp(a.id, key: a.key.publicKey, now: start)
        let (far, other) = (FarNode(random), FarNode(random))
        for sequence in 1...9 as ClosedRange<UInt64> {
            a.say(.beacon(far.beacon(sequence), metric: 1), to: &listener, now: start)
        }
        let late = a.updates([.beacon(far.beacon(9), metric: 1)])
        a.startOver()
        a.say(.beacon(other.beacon(1), metric: 1), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == nil && listener.nextHop(to: other.address) == a.id)
        #expect(listener.fault(late, from: a.id, now: start) == .staleEpoch)
        a.say(.beacon(far.beacon(10), metric: 1), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == a.id)
        // A clock that went back is believed after a silence.
        a.epoch = 0
        #expect(a.say(.retraction(far.address), to: &listener, now: start + .seconds(1)) == .staleEpoch)
        #expect(a.say(.retraction(far.address), to: &listener, now: start + .seconds(11)) == nil)
        #expect(listener.nextHop(to: far.address) == nil && listener.nextHop(to: other.address) == nil)
    }

    /// The books about who fills the table agree with the table, whatever happened.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func sharesAreKeptRight(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var limits = BeaconNetLimits()
        limits.origins = 24
        limits.adjacencies = 2
        var speakers = (1...4).map { Speaker($0, random) }
        let nodes = (0..<40).map { _ in FarNode(random) }
        var listener = BeaconNet(sequence: 1, now: start, limits: limits)
        var now = start
        var sequences = [UInt64](repeating: 1, count: nodes.count)
        for round in 0..<3000 {
            now = now + random.interval(.zero...Interval.milliseconds(400))
            let who = Int(random.next() % 4)
            let node = Int(random.next() % UInt64(nodes.count))
            switch random.next() % 20 {
            case 0: listener.neighbourUp(speakers[who].id, key: speakers[who].key.publicKey, now: now)
            case 1: listener.neighbourDown(speakers[who].id, now: now)
            case 2, 3: speakers[who].say(.retraction(nodes[node].address), to: &listener, now: now)
            case 4:
                sequences[node] += 1
                let withdrawal = nodes[node].beacon(sequences[node], lifetime: 0)
                speakers[who].say(.beacon(withdrawal, metric: 255), to: &listener, now: now)
            case 5: listener.addLocal(nodes[node % 3].key, now: now)
            case 6: listener.removeLocal(nodes[node % 3].address, now: now)
            case 7:
                let own = Beacon(
                    signedBy: speakers[who].key, sequence: UInt64(round + 1), lifetime: 70, purpose: "inet256/beacon",
                    now: now)
                let teller = Int(random.next() % 4)
                speakers[teller].say(.beacon(own, metric: teller == who ? 0 : 1), to: &listener, now: now)
            default:
                if random.chance(permille: 300) { sequences[node] += 1 }
                let metric = UInt8(random.next() % 6)
                speakers[who].say(.beacon(nodes[node].beacon(sequences[node]), metric: metric), to: &listener, now: now)
            }
            listener.tick(now: now)
            _ = listener.takeOutput()
            var live = 0
            for speaker in speakers {
                let charged = listener.table.origins.values.filter { $0.charge?.neighbour == speaker.id }
                guard let charges = listener.neighbours[speaker.id]?.charges else {
                    #expect(charged.isEmpty, "seed \(seed) round \(round)")
                    continue
                }
                #expect(charges.total == charged.count, "seed \(seed) round \(round)")
                #expect(charges.live == charged.filter { !$0.isLost }.count, "seed \(seed) round \(round)")
                #expect(
                    charges.worst == charged.compactMap { $0.route?.distance.metric }.max(),
                    "seed \(seed) round \(round)")
                live += charges.live
            }
            #expect(listener.charged == live, "seed \(seed) round \(round)")
            let own = listener.direct.keys.filter { listener.table[$0] != nil }.count
            #expect(listener.ownOrigins == own, "seed \(seed) round \(round)")
            // Neighbours that left, and local nodes that went, may be over for some seconds.
            #expect(listener.table.origins.count <= limits.origins + 4 + 4 + 3, "seed \(seed) round \(round)")
            #expect(
                Set(listener.table.known)
                    == Set(listener.table.origins.keys).union(listener.direct.keys).union(listener.locals.keys),
                "seed \(seed) round \(round)")
            #expect(listener.table.known == listener.table.known.sorted(), "seed \(seed) round \(round)")
            for address in listener.table.known {
                let expected =
                    listener.locals[address] != nil
                    ? nil : listener.direct[address] ?? listener.table[address]?.route?.nextHop
                #expect(listener.nextHop(to: address) == expected, "seed \(seed) round \(round)")
            }
        }
        #expect(listener.counts.refusedForRoom > 0, "seed \(seed)")
    }

    @Test func theSameSeedIsTheSameRun() {
        func trace() -> [String] {
            let fabric = Fabric(seed: 9, quality: .bad) { BeaconNet(sequence: $0, now: $1) }
            fabric.build(.random(10, extra: 6, seed: 9))
            fabric.run(for: .seconds(2))
            fabric.kill(3)
            fabric.run(for: .seconds(30))
            return fabric.nodes.map { "\($0.algorithm.counts) \($0.algorithm.version) \($0.algorithm.deadline)" }
                + ["\(fabric.framesDelivered)"]
        }
        #expect(trace() == trace())
    }
}
