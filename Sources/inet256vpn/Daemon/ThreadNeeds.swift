internal import Foundation
internal import System

/// How many threads the program needs beside those that carry packets.
enum ThreadNeeds {
    /// Swift's pool and that of the API's loops have one for each processor at most, of which 32 are counted here; the log, the portal's
    /// watch, the resolver, the signals, names and the port mapping have theirs.
    static var besides: Int { 2 * min(ProcessInfo.processInfo.activeProcessorCount, 32) + 14 }

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
