internal import CLinux
internal import Glibc
internal import Synchronization

/// What outlives this run of the program and is taken over by the next: descriptors, each under a name.
///
/// They get there in two ways. A service manager that keeps them (FileDescriptorStoreMax= of systemd.service(5)) has them from the moment
/// that they are named here: whatever ends the run, the next one finds them. A program that begins again in its own place (`handOver`) leaves
/// them open. Either way they come as sd_listen_fds(3) has it: from 3 on, with $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES.
package final class DescriptorStore: Sendable {
    private struct State {
        /// Left by the run before, and not yet anybody's.
        var inherited: [String: Int32]
        /// Whatever of that found an owner.
        var taken: [String] = []
        /// Of this run, owned by whoever named them.
        var kept: [String: Int32] = [:]
    }

    private let state: Mutex<State>
    private let manager: NotifySocket?

    /// - Parameter manager: keeps what is named here; nil where nobody does.
    package init(inherited: [String: Int32] = [:], manager: NotifySocket? = nil) {
        state = Mutex(State(inherited: inherited))
        self.manager = manager
    }

    deinit { for number in state.withLock({ $0.inherited }).values { close(number) } }

    /// What this process was started with. To be called once, before programs are started that they are not for.
    package static func fromEnvironment() -> DescriptorStore {
        let inherited = inherited(
            process: text("LISTEN_PID"), count: text("LISTEN_FDS"), names: text("LISTEN_FDNAMES"), own: getpid())
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        var found: [String: Int32] = [:]
        for (name, number) in inherited where fcntl(number, F_SETFD, FD_CLOEXEC) == 0 {
            // One name, one descriptor: what comes twice is none of ours.
            if found[name] == nil { found[name] = number } else { close(number) }
        }
        // $FDSTORE is the manager's word from version 254 on; the unit says it for older ones.
        let isKept = text("FDSTORE").flatMap { Int($0) } ?? 0 > 0
        return DescriptorStore(inherited: found, manager: isKept ? try? NotifySocket.fromEnvironment() : nil)
    }

    static func inherited(
        process: String?, count: String?, names: String?, own: Int32
    ) -> [(name: String, number: Int32)] {
        guard let process, Int32(process) == own, let count = count.flatMap({ Int($0) }), (1...4096).contains(count)
        else { return [] }
        let names = names.map { $0.isEmpty ? [] : $0.split(separator: ":", omittingEmptySubsequences: false) } ?? []
        return (0..<count).map { (place) -> (name: String, number: Int32) in
            (place < names.count ? String(names[place]) : "unknown", Int32(3 + place))
        }
    }

    /// Whether a service manager keeps what is named here.
    package var isManaged: Bool { manager != nil }

    /// The names of what nobody has taken yet.
    package var names: [String] { state.withLock { $0.inherited.keys.sorted() } }

    /// The names of what was taken over from the run before and is kept.
    package var takenOver: [String] {
        state.withLock { state in state.taken.filter { state.kept[$0] != nil }.sorted() }
    }

    // MARK: From the run before

    /// To be looked at; it stays the store's.
    package func peek(_ name: String) -> Int32? { state.withLock { $0.inherited[name] } }

    /// It is the caller's from now on, who names it again with `keep` where it is to be kept.
    package func take(_ name: String) -> OwnedDescriptor? {
        let left = state.withLock { state -> Int32? in
            guard let number = state.inherited.removeValue(forKey: name) else { return nil }
            state.taken.append(name)
            return number
        }
        guard let number = left else { return nil }
        return OwnedDescriptor(owning: number)
    }

    /// Closes what was left under a name, here and in the service manager's keeping.
    package func discard(_ name: String) {
        let (left, kept) = state.withLock { state in
            (state.inherited.removeValue(forKey: name), state.kept.removeValue(forKey: name))
        }
        if let left { close(left) }
        if left != nil || kept != nil { try? manager?.forget(name) }
    }

    /// Waits until the service manager has done all that it was told, two seconds at most: what it still holds is still in use.
    package func settle() { manager?.barrier() }

    /// Closes what nobody has taken.
    package func discardRest() { for name in names { discard(name) } }

    // MARK: For the next run

    /// Has a descriptor outlive this run under a name, in the place of what had it. It stays the caller's, who must not close it before the end of
    /// the run without `discard`.
    package func keep(_ number: Int32, as name: String) {
        let before = state.withLock { $0.kept.updateValue(number, forKey: name) }
        if before != nil, before != number { try? manager?.forget(name) }
        try? manager?.store(number, as: name)
    }

    /// Nothing of this run is to be left.
    package func discardAll() {
        for name in state.withLock({ Set($0.kept.keys).union($0.inherited.keys) }) { discard(name) }
    }

    /// Copies of all that is kept, which stay open when their owners close theirs: for `Handover.begin`.
    package func secure() throws(SystemError) -> Handover {
        var copies = Handover()
        for (name, number) in state.withLock({ $0.kept }).sorted(by: { $0.key < $1.key }) {
            let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { throw SystemError("copy", "the descriptor of \(name)", code: errno) }
            copies.add(name, copy)
        }
        return copies
    }

    private static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Descriptors on their way into the program that is run in this one's place.
package struct Handover: Sendable {
    private var copies: [(name: String, number: Int32)] = []

    package init() {}

    mutating func add(_ name: String, _ number: Int32) { copies.append((name, number)) }

    /// Closes them: the run goes on, or ends.
    package consuming func cancel() { for (_, number) in copies { close(number) } }

    /// Runs the program at `path` in the place of this one, with these descriptors from 3 on. All others are closed then but the standard
    /// streams, and what `besides` opens for the other program.
    /// - Returns: only where that failed.
    package func begin(_ path: String, _ arguments: [String], besides: () -> Void = {}) -> SystemError {
        // First out of the way of the places that they are to have.
        var moved: [Int32] = []
        for (name, number) in copies {
            let copy = fcntl(number, F_DUPFD_CLOEXEC, Int32(3 + copies.count))
            guard copy >= 0 else { return SystemError("copy", "the descriptor of \(name)", code: errno) }
            moved.append(copy)
        }
        for (place, number) in moved.enumerated() where dup2(number, Int32(3 + place)) < 0 {
            return SystemError("hand over", "the descriptor of \(copies[place].name)", code: errno)
        }
        // Libraries open theirs as they like.
        clinux_close_at_exec(Int32(3 + copies.count))
        besides()
        if !copies.isEmpty {
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("LISTEN_FDS", "\(copies.count)", 1)
            setenv("LISTEN_FDNAMES", copies.map(\.name).joined(separator: ":"), 1)
        }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        return SystemError("run", path, code: -clinux_begin_again(path, words))
    }
}
