import Foundation

/// A ping(8) that runs beside the test, for seeing when a way is lost and found again.
struct Pings {
    private let command: RunningCommand

    /// Seconds between two echoes.
    let interval: Double

    init(in bed: Testbed, from namespace: String, to target: String, interval: Double = 0.2) throws {
        self.interval = interval
        // -D gives each answer its time, -O says of an echo at once that it was not answered.
        let words = ["ping", "-6", "-n", "-D", "-O", "-i", "\(interval)", target]
        command = try bed.start(words, in: namespace)
    }

    /// When each answer came, in seconds since 1970.
    var answers: [Double] {
        command.said.split(separator: "\n").filter { $0.contains("bytes from") && $0.contains("time=") }.compactMap {
            guard let end = $0.firstIndex(of: "]") else { return nil }
            return Double($0.dropFirst().prefix(upTo: end))
        }
    }

    /// Sequence numbers that never had an answer, among those up to the last answered one.
    var unanswered: [Int] {
        let numbers = Set(
            command.said.split(separator: "\n").filter { $0.contains("time=") }.compactMap { line -> Int? in
                guard let at = line.range(of: "icmp_seq=") else { return nil }
                return Int(line[at.upperBound...].prefix { $0.isNumber })
            })
        return numbers.max().map { (1...$0).filter { !numbers.contains($0) } } ?? []
    }

    /// Waits for an answer that comes after `moment` and gives the seconds between them.
    func firstAnswer(after moment: Double, within limit: Duration = .seconds(30)) async throws -> Double {
        try await eventually(within: limit, "an echo was answered again") { answers.contains { $0 > moment } }
        return answers.first { $0 > moment }! - moment
    }

    func stop() async {
        command.signal(SIGINT)
        _ = await command.finish(within: .seconds(5))
    }

    /// The clock of `answers`.
    static var now: Double { Date().timeIntervalSince1970 }
}
