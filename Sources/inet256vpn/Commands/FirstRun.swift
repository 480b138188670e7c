internal import Glibc
internal import INET256
internal import Joining
internal import Settings
internal import Wire

/// What `init` and a first `up` make where there is no configuration.
enum FirstRun {
    /// Permission bits of the configuration file where the service has no user of its own: it holds no secret.
    private static let configurationMode: UInt32 = 0o644

    /// Makes the directory, the key (0600) and the commented default configuration at `path`, unless the configuration
    /// is there. A key that is there already is kept and used, and so is what another first start makes meanwhile. Where
    /// root runs it and the service has a user, all of it stays root's: the service may read the configuration as a member of
    /// its group, and is handed the key. Returns what was done, a line each.
    /// - Parameter invitation: what the new configuration is to fit, where it is made.
    static func prepare(
        _ path: String, random: some RandomSource, fitting invitation: InvitationLine? = nil
    ) throws -> [String] {
        guard access(path, F_OK) != 0, errno == ENOENT else { return [] }
        var done: [String] = []
        let directory = FilePath.directory(of: path)
        let service = geteuid() == 0 ? FileTrust.daemonEntry : nil
        if mkdir(directory, 0o755) == 0 {
            done.append("made \(directory)")
            if let service {
                // As the unit has it: who may read the configuration is the group's affair.
                chown(directory, 0, service.group)
                chmod(directory, 0o750)
            }
        } else if errno != EEXIST {
            throw FileError(
                "make the directory", directory,
                advice: "run as root, or give a configuration of your own with --config FILE")
        }
        let keyPath = FilePath.resolve(Configuration.standardKeyName, in: directory)
        do throws(KeyFileError) {
            let key = PrivateKey(generatedFrom: random)
            try PrivateKeyFile.create(keyPath, key: key, asText: false)
            done.append("made a key in \(keyPath): this box's address is \(key.address)")
        } catch KeyFileError.exists {
            done.append("kept the key in \(keyPath)")
        }
        var text = Configuration.commentedDefault
        if let invitation { text = try fitted(text, to: invitation, path) }
        do {
            try text.withUTF8 { bytes in
                try FileContents.create(path, mode: configurationMode, bytes: UnsafeRawBufferPointer(bytes))
            }
            // Whatever the umask: the unit's leaves nothing to the group.
            if let service {
                chown(path, 0, service.group)
                chmod(path, 0o640)
            }
            done.append("wrote a default configuration to \(path): name your peers there, or with inet256vpn peer add")
        } catch let error as FileError where error.code == EEXIST {
            done.append("kept the configuration in \(path), which another start has just made")
        }
        return done
    }

    /// The default file with what the inviter's mesh has different.
    private static func fitted(_ text: String, to invitation: InvitationLine, _ path: String) throws -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func replace(_ beginning: String, _ line: String, isKept: Bool = false) {
            guard let place = lines.firstIndex(where: { $0.hasPrefix(beginning) }) else { return }
            lines[place...place] = isKept ? [line, lines[place]] : [line]
        }
        if let prefix = invitation.prefix { replace("  prefix:", "  prefix: \(prefix)") }
        if let network = invitation.network { replace("network:", "network: \(network)") }
        if !invitation.servers.isEmpty {
            let servers = invitation.servers.map { "  - central: {endpoint: \"\($0)\"}" }
            replace("#discovery:", (["discovery:"] + servers).joined(separator: "\n"), isKept: true)
        }
        let fitted = lines.joined(separator: "\n")
        // A stranger wrote what is in the invitation.
        _ = try Configuration.parse(fitted, file: path)
        return fitted
    }
}
