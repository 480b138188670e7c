internal import Foundation
internal import System

/// How the threads that carry packets stand to all others that want the processor (`scheduling`).
///
/// A tunnel is a queue in front of a program: while that waits for its turn, which takes milliseconds on a busy machine,
/// packets pile up in sockets where nobody sorts or shortens them. In the kernel's real-time class it has its turn at once, as
/// a driver has. The price: smaller turns, so more work a byte, and other programs have what processors are left.
enum ThreadScheduling: String, CaseIterable, Codable, Sendable {
    /// Like every other thread.
    case normal
    /// Before all ordinary threads: a packet waits for no other program.
    case realtime

    /// Settles it for the calling thread.
    func settle() throws(SystemError) {
        switch self {
        case .normal: break
        case .realtime: try CurrentThread.runInRealTime()
        }
    }
}

/// How many threads the program needs beside those that carry packets.
enum ThreadNeeds {
    /// Swift's pool and that of the API's loops have one for each processor at most, of which 32 are counted here; the log, the portal's
    /// watch, the resolver and the signals have theirs.
    static var besides: Int { 2 * min(ProcessInfo.processInfo.activeProcessorCount, 32) + 10 }

    /// What speaks against `threads: count` on this machine, for `check`; nil for nothing. It is tried.
    static func fault(of count: Int) -> String? {
        guard count > 1 else { return nil }
        let processors = ProcessInfo.processInfo.activeProcessorCount
        if count > processors {
            return
                "threads: \(count) is more than this machine has processors (\(processors)): they only take each other's turn"
        }
        do { try OwnThread.probe(count + besides) } catch { return "threads: \(count): \(error)" }
        return nil
    }
}
