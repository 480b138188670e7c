internal import Foundation
internal import INET256
internal import Synchronization

/// Mines a key on all processors and tells how it goes on standard error.
struct KeySearch {
    let miner: KeyMiner
    var workers = max(1, ProcessInfo.processInfo.activeProcessorCount)

    /// Attempts between two looks at the clock: some tens of milliseconds.
    private static let batch = 2000

    func run() async -> PrivateKey {
        if let key = miner.mine(attempts: 16, random: SystemRandom()) { return key }
        let progress = SearchProgress(expected: miner.expectedAttempts)
        let found = await withTaskGroup(of: PrivateKey?.self) { group in
            for _ in 0..<workers { group.addTask { await search(progress) } }
            var found: PrivateKey?
            for await key in group {
                guard let key else { continue }
                if found == nil { found = key }
                group.cancelAll()
            }
            return found
        }
        progress.finish()
        // Workers give up only when they are cancelled, and that happens only once a key is found, or the whole
        // search is: then any key will do, as nobody waits for it.
        return found ?? PrivateKey(generatedFrom: SystemRandom())
    }

    private func search(_ progress: SearchProgress) async -> PrivateKey? {
        let random = SystemRandom()
        while !Task.isCancelled {
            if let key = miner.mine(attempts: Self.batch, random: random) { return key }
            progress.add(Self.batch)
            await Task.yield()
        }
        return nil
    }
}

/// Counts attempts and tells about them: each second on a terminal, each half minute elsewhere.
private final class SearchProgress: Sendable {
    private struct State {
        var attempts = 0
        var told: ContinuousClock.Instant
        var wroteLine = false
    }

    private let expected: Double
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private let state: Mutex<State>

    init(expected: Double) {
        self.expected = expected
        state = Mutex(State(told: began))
    }

    func add(_ attempts: Int) {
        state.withLock { state in
            state.attempts += attempts
            let now = ContinuousClock.now
            guard now - state.told >= (isTerminal ? .seconds(1) : .seconds(30)) else { return }
            state.told = now
            state.wroteLine = true
            let rate = Double(state.attempts) / ((now - began) / .seconds(1))
            let text = String(
                format: "%.3g keys tried, %.0f a second; about %.3g are needed (%@)", Double(state.attempts), rate,
                expected,
                Units.time(expected / max(rate, 1)))
            write(isTerminal ? "\r\u{1b}[K\(text)" : text + "\n")
        }
    }

    func finish() {
        state.withLock { if $0.wroteLine && isTerminal { write("\n") } }
    }

    private func write(_ text: String) { Output.notice(text) }
}
