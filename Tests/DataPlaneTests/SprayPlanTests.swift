import Mesh
import System
import Testing
import Wire

@testable import DataPlane

/// When the ports of a spray are opened and closed.
@Suite struct SprayPlanTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test func oneThatLeadsNowhere() {
        var plan = SprayPlan()
        #expect(plan.deadline == .distantFuture && plan.searching == nil)
        #expect(plan.open(3, at(100)) == 3 && plan.searching == 3 && plan.deadline == at(110))
        #expect(plan.tick(at(109), isUsed: { _ in false }).isEmpty)
        #expect(plan.tick(at(110), isUsed: { _ in false }) == [.close(3)])
        #expect(plan.deadline == .distantFuture && plan.searching == nil)
        // Its place is the next one's.
        #expect(plan.open(4, at(200)) == 3)
    }

    @Test func oneThatLeadsSomewhere() {
        var plan = SprayPlan()
        #expect(plan.open(1, at(100)) == 1)
        plan.found(1, at(104))
        #expect(plan.searching == nil && plan.deadline == at(106))
        #expect(plan.tick(at(105), isUsed: { _ in true }).isEmpty)
        #expect(plan.tick(at(106), isUsed: { $0 == 1 }) == [.settle(1)])
        // For as long as it is used.
        #expect(plan.tick(at(136), isUsed: { $0 == 1 }).isEmpty && plan.deadline == at(166))
        #expect(plan.tick(at(166), isUsed: { _ in false }) == [.close(1)])
        #expect(plan.deadline == .distantFuture)
    }

    @Test func thereAreFew() {
        var plan = SprayPlan()
        for place in 0..<SprayPlan.most { #expect(plan.open(place, at(0)) == place) }
        #expect(plan.open(50, at(1)) == nil)
        _ = plan.tick(at(10), isUsed: { $0 != 2 })
        #expect(plan.open(50, at(11)) == 2)
        // One without ports leaves nothing.
        var other = SprayPlan()
        #expect(other.open(5, at(0)) == 5)
        other.failed(5)
        #expect(other.deadline == .distantFuture && other.open(6, at(1)) == 6)
    }

    /// Most descriptors are left to others, and a few ports are not worth it.
    @Test(arguments: [(65000, SprayLimits.ports), (1024, 256), (400, 100), (127, 0), (0, 0)])
    func howMany(_ free: Int, _ count: Int) { #expect(SprayPlan.count(free: free) == count) }

    @Test func descriptorsThatAreFree() {
        let free = Descriptors.free
        #expect(free > 0 && free <= 65536 * 16)
    }
}
