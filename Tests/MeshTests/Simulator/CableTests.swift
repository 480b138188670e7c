import Testing
import Wire

@testable import MeshSim

/// What each element of a cable does, and what several do together.
@Suite struct CableTests {
    let start = Instant(nanoseconds: 1_000_000_000)

    /// Sends so many datagrams, one a `pace`; how long each that came took.
    private func times(
        _ quality: CableQuality, _ count: Int, bytes: Int = 1000, pace: Interval = .milliseconds(1), seed: UInt64 = 1
    ) -> [Interval] {
        var cable = Cable(ends: (0, 1), quality: quality)
        let random = SeededRandom(seed: seed)
        return (0..<count).flatMap { number in
            let at = start + pace * Int64(number)
            return cable.carry(bytes, from: 0, at: at, random).map { $0 - at }
        }
    }

    @Test func delayAndJitter() {
        #expect(times(CableQuality(.delay(.milliseconds(7))), 3) == [Interval](repeating: .milliseconds(7), count: 3))
        let jittery = times(CableQuality(.delay(.milliseconds(7)), .jitter(.milliseconds(10))), 1000)
        #expect(jittery.allSatisfy { $0 >= .milliseconds(7) && $0 < .milliseconds(17) })
        #expect(Set(jittery).count > 500)
    }

    @Test func lossAndDuplication() {
        let lossy = times(CableQuality(.loss(permille: 100)), 10_000)
        #expect((8800...9200).contains(lossy.count), "\(lossy.count)")
        let double = times(CableQuality(.duplication(permille: 100)), 10_000)
        #expect((10_800...11_200).contains(double.count), "\(double.count)")
        // Each copy takes its own way.
        let spread = times(CableQuality(.duplication(permille: 1000), .jitter(.seconds(1))), 100)
        #expect(spread.count == 200 && Set(spread).count > 150)
        #expect(times(CableQuality(.loss(permille: 1000)), 100).isEmpty)
    }

    @Test func reordering() {
        let held = times(CableQuality(.reordering(permille: 200, by: .milliseconds(30))), 1000)
        let late = held.count { $0 == .milliseconds(30) }
        #expect((130...270).contains(late) && held.allSatisfy { $0 == .zero || $0 == .milliseconds(30) }, "\(late)")
    }

    @Test func sizes() {
        let cable = CableQuality(.size(mtu: 1400))
        #expect(times(cable, 1, bytes: 1400).count == 1)
        #expect(times(cable, 1, bytes: 1401).isEmpty)
        // The interface is the sender's affair.
        #expect(times(CableQuality(.interface(mtu: 1400)), 1, bytes: 1401).count == 1)
    }

    /// A megabyte a second: a thousand bytes take a millisecond, and wait for those before them.
    @Test func rate() {
        let line = CableQuality(.rate(bytesPerSecond: 1_000_000, queue: .milliseconds(10)), .delay(.milliseconds(5)))
        #expect(times(line, 5, pace: .milliseconds(1)) == [Interval](repeating: .milliseconds(6), count: 5))
        let burst = times(line, 20, pace: .zero)
        #expect(burst == (0...10).map { .milliseconds(6 + Int64($0)) }, "\(burst.count)")
        // Each way has its own, and another quality begins anew.
        var cable = Cable(ends: (0, 1), quality: line)
        let random = SeededRandom(seed: 1)
        for _ in 0..<5 { _ = cable.carry(1000, from: 0, at: start, random) }
        #expect(cable.carry(1000, from: 1, at: start, random) == [start + .milliseconds(6)])
        #expect(cable.carry(1000, from: 0, at: start, random) == [start + .milliseconds(11)])
        cable.quality = line
        #expect(cable.carry(1000, from: 0, at: start, random) == [start + .milliseconds(6)])
    }

    @Test func elementsCompose() {
        // Whatever was lost took none of the rate that stands behind; what stands before it, did.
        let before = CableQuality(.loss(permille: 1000), .rate(bytesPerSecond: 1000, queue: .zero))
        let behind = CableQuality(.rate(bytesPerSecond: 1000, queue: .zero), .loss(permille: 1000))
        for quality in [before, behind] {
            var cable = Cable(ends: (0, 1), quality: quality)
            let random = SeededRandom(seed: 1)
            #expect(cable.carry(1000, from: 0, at: start, random).isEmpty)
        }
        // Two of a kind do both.
        var twice = CableQuality(.delay(.milliseconds(3)))
        twice.append(.delay(.milliseconds(4)))
        #expect(times(twice, 1) == [.milliseconds(7)])
        // One by one, in their order.
        var quality = CableQuality.clean
        quality.lossPermille = 10
        quality.interfaceMTU = 1500
        quality.jitter = .milliseconds(2)
        #expect(
            quality.elements == [
                .interface(mtu: 1500), .size(mtu: 1500), .loss(permille: 10), .delay(.milliseconds(5)),
                .jitter(.milliseconds(2)),
            ])
        quality.interfaceMTU = nil
        quality.mtu = 9000
        #expect(quality.mtu == 9000 && quality.interfaceMTU == nil && quality.elements.first == .size(mtu: 9000))
        #expect(
            quality
                == CableQuality.clean.with(.loss(permille: 10)).with(.jitter(.milliseconds(2))).with(.size(mtu: 9000)))
        #expect(CableQuality.poor.reorderDelay == .milliseconds(30) && CableQuality.poor.reorderPermille == 50)
    }
}
