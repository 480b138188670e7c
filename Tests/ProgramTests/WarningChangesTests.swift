import Testing

@testable import inet256vpn

/// What the log says of warnings that come and go.
@Suite struct WarningChangesTests {
    @Test func whatComesAndGoesIsSaidOnce() {
        var changes = WarningChanges(["old"])
        #expect(changes.take(["old"]) == ([], []))
        #expect(changes.take(["old", "new"]) == (["new"], []))
        #expect(changes.take(["new"]) == ([], ["old"]))
        #expect(changes.take([]) == ([], ["new"]))
    }

    @Test func anotherNumberIsNoNews() {
        var changes = WarningChanges(["7 packets were lost"])
        #expect(changes.take(["9 packets were lost"]) == ([], []))
        #expect(changes.take(["9 packets were lost", "9 routes are gone"]) == (["9 routes are gone"], []))
    }

    @Test func whatFlapsIsSaidAFewTimes() {
        var changes = WarningChanges([])
        var said = 0
        for _ in 0..<100 {
            said += changes.take(["flaps"]).new.count
            said += changes.take([]).gone.count
        }
        #expect((2 * WarningChanges.mostTimes - 1...2 * WarningChanges.mostTimes).contains(said), "\(said)")
    }

    @Test func kindsAreBounded() {
        var changes = WarningChanges([])
        var said = 0
        // Without digits, which do not count.
        for number in 0..<1100 {
            let word = String(
                String(number).map { digit in Character(UnicodeScalar(97 + (digit.hexDigitValue ?? 0)) ?? "x") })
            said += changes.take([word]).new.count
        }
        #expect(said == 1024)
    }
}
