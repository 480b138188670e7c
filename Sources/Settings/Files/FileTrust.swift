internal import Glibc

/// Who else may have written a file, or may put another one in its place: asked of keys, of the configuration and of what it
/// includes. A file's mode says nothing about that when its owner is somebody else, who can change the mode.
package struct FileTrust: Equatable, Sendable {
    package enum Doubt: Equatable, Sendable {
        /// It belongs to a user who is neither root nor the one that runs this.
        case foreign(UInt32)
        /// Everybody may write it.
        case open(mode: UInt32)
        /// Everybody may put another file in its place: this directory on the way to it is open, and not sticky as /tmp is.
        case exchangeable(directory: String, mode: UInt32)
    }

    package let path: String
    package let doubt: Doubt

    package init(path: String, doubt: Doubt) {
        self.path = path
        self.doubt = doubt
    }

    /// The user that the daemon's unit and `scripts/install` make. Root trusts its files, to run by hand what it runs.
    package static let daemonUser = "inet256vpn"

    /// Only that its mode lets everybody write it.
    package var isAboutMode: Bool {
        if case .open = doubt { true } else { false }
    }

    /// What there is to doubt about the file at `path`, which was read; nil for nothing. Of a pipe there is nothing to say.
    package static func examine(_ path: String, _ contents: FileContents) -> FileTrust? {
        guard let owner = contents.owner else { return nil }
        if !isTrusted(owner) { return FileTrust(path: path, doubt: .foreign(owner)) }
        if contents.mode & 0o002 != 0 { return FileTrust(path: path, doubt: .open(mode: contents.mode)) }
        return openDirectory(above: path).map { FileTrust(path: path, doubt: .exchangeable(directory: $0, mode: $1)) }
    }

    private static func isTrusted(_ owner: UInt32) -> Bool {
        let own = geteuid()
        if owner == 0 || owner == own { return true }
        guard own == 0, let entry = daemonEntry else { return false }
        return owner == entry.user
    }

    /// That user, where it is known here.
    package static var daemonEntry: (user: UInt32, group: UInt32)? {
        guard let entry = getpwnam(daemonUser) else { return nil }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    /// The first directory that everybody may exchange entries of, on the way that is written and on the one that links
    /// lead to.
    private static func openDirectory(above path: String) -> (String, UInt32)? {
        var ways = [FilePath.absolute(path)]
        if let resolved = realpath(path, nil) {
            ways.append(String(cString: resolved))
            free(resolved)
        }
        for way in ways {
            var directory = FilePath.directory(of: way)
            while true {
                var status = stat()
                if stat(directory, &status) == 0 {
                    let mode = UInt32(status.st_mode & 0o7777)
                    if mode & 0o002 != 0, mode & UInt32(S_ISVTX) == 0 { return (directory, mode) }
                }
                if directory == "/" || directory == "." { break }
                directory = FilePath.directory(of: directory)
            }
        }
        return nil
    }
}

extension FileTrust: CustomStringConvertible {
    package var description: String {
        switch doubt {
        case .foreign(let owner):
            "\(path) belongs to \(Self.name(of: owner)), who may read and change it: chown \(Self.rightOwner) \(path)"
        case .open(let mode):
            "\(path) may be written by every user of this machine (mode \(octal(mode))): chmod o-w \(path)"
        case .exchangeable(let directory, let mode):
            "every user of this machine may put another file in the place of \(path), as \(directory) is open to all "
                + "(mode \(octal(mode))): chmod o-w \(directory)"
        }
    }

    /// Whose such a file should be.
    private static var rightOwner: String {
        geteuid() == 0 && getpwnam(daemonUser) != nil ? daemonUser : name(of: geteuid())
    }

    private static func name(of user: UInt32) -> String {
        guard let entry = getpwuid(user) else { return "\(user)" }
        return String(cString: entry.pointee.pw_name)
    }
}

/// Permission bits as chmod(1) writes them.
package func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
