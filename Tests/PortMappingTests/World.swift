import TestSupport
import Wire

@testable import PortMapping

/// A course and a router on virtual time.
struct World {
    var router = Router()
    var course: MappingCourse
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// What UPnP answers; nil for nothing.
    var upnp: Result<Mapping, MappingFailure>?
    var jobs: [IGDJob] = []
    /// Datagrams to the router get lost.
    var isCut = false
    /// When questions went to the router, from the beginning on.
    var asked: [Interval] = []
    private let began: Instant

    /// - Parameter care: how often the router is asked whether it still knows; nil for never.
    init(_ router: Router = Router(), care: Interval? = nil) {
        self.router = router
        began = now
        var times = MappingTimes()
        times.care = care ?? .seconds(1_000_000)
        times.upnpCare = care ?? .seconds(3600)
        course = MappingCourse(Router.target, times: times, random: SeededRandom(seed: 7), now: now)
    }

    mutating func run(for time: Interval) {
        let end = now + time
        while true {
            course.tick(now: now)
            settle()
            let next = course.deadline
            precondition(next > now, "a deadline that does not move")
            if next > end { break }
            let passed = (next - now).nanoseconds / 1_000_000_000
            now = next
            router.epoch += UInt32(clamping: passed)
        }
        router.epoch += UInt32(clamping: (end - now).nanoseconds / 1_000_000_000)
        now = end
    }

    mutating func settle() {
        var isQuiet = false
        while !isQuiet {
            let datagrams = course.takeOutput()
            let jobs = course.takeJobs()
            isQuiet = datagrams.isEmpty && jobs.isEmpty
            self.jobs += jobs
            for datagram in datagrams {
                asked.append(now - began)
                guard !isCut, let answer = router.answer(datagram) else { continue }
                answer.withUnsafeBytes { course.receive($0, now: now) }
            }
            if let upnp, !jobs.isEmpty { course.igdAnswered(upnp, now: now) }
        }
    }
}
