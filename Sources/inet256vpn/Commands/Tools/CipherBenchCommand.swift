internal import ArgumentParser
internal import INET256

struct CipherBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cipher",
        abstract: "Measure the ciphers that sessions are sealed with, by the library they are taken from.",
        discussion: """
            Checks each library against published examples and against libsodium, as the
            daemon does at its start, and measures those that are right on one thread. The
            one marked with * is what the daemon would choose now (crypto.backends decides
            among which). Needs no daemon.

            EXAMPLES
              inet256vpn bench cipher
              inet256vpn bench cipher --milliseconds 500 --json

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: "How long each library is measured with each length.")
    var milliseconds = 100
    @Flag(help: "Print JSON.")
    var json = false

    /// Of text, in bytes: a keystroke, a full datagram, a large message.
    private static let lengths = [64, CipherSurvey.measuredCount, 16_384]

    private struct Row: Encodable {
        struct Length: Encodable {
            let bytes: Int
            let sealNs: Double
            let openNs: Double
            let gbitPerSecond: Double

            enum CodingKeys: String, CodingKey {
                case bytes
                case sealNs = "seal_ns"
                case openNs = "open_ns"
                case gbitPerSecond = "gbit_per_second"
            }
        }

        let suite: Int
        let cipher: String
        let backend: String
        let chosen: Bool
        /// Why it is not used, if it cannot be.
        let trouble: String?
        let lengths: [Length]
    }

    func validate() throws {
        guard (1...60_000).contains(milliseconds) else { throw ValidationError("--milliseconds takes 1 to 60000") }
    }

    func run() throws {
        let survey = CipherSurvey()
        let choice = survey.choice
        let rows = survey.findings.map { row($0, chosen: choice[$0.cipher] == $0.backend) }
        if json { return try printJSON(rows) }
        printLines(table(rows))
        // A library that is there and wrong is worth an exit status of its own.
        if !survey.warnings.isEmpty { throw CommandFailure(.failure, survey.warnings.joined(separator: "; ")) }
    }

    private func row(_ finding: CipherSurvey.Finding, chosen: Bool) -> Row {
        let trouble: String?
        var lengths: [Row.Length] = []
        switch finding.verdict {
        case .unavailable(let why): trouble = why
        case .faulty(let why): trouble = "NOT USED: \(why)"
        case .works:
            trouble = nil
            lengths = Self.lengths.map { count in
                let measured = CipherMeasurement(
                    finding.cipher, finding.backend, byteCount: count, microseconds: Double(milliseconds) * 1000)
                return Row.Length(
                    bytes: count, sealNs: measured.sealing.rounded(), openNs: measured.opening.rounded(),
                    gbitPerSecond: (measured.gigabitsPerSecond * 100).rounded() / 100)
            }
        }
        return Row(
            suite: Int(finding.cipher.rawValue), cipher: finding.cipher.name, backend: finding.backend.rawValue,
            chosen: chosen, trouble: trouble, lengths: lengths)
    }

    /// Nanoseconds to seal / to open a message of each length; the speed is that of the largest datagram's.
    private func table(_ rows: [Row]) -> [String] {
        var table = TextTable(
            header: ["CIPHER", "BACKEND", ""] + Self.lengths.map { "\($0) B, NS" } + ["GBIT/S", ""],
            rightAligned: [3, 4, 5, 6])
        for row in rows {
            var cells = [row.cipher, row.backend, row.chosen ? "*" : ""]
            cells += row.lengths.map { "\(Int($0.sealNs)) / \(Int($0.openNs))" }
            if row.lengths.isEmpty { cells += Self.lengths.map { _ in "-" } }
            let full = row.lengths.first { $0.bytes == CipherSurvey.measuredCount }
            cells.append(full.map { "\(($0.gbitPerSecond * 10).rounded() / 10)" } ?? "-")
            table.add(cells + [row.trouble ?? ""])
        }
        let lines = table.lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
        return lines + [
            "ns to seal / to open a message; Gbit/s with \(CipherSurvey.measuredCount) bytes, one thread"
        ]
    }
}
