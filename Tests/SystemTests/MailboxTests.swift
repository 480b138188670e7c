import Synchronization
import Testing
import Wire

@testable import System

@Suite struct MailboxTests {
    @Test func keepsTheOrderAndWakesOnce() throws {
        let mailbox = try Mailbox<Int>()
        let poller = try Poller()
        try poller.add(mailbox.descriptor, token: 1, interest: .readable)
        for command in 0..<10 { try mailbox.post(command) }
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 1)
        #expect(mailbox.drain() == Array(0..<10))
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
        #expect(mailbox.drain().isEmpty)
        try mailbox.post(11)
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 1)
    }

    @Test func isBoundedAndCloses() throws {
        let mailbox = try Mailbox<String>(capacity: 2)
        try mailbox.post("a")
        try mailbox.post("b")
        #expect(throws: MailboxError.full) { try mailbox.post("c") }
        #expect(mailbox.drain() == ["a", "b"])
        try mailbox.post("d")
        #expect(mailbox.close() == ["d"])
        #expect(throws: MailboxError.closed) { try mailbox.post("e") }
        #expect(mailbox.close().isEmpty)
    }

    @Test func takesSeveralOrNone() throws {
        let mailbox = try Mailbox<Int>(capacity: 4)
        let poller = try Poller()
        try poller.add(mailbox.descriptor, token: 1, interest: .readable)
        try mailbox.post(all: [])
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
        try mailbox.post(all: [1, 2])
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 1)
        #expect(throws: MailboxError.full) { try mailbox.post(all: [3, 4, 5]) }
        try mailbox.post(all: [3, 4])
        #expect(mailbox.drain() == [1, 2, 3, 4])
        _ = mailbox.close()
        #expect(throws: MailboxError.closed) { try mailbox.post(all: [6]) }
    }

    @Test func losesNothingBetweenThreads() throws {
        let mailbox = try Mailbox<Int>(capacity: .max)
        let poller = try Poller()
        try poller.add(mailbox.descriptor, token: 1, interest: .readable)
        let threads = 4
        let each = 5000
        for thread in 0..<threads {
            let code = DetachedThread.start {
                for command in 0..<each { try? mailbox.post(thread * each + command) }
            }
            #expect(code == 0)
        }
        var seen: [Int] = []
        let deadline = BootClock.now() + .seconds(20)
        while seen.count < threads * each && BootClock.now() < deadline {
            _ = try poller.wait(until: deadline, now: BootClock.now())
            seen += mailbox.drain()
        }
        #expect(seen.sorted() == Array(0..<threads * each))
        // Each thread's commands in its own order.
        for thread in 0..<threads {
            let own = seen.filter { $0 / each == thread }
            #expect(own == own.sorted())
        }
    }
}
