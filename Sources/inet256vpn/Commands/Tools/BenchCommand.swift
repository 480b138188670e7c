internal import ArgumentParser
internal import INET256
internal import INET256Client
internal import Synchronization

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure messages between two nodes: how many a second, and how long they take.",
        discussion: """
            Opens two fresh nodes, both on the daemon or the second one on another daemon, and
            sends messages of each size from the first to the second: one at a time, there and
            back, for the round-trip time; then as many as go, with at most 1,024 on their way.

            EXAMPLES
              inet256vpn bench
              inet256vpn bench --with unix:///run/other/api.sock --sizes 1200 --seconds 5

            \(ExitStatus.help)
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where the second node is opened, unix://... or tcp://... Default: the same.", valueName: "api"))
    var with: String?
    @Option(name: .long, help: "Bytes of the messages, separated by commas.")
    var sizes = "16,1200,32768"
    @Option(name: .long, help: "How long each size is measured in each way.")
    var seconds = 3.0
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var access: NodeAccess

    private struct Row: Encodable {
        let bytes: Int
        let messagesPerSecond: Double
        let lost: Int
        let medianRttMs: Double
        let worstRttMs: Double

        enum CodingKeys: String, CodingKey {
            case bytes, lost
            case messagesPerSecond = "messages_per_second"
            case medianRttMs = "median_rtt_ms"
            case worstRttMs = "worst_rtt_ms"
        }
    }

    func validate() throws {
        guard !parsedSizes.isEmpty, parsedSizes.allSatisfy({ (0...Message.maximumCount).contains($0) }) else {
            throw ValidationError("--sizes takes numbers from 0 to \(Message.maximumCount), such as 16,1200")
        }
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds takes 0.1 to 3600") }
    }

    private var parsedSizes: [Int] {
        let parts = sizes.split(separator: ",").map { Int($0) }
        return parts.contains(nil) ? [] : parts.compactMap(\.self)
    }

    func run() async throws {
        let from = try await access.open()
        defer { from.close() }
        let to: any Node
        if let with {
            let endpoint: ClientEndpoint
            do throws(ClientEndpointError) { endpoint = try ClientEndpoint(parsing: with) } catch {
                throw CommandFailure(.usage, "--with: \(error)")
            }
            to = try await INET256.connect(to: endpoint).open(PrivateKey(generatedFrom: SystemRandom()))
        } else {
            to = try await access.open(fresh: true)
        }
        defer { to.close() }
        var rows: [Row] = []
        for size in parsedSizes { rows.append(try await measure(size, from, to)) }
        if json { return try printJSON(rows) }
        var table = TextTable(
            header: ["BYTES", "MESSAGES/S", "LOST", "MEDIAN RTT", "WORST RTT"], rightAligned: [0, 1, 2, 3, 4])
        for row in rows {
            table.add([
                "\(row.bytes)", "\(Int(row.messagesPerSecond))", "\(row.lost)", Units.milliseconds(row.medianRttMs),
                Units.milliseconds(row.worstRttMs),
            ])
        }
        table.lines.forEach { print($0) }
    }

    private func measure(_ size: Int, _ from: any Node, _ to: any Node) async throws -> Row {
        let message = [UInt8](repeating: 0x5a, count: size)
        let times = try await roundTrips(message, from, to)
        let (rate, lost) = try await rate(message, from, to)
        return Row(
            bytes: size, messagesPerSecond: rate, lost: lost, medianRttMs: times[times.count / 2] * 1000,
            worstRttMs: (times.last ?? 0) * 1000)
    }

    /// Sorted, in seconds. The way is warmed up first: the first message finds the route and makes a session.
    private func roundTrips(_ message: [UInt8], _ from: any Node, _ to: any Node) async throws -> [Double] {
        let echo = Task {
            while true {
                let question = try await to.receive()
                try await to.send(question.payload, to: question.source)
            }
        }
        defer { echo.cancel() }
        let target = to.localAddress
        let clock = ContinuousClock()
        var times: [Double] = []
        var end: ContinuousClock.Instant?
        while end.map({ clock.now < $0 }) ?? true {
            let began = clock.now
            try await from.send(message, to: target)
            do {
                _ = try await within(.seconds(5)) { try await from.receive() }
            } catch NodeError.cancelled {
                throw CommandFailure(.failure, "no answer from \(target) within 5 s")
            }
            if end == nil {
                end = clock.now + .seconds(seconds)
            } else {
                times.append((clock.now - began) / .seconds(1))
            }
        }
        return times.isEmpty ? [0] : times.sorted()
    }

    /// Messages that arrived, a second, and how many did not.
    private func rate(_ message: [UInt8], _ from: any Node, _ to: any Node) async throws -> (Double, Int) {
        let arrived = Arrivals()
        let reader = Task {
            while true {
                _ = try await to.receive()
                arrived.note()
            }
        }
        defer { reader.cancel() }
        let target = to.localAddress
        let clock = ContinuousClock()
        let began = clock.now
        let end = began + .seconds(seconds)
        var sent = 0
        while clock.now < end {
            for _ in 0..<64 {
                try await from.send(message, to: target)
                sent += 1
            }
            var patience = clock.now + .seconds(1)
            var seen = arrived.count
            while sent - arrived.count > Self.window {
                await Task.yield()
                if arrived.count != seen {
                    seen = arrived.count
                    patience = clock.now + .seconds(1)
                } else if clock.now > patience {
                    // What is missing was lost: go on without it.
                    arrived.forgive(sent - arrived.count)
                }
            }
        }
        let spent = (clock.now - began) / .seconds(1)
        let count = arrived.genuine
        try await Task.sleep(for: .milliseconds(500))
        return (Double(count) / spent, sent - arrived.genuine)
    }

    /// Messages on their way at once.
    private static let window = 1024
}

/// Counts messages that came, and those that are not waited for any more.
private final class Arrivals: Sendable {
    private let came = Atomic<Int>(0)
    private let forgiven = Atomic<Int>(0)

    var genuine: Int { came.load(ordering: .relaxed) }
    var count: Int { genuine + forgiven.load(ordering: .relaxed) }
    func note() { came.add(1, ordering: .relaxed) }
    func forgive(_ missing: Int) { forgiven.add(missing, ordering: .relaxed) }
}
