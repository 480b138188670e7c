import INET256
import MeshSim
import Testing
import Wire

@testable import Mesh

/// The format, and what is not of it.
@Suite struct BeaconFrameTests {
    let now = Instant(nanoseconds: 1_000_000_000)

    @Test func itemsComeBackAsTheyWere() throws {
        let random = SeededRandom(seed: 1)
        var speaker = Speaker(1, random)
        let far = FarNode(random)
        let frame = speaker.updates([
            .beacon(far.beacon(77), metric: 5, age: 300), .retraction(far.address), .request(far.address, 78, hops: 9),
        ])
        #expect(frame.count == 18 + 120 + 33 + 42)
        let items = ControlFrame(to: speaker.id, bytes: frame).items
        #expect(items.count == 3)
        guard case .beacon(let beacon, metric: 5, age: 300) = items[0], case .retraction(far.address) = items[1],
            case .request(far.address, 78, hops: 9) = items[2]
        else {
            Issue.record("\(items)")
            return
        }
        #expect(beacon.sequence == 77 && beacon.lifetime == 70 && beacon.address == far.address)
        #expect(beacon.encoded == far.beacon(77).encoded)
    }

    @Test func acknowledgementsComeBackAsTheyWere() {
        let serials = (0..<UInt64(BeaconFrame.maximumSerials)).map { $0 * 0x0102_0304 + 1 }
        let frame = BeaconFrame.acknowledgement(epoch: 3, of: 4, serials: serials[...])
        #expect(frame.count <= ControlFrame.maximumBytes)
        #expect(ControlFrame(to: NeighbourID(rawValue: 1), bytes: frame).acknowledged == serials)
    }

    /// The layout, byte for byte: boxes of different versions must agree on it.
    @Test func layout() {
        let random = SeededRandom(seed: 2)
        let far = FarNode(random)
        let beacon = far.beacon(0x0102_0304_0506, lifetime: 70)
        var expected: [UInt8] = [41] + far.key.publicKey.serialized
        expected += [0, 0, 1, 2, 3, 4, 5, 6, 0, 70]
        let signature = far.key.sign(purpose: "inet256/beacon", message: expected)
        #expect(beacon.encoded == expected + signature)
        var speaker = Speaker(1, random)
        speaker.epoch = 9
        let frame = speaker.updates([.beacon(beacon, metric: 2, age: 258)])
        #expect(frame == [1, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 2] + beacon.encoded)
    }

    @Test func everyTruncationIsRefused() {
        let random = SeededRandom(seed: 3)
        var speaker = Speaker(1, random)
        let far = FarNode(random)
        let frame = speaker.updates([
            .beacon(far.beacon(77), metric: 5), .retraction(far.address), .request(far.address, 78),
        ])
        var listener = BeaconNet(sequence: 1, now: now)
        listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: now)
        let boundaries = [18 + 120, 18 + 120 + 33]
        for length in 0..<frame.count where !boundaries.contains(length) {
            #expect(listener.fault([UInt8](frame[..<length]), from: speaker.id, now: now) == .truncated, "\(length)")
        }
        #expect(listener.nextHop(to: far.address) == nil)
        let acknowledgement = BeaconFrame.acknowledgement(epoch: 1, of: 1, serials: [1, 2])
        for length in 0..<acknowledgement.count where length != 26 {
            let fault = listener.fault([UInt8](acknowledgement[..<length]), from: speaker.id, now: now)
            #expect(fault == .truncated, "\(length)")
        }
    }

    /// Whatever bit is wrong: no crash, and nothing is believed that is not signed.
    @Test func everyFlippedBitIsHarmless() {
        let random = SeededRandom(seed: 4)
        var speaker = Speaker(1, random)
        let far = FarNode(random)
        let frame = speaker.updates([.beacon(far.beacon(77), metric: 5)])
        let signed = 22..<frame.count
        for bit in 0..<(frame.count * 8) {
            var listener = BeaconNet(sequence: 1, now: now)
            listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: now)
            var flipped = frame
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let fault = listener.fault(flipped, from: speaker.id, now: now)
            if signed.contains(bit / 8) {
                #expect(fault != nil, "bit \(bit)")
                #expect(listener.nextHop(to: far.address) == nil, "bit \(bit)")
                #expect(listener.counts.knownOrigins == 0, "bit \(bit)")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func garbageIsHarmless(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var speaker = Speaker(1, random)
        let far = FarNode(random)
        let good = speaker.updates([.beacon(far.beacon(77), metric: 5), .retraction(speaker.key.address)])
        var listener = BeaconNet(sequence: 1, now: now)
        listener.addLocal(PrivateKey(generatedFrom: random), now: now)
        listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: now)
        var refused = 0
        for round in 0..<5000 {
            var frame: [UInt8]
            if round % 2 == 0 {
                frame = (0..<Int(random.next() % 1100)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                // Mostly beyond the version, where there is more to go wrong.
                if round % 4 == 0 && frame.count > 1 {
                    frame.replaceSubrange(0..<2, with: [1, UInt8(random.next() % 3)])
                }
            } else {
                frame = good
                for _ in 0...(random.next() % 8) {
                    frame[Int(random.next() % UInt64(frame.count))] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            if listener.fault(frame, from: speaker.id, now: now) != nil { refused += 1 }
            _ = listener.takeOutput()
        }
        #expect(refused > 2500, "seed \(seed)")
        #expect(listener.counts.framesRejected == UInt64(refused), "seed \(seed)")
        #expect(listener.counts.knownOrigins <= 1, "seed \(seed)")
    }

    @Test func impossibleValuesAreRefused() {
        let random = SeededRandom(seed: 5)
        var speaker = Speaker(1, random)
        let far = FarNode(random)
        var listener = BeaconNet(sequence: 1, now: now)
        listener.neighbourUp(speaker.id, key: speaker.key.publicKey, now: now)
        #expect(speaker.say(.beacon(far.beacon(5), metric: 64), to: &listener, now: now) == .malformed)
        #expect(speaker.say(.beacon(far.beacon(1 << 60 | 1), metric: 1), to: &listener, now: now) == .malformed)
        #expect(speaker.say(.beacon(far.beacon(0), metric: 1), to: &listener, now: now) == .malformed)
        #expect(speaker.say(.beacon(far.beacon(5, lifetime: 301), metric: 1), to: &listener, now: now) == .malformed)
        #expect(speaker.say(.request(far.address, 5, hops: 0), to: &listener, now: now) == .malformed)
        #expect(speaker.say(.request(far.address, 5, hops: 65), to: &listener, now: now) == .malformed)
        #expect(
            listener.fault([2] + [UInt8](repeating: 0, count: 40), from: speaker.id, now: now) == .unsupportedVersion)
        #expect(listener.fault([1, 3] + [UInt8](repeating: 0, count: 40), from: speaker.id, now: now) == .malformed)
        #expect(listener.fault([UInt8](repeating: 1, count: 1025), from: speaker.id, now: now) == .oversized)
        let other = NeighbourID(rawValue: 9)
        #expect(listener.fault(speaker.updates([.retraction(far.address)]), from: other, now: now) == .unknownNeighbour)
        #expect(listener.counts.knownOrigins == 0 && listener.counts.signaturesChecked == 0)
    }
}
