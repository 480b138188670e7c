internal import Foundation
internal import Synchronization
internal import System

/// Carries log lines to a descriptor on a thread of its own: whoever logs never waits for a reader that is slow or has
/// stopped reading, least of all the thread that carries packets. Lines keep their order. What is too much is lost, counted,
/// and told once, where it is missing.
final class LogQueue: Sendable {
    /// Bytes of lines that wait: a thousand and more.
    static let capacity = 256 << 10
    /// Each waiting line counts for so many bytes more than it has.
    static let overhead = 64

    private let core: Core

    /// `lossLine` makes the line that tells of so many lost ones.
    init(descriptor: Int32, capacity: Int = capacity, lossLine: @escaping @Sendable (Int) -> String) {
        core = Core(descriptor, capacity, lossLine)
        do { try OwnThread.start("log") { [core] in core.run() } } catch {
            // Where there is no thread to be had, what has to be said is that.
            core.writeAtOnce()
        }
    }

    deinit { core.end() }

    /// Never waits for the reader.
    func add(_ line: String) { core.add(line) }

    /// Has everything written that was added, and ends. False when the reader did not take it in time; the rest is lost.
    func close(within limit: Duration) -> Bool { core.close(within: limit) }
}

/// Lines of all queues that are not written yet: what a crash waits for.
let unwrittenLines = Atomic<Int>(0)

private final class Core: Sendable {
    private struct State {
        var lines: [String] = []
        var bytes = 0
        var lost = 0
        var isEnding = false
        var isThreadless = false
    }

    private let descriptor: Int32
    private let capacity: Int
    private let lossLine: @Sendable (Int) -> String
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let isAbandoned = Atomic(false)

    /// Without a reader one looks again so often whether it is still waited for, in milliseconds.
    private static let patience: Int32 = 100
    /// A pipe that can be written to takes so many bytes at once (PIPE_BUF of pipe(7)).
    private static let chunk = 4096

    init(_ descriptor: Int32, _ capacity: Int, _ lossLine: @escaping @Sendable (Int) -> String) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.lossLine = lossLine
    }

    /// Nobody will come for the lines.
    func writeAtOnce() { state.withLock { $0.isThreadless = true } }

    func add(_ line: String) {
        if state.withLock({ $0.isThreadless }) { return write(line) }
        let size = line.utf8.count + LogQueue.overhead
        let isTaken = state.withLock { state in
            // From the first lost one on all are, until there is room: so the loss has one place among the lines.
            guard !state.isEnding, state.lost == 0, state.bytes + size <= capacity else {
                state.lost += 1
                return false
            }
            state.lines.append(line)
            state.bytes += size
            unwrittenLines.add(1, ordering: .relaxed)
            return true
        }
        if isTaken { work.signal() }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        work.signal()
    }

    func close(within limit: Duration) -> Bool {
        if state.withLock({ $0.isThreadless }) { return true }
        end()
        let (seconds, attoseconds) = limit.components
        let isDone = ended.wait(timeout: .now() + Double(seconds) + Double(attoseconds) / 1e18) == .success
        isAbandoned.store(true, ordering: .relaxed)
        // Whoever closes a second time is not kept waiting.
        if isDone { ended.signal() }
        return isDone
    }

    func run() {
        while true {
            work.wait()
            let (lines, lost, isEnding) = state.withLock { state in
                defer {
                    state.lines = []
                    state.bytes = 0
                    state.lost = 0
                }
                return (state.lines, state.lost, state.isEnding)
            }
            for line in lines {
                write(line)
                unwrittenLines.subtract(1, ordering: .relaxed)
            }
            if lost > 0 { write(lossLine(lost)) }
            if isEnding { break }
        }
        ended.signal()
    }

    private func write(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty, isWritable() {
                let view = UnsafeBufferPointer(rebasing: rest.prefix(Self.chunk))
                let count = Glibc.write(descriptor, view.baseAddress, view.count)
                // A reader that is gone must not stop the daemon: the line is lost.
                if count < 0, errno != EINTR, errno != EAGAIN { return }
                rest = rest.dropFirst(max(0, count))
            }
        }
    }

    /// Waits for room. False when nobody waits for the lines any more, or nobody reads them.
    private func isWritable() -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while !isAbandoned.load(ordering: .relaxed) {
            let count = poll(&entry, 1, Self.patience)
            if count > 0 { return entry.revents & Int16(POLLOUT) != 0 }
            if count < 0, errno != EINTR { return false }
        }
        return false
    }
}
