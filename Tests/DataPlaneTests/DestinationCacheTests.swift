import INET256
import Testing
import Wire

@testable import DataPlane

/// Who is behind an IPv6 address, in bounded memory, and packets that wait for that to be known.
@Suite struct DestinationCacheTests {
    private let addresses = PortalWorld.keys(2).map(\.address)

    private func ip(_ number: UInt64) -> IPv6Address { IPv6Address(high: 0xfd << 56, low: number) }

    @Test func whatWasLearnedIsKnownUntilItIsForgotten() {
        var cache = DestinationCache()
        #expect(cache.look(ip(1)) == nil)
        cache.learn(ip(1), addresses[0])
        cache.learn(ip(2), addresses[1])
        #expect(cache.look(ip(1)) == addresses[0] && cache.look(ip(2)) == addresses[1])
        cache.forget(ip(2))
        #expect(cache.look(ip(2)) == nil && cache.look(ip(1)) == addresses[0])
    }

    /// Whoever scans the prefix fills it: it stays bounded, and names of published ways stay.
    @Test func aScanIsBoundedAndTakesNoNames() {
        var cache = DestinationCache()
        cache.name(ip(1), addresses[0])
        for number in 0..<UInt64(20_000) { cache.learn(ip(10 + number), addresses[1]) }
        let known = (0..<UInt64(20_000)).count { cache.look(ip(10 + $0)) != nil }
        #expect(known > 0 && known <= 8192)
        #expect(cache.look(ip(1)) == addresses[0])
    }

    /// Of two nodes with one derived address the first stays, until it is unnamed itself.
    @Test func namesGoWithWhoHasThem() {
        var cache = DestinationCache()
        cache.name(ip(1), addresses[0])
        cache.name(ip(1), addresses[1])
        #expect(cache.look(ip(1)) == addresses[0])
        cache.unname(ip(1), addresses[1])
        #expect(cache.look(ip(1)) == addresses[0])
        cache.unname(ip(1), addresses[0])
        #expect(cache.look(ip(1)) == nil)
        cache.name(ip(1), addresses[1])
        #expect(cache.look(ip(1)) == addresses[1])
        cache.unnameAll()
        #expect(cache.look(ip(1)) == nil)
    }

    @Test func packetsThatWaitAreFewForEachAndInAll() {
        let now = Instant(nanoseconds: 5)
        var parked = ParkedPackets()
        #expect(parked.isEmpty && parked.deadline == .distantFuture)
        func park(_ number: UInt64) -> Bool {
            [UInt8(1)].withUnsafeBytes { parked.park($0, for: ip(number), now: now) }
        }
        #expect((0..<6).map { _ in park(1) } == [true, true, true, true, false, false])
        #expect((2..<UInt64(100)).count { park($0) } == 60)
        #expect(parked.deadline == now + ParkedPackets.patience)
        let all = parked.takeAll()
        #expect(all.count == 64 && parked.isEmpty)
        parked.putBack(all[0])
        #expect(parked.takeAll().map(\.destination) == [ip(1)])
    }
}
