import Testing
import Wire

@testable import DataPlane

/// When memory goes back.
@Suite struct SilenceTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)

    /// Whether it is time, asked at these times after the start.
    private static func ends(_ silence: inout Silence, _ times: Interval...) -> [Bool] {
        times.map { silence.isOver(now: start + $0) }
    }

    @Test func onceAfterTheStart() {
        var silence = Silence(now: Self.start)
        #expect(silence.deadline == Self.start + .seconds(5))
        #expect(Self.ends(&silence, .zero) == [false])
        #expect(Self.ends(&silence, .seconds(5), .seconds(5), .seconds(3600)) == [true, false, false])
        #expect(silence.deadline == .distantFuture)
    }

    /// A minute after its end, and not again before there was another one.
    @Test func onceAfterAStream() {
        var silence = Silence(now: Self.start)
        var now = Self.start
        for _ in 0..<100 {
            now = now + .seconds(1)
            silence.note(Silence.stream, now: now)
            let isOver = silence.isOver(now: now)
            #expect(!isOver)
        }
        #expect(silence.deadline == now + .seconds(60))
        #expect(
            Self.ends(&silence, .milliseconds(159_999), .seconds(160), .seconds(700)) == [false, true, false])
        silence.note(Silence.stream, now: now + .seconds(601))
        #expect(silence.deadline == now + .seconds(661))
    }

    /// What peers send each other by themselves comes in ones and twos.
    @Test func aFewPacketsAreSilence() {
        var silence = Silence(now: Self.start)
        #expect(Self.ends(&silence, .seconds(5)) == [true])
        for second in 6..<1000 { silence.note(Silence.stream - 1, now: Self.start + .seconds(Int64(second))) }
        #expect(silence.deadline == .distantFuture)
    }
}
