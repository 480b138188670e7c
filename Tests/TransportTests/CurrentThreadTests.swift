import Foundation
import Testing
import Wire

@testable import Transport

struct CurrentThreadTests {
    @Test func aNapTakesItsTimeAndTheNameIsTheKernels() async throws {
        let (name, took) = await withCheckedContinuation { done in
            Thread.detachNewThread {
                CurrentThread.setName("a name for the kernel")
                CurrentThread.wakePunctually()
                let before = BootClock.now()
                CurrentThread.nap(.milliseconds(2))
                let took = BootClock.now() - before
                done.resume(returning: (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8), took))
            }
        }
        #expect(name == "a name for the \n")
        #expect(took >= .milliseconds(2) && took < .seconds(2))
    }
}
