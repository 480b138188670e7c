import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// Beacons that say nothing new wait for one another; whatever changes a way, or was asked for, does not.
@Suite struct RefreshTests {
    let random = SeededRandom(seed: 61)
    let start = Instant(nanoseconds: 1_000_000_000)

    @Test func whatIsInNoHurryWaitsForMore() {
        func address(_ value: UInt64) -> Address { Address(raw: Bytes32(words: (value, 0, 0, 0))) }
        var queue = UpdateQueue(limits: BeaconNetLimits())
        queue.tell(.route(address(1)), notBefore: start + .milliseconds(100))
        queue.tell(.route(address(2)), notBefore: start + .milliseconds(150))
        #expect(queue.isHeld(now: start + .milliseconds(99)) && queue.deadline == start + .milliseconds(100))
        let early = queue.release(now: start + .milliseconds(99))
        let due = queue.release(now: start + .milliseconds(100))
        #expect(!early && due && !queue.isHeld(now: start + .milliseconds(100)) && queue.deadline == .distantFuture)
        // What is urgent takes all along.
        var other = UpdateQueue(limits: BeaconNetLimits())
        other.tell(.route(address(1)), notBefore: start + .milliseconds(100))
        other.tell(.route(address(1)))
        #expect(!other.isHeld(now: start) && other.count == 1)
        // And what waits with it waits no longer.
        other.tell(.route(address(2)), notBefore: start + .milliseconds(100))
        #expect(!other.isHeld(now: start) && other.count == 2)
    }

    /// Whether frames for `b` go out now, and what they tell. They are acknowledged, so that nothing is told twice.
    private func told(_ listener: inout BeaconNet, _ b: Speaker, now: Instant) -> (frames: Int, beacons: Int) {
        let frames = listener.takeOutput().to(b.id).filter { !$0.items.isEmpty }
        b.acknowledge(frames, to: &listener, now: now)
        return (frames.count, frames.beacons.count)
    }

    @Test func refreshesGoTogether() {
        var (a, b) = (Speaker(1, random), Speaker(2, random))
        var listener = BeaconNet(sequence: 1, now: start)
        for speaker in [a, b] { listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: start) }
        let nodes = (0..<5).map { _ in FarNode(random) }
        // News goes at once.
        for node in nodes { a.say(.beacon(node.beacon(1), metric: 1), to: &listener, now: start) }
        #expect(told(&listener, b, now: start).beacons == 5)
        var now = start + .seconds(1)
        for node in nodes {
            a.say(.beacon(node.beacon(2), metric: 1), to: &listener, now: now)
            listener.tick(now: now)
            #expect(told(&listener, b, now: now).frames == 0)
            now = now + .milliseconds(10)
        }
        now = start + .seconds(1) + .milliseconds(100)
        #expect(listener.deadline <= now)
        listener.tick(now: now)
        #expect(told(&listener, b, now: now) == (1, 5))
        // Another number of hops is news.
        a.say(.beacon(nodes[0].beacon(3), metric: 4), to: &listener, now: now)
        #expect(told(&listener, b, now: now) == (1, 1))
        // So is what somebody asked for.
        b.say(.request(nodes[1].address, 3), to: &listener, now: now)
        _ = listener.takeOutput()
        a.say(.beacon(nodes[1].beacon(3), metric: 1), to: &listener, now: now)
        #expect(told(&listener, b, now: now) == (1, 1))
    }

    /// The nodes of one box are announced again together.
    @Test func nodesOfOneBoxGoTogether() {
        let b = Speaker(2, random)
        var listener = BeaconNet(sequence: 1, now: start)
        listener.neighbourUp(b.id, key: b.key.publicKey, now: start)
        for _ in 0..<10 { listener.addLocal(PrivateKey(generatedFrom: random), now: start) }
        var now = start
        var (frames, beacons) = (0, 0)
        while now < start + .seconds(2000) {
            now = max(now, listener.deadline)
            listener.tick(now: now)
            let more = told(&listener, b, now: now)
            frames += more.frames
            beacons += more.beacons
        }
        // Every 122 to 140 s. Alone each would have a frame of its own; by other keys it is 41 to 67 frames.
        #expect((150...190).contains(beacons), "\(beacons)")
        #expect(frames <= 70, "\(frames) frames")
    }
}
