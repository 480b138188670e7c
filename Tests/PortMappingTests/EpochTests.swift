import Testing
import Wire

@testable import PortMapping

@Suite struct EpochTests {
    /// What is believed of a row of answers: their seconds and ours.
    private func believed(_ answers: [(theirs: UInt32, ours: Int64)]) -> [Bool] {
        var epoch = ServerEpoch()
        return answers.map { epoch.note($0.theirs, now: Instant(nanoseconds: $0.ours * 1_000_000_000)) }
    }

    @Test func secondsThatGoWithOurs() {
        let answers: [(UInt32, Int64)] = [(100, 0), (160, 60), (159, 60), (3760, 3660), (7000, 7060)]
        #expect(believed(answers).allSatisfy { $0 })
    }

    @Test func secondsThatDoNot() {
        #expect(believed([(100, 0), (98, 1)]) == [true, false])
        // Ahead of itself, and behind, by more than a sixteenth; each is what the next is held against.
        #expect(believed([(100, 0), (1100, 800), (1900, 1900), (2000, 2000)]) == [true, false, false, true])
        #expect(believed([(100, 0), (0, 1), (1, 1), (.max, 2)]) == [true, false, true, false])
    }
}
