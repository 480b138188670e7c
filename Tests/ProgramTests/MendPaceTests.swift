import Testing
import Wire

@testable import inet256vpn

/// On virtual time: what is mended at once, and what is fought about.
@Suite struct MendPaceTests {
    /// `#expect` takes no mutating calls.
    private func admits<Kind: Hashable>(_ pace: inout MendPace<Kind>, _ kind: Kind, _ seconds: Int64) -> Bool {
        pace.admits(kind, now: Self.at(seconds))
    }

    private func note<Kind: Hashable>(_ pace: inout MendPace<Kind>, _ kind: Kind, _ seconds: Int64) -> Bool {
        pace.note(kind, now: Self.at(seconds))
    }

    private func check(_ expected: Bool, _ answer: Bool, _ location: SourceLocation = #_sourceLocation) {
        #expect(answer == expected, sourceLocation: location)
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: (1000 + seconds) * 1_000_000_000) }

    @Test func threeTimesInAMinuteAreAFight() {
        var pace = MendPace<String>()
        for (second, begins) in [(0, false), (1, false), (59, true)] as [(Int64, Bool)] {
            check(true, admits(&pace, "route", second))
            check(begins, note(&pace, "route", second))
        }
        #expect(pace.contested == ["route"])
        check(false, admits(&pace, "route", 60))
        check(false, admits(&pace, "route", 88))
        #expect(pace.next(of: ["route"]) == Self.at(89))
        check(true, admits(&pace, "route", 89))
        // Said once, however long it goes on.
        check(false, note(&pace, "route", 89))
        check(false, admits(&pace, "route", 90))
        // Another thing is none of it.
        check(true, admits(&pace, "name", 90))
        #expect(pace.next(of: ["route", "name"]) == .distantPast)
    }

    @Test func threeTimesInMoreThanAMinuteAreNone() {
        var pace = MendPace<String>()
        for second in stride(from: Int64(0), through: 400, by: 31) {
            check(true, admits(&pace, "route", second))
            check(false, note(&pace, "route", second))
        }
    }

    @Test func aMinuteOfPeaceEndsIt() {
        var pace = MendPace<String>()
        for second in 0...2 as ClosedRange<Int64> { _ = pace.note("route", now: Self.at(second)) }
        check(false, admits(&pace, "route", 20))
        // Seen broken at 20 s, so not before 80 s.
        check(false, admits(&pace, "route", 21))
        pace.calm(Self.at(81))
        #expect(pace.contested == ["route"])
        pace.calm(Self.at(82))
        #expect(pace.contested.isEmpty)
        check(true, admits(&pace, "route", 82))
    }

    @Test func itHoldsNoMoreThanItNeeds() {
        var pace = MendPace<Int>()
        for round in 0..<10_000 as Range<Int64> {
            _ = pace.admits(Int(round), now: Self.at(round))
            _ = pace.note(Int(round), now: Self.at(round))
        }
        #expect(pace.contested.isEmpty)
        #expect(Mirror(reflecting: pace).children.allSatisfy { Mirror(reflecting: $0.value).children.count <= 62 })
    }
}
