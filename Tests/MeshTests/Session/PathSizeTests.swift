import MeshSim
import Testing
import Wire

@testable import Mesh

/// The search for the largest datagram of a path, without any box around it.
@Suite struct PathSizeTests {
    /// A path that carries `capacity` bytes, asked for `span`.
    private struct Course {
        var size = PathSize()
        var now = Instant(nanoseconds: 1)
        var probes = 0
        /// The most ticks in a second.
        var mostTicks = 0
        /// Large datagrams that were sent.
        var large: UInt64 = 0
        /// What the path's small questions say of its loss.
        var missedPermille = 0

        /// Time goes on exactly as far as the search wants: what is due at once again makes no headway. `refuses` says what the
        /// kernel refuses to send; `bytesPerSecond` is what else is sent.
        mutating func run(
            for span: Interval, capacity: Int, lossPermille: UInt32 = 0, refuses: Int = .max,
            bytesPerSecond: UInt64 = 0,
            _ random: MeshSim.SeededRandom
        ) {
            let end = now + span
            var second = now
            var ticks = 0
            while now < end {
                ticks += 1
                if ticks > 1000 {
                    Issue.record("the search runs away at \(now.nanoseconds) ns")
                    return
                }
                if let probe = size.tick(now, large: large, missedPermille: missedPermille) {
                    probes += 1
                    if probe > refuses {
                        size.failed(probe, now)
                    } else if probe <= capacity, !random.chance(permille: lossPermille) {
                        size.answered(size.number, now)
                    }
                }
                // Where data goes, the path is asked for signs of life all the time, and the search with it.
                let next = min(size.nextProbe, bytesPerSecond > 0 ? now + .milliseconds(400) : end, end)
                if next > now { large += UInt64((next - now).nanoseconds) * bytesPerSecond / 1_000_000_000 / 1400 }
                now = max(now, next)
                if now - second >= .seconds(1) {
                    (mostTicks, ticks, second) = (max(mostTicks, ticks), 0, now)
                }
            }
        }
    }

    @Test(arguments: [
        296, 400, 576, 700, 1000, 1280, 1300, 1400, 1420, 1450, 1492, 1499, 1500, 2000, 4000, 8999, 9000, 65_535,
    ])
    func finds(capacity: Int) {
        let random = MeshSim.SeededRandom(seed: 1)
        var course = Course()
        course.run(for: .seconds(8), capacity: capacity, random)
        let expected = PathSize.ladder.last { $0 <= capacity } ?? PathSize.base
        #expect(course.size.confirmed == expected && course.size.isSettled)
        // Then it is only confirmed now and then.
        let before = course.probes
        course.run(for: .seconds(300), capacity: capacity, random)
        #expect(course.size.confirmed == expected)
        #expect(course.probes - before <= 10, "\(course.probes - before) probes in 300 s")
    }

    @Test(arguments: Seeds.several(10)) func findsOverALossyPath(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var course = Course()
        course.missedPermille = 200
        course.run(for: .seconds(700), capacity: 1420, lossPermille: 200, random)
        course.missedPermille = 0
        #expect(course.size.confirmed <= 1420 && course.size.confirmed >= 1280, "seed \(seed)")
        course.run(for: .seconds(1300), capacity: 1420, random)
        #expect(course.size.confirmed == 1420, "seed \(seed)")
    }

    /// Nothing gets through for a while, for want of a processor, say: that is not the path's size.
    @Test(arguments: [1420, 1500, 9000]) func recoversFromAnOverload(capacity: Int) {
        let random = MeshSim.SeededRandom(seed: 3)
        var course = Course()
        course.run(for: .seconds(9), capacity: 0, random)
        #expect(course.size.confirmed == PathSize.base && course.size.isSettled)
        course.run(for: .seconds(20), capacity: capacity, random)
        #expect(course.size.confirmed == capacity)
        // One that lasts longer.
        course = Course()
        course.run(for: .seconds(100), capacity: 0, random)
        #expect(course.probes <= 30, "\(course.probes) probes in vain")
        course.run(for: .seconds(100), capacity: capacity, random)
        #expect(course.size.confirmed == capacity)
    }

    /// Nobody answers probes, though other datagrams come: as long as nothing better is known, what any path carries.
    @Test func whoNeverAnswers() {
        let random = MeshSim.SeededRandom(seed: 4)
        var course = Course()
        course.run(for: .seconds(5), capacity: 0, random)
        #expect(course.size.confirmed == PathSize.base && course.size.isSettled)
        course.run(for: .seconds(3600), capacity: 0, bytesPerSecond: 1_000_000, random)
        #expect(course.probes < 150, "\(course.probes) probes in vain")
    }

    /// On a path that is silent altogether a lost probe is no evidence about sizes.
    @Test func silenceIsNoEvidence() {
        var size = PathSize()
        var now = Instant(nanoseconds: 1)
        for _ in 0..<1000 {
            _ = size.tick(now, answeredTo: .distantPast)
            #expect(size.nextProbe > now)
            now = size.nextProbe
        }
        #expect(size.confirmed == PathSize.base && !size.isSettled)
    }

    /// For days on wires of every kind: the search never asks without a pause, and it goes on confirming what is in use.
    @Test(arguments: [576, 1000, 1280, 1400, 1500, 9000], [UInt64(0), 1_000_000])
    func neverRunsAway(capacity: Int, bytesPerSecond: UInt64) {
        for refuses in [capacity, .max] {
            let random = MeshSim.SeededRandom(seed: 5)
            var course = Course()
            course.run(
                for: .seconds(86_400), capacity: capacity, refuses: refuses, bytesPerSecond: bytesPerSecond, random)
            #expect(course.size.confirmed == PathSize.ladder.last { $0 <= capacity })
            #expect(course.mostTicks <= 40, "\(course.mostTicks) ticks in a second")
            let perSecond = bytesPerSecond > 0 ? 2.1 : 0.04
            #expect(Double(course.probes) < 86_400 * perSecond, "\(course.probes) probes in a day")
            // It shrinks, and shrinks again after everything that is planned for then.
            for (pause, smaller) in [(Int64(0), capacity * 9 / 10), (61, capacity * 8 / 10), (700, capacity * 7 / 10)] {
                course.run(
                    for: .seconds(pause), capacity: capacity, refuses: refuses, bytesPerSecond: bytesPerSecond, random)
                let carried = max(smaller, PathSize.least)
                course.run(for: .seconds(90), capacity: carried, bytesPerSecond: bytesPerSecond, random)
                #expect(course.size.confirmed <= carried, "after \(pause) s it was not noticed that \(carried) is all")
            }
            course.run(for: .seconds(86_400), capacity: max(capacity / 2, PathSize.least), lossPermille: 300, random)
            #expect(course.mostTicks <= 40, "\(course.mostTicks) ticks in a second")
        }
    }

    @Test func shrinksAndGrows() {
        let random = MeshSim.SeededRandom(seed: 2)
        var course = Course()
        course.run(for: .seconds(10), capacity: 9000, random)
        #expect(course.size.confirmed == 9000)
        // Without traffic that is noticed by the confirmation of an idle path, and at once when something large is sent.
        var busy = course
        busy.run(for: .seconds(2), capacity: 1400, bytesPerSecond: 100_000, random)
        #expect(busy.size.confirmed <= 1400, "not noticed within 2 s")
        course.run(for: PathSize.confirmEvery + .seconds(2), capacity: 1400, random)
        #expect(course.size.confirmed <= 1400, "not noticed within \(PathSize.confirmEvery.inSeconds + 2) s")
        course.run(for: .seconds(10), capacity: 1400, random)
        #expect(course.size.confirmed == 1400)
        course.run(for: PathSize.searchEvery + .seconds(10), capacity: 9000, random)
        #expect(course.size.confirmed == 9000)
        // The kernel says so: at once.
        course.size.failed(9000, course.now)
        #expect(course.size.confirmed == PathSize.base)
        course.run(for: .seconds(10), capacity: 1500, random)
        #expect(course.size.confirmed == 1500)
        // Somebody drops what is asked in doubt.
        course.size.suspect(course.now)
        course.run(for: .seconds(1), capacity: 1300, random)
        #expect(course.size.confirmed == PathSize.base, "a doubt is not settled within a second")
    }

    @Test func answersThatNobodyAskedFor() {
        var size = PathSize()
        let now = Instant(nanoseconds: 1)
        for number in 0..<100 as Range<UInt32> { size.answered(number, now) }
        #expect(size.confirmed == PathSize.base)
        // What is in use is asked for first, then the most common size.
        #expect(size.tick(now) == PathSize.base)
        size.answered(size.number, now)
        #expect(size.tick(now) == 1500)
        size.answered(size.number &+ 1, now)
        size.answered(size.number &- 1, now)
        #expect(size.confirmed == PathSize.base)
        size.answered(size.number, now)
        #expect(size.confirmed == 1500)
        size.answered(size.number, now)
        #expect(size.confirmed == 1500)
    }
}
