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

        mutating func run(for span: Interval, capacity: Int, lossPermille: UInt32 = 0, _ random: MeshSim.SeededRandom) {
            let end = now + span
            while now < end {
                if let probe = size.tick(now) {
                    probes += 1
                    if probe <= capacity, !random.chance(permille: lossPermille) {
                        size.answered(size.number, now)
                    }
                }
                now = max(now + .milliseconds(10), min(size.nextProbe, end))
            }
        }
    }

    @Test(arguments: [1000, 1280, 1300, 1400, 1420, 1450, 1492, 1499, 1500, 2000, 4000, 8999, 9000, 65_535])
    func finds(capacity: Int) {
        let random = MeshSim.SeededRandom(seed: 1)
        var course = Course()
        course.run(for: .seconds(8), capacity: capacity, random)
        let expected = PathSize.ladder.last { $0 <= capacity } ?? PathSize.base
        #expect(course.size.confirmed == expected)
        // Then it is only confirmed now and then.
        let before = course.probes
        course.run(for: .seconds(300), capacity: capacity, random)
        #expect(course.size.confirmed == expected)
        #expect(course.probes - before <= 25, "\(course.probes - before) probes in 300 s")
    }

    @Test(arguments: Seeds.several(10)) func findsOverALossyPath(seed: UInt64) {
        let random = MeshSim.SeededRandom(seed: seed)
        var course = Course()
        course.run(for: .seconds(700), capacity: 1420, lossPermille: 200, random)
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

    @Test func shrinksAndGrows() {
        let random = MeshSim.SeededRandom(seed: 2)
        var course = Course()
        course.run(for: .seconds(10), capacity: 9000, random)
        #expect(course.size.confirmed == 9000)
        course.run(for: .seconds(17), capacity: 1400, random)
        #expect(course.size.confirmed <= 1400, "not noticed within 17 s")
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
