internal import API
internal import AdminProtocol
internal import Foundation
internal import INET256

/// A run of pings: the counts so far, and what ping(8) would print about them.
struct PingRun: Sendable {
    let label: String
    let address: Address
    let bytes: Int
    private(set) var transmitted = 0
    private(set) var received = 0
    private(set) var errors = 0
    private(set) var replies: [Reply] = []
    /// Sums of the round trips and of their squares, in milliseconds.
    private var sum = 0.0
    private var squares = 0.0
    private var least = Double.infinity
    private var most = 0.0
    private var elapsed = Duration.zero

    struct Reply: Encodable, Sendable {
        let seq: Int
        let rttMs: Double

        enum CodingKeys: String, CodingKey {
            case seq
            case rttMs = "rtt_ms"
        }
    }

    /// Replies that are remembered for the JSON summary; the statistics cover all.
    private static let mostReplies = 10_000

    init(label: String, address: Address, bytes: Int) {
        self.label = label
        self.address = address
        self.bytes = bytes
    }

    var header: String { "PING \(label) (\(address)) \(bytes) bytes of data." }

    /// Pings `count` times, one at a time, at most one in each `pause`. Ends early, with what there is, when the
    /// task is cancelled.
    func repeated(
        _ count: Int, every pause: Duration, quiet: Bool, _ ping: () async throws -> PingOutcome
    ) async throws -> PingRun {
        var run = self
        let began = ContinuousClock.now
        while run.transmitted < count, !Task.isCancelled {
            let sent = ContinuousClock.now
            let outcome: PingOutcome
            do {
                outcome = try await ping()
            } catch APIClientError.cancelled {
                break
            }
            let line = run.record(outcome)
            if !quiet { print(line) }
            run.elapsed = ContinuousClock.now - began
            if run.transmitted < count {
                do { try await Task.sleep(until: sent + pause, clock: .continuous) } catch { break }
            }
        }
        return run
    }

    /// Counts an outcome and tells of it.
    mutating func record(_ outcome: PingOutcome) -> String {
        transmitted += 1
        switch outcome {
        case .answered(let rtt, let via):
            let milliseconds = rtt / .milliseconds(1)
            received += 1
            sum += milliseconds
            squares += milliseconds * milliseconds
            least = min(least, milliseconds)
            most = max(most, milliseconds)
            if replies.count < Self.mostReplies { replies.append(Reply(seq: transmitted, rttMs: milliseconds)) }
            let way = via.map { " (\(TerminalText.clean($0)))" } ?? ""
            return "\(bytes) bytes from \(label): seq=\(transmitted) time=\(Units.milliseconds(milliseconds))\(way)"
        case .timedOut:
            return "no answer from \(label): seq=\(transmitted)"
        case .failed(let reason):
            errors += 1
            return "not sent to \(label): seq=\(transmitted) \(TerminalText.clean(reason))"
        }
    }

    var footer: [String] {
        var counts = "\(transmitted) packets transmitted, \(received) received"
        if errors > 0 { counts += ", +\(errors) errors" }
        counts += String(format: ", %.6g%% packet loss, time %.0fms", lossPercent, elapsed / .milliseconds(1))
        var lines = ["", "--- \(label) ping statistics ---", counts]
        if let rtt {
            lines.append(
                String(format: "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms", rtt.min, rtt.avg, rtt.max, rtt.mdev))
        }
        return lines
    }

    private var lossPercent: Double {
        transmitted == 0 ? 0 : Double(transmitted - received) * 100 / Double(transmitted)
    }

    /// In milliseconds; mdev is the standard deviation, as ping(8) has it.
    struct RoundTrips: Encodable, Sendable {
        let min, avg, max, mdev: Double
    }

    var rtt: RoundTrips? {
        guard received > 0 else { return nil }
        let mean = sum / Double(received)
        let variance = Swift.max(0, squares / Double(received) - mean * mean)
        return RoundTrips(min: least, avg: mean, max: most, mdev: variance.squareRoot())
    }

    struct Summary: Encodable {
        let target: String
        let name: String?
        let bytes: Int
        let transmitted, received, errors: Int
        let lossPercent: Double
        let rttMs: RoundTrips?
        let replies: [Reply]

        enum CodingKeys: String, CodingKey {
            case target, name, bytes, transmitted, received, errors, replies
            case lossPercent = "loss_percent"
            case rttMs = "rtt_ms"
        }
    }

    var summary: Summary {
        Summary(
            target: address.description, name: label == address.description ? nil : label, bytes: bytes,
            transmitted: transmitted, received: received, errors: errors, lossPercent: lossPercent, rttMs: rtt,
            replies: replies)
    }
}
