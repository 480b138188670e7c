internal import API
internal import CLinux
internal import DataPlane
internal import Glibc
internal import Logging
internal import Settings
internal import Synchronization
internal import Wire

/// Gives up what the daemon does not need, before anything is opened: as root it runs itself anew as the user `inet256vpn`, where there
/// is one that can read what a reload reads, and else as root without root's capabilities. So every thread has been without them from
/// its beginning. What it keeps:
///
///     CAP_NET_ADMIN          the portal, its routes, the firewall; as long as it runs, since all of it is mended and reloaded;
///                            without a portal where a transport has a mark, which its spare ports need as well
///     CAP_NET_BIND_SERVICE   where a port below 1024 is configured, as `dns.listen` has one by default
///     CAP_BPF                with `threads`: flows are divided by a program
///     CAP_SYS_NICE           with `scheduling: realtime`, where the limit for it (RLIMIT_RTPRIO) cannot be raised
///
/// Keys that only root may read are opened before and handed over, and are read once.
enum Confinement {
    /// In the environment of the second run: who it is, or why it is root. Never for children of that.
    static let marker = "INET256VPN_CONFINED"

    private enum Capability {
        static let bindService: UInt64 = 1 << 10
        static let netAdmin: UInt64 = 1 << 12
        static let sysNice: UInt64 = 1 << 23
        static let bpf: UInt64 = 1 << 39
    }

    /// What `status` of a second run was told by the first one; nil in a first run.
    private static var told: String? { getenv(marker).map { String(cString: $0) } }

    /// Does not return where there was something to give up.
    /// - Returns: what is to be logged about it.
    static func settle(_ setup: DaemonSetup) throws -> (line: String, isWarning: Bool)? {
        if let told {
            note.withLock { $0 = told }
            unsetenv(marker)
            unsetenv(HandedKeys.marker)
            clinux_shut_in()
            return ("without root's privileges: \(told)", false)
        }
        guard geteuid() == 0 else {
            try giveUpPorts(setup.configuration)
            clinux_shut_in()
            return nil
        }
        let needs = Needs(setup)
        let kept = clinux_permitted_capabilities() & wanted(setup.configuration)
        var reasons: [String] = []
        for candidate in candidates {
            if let obstacle = needs.obstacle(candidate) {
                reasons.append("\(candidate.name) \(obstacle)")
                continue
            }
            var note = "user \(candidate.name)"
            if candidate.user == 0 {
                note +=
                    reasons.isEmpty
                    ? ", as there is no user \(FileTrust.daemonUser)" : ", as \(reasons.joined(separator: ", "))"
            }
            try restart(candidate, kept, needs, note)
        }
        return ("it runs with all privileges of root: \(reasons.joined(separator: ", and "))", true)
    }

    /// The unit gives the right to ports below 1024; where none is configured it is not kept.
    private static func giveUpPorts(_ configuration: Configuration) throws {
        guard wanted(configuration) & Capability.bindService == 0 else { return }
        let code = clinux_restart_without(Int32(Capability.bindService.trailingZeroBitCount), arguments)
        guard code != 0 else { return }
        throw CommandFailure(.failure, "privileges could not be given up: \(String(cString: strerror(-code)))")
    }

    private static var arguments: [UnsafeMutablePointer<CChar>?] {
        fflush(nil)
        return CommandLine.arguments.map { strdup($0) } + [nil]
    }

    /// What this run was told by the one that gave up root's privileges.
    private static let note = Mutex<String?>(nil)

    /// A run that this one begins in its own place has as little as this one, and finds what it was handed.
    static func rememberForNextRun() {
        if let told = note.withLock({ $0 }) { setenv(marker, told, 1) }
        HandedKeys.handOn()
    }

    private static func wanted(_ configuration: Configuration) -> UInt64 {
        var wanted: UInt64 = 0
        let hasMarks = configuration.transports.contains { $0.mark != nil }
        if configuration.portal.enabled || hasMarks { wanted |= Capability.netAdmin }
        if configuration.portal.enabled, configuration.threads > 1 { wanted |= Capability.bpf }
        var ports = configuration.transports.udp.map(\.port)
        if case .tcp(let endpoint) = configuration.apiEndpoint { ports.append(endpoint.port) }
        if case .tcp(let endpoint)? = configuration.api.listen { ports.append(endpoint.port) }
        if configuration.servesNames { ports += configuration.dns.listen.map(\.port) }
        if case .tcp(let endpoint)? = configuration.dashboard.listen { ports.append(endpoint.port) }
        if ports.contains(where: { (1..<1024).contains($0) }) { wanted |= Capability.bindService }
        return wanted
    }

    private static var candidates: [Candidate] {
        guard let entry = FileTrust.daemonEntry else { return [Candidate(name: "root", user: 0, group: 0, other: 0)] }
        return [
            Candidate(name: FileTrust.daemonUser, user: entry.user, group: entry.group, other: entry.group),
            Candidate(name: "root", user: 0, group: 0, other: entry.group),
        ]
    }

    private static func restart(_ candidate: Candidate, _ kept: UInt64, _ needs: Needs, _ note: String) throws {
        // What root may do without a capability later: lock keys into memory, and run before others where that is asked for. Where root
        // may not raise limits, as in some containers, the capability stays.
        _ = clinux_let_lock_memory(64 << 20)
        var kept = kept
        let nice = clinux_permitted_capabilities() & Capability.sysNice
        if needs.isRealTime, nice != 0, clinux_let_run_in_real_time() != 0 { kept |= nice }
        needs.prepare(candidate)
        setenv(marker, note, 1)
        let code = clinux_restart_as(candidate.user, candidate.group, candidate.other, kept, arguments)
        throw CommandFailure(.failure, "root's privileges could not be given up: \(String(cString: strerror(-code)))")
    }
}

/// Whom the daemon may run as.
private struct Candidate {
    let name: String
    let user: uid_t
    let group: gid_t
    /// Root is a member of the service's group too: without capabilities it could not give the API's socket to it.
    let other: gid_t

    func may(_ mode: Int32, _ path: String) -> Bool { clinux_could_access(user, group, other, path, mode) }
}

/// What the daemon needs of files while it runs.
private struct Needs {
    /// Read again by a reload.
    private let read: [String]
    private let keys: [String]
    private let socket: String?
    private let hasPortal: Bool
    let isRealTime: Bool

    init(_ setup: DaemonSetup) {
        let configuration = setup.configuration
        read = [setup.file] + ((try? IncludedText.read(configuration.firewall.include).files) ?? [])
        let former = configuration.formerKey.map { [$0.path] } ?? []
        keys = [configuration.privateKeyPath] + former + configuration.nodes.map(\.privateKeyPath)
        socket = if case .unix(let path) = configuration.apiEndpoint { path } else { nil }
        hasPortal = configuration.portal.enabled
        isRealTime = configuration.scheduling == .realtime
    }

    private static let device = "/dev/net/tun"

    /// Why it cannot be this one; nil when it can.
    func obstacle(_ candidate: Candidate) -> String? {
        guard candidate.may(X_OK, "/proc/self/exe") else { return "may not run this program" }
        if let path = read.first(where: { !candidate.may(R_OK, $0) }) { return "may not read \(path)" }
        if hasPortal, !candidate.may(R_OK | W_OK, Self.device) { return "may not open \(Self.device)" }
        guard let socket else { return nil }
        let directory = FilePath.directory(of: socket)
        if access(directory, F_OK) == 0, !isOurs(directory), !candidate.may(W_OK | X_OK, directory) {
            return "may not write into \(directory)"
        }
        let lock = socket + ".lock"
        if access(lock, F_OK) == 0, !isOurs(directory), !candidate.may(R_OK | W_OK, lock) {
            return "may not write \(lock)"
        }
        return nil
    }

    /// Made by the program or its unit for its socket alone.
    private func isOurs(_ directory: String) -> Bool { directory.hasSuffix("/" + FileTrust.daemonUser) }

    /// Hands over what the other needs.
    func prepare(_ candidate: Candidate) {
        if let socket {
            let directory = FilePath.directory(of: socket)
            let isNew = mkdir(directory, 0o755) == 0
            if isNew || isOurs(directory) {
                _ = chown(directory, candidate.user, candidate.group)
                _ = lchown(socket + ".lock", candidate.user, candidate.group)
            }
        }
        HandedKeys.hand(keys.filter { !candidate.may(R_OK, $0) })
    }
}

/// Key files that whoever started the daemon has opened for it.
enum HandedKeys {
    /// In the environment: a line for each, the descriptor, a colon, the path.
    static let marker = "INET256VPN_KEYS"

    static func hand(_ paths: [String]) {
        // Without O_CLOEXEC, which is the point.
        let lines = paths.compactMap { path -> String? in
            let descriptor = open(path, O_RDONLY | O_NONBLOCK)
            return descriptor < 0 ? nil : "\(descriptor):\(path)"
        }
        if !lines.isEmpty { setenv(marker, lines.joined(separator: "\n"), 1) }
    }

    /// The descriptor for this path, which is the caller's from now on; nil when there is none.
    static func take(_ path: String) -> Int32? {
        guard let text = getenv(marker).map({ String(cString: $0) }) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[1] == path, let descriptor = Int32(parts[0]), descriptor > 2,
                fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
            else { continue }
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, leastCopy)
            copies.withLock { $0[path] = copy }
            return descriptor
        }
        return nil
    }

    /// Of what was taken, for a run that begins in this one's place: by then nobody may open these files any more.
    private static let copies = Mutex<[String: Int32]>([:])
    /// Out of the way of what a `Handover` puts in its places.
    private static let leastCopy: Int32 = 700

    /// Whether the next run can be handed all that this one was.
    static var canHandOn: Bool { copies.withLock { copies in copies.values.allSatisfy { $0 >= 0 } } }

    static func handOn() {
        let lines = copies.withLock { copies in
            copies.sorted { $0.key < $1.key }.compactMap { path, copy -> String? in
                guard lseek(copy, 0, SEEK_SET) == 0, fcntl(copy, F_SETFD, 0) == 0 else { return nil }
                return "\(copy):\(path)"
            }
        }
        if !lines.isEmpty { setenv(marker, lines.joined(separator: "\n"), 1) }
    }

    /// Where the service manager has put it (LoadCredential= of systemd.exec(5)), under the whole path with "-" for "/", since
    /// several keys may have one name; nil where it has not.
    static func credential(_ path: String) -> String? {
        guard let directory = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }), directory.hasPrefix("/"),
            path.hasPrefix("/")
        else { return nil }
        let name = path.split(separator: "/").joined(separator: "-")
        let credential = "\(directory)/\(name)"
        // "none" where there was no key: the unit says so that its absence is ours to report.
        var status = stat()
        guard access(credential, R_OK) == 0, stat(credential, &status) == 0, status.st_size > "none".utf8.count else {
            return nil
        }
        return credential
    }
}
