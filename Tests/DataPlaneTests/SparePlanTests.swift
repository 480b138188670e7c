import INET256
import Testing
import Wire

@testable import DataPlane

/// When a transport has a spare port.
@Suite struct SparePlanTests {
    private let peer = PortalWorld.keys(2)[0].address
    private let other = PortalWorld.keys(2)[1].address
    private var plan = SparePlan()

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test mutating func oneThatLeadsSomewhereStays() {
        #expect(plan.deadline == .distantFuture && !plan.isTried)
        #expect(plan.wanted(by: peer, isUsed: false, now: at(10)) == .open)
        #expect(plan.isTried && plan.deadline == at(16))
        #expect(plan.wanted(by: peer, isUsed: false, now: at(12)) == .none)
        #expect(plan.tick(isUsed: true, now: at(15)) == .none && plan.isTried)
        #expect(plan.tick(isUsed: true, now: at(16)) == .none)
        #expect(!plan.isTried && plan.isKept && plan.deadline == at(46))
        // For as long as it is used, and for five minutes more.
        #expect(plan.tick(isUsed: true, now: at(1000)) == .none)
        #expect(plan.tick(isUsed: false, now: at(1299)) == .none && plan.deadline == at(1329))
        #expect(plan.tick(isUsed: false, now: at(1329)) == .close)
        #expect(plan.deadline == .distantFuture)
    }

    @Test mutating func eachTryInVainHasAPortOfItsOwnAndALongerPause() {
        var now: Int64 = 0
        var opened: [Int64] = []
        while now < 400 {
            if plan.wanted(by: peer, isUsed: false, now: at(now)) == .open { opened.append(now) }
            if at(now) >= plan.deadline { #expect(plan.tick(isUsed: false, now: at(now)) == .close) }
            now += 1
        }
        // Six seconds each; a second one at once, then after 6, 12, 24, 48 and 60.
        #expect(opened == [0, 7, 19, 37, 67, 121, 187, 253, 319, 385])
    }

    @Test mutating func aPeerThatIsGoneForGoodHoldsUpNobodyElse() {
        for now in stride(from: Int64(0), to: 100, by: 1) {
            _ = plan.wanted(by: peer, isUsed: false, now: at(now))
            _ = plan.tick(isUsed: false, now: at(now))
        }
        #expect(plan.wanted(by: peer, isUsed: false, now: at(100)) == .none)
        #expect(plan.wanted(by: other, isUsed: false, now: at(100)) == .open)
        // A link with it is a new beginning, and so is another place.
        #expect(plan.tick(isUsed: false, now: at(106)) == .close)
        plan.surroundingsChanged()
        #expect(plan.wanted(by: peer, isUsed: false, now: at(107)) == .open)
    }

    @Test mutating func whatIsKeptIsTriedAgainOrReplaced() {
        _ = plan.wanted(by: peer, isUsed: false, now: at(0))
        _ = plan.tick(isUsed: true, now: at(6))
        // Somebody else's session is on it.
        #expect(plan.wanted(by: other, isUsed: true, now: at(20)) == .none && plan.isTried)
        #expect(plan.tick(isUsed: true, now: at(26)) == .none)
        // Nobody's: the port itself may be stuck.
        #expect(plan.wanted(by: peer, isUsed: false, now: at(40)) == .open)
        plan.answered(peer)
        #expect(plan.tick(isUsed: true, now: at(46)) == .none)
    }
}
