import Glibc
import Testing
import Wire

@testable import System

@Suite struct PollerTests {
    @Test func reportsTheTokenOfWhatIsReadable() throws {
        let poller = try Poller()
        let quiet = try Wakeup()
        let loud = try Wakeup()
        try poller.add(quiet.descriptor, token: 7, interest: .readable)
        try poller.add(loud.descriptor, token: .max, interest: .readable)
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
        loud.signal()
        loud.signal()
        try #require(try poller.wait(until: nil, now: BootClock.now()) == 1)
        #expect(poller[0].token == .max)
        #expect(poller[0].isReadable && !poller[0].isWritable && !poller[0].isBroken)
        #expect(loud.drain())
        #expect(!loud.drain(), "two signals before a drain are one")
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
    }

    @Test func wakesFromAnotherThread() throws {
        let poller = try Poller()
        let wakeup = try Wakeup()
        try poller.add(wakeup.descriptor, token: 1, interest: .readable)
        #expect(DetachedThread.start { wakeup.signal() } == 0)
        #expect(try poller.wait(until: .distantFuture, now: BootClock.now()) == 1)
    }

    @Test(arguments: [1, 250, 999, 1001, 2500]) func waitsUntilTheDeadlineAndNotLess(microseconds: Int64) throws {
        let poller = try Poller()
        let begin = BootClock.now()
        let deadline = begin + .microseconds(microseconds)
        #expect(try poller.wait(until: deadline, now: begin) == 0)
        #expect(BootClock.now() >= deadline)
    }

    @Test func changesInterest() throws {
        let poller = try Poller()
        let wakeup = try Wakeup()
        try poller.add(wakeup.descriptor, token: 1, interest: [])
        wakeup.signal()
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
        try poller.modify(wakeup.descriptor, token: 2, interest: [.readable, .writable])
        try #require(try poller.wait(until: .distantPast, now: BootClock.now()) == 1)
        #expect(poller[0].token == 2 && poller[0].isReadable && poller[0].isWritable)
        try poller.remove(wakeup.descriptor)
        #expect(try poller.wait(until: .distantPast, now: BootClock.now()) == 0)
    }

    @Test func moreEventsThanRoomComeLater() throws {
        let poller = try Poller(capacity: 2)
        let wakeups = try (0..<5).map { _ in try Wakeup() }
        for (index, wakeup) in wakeups.enumerated() {
            try poller.add(wakeup.descriptor, token: UInt64(index), interest: .readable)
            wakeup.signal()
        }
        var seen: Set<UInt64> = []
        while seen.count < 5 {
            let count = try poller.wait(until: .distantPast, now: BootClock.now())
            try #require((1...2).contains(count))
            for index in 0..<count {
                seen.insert(poller[index].token)
                wakeups[Int(poller[index].token)].drain()
            }
        }
    }

    @Test func saysWhatIsWrongWithADescriptor() throws {
        let poller = try Poller()
        let bad = #expect(throws: SystemError.self) { try poller.add(-1, token: 0, interest: .readable) }
        #expect(bad?.code == EBADF)
        #expect(bad?.description == "cannot watch descriptor -1: Bad file descriptor")
        let unwatched = try Wakeup()
        let unknown = #expect(throws: SystemError.self) { try poller.remove(unwatched.descriptor) }
        #expect(unknown?.code == ENOENT)
    }
}
