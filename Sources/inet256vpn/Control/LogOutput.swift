internal import Glibc
internal import Logging
internal import Settings
internal import Synchronization

/// Where log lines go: standard error, by a queue with a thread of its own, so that nobody waits for its reader and lines
/// of several threads never mix. The level can be changed while the program runs, for every logger at once.
final class LogOutput: Sendable {
    let format: LogConfiguration.Format
    /// Whether lines begin with the journal's <priority> (sd-daemon(3)).
    let journal: Bool
    private let threshold: Atomic<Int>
    private let write: @Sendable (String) -> Void
    private let queue: LogQueue?
    /// The last ones that matter.
    let events = EventRing()

    /// How long the last lines are waited for.
    private static let closingTime: Duration = .seconds(1)

    init(_ configuration: LogConfiguration, descriptor: Int32 = STDERR_FILENO) {
        let format = configuration.format
        let journal = descriptor == STDERR_FILENO && Self.standardErrorIsJournal()
        let queue = LogQueue(descriptor: descriptor) { Self.text(Self.loss(of: $0), format, journal: journal) }
        self.format = format
        self.journal = journal
        threshold = Atomic(Self.rank(configuration.level))
        write = queue.add
        self.queue = queue
    }

    /// For tests: lines go to `write`.
    init(_ configuration: LogConfiguration, journal: Bool, write: @escaping @Sendable (String) -> Void) {
        format = configuration.format
        self.journal = journal
        threshold = Atomic(Self.rank(configuration.level))
        self.write = write
        queue = nil
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
        events.add(line)
        write(Self.text(line, format, journal: journal))
    }

    /// Has everything written and takes nothing more. False when nobody reads: then standard error is not to be written to
    /// by others either, who would wait.
    func close() -> Bool { queue?.close(within: Self.closingTime) ?? true }

    private static func text(_ line: LogLine, _ format: LogConfiguration.Format, journal: Bool) -> String {
        (journal ? "<\(line.journalPriority)>" : "") + (format == .json ? line.json : line.text) + "\n"
    }

    private static func loss(of count: Int) -> LogLine {
        LogLine(
            level: .warning, label: Program.name, message: "log lines were lost, as nobody read them in time",
            metadata: ["count": "\(count)"])
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
