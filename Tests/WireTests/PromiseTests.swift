import Synchronization
import Testing
import Wire

@Suite struct PromiseTests {
    private enum Fault: Error, Equatable {
        case cancelled
        case other
    }

    private typealias Number = Promise<Int, Fault>

    @Test func theFirstOutcomeCounts() async throws {
        let early = Number()
        #expect(!early.isDecided)
        #expect(early.end(.success(1)))
        #expect(!early.end(.success(2)) && !early.end(.failure(.other)))
        #expect(early.isDecided)
        #expect(try await early.value(cancelled: .cancelled) == 1)
        #expect(early.isDecided && !early.end(.success(3)))
    }

    @Test func whoWaitsIsResumedWithTheOutcome() async throws {
        let promise = Number()
        let answered = try await promise.value(cancelled: .cancelled) { promise.end(.success(7)) }
        #expect(answered == 7)
        let failing = Number()
        await #expect(throws: Fault.other) {
            try await failing.value(cancelled: .cancelled) { failing.end(.failure(.other)) }
        }
    }

    @Test func nobodyIsAskedForWhatIsDecided() async throws {
        let promise = Number()
        promise.end(.success(4))
        let asked = Mutex(false)
        #expect(try await promise.value(cancelled: .cancelled) { asked.withLock { $0 = true } } == 4)
        #expect(!asked.withLock { $0 })
    }

    @Test func aCancelledTaskStopsWaiting() async {
        let before = Number()
        let task = Task { () async throws(Fault) -> Int in
            // Runs when the task is cancelled already.
            while !Task.isCancelled { await Task.yield() }
            return try await before.value(cancelled: .cancelled)
        }
        task.cancel()
        await #expect(throws: Fault.cancelled) { try await task.value }
        #expect(before.isDecided && !before.end(.success(1)))

        let during = Number()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let waiting = Task { () async throws(Fault) -> Int in
            try await during.value(cancelled: .cancelled) { begin.finish() }
        }
        for await _ in begun {}
        #expect(!during.isDecided)
        waiting.cancel()
        await #expect(throws: Fault.cancelled) { try await waiting.value }
        #expect(during.isDecided)
    }

    @Test func aClaimIsGivenOnceAndBringsTheWaiter() async throws {
        let unawaited = Number()
        let first = unawaited.claim(.success(1))
        #expect(first.isTaken && first.waiter == nil)
        #expect(!unawaited.claim(.success(2)).isTaken)
        #expect(try await unawaited.value(cancelled: .cancelled) == 1)

        let awaited = Number()
        let value = try await awaited.value(cancelled: .cancelled) {
            let claim = awaited.claim(.success(8))
            #expect(claim.isTaken && claim.waiter != nil)
            #expect(awaited.isDecided && !awaited.claim(.success(9)).isTaken)
            claim.waiter?.resume(returning: .success(8))
        }
        #expect(value == 8)
    }

    @Test func ofManyThreadsOneDecides() async throws {
        for _ in 0..<200 {
            let promise = Number()
            let waiting = Task { () async throws(Fault) -> Int in try await promise.value(cancelled: .cancelled) }
            let winners = await withTaskGroup(of: Int?.self) { group in
                for number in 0..<4 { group.addTask { promise.end(.success(number)) ? number : nil } }
                var winners: [Int] = []
                for await winner in group { if let winner { winners.append(winner) } }
                return winners
            }
            #expect(winners.count == 1)
            #expect(try await waiting.value == winners.first)
        }
    }
}
