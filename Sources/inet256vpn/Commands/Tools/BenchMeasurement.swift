internal import INET256
internal import INET256Client

/// Measures messages of one size between two nodes, as an application would exchange them.
struct BenchMeasurement {
    let message: [UInt8]
    let from: any Node
    let to: any Node
    let time: Duration

    /// Messages on their way at once, and their bytes: half of what a daemon holds for a connection.
    private static let windowCount = 1024
    private static let windowBytes = 2 << 20
    /// After so long without a message it is not waited for any more.
    private static let patience: Duration = .seconds(1)
    private static let answerTime: Duration = .seconds(5)

    struct Rate {
        let perSecond: Double
        let lost: Int
    }

    /// Sorted, in seconds. The way is warmed up first: the first message finds the route and makes a session.
    func roundTrips() async throws -> [Double] {
        let (message, from, to, time) = (message, from, to, time)
        let target = to.localAddress
        let progress = BenchWindow(size: 1)
        let echo = Task(executorPreference: INET256.executor) {
            while true {
                let question = try await to.receive()
                try await to.send(question.payload, to: question.source)
            }
        }
        defer { echo.cancel() }
        let asking = Task(executorPreference: INET256.executor) {
            let clock = ContinuousClock()
            var times: [Double] = []
            var end: ContinuousClock.Instant?
            var began = clock.now
            while end.map({ began < $0 }) ?? true {
                try await from.send(message, to: target)
                _ = try await from.receive()
                progress.noteArrival()
                let now = clock.now
                if end == nil { end = now + time } else { times.append((now - began) / .seconds(1)) }
                began = now
            }
            return times.isEmpty ? [0] : times.sorted()
        }
        let watch = Task {
            try await Self.stall(of: progress, for: Self.answerTime)
            asking.cancel()
        }
        defer { watch.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await asking.value
            } onCancel: {
                asking.cancel()
            }
        } catch NodeError.cancelled where !Task.isCancelled {
            throw CommandFailure(.failure, "no answer from \(target) within 5 s")
        }
    }

    /// Messages that arrived, a second, and how many did not.
    func rate() async throws -> Rate {
        let (message, from, to, time) = (message, from, to, time)
        let target = to.localAddress
        let size = max(1, min(Self.windowCount, Self.windowBytes / max(1, message.count)))
        let window = BenchWindow(size: size)
        let reader = Task(executorPreference: INET256.executor) {
            while true {
                _ = try await to.receive()
                window.noteArrival()
            }
        }
        defer { reader.cancel() }
        let sender = Task {
            while true {
                let room = await window.room()
                if room == 0 { return }
                for _ in 0..<room { try await from.send(message, to: target) }
            }
        }
        let watch = Task {
            while true {
                try await Self.stall(of: window, for: Self.patience)
                window.forgive()
            }
        }
        defer { watch.cancel() }
        let clock = ContinuousClock()
        let began = clock.now
        do { try await Task.sleep(for: time) } catch {
            sender.cancel()
            throw error
        }
        let count = window.arrived
        let spent = (clock.now - began) / .seconds(1)
        window.end()
        try await sender.value
        // The last ones are still on their way.
        try await Self.stall(of: window, for: Self.patience, unless: { window.arrived == window.sent })
        return Rate(perSecond: Double(count) / spent, lost: window.sent - window.arrived)
    }

    /// Returns when nothing has arrived for `limit`, or nothing can.
    private static func stall(
        of window: BenchWindow, for limit: Duration, unless isDone: () -> Bool = { false }
    ) async throws {
        let clock = ContinuousClock()
        var seen = window.arrived
        var end = clock.now + limit
        while !isDone(), clock.now < end {
            try await Task.sleep(for: min(limit / 10, .milliseconds(100)))
            if window.arrived != seen {
                seen = window.arrived
                end = clock.now + limit
            }
        }
    }
}
