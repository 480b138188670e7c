internal import Glibc
internal import Logging
internal import Synchronization

/// Where log lines go: standard error, in one write each, so that lines of several threads never mix. The level can be
/// changed while the program runs, for every logger at once.
final class LogOutput: Sendable {
    let format: LogConfiguration.Format
    /// Whether lines begin with the journal's <priority> (sd-daemon(3)).
    let journal: Bool
    private let threshold: Atomic<Int>
    private let write: @Sendable (String) -> Void

    init(_ configuration: LogConfiguration) {
        format = configuration.format
        journal = Self.standardErrorIsJournal()
        threshold = Atomic(Self.rank(configuration.level))
        write = Self.writeToStandardError
    }

    /// For tests: lines go to `write`.
    init(_ configuration: LogConfiguration, journal: Bool, write: @escaping @Sendable (String) -> Void) {
        format = configuration.format
        self.journal = journal
        threshold = Atomic(Self.rank(configuration.level))
        self.write = write
    }

    /// Lines below it are not written.
    var level: Logger.Level {
        get { Logger.Level.allCases[threshold.load(ordering: .relaxed)] }
        set { threshold.store(Self.rank(newValue), ordering: .relaxed) }
    }

    /// A logger that writes here.
    func logger(_ label: String) -> Logger {
        Logger(label: label) { LogWriter(label: $0, output: self) }
    }

    func emit(_ line: LogLine) {
        let text = format == .json ? line.json : line.text
        write((journal ? "<\(line.journalPriority)>" : "") + text + "\n")
    }

    private static func rank(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }

    /// Whether JOURNAL_STREAM names the file behind standard error (systemd.exec(5)): the variable alone is
    /// inherited by processes whose output goes elsewhere.
    private static func standardErrorIsJournal() -> Bool {
        guard let value = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return value == "\(status.st_dev):\(status.st_ino)"
    }

    @Sendable private static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let view = UnsafeBufferPointer(rebasing: rest)
                let count = Glibc.write(STDERR_FILENO, view.baseAddress, view.count)
                // A reader that is gone or full must not stop the daemon: the line is lost.
                if count < 0 && errno != EINTR { return }
                rest = rest.dropFirst(max(0, count))
            }
        }
    }
}

/// The swift-log side of `LogOutput`.
struct LogWriter: LogHandler {
    let label: String
    let output: LogOutput
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// A logger's own level, where one was set.
    private var ownLevel: Logger.Level?

    init(label: String, output: LogOutput) {
        self.label = label
        self.output = output
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? output.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        output.emit(LogLine(level: event.level, label: label, message: "\(event.message)", metadata: all))
    }
}
