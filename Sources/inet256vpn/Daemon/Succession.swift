internal import Glibc
internal import Settings
internal import System

/// All that the program needs to begin again in its own place, made while it still runs.
struct Succession: Sendable {
    private let handover: Handover
    private let path: String

    /// Where the program was started from. Another may lie there by the time that it begins again, which is the point.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        return String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// - Throws: what would keep the next run from its start, as far as that can be told; nothing has changed then.
    init(_ setup: DaemonSetup, running: Configuration) throws {
        _ = try setup.reread(after: running)
        path = Self.program
        guard access(path, X_OK) == 0 else {
            throw CommandFailure(.failure, "\(path) cannot be run: \(String(cString: strerror(errno)))")
        }
        guard HandedKeys.canHandOn else {
            throw CommandFailure(
                .failure, "the key cannot be handed on, and the file is not this user's to read: stop and start it")
        }
        handover = try setup.store.secure()
    }

    func cancel() { handover.cancel() }

    /// Does not return where it works.
    func begin() -> any Error {
        handover.begin(path, CommandLine.arguments, besides: Confinement.rememberForNextRun)
    }
}
