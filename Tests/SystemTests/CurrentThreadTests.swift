import Foundation
import Glibc
import Testing
import Wire

@testable import System

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

    /// Where it is not permitted it says what it takes; where it is, the thread alone changes, and not those that it starts.
    @Test func realTimeIsTheThreadsOwn() async throws {
        let outcome = await withCheckedContinuation { (done: CheckedContinuation<RealTime, Never>) in
            Thread.detachNewThread {
                var refusal: SystemError?
                do throws(SystemError) { try CurrentThread.runInRealTime() } catch { refusal = error }
                let known = RealTime(refusal: refusal, own: sched_getscheduler(0), child: 0)
                Thread.detachNewThread {
                    var all = known
                    all.child = sched_getscheduler(0)
                    done.resume(returning: all)
                }
            }
        }
        #expect(outcome.child & ~resetOnFork == SCHED_OTHER)
        if let refusal = outcome.refusal {
            #expect(outcome.own == SCHED_OTHER)
            #expect(refusal.code == EPERM && refusal.description.contains("CAP_SYS_NICE"), "\(refusal)")
        } else {
            #expect(outcome.own == SCHED_FIFO | resetOnFork)
        }
        #expect(sched_getscheduler(0) & ~resetOnFork == SCHED_OTHER, "others of the process are as they were")
    }

    /// What became of a thread that asked, and the policy of one that it started.
    private struct RealTime: Sendable {
        let refusal: SystemError?
        let own: Int32
        var child: Int32
    }

    /// SCHED_RESET_ON_FORK, which the overlay does not import.
    private let resetOnFork: Int32 = 0x4000_0000
}
