import Testing
import Wire

@Suite struct InstantTests {
    @Test func addsAndSubtracts() {
        let start = Instant(nanoseconds: 5)
        #expect(start + .seconds(2) == Instant(nanoseconds: 2_000_000_005))
        #expect(start + .seconds(2) - start == .seconds(2))
        #expect(start + .milliseconds(3) - .milliseconds(3) == start)
        #expect(Interval.seconds(1) == .milliseconds(1000) && .milliseconds(1) == Interval.microseconds(1000))
        #expect(Interval.seconds(3) / 2 * 4 - .seconds(1) + .zero == .seconds(5))
        #expect(Interval.milliseconds(1500).inSeconds == 1.5)
        #expect(.distantPast < start && start < .distantFuture)
    }

    /// "No deadline" plus something is no deadline, not one in the past.
    @Test func saturatesAtTheEnd() {
        #expect(.distantFuture + .seconds(1) == Instant.distantFuture)
        #expect(Instant(nanoseconds: .max - 1) + .seconds(1) == .distantFuture)
        #expect(.distantFuture + .zero == Instant.distantFuture)
    }
}
