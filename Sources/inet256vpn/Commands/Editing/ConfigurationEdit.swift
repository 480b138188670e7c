internal import API
internal import AdminProtocol
internal import Glibc
internal import INET256
internal import Settings

/// Changes a configuration file: all steps or none, checked as a start would check it, and taken over by the daemon that runs with it. If
/// that refuses, the file is as it was.
struct ConfigurationEdit {
    let path: String
    /// How the daemon is found that runs with it.
    var daemon: DaemonAccess
    /// Says what would be changed, and changes nothing.
    var isDryRun = false
    /// Lets pass the prefixes that `up --force` takes.
    var force = false

    /// Throws `EditRefusal`, `ConfigurationError`, or what speaks against the outcome; then the file is as it was.
    func apply(_ steps: [ConfigurationStep]) async throws -> EditReport {
        let current = try Configuration.load(path)
        guard !isDryRun else {
            let contents = try FileContents.read(path, limit: Configuration.largestFile)
            return try prepare(steps, contents, current).report
        }
        let file = try EditedFile(path, limit: Configuration.largestFile)
        var (bytes, report) = try prepare(steps, file.contents, current)
        try file.replace(with: bytes)
        do {
            (report.daemon, report.reload) = try await reload()
        } catch let refusal as CommandFailure where refusal.exitStatus == .usage {
            try putBack(file, refusal)
        } catch {
            // Whether it was taken over is not known, or nobody could be asked. The file is in order.
            let status = (error as? any StatusError)?.exitStatus ?? .failure
            throw CommandFailure(
                status, "\(path) is changed, and not reloaded: \(error)\nThen: sudo inet256vpn reload")
        }
        return report
    }

    private func prepare(
        _ steps: [ConfigurationStep], _ contents: FileContents, _ current: Configuration
    ) throws -> (bytes: [UInt8], report: EditReport) {
        let old = try EditedConfiguration(contents.bytes, file: path)
        let new = try old.applying(steps)
        let (own, notes) = try rehearse(new.configuration)
        for case .addPeer(let peer) in steps where own.contains(peer.id) {
            throw EditRefusal("\(peer.id) is this box itself")
        }
        let known = Set(current.warnings(own: own))
        let warnings =
            new.configuration.warnings(own: own).filter { !known.contains($0) } + RuleEffect.warnings(of: new)
        let diff = UnifiedDiff.lines(old.text.text, new.text.text, name: path)
        return (
            new.text.bytes,
            EditReport(file: path, done: new.done, diff: diff, isDryRun: isDryRun, warnings: notes + warnings)
        )
    }

    /// Refuses what a start would refuse, `firewall.tests` among it. Whoever may not read the key is told so.
    private func rehearse(_ configuration: Configuration) throws -> (own: Set<Address>, notes: [String]) {
        var setup: DaemonSetup
        do {
            setup = try DaemonSetup.load(path, changed: configuration)
        } catch KeyFileError.unreadable(let error) where error.code == EACCES {
            _ = try FirewallKeeper.prepare(configuration)
            return ([], ["the private key was not looked at, as this user may not read it (run with sudo)"])
        }
        setup.force = force
        try setup.rehearse()
        return (Set([setup.key.address] + setup.nodeKeys.map(\.address)), [])
    }

    private func reload() async throws -> (EditReport.Daemon, ReloadSummary?) {
        do {
            let client = try daemon.client()
            // A daemon of another version may say it in other words, and can be asked to reload all the same.
            if let other = try? await client.status().configurationFile, !Self.isSame(other, path) {
                return (.other(other), nil)
            }
            return (.reloaded, try await client.reload())
        } catch APIClientError.notRunning {
            return (.notRunning, nil)
        }
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        func resolved(_ path: String) -> String? {
            guard let resolved = realpath(path, nil) else { return nil }
            defer { free(resolved) }
            return String(cString: resolved)
        }
        return resolved(one) == resolved(other)
    }

    private func putBack(_ file: EditedFile, _ refusal: CommandFailure) throws -> Never {
        do throws(FileError) {
            try file.putBack()
        } catch {
            throw CommandFailure(
                refusal.exitStatus, "the daemon refuses the change: \(refusal)\nand \(path) stays changed: \(error)")
        }
        throw CommandFailure(
            refusal.exitStatus, "the daemon refuses the change, and \(path) is as it was: \(refusal)")
    }
}

/// What came of an edit.
struct EditReport {
    /// What became of the daemon.
    enum Daemon: Equatable {
        case notAsked
        case reloaded
        case notRunning
        /// The one that answers runs with another file.
        case other(String)

        var word: String {
            switch self {
            case .notAsked: "not_asked"
            case .reloaded: "reloaded"
            case .notRunning: "not_running"
            case .other: "other_file"
            }
        }
    }

    let file: String
    let done: [String]
    let diff: [String]
    let isDryRun: Bool
    var warnings: [String]
    var daemon = Daemon.notAsked
    var reload: ReloadSummary?

    var lines: [String] {
        if isDryRun { return diff }
        switch daemon {
        case .notAsked: return done
        case .reloaded: return done + (reload.map { ReloadText.lines($0) } ?? [])
        case .notRunning: return done + ["no daemon is running: it takes effect at the next start"]
        case .other(let other): return done + ["not reloaded: the daemon that answers runs with \(other)"]
        }
    }
}

extension EditReport: Encodable {
    enum CodingKeys: String, CodingKey {
        case file, done, diff, warnings, daemon, reload
        case isDryRun = "dry_run"
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(file, forKey: .file)
        try fields.encode(done, forKey: .done)
        try fields.encode(diff.map { $0 + "\n" }.joined(), forKey: .diff)
        try fields.encode(isDryRun, forKey: .isDryRun)
        try fields.encode(warnings, forKey: .warnings)
        try fields.encode(daemon.word, forKey: .daemon)
        try fields.encodeIfPresent(reload, forKey: .reload)
    }
}

extension EditRefusal: StatusError {
    var exitStatus: ExitStatus { .usage }
}
