import Testing
import Wire

@Suite struct TokenBucketTests {
    let start = Instant(nanoseconds: 5)

    @Test func givesTheBurstThenTheRate() {
        var bucket = TokenBucket(rate: 100, burst: 5)
        var burst = 0
        for _ in 0..<20 where bucket.take(now: start) { burst += 1 }
        #expect(burst == 5)
        var given = 0
        for step in 1...10_000 where bucket.take(now: start + .milliseconds(Int64(step))) { given += 1 }
        #expect(given == 1000)
    }

    @Test func survivesEveryClock() {
        var bucket = TokenBucket(rate: 1_000_000, burst: 1_000_000)
        let extremes = [Instant(nanoseconds: .min), .distantPast, .distantFuture].map { bucket.take(now: $0) }
        #expect(extremes == [false, true, true])
        var small = TokenBucket(rate: 1, burst: 1)
        let answers = [start, start, .distantPast, .distantFuture].map { small.take(now: $0) }
        #expect(answers == [true, false, false, true])
    }
}
