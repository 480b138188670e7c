internal import ArgumentParser
internal import INET256
internal import INET256Client

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages",
        abstract: "Measure messages between two nodes: how many a second, and how long they take.",
        discussion: """
            Opens two fresh nodes, both on the daemon or the second one on another daemon,
            and sends messages of each size from the first to the second: one at a time,
            there and back, for the round-trip time; then as many as go, with at most 1,024
            and 2 MiB on their way. What is lost is counted.

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
        printLines(table.lines)
    }

    private func measure(_ size: Int, _ from: any Node, _ to: any Node) async throws -> Row {
        let measurement = BenchMeasurement(
            message: [UInt8](repeating: 0x5a, count: size), from: from, to: to, time: .seconds(seconds))
        let times = try await measurement.roundTrips()
        let rate = try await measurement.rate()
        return Row(
            bytes: size, messagesPerSecond: rate.perSecond, lost: rate.lost,
            medianRttMs: times[times.count / 2] * 1000, worstRttMs: (times.last ?? 0) * 1000)
    }
}
