import INET256
import Testing
import Wire

@testable import DataPlane

/// An answer is believed from whoever was asked, by the number that was drawn, once.
@Suite struct WaitingPingsTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    private func address(_ byte: UInt8) throws -> Address {
        Address(raw: try #require(Bytes32([UInt8](repeating: byte, count: 32))))
    }

    @Test func fromWhoWasAskedByItsNumberOnce() throws {
        var pings = WaitingPings()
        let (asked, other) = (try address(1), try address(2))
        pings.add(
            77, WaitingPings.Ping(target: asked, sent: now, deadline: now + .seconds(1)) { _ in })
        #expect(pings.take(77, from: other) == nil, "somebody else answered")
        #expect(pings.take(78, from: asked) == nil, "another number")
        #expect(pings.take(77, from: asked)?.target == asked)
        #expect(pings.take(77, from: asked) == nil, "a second time")
    }

    @Test func whatExpires() throws {
        var pings = WaitingPings()
        for id in 1...3 as ClosedRange<UInt64> {
            pings.add(
                id,
                WaitingPings.Ping(target: try address(1), sent: now, deadline: now + .seconds(Int64(id))) { _ in })
        }
        #expect(pings.deadline == now + .seconds(1))
        #expect(pings.takeExpired(now + .seconds(2)).count == 2 && pings.deadline == now + .seconds(3))
        #expect(pings.takeAll().count == 1 && pings.deadline == .distantFuture)
    }
}
