internal import CLinux
internal import Glibc
internal import Synchronization

/// How the run is going to end: decided once, before the services are told to stop.
final class Ending: Sendable {
    enum Kind: UInt8, Sendable {
        /// What it added to the system goes with it.
        case final
        /// The service manager starts the next run, which takes over what is kept.
        case restart
        /// The program begins again in its own place.
        case again
    }

    private let state = Mutex<(kind: Kind, succession: Succession?)>((.final, nil))

    var kind: Kind { state.withLock { $0.kind } }

    /// Whether the next run finds what this one has.
    var keeps: Bool { kind != .final }

    func restart() { state.withLock { $0.kind = .restart } }

    func begin(_ succession: Succession) { state.withLock { $0 = (.again, succession) } }

    /// What the program begins again with; nil where it does not.
    func takeSuccession() -> Succession? {
        state.withLock { state in
            defer { state.succession = nil }
            return state.succession
        }
    }

    /// Something has failed since: nothing is handed on.
    func giveUp() {
        takeSuccession()?.cancel()
        state.withLock { $0.kind = .final }
    }
}

/// What the service manager is about to do.
enum ServiceJob {
    /// Whether the service that this process belongs to is being restarted, and not stopped. False also where nobody can be asked.
    static func isRestart() -> Bool {
        var type = [CChar](repeating: 0, count: 64)
        guard clinux_unit_job(UInt32(getpid()), &type, type.count) == 0 else { return false }
        // "restart", "try-restart", "reload-or-restart".
        return String(decoding: type.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .hasSuffix("restart")
    }
}
