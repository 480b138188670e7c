import INET256
import Settings
import Testing
import Wire

@testable import inet256vpn

@Suite struct CalleesTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    /// An inviter is called until it has said no, or is configured, or has had time to be.
    @Test func areCalledUntilTheConfigurationKnows() {
        let addresses = (0..<2).map { _ in PrivateKey(generatedFrom: SystemRandom()).address }
        let (one, other) = (PeerConfiguration(id: addresses[0]), PeerConfiguration(id: addresses[1]))
        var callees = Callees()
        callees.add(one)
        callees.add(other)
        callees.add(one)
        #expect(Set(callees.peers(besides: [], now: start).map(\.id)) == Set(addresses), "each once")
        callees.end(other.id, at: start)
        #expect(callees.peers(besides: [], now: start).map(\.id) == [one.id])
        callees.end(one.id, at: start + Callees.courtesy)
        #expect(callees.peers(besides: [], now: start + .seconds(119)).map(\.id) == [one.id])
        #expect(callees.peers(besides: [one], now: start + .seconds(119)).isEmpty)
        callees.add(one)
        callees.end(one.id, at: start + Callees.courtesy)
        #expect(callees.peers(besides: [], now: start + Callees.courtesy).isEmpty)
    }
}
