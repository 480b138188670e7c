import Synchronization
import Testing
import Wire

@testable import INET256

private final class Collected: Sendable {
    let values = Mutex<[Int]>([])
}

@Suite(.timeLimit(.minutes(1))) struct MessageQueueTests {
    private func message(_ bytes: [UInt8]) -> Message {
        Message(source: Address(raw: .zero), destination: Address(raw: .zero), payload: bytes)
    }

    private func outcome(_ queue: MessageQueue) async -> Result<[UInt8], NodeError> {
        do throws(NodeError) {
            return .success(try await queue.next().payload)
        } catch {
            return .failure(error)
        }
    }

    /// Until `count` calls wait in the queue.
    private func untilWaiting(_ count: Int, _ queue: MessageQueue) async {
        while queue.waitingCount != count { await Task.yield() }
    }

    @Test func firstInFirstOut() async {
        let queue = MessageQueue(messageLimit: 1000)
        for round in 0..<3 {
            for index in 0..<200 { #expect(queue.offer(message([UInt8(index), UInt8(round)]))) }
            for index in 0..<200 { #expect(await outcome(queue) == .success([UInt8(index), UInt8(round)])) }
        }
        #expect(queue.droppedCount == 0)
    }

    @Test func waitingReaderIsWoken() async {
        let queue = MessageQueue()
        async let received = outcome(queue)
        await untilWaiting(1, queue)
        #expect(queue.offer(message([7])))
        #expect(await received == .success([7]))
    }

    @Test func boundedInMessages() async {
        let queue = MessageQueue(messageLimit: 3)
        for index in 0..<3 { #expect(queue.offer(message([UInt8(index)]))) }
        #expect(!queue.offer(message([9])))
        #expect(queue.droppedCount == 1)
        #expect(await outcome(queue) == .success([0]))
        #expect(queue.offer(message([3])))
        for index in 1...3 { #expect(await outcome(queue) == .success([UInt8(index)])) }
    }

    @Test func boundedInBytes() async {
        let queue = MessageQueue(messageLimit: 1000, byteLimit: 100_000)
        let large = [UInt8](repeating: 1, count: 65_535)
        #expect(queue.offer(message(large)))
        #expect(!queue.offer(message(large)))
        #expect(queue.offer(message([2])))
        #expect(await outcome(queue) == .success(large))
        #expect(queue.offer(message(large)))
        #expect(await outcome(queue) == .success([2]))
        #expect(await outcome(queue) == .success(large))
    }

    @Test func cancelledBeforeItWaits() async {
        let queue = MessageQueue()
        queue.offer(message([1]))
        let task = Task { () -> Result<[UInt8], NodeError> in
            while !Task.isCancelled { await Task.yield() }
            return await outcome(queue)
        }
        task.cancel()
        #expect(await task.value == .failure(.cancelled))
        #expect(queue.waitingCount == 0)
        #expect(await outcome(queue) == .success([1]))
    }

    @Test func cancelledWhileItWaits() async {
        let queue = MessageQueue()
        let first = Task { await outcome(queue) }
        await untilWaiting(1, queue)
        let second = Task { await outcome(queue) }
        await untilWaiting(2, queue)
        first.cancel()
        #expect(await first.value == .failure(.cancelled))
        #expect(queue.waitingCount == 1)
        queue.offer(message([5]))
        #expect(await second.value == .success([5]))
    }

    @Test func closingEndsEveryWait() async {
        let queue = MessageQueue()
        let tasks = (0..<5).map { _ in Task { await outcome(queue) } }
        await untilWaiting(5, queue)
        queue.close()
        for task in tasks { #expect(await task.value == .failure(.closed)) }
        #expect(await outcome(queue) == .failure(.closed))
        #expect(!queue.offer(message([1])))
        queue.close()
    }

    /// Readers are cancelled all the time while messages come in: each message is received exactly once.
    @Test func nothingIsLostOrDoubledWhenReadersAreCancelled() async {
        let queue = MessageQueue(messageLimit: 100_000)
        let total = 4000
        let received = Collected()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for index in 0..<total {
                    queue.offer(message([UInt8(index >> 8), UInt8(index & 255)]))
                    if index % 7 == 0 { await Task.yield() }
                }
            }
            for reader in 0..<4 {
                group.addTask {
                    while received.values.withLock({ $0.count }) < total {
                        let call = Task { await outcome(queue) }
                        if reader > 0 || queue.waitingCount > 0 {
                            await Task.yield()
                            call.cancel()
                        }
                        if case .success(let bytes) = await call.value {
                            received.values.withLock { $0.append(Int(bytes[0]) << 8 | Int(bytes[1])) }
                        }
                        if received.values.withLock({ $0.count }) >= total { queue.close() }
                    }
                }
            }
        }
        #expect(received.values.withLock { $0.sorted() } == Array(0..<total))
    }

    @Test func manyAtOnceGoToReadersAndThenInLine() async {
        let queue = MessageQueue(messageLimit: 3)
        let first = Task { await outcome(queue) }
        await untilWaiting(1, queue)
        let second = Task { await outcome(queue) }
        await untilWaiting(2, queue)
        #expect(queue.offer(contentsOf: (0..<6).map { message([$0]) }) == 5)
        #expect(queue.droppedCount == 1)
        #expect(await first.value == .success([0]))
        #expect(await second.value == .success([1]))
        for index in 2..<5 { #expect(await outcome(queue) == .success([UInt8(index)])) }
        #expect(queue.offer(contentsOf: []) == 0)
        queue.close()
        #expect(queue.offer(contentsOf: [message([9])]) == 0)
    }

    @Test func theLineGrowsAndGoesRound() async {
        let queue = MessageQueue(messageLimit: 10_000)
        var (offered, taken) = (0, 0)
        for step in 0..<400 {
            let many = (step * 7) % 23
            queue.offer(
                contentsOf: (0..<many).map { message([UInt8((offered + $0) >> 8), UInt8((offered + $0) & 255)]) })
            offered += many
            for _ in 0..<min((step * 5) % 19, offered - taken) {
                #expect(await outcome(queue) == .success([UInt8(taken >> 8), UInt8(taken & 255)]))
                taken += 1
            }
        }
        while taken < offered {
            #expect(await outcome(queue) == .success([UInt8(taken >> 8), UInt8(taken & 255)]))
            taken += 1
        }
    }

    /// Several readers that are never quite idle, some cancelled at the moment of delivery, and messages in batches.
    @Test func readersAtOnceShareBatches() async {
        let queue = MessageQueue(messageLimit: 100_000)
        let (total, batch) = (20_000, 40)
        let received = Collected()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for start in stride(from: 0, to: total, by: batch) {
                    let messages = (start..<(start + batch)).map { message([UInt8($0 >> 8), UInt8($0 & 255)]) }
                    #expect(queue.offer(contentsOf: messages) == batch)
                    if start % (batch * 3) == 0 { await Task.yield() }
                }
            }
            for reader in 0..<4 {
                group.addTask {
                    while true {
                        let call = Task { await outcome(queue) }
                        if reader == 0 { call.cancel() }
                        switch await call.value {
                        case .success(let bytes):
                            let count = received.values.withLock { values in
                                values.append(Int(bytes[0]) << 8 | Int(bytes[1]))
                                return values.count
                            }
                            if count == total { queue.close() }
                        case .failure(.cancelled): await Task.yield()
                        case .failure: return
                        }
                        if reader == 0, received.values.withLock({ $0.count == total }) { return }
                    }
                }
            }
        }
        #expect(received.values.withLock { $0.sorted() } == Array(0..<total))
    }

    /// To one reader, messages come in the order in which they were offered, whether it waited or not.
    @Test func oneReaderSeesTheOrder() async {
        let queue = MessageQueue(messageLimit: 100_000)
        let total = 20_000
        let reading = Task { () -> [Int] in
            var values: [Int] = []
            while values.count < total, case .success(let bytes) = await outcome(queue) {
                values.append(Int(bytes[0]) << 8 | Int(bytes[1]))
            }
            return values
        }
        var index = 0
        while index < total {
            let many = min(index % 5, total - index)
            queue.offer(contentsOf: (index..<(index + many)).map { message([UInt8($0 >> 8), UInt8($0 & 255)]) })
            index += many
            if index < total { queue.offer(message([UInt8(index >> 8), UInt8(index & 255)])) }
            index += 1
            if index % 11 == 0 { await Task.yield() }
        }
        #expect(await reading.value == Array(0..<total))
    }
}
