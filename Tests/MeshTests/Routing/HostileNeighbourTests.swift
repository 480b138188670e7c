import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Neighbours that lie, repeat, forge and flood.
@Suite struct HostileNeighbourTests {
    let random = SeededRandom(seed: 11)
    let start = Instant(nanoseconds: 1_000_000_000)

    func listener(_ limits: BeaconNetLimits = BeaconNetLimits(), _ speakers: Speaker...) -> BeaconNet {
        var listener = BeaconNet(sequence: 1000, now: start, limits: limits)
        for speaker in speakers { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        _ = listener.takeOutput()
        return listener
    }

    @Test func forgedBeaconsGoNowhere() {
        var a = Speaker(1, random)
        let b = Speaker(2, random)
        var listener = listener(BeaconNetLimits(), a, b)
        let far = FarNode(random)
        let forged = far.beacon(5, purpose: "inet256/other")
        #expect(a.say(.beacon(forged, metric: 1), to: &listener, now: start) == .forged)
        #expect(listener.nextHop(to: far.address) == nil)
        #expect(listener.publicKey(of: far.address) == nil)
        #expect(listener.takeOutput().beacons.isEmpty)
        #expect(listener.counts.forgeries == 1)
        #expect(a.say(.beacon(far.beacon(5), metric: 1), to: &listener, now: start) == nil)
        #expect(listener.nextHop(to: far.address) == a.id)
    }

    @Test func replaysDoNothing() {
        var a = Speaker(1, random)
        var b = Speaker(2, random)
        var listener = listener(BeaconNetLimits(), a, b)
        let far = FarNode(random)
        let (old, new) = (far.beacon(5), far.beacon(6))
        a.say(.beacon(old, metric: 3), to: &listener, now: start)
        a.say(.beacon(new, metric: 3), to: &listener, now: start)
        let checks = listener.counts.signaturesChecked
        let version = listener.version
        _ = listener.takeOutput()
        b.say(.beacon(old, metric: 0), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == a.id)
        // What is known byte for byte needs no second check.
        b.say(.beacon(new, metric: 3), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == a.id)
        #expect(listener.version == version)
        #expect(listener.counts.signaturesChecked == checks && checks == 2)
        // The same words again do not make the route last longer.
        var now = start
        for _ in 0..<16 {
            now = now + .seconds(5)
            b.say(.beacon(new, metric: 3), .beacon(old, metric: 1), to: &listener, now: now)
            a.say(.beacon(new, metric: 3), to: &listener, now: now)
            listener.tick(now: now)
        }
        #expect(listener.nextHop(to: far.address) == nil)
        #expect(listener.counts.signaturesChecked == checks)
    }

    @Test func aTakenBackOriginStaysAway() {
        var a = Speaker(1, random)
        var b = Speaker(2, random)
        var listener = listener(BeaconNetLimits(), a, b)
        let far = FarNode(random)
        a.say(.beacon(far.beacon(5), metric: 2), to: &listener, now: start)
        _ = listener.takeOutput()
        a.say(.beacon(far.beacon(6, lifetime: 0), metric: 255), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == nil)
        let told = listener.takeOutput()
        #expect(told.to(b.id).beacons.contains { $0.beacon.isWithdrawal && $0.beacon.address == far.address })
        #expect(told.requests.isEmpty)
        b.say(.beacon(far.beacon(5), metric: 0), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == nil)
        b.say(.beacon(far.beacon(7), metric: 4), to: &listener, now: start)
        #expect(listener.nextHop(to: far.address) == b.id)
    }

    @Test func aSecondBeaconOfOneSequenceIsRefused() {
        var a = Speaker(1, random)
        var listener = listener(BeaconNetLimits(), a)
        let far = FarNode(random)
        a.say(.beacon(far.beacon(5), metric: 2), to: &listener, now: start)
        #expect(a.say(.beacon(far.beacon(5, lifetime: 71), metric: 0), to: &listener, now: start) == .conflicting)
        #expect(listener.counts.signaturesChecked == 1)
    }

    @Test(arguments: [false, true])
    func aFloodDisplacesNobodyElse(floodFirst: Bool) {
        var limits = BeaconNetLimits()
        limits.origins = 64
        var honest = Speaker(1, random)
        var flooder = Speaker(2, random)
        var listener = listener(limits, honest, flooder)
        let real = (0..<20).map { _ in FarNode(random) }
        let made = (0..<300).map { _ in FarNode(random) }
        var now = start
        var highest = 0
        // Three periods, in which both say everything they have.
        for round in 0..<3 as Range<UInt64> {
            let flood = {
                for node in made {
                    flooder.say(.beacon(node.beacon(10 + round), metric: 1), to: &listener, now: now)
                    highest = max(highest, listener.counts.knownOrigins)
                }
            }
            if floodFirst { flood() }
            for node in real { honest.say(.beacon(node.beacon(10 + round), metric: 7), to: &listener, now: now) }
            if !floodFirst { flood() }
            for _ in 0..<100 {
                now = now + .milliseconds(200)
                listener.tick(now: now)
                _ = listener.takeOutput()
            }
        }
        #expect(highest <= 64)
        #expect(real.filter { listener.nextHop(to: $0.address) == honest.id }.count == real.count)
        #expect(listener.counts.refusedForRoom > 0)
        // Neighbours have room of their own.
        #expect(flooder.say(.beacon(far(flooder), metric: 0), to: &listener, now: now) == nil)
        var late = Speaker(3, random)
        listener.neighbourUp(late.id, key: late.key.publicKey, now: now)
        #expect(late.say(.beacon(far(late), metric: 0), to: &listener, now: now) == nil)
        #expect(listener.nextHop(to: late.key.address) == late.id)
        #expect(listener.counts.knownOrigins <= 66)
    }

    /// Many strangers, each of whom fills its share, leave a peer three quarters of the table.
    @Test(arguments: [false, true]) func strangersInNumbersLeaveAPeerItsRoom(peerFirst: Bool) {
        var limits = BeaconNetLimits()
        limits.origins = 64
        var peer = Speaker(1, random)
        var listener = listener(limits, peer)
        var strangers = (2..<30 as Range<UInt32>).map { Speaker($0, random) }
        for stranger in strangers {
            listener.neighbourUp(stranger.id, key: stranger.key.publicKey, now: start)
            listener.distinguish(stranger.id, isPeer: false)
        }
        let real = (0..<40).map { _ in FarNode(random) }
        var now = start
        // A peer that comes when all is full gets the eighth that is kept free in each period, until it has its part.
        for round in 0..<(peerFirst ? 3 : 6) as Range<UInt64> {
            if peerFirst {
                for node in real { peer.say(.beacon(node.beacon(10 + round), metric: 7), to: &listener, now: now) }
            }
            for place in strangers.indices {
                for _ in 0..<5 {
                    strangers[place].say(
                        .beacon(FarNode(random).beacon(10 + round), metric: 1), to: &listener, now: now)
                }
            }
            if !peerFirst {
                for node in real { peer.say(.beacon(node.beacon(10 + round), metric: 7), to: &listener, now: now) }
            }
            for _ in 0..<100 {
                now = now + .milliseconds(200)
                listener.tick(now: now)
                _ = listener.takeOutput()
            }
        }
        let reached = real.count { listener.nextHop(to: $0.address) == peer.id }
        #expect(reached == real.count, "\(reached) of a peer's 40 nodes")
        for stranger in strangers { listener.neighbourDown(stranger.id, now: now) }
        #expect(listener.strangers == 0)
    }

    private func far(_ speaker: Speaker) -> Beacon {
        Beacon(signedBy: speaker.key, sequence: 1, lifetime: 70, purpose: "inet256/beacon", now: start)
    }

    @Test func nearOriginsWinOverFarOnesOfTheSameNeighbour() {
        var limits = BeaconNetLimits()
        limits.origins = 32
        var flooder = Speaker(1, random)
        let other = Speaker(2, random)
        var listener = listener(limits, flooder, other)
        for _ in 0..<60 { flooder.say(.beacon(FarNode(random).beacon(1), metric: 9), to: &listener, now: start) }
        let near = FarNode(random)
        #expect(flooder.say(.beacon(near.beacon(1), metric: 2), to: &listener, now: start) == nil)
        #expect(listener.nextHop(to: near.address) == flooder.id)
        #expect(flooder.say(.beacon(FarNode(random).beacon(1), metric: 9), to: &listener, now: start) == .noRoom)
    }

    @Test func signatureChecksAreRationed() {
        var limits = BeaconNetLimits()
        limits.neighbourChecks = (burst: 10, every: .milliseconds(100))
        var a = Speaker(1, random)
        var b = Speaker(2, random)
        var listener = listener(limits, a, b)
        let nodes = (0..<30).map { _ in FarNode(random) }
        let faults = nodes.map { a.say(.beacon($0.beacon(1), metric: 1), to: &listener, now: start) }
        #expect(faults.filter { $0 == nil }.count == 10)
        #expect(faults.filter { $0 == .rateLimited }.count == 20)
        // What was put off is not acknowledged, so it will be told again.
        #expect(listener.takeOutput().to(a.id).acknowledged == [UInt64](1...10))
        // The other neighbour has its own ration.
        #expect(b.say(.beacon(FarNode(random).beacon(1), metric: 1), to: &listener, now: start) == nil)
        let later = start + .seconds(2)
        for node in nodes { a.say(.beacon(node.beacon(1), metric: 1), to: &listener, now: later) }
        #expect(nodes.filter { listener.nextHop(to: $0.address) != nil }.count == 20)
    }

    @Test func requestsDoNotMakeBeaconsWithoutEnd() {
        var a = Speaker(1, random)
        var listener = listener(BeaconNetLimits(), a)
        let local = PrivateKey(generatedFrom: random)
        listener.addLocal(local, now: start)
        var now = start
        var sequence: UInt64 = 1000
        var beacons = 0
        for _ in 0..<1000 {
            now = now + .milliseconds(10)
            a.say(.request(local.address, sequence + 1), to: &listener, now: now)
            listener.tick(now: now)
            for (beacon, _) in listener.takeOutput().beacons where beacon.sequence > sequence {
                sequence = beacon.sequence
                beacons += 1
            }
            // Acknowledge, so that nothing is held back for that.
            let epoch = listener.neighbours[a.id]?.epoch ?? 0
            let all = (1...2000).map { UInt64($0) }
            for part in stride(from: 0, to: all.count, by: 100) {
                let frame = BeaconFrame.acknowledgement(epoch: 1, of: epoch, serials: all[part..<(part + 100)])
                _ = listener.fault(frame, from: a.id, now: now)
            }
        }
        // A burst of 8, then one a second for 10 s.
        #expect((16...19).contains(beacons), "\(beacons)")
        // An absurd request moves nothing.
        a.say(.request(local.address, sequence + 1000), to: &listener, now: now + .seconds(10))
        #expect(listener.locals[local.address]?.beacon.sequence == sequence)
    }

    @Test func requestsArePassedOnOnce() {
        var a = Speaker(1, random)
        var b = Speaker(2, random)
        let c = Speaker(3, random)
        var listener = listener(BeaconNetLimits(), a, b, c)
        let far = FarNode(random)
        a.say(.request(far.address, 5, hops: 9), to: &listener, now: start)
        b.say(.request(far.address, 5, hops: 9), to: &listener, now: start)
        let passed = listener.takeOutput()
        #expect(passed.requests.count == 2 && passed.requests.allSatisfy { $0.hops == 8 && $0.sequence == 5 })
        #expect(Set(passed.filter { !$0.items.isEmpty }.map(\.to)) == [b.id, c.id])
        // No farther than it may.
        let other = FarNode(random)
        a.say(.request(other.address, 5, hops: 1), to: &listener, now: start)
        #expect(listener.takeOutput().requests.isEmpty)
        // And not more often than is decent.
        var faults: [RoutingError] = []
        for _ in 0..<2000 {
            let unknown = unknownAddress(random)
            if let fault = a.say(.request(unknown, 5), to: &listener, now: start) { faults.append(fault) }
        }
        #expect(faults.count > 1400 && faults.allSatisfy { $0 == .rateLimited })
    }

    private func unknownAddress(_ random: SeededRandom) -> Address {
        Address(raw: Bytes32(words: (random.next(), random.next(), random.next(), random.next())))
    }

    @Test func aDeafNeighbourHoldsLittle() {
        var limits = BeaconNetLimits()
        limits.pendingUpdates = 64
        limits.window = 4
        var a = Speaker(1, random)
        let deaf = Speaker(2, random)
        var listener = listener(limits, a, deaf)
        let nodes = (0..<200).map { _ in FarNode(random) }
        var now = start
        var most = 0
        var frames = 0
        for (round, node) in nodes.enumerated() {
            now = now + .milliseconds(50)
            a.say(.beacon(node.beacon(1), metric: 1), to: &listener, now: now)
            listener.tick(now: now)
            frames += listener.takeOutput().to(deaf.id).count
            most = max(most, listener.neighbours[deaf.id]?.queue.count ?? 0)
            if round == 150 { frames = 0 }
        }
        #expect(most <= 64 + 8 * 4)
        // One frame now and then, to see whether it lives: 50 rounds are 2.5 s.
        #expect(frames <= 3, "\(frames)")
        // When it speaks again it is told all.
        var told: Set<Address> = []
        for _ in 0..<200 {
            now = now + .milliseconds(20)
            listener.tick(now: now)
            for frame in listener.takeOutput().to(deaf.id) {
                for (beacon, _) in [frame].beacons { told.insert(beacon.address) }
                let serial = frame.bytes[10..<18].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                let epoch = listener.neighbours[deaf.id]?.epoch ?? 0
                let reply = BeaconFrame.acknowledgement(epoch: 1, of: epoch, serials: [serial])
                #expect(listener.fault(reply, from: deaf.id, now: now) == nil)
            }
        }
        #expect(nodes.allSatisfy { told.contains($0.address) }, "\(told.count)")
    }
}
