import Logging
import Settings
import Synchronization
import Testing
import Wire

@testable import DataPlane
@testable import inet256vpn

@Suite struct EventReportsTests {
    private final class Paper: Sendable {
        let lines = Mutex<[String]>([])
        var text: [String] { lines.withLock { $0 } }
    }

    @Test func linesThatStrangersCauseAreLimitedAndCounted() {
        let paper = Paper()
        let output = LogOutput(LogConfiguration(), journal: false) { line in paper.lines.withLock { $0.append(line) } }
        var reports = EventReports(output.logger("test"))
        let start = Instant(nanoseconds: 1_000_000_000)
        for number in 0..<1000 {
            reports.write(.refused, ["peer": "\(number)"], isPeer: false, now: start + .milliseconds(Int64(number)))
        }
        #expect(paper.text == (0..<EventReports.burst).map { "warning refused peer=\($0)\n" })
        // Another kind, and configured peers, are not concerned.
        reports.write(.moved, ["peer": "x"], isPeer: false, now: start)
        reports.write(.refused, ["peer": "bob"], isPeer: true, now: start)
        #expect(paper.text.suffix(2) == ["notice peer moved peer=x\n", "warning refused peer=bob\n"])
        let due = reports.deadline
        #expect(due == start + .milliseconds(Int64(EventReports.burst)) + EventReports.period)
        reports.settle(now: due - .milliseconds(1))
        #expect(paper.text.count == EventReports.burst + 2)
        reports.settle(now: due)
        let left = 1000 - EventReports.burst
        #expect(paper.text.last == "warning more of these were not written count=\(left) event=refused\n")
        #expect(reports.deadline == .distantFuture)
        // Once more, a period later.
        reports.write(.refused, ["peer": "y"], isPeer: false, now: due)
        #expect(paper.text.last == "warning refused peer=y\n")
        reports.settle(now: due + .seconds(100))
        #expect(paper.text.last == "warning refused peer=y\n")
    }
}
