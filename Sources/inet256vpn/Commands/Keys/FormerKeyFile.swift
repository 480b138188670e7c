internal import Glibc
internal import INET256
internal import Settings

/// Where a box's former key is: beside its key, with this at the end of its name.
struct FormerKeyFile {
    static let ending = ".former"
    let path: String

    init(_ path: String) { self.path = path }

    init(besides key: String) { path = key + Self.ending }

    /// As a configuration at `file` is to name it: beside that by its name alone, so that both can be moved together.
    func written(in file: String) -> String {
        let whole = FilePath.absolute(path)
        let folder = FilePath.directory(of: FilePath.absolute(file))
        guard FilePath.directory(of: whole) == folder else { return whole }
        return "./" + whole.dropFirst(folder.count + (folder == "/" ? 0 : 1))
    }

    /// The key of the file at `key`, once more; on the disk when this returns. One that is there already is the same, as of an earlier
    /// attempt, or is put away.
    func keep(_ key: PrivateKey, from original: String) throws {
        if access(path, F_OK) == 0 {
            if let other = try? PrivateKeyFile.load(path, tolerant: true), other.key.address == key.address { return }
            try putAway()
        }
        try PrivateKeyFile.create(path, key: key, asText: false)
        try giveTo(owner(of: original), path)
    }

    /// Gives it a name of its own, by its address: a lost key is a lost address.
    func putAway() throws {
        guard access(path, F_OK) == 0 else { return }
        let name = (try? PrivateKeyFile.load(path, tolerant: true)).map { "\($0.key.address.description.prefix(12))" }
        let kept = path + "." + (name ?? "\(time(nil))")
        guard rename(path, kept) == 0 else { throw FileError("rename", path) }
        Output.note("the former key is kept in \(kept)")
    }

    /// Puts `key` in the place of the one at `path`: whoever reads has the one or the other.
    static func replace(_ path: String, by key: PrivateKey) throws {
        let owner = try owner(of: path)
        try PrivateKeyFile.contents(of: key, asText: false).withBytes {
            try FileContents.replace(path, mode: PrivateKeyFile.mode, bytes: $0)
        }
        try giveTo(owner, path)
    }

    private static func owner(of path: String) throws -> (user: uid_t, group: gid_t) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("look at", path) }
        return (status.st_uid, status.st_gid)
    }

    private func owner(of path: String) throws -> (user: uid_t, group: gid_t) { try Self.owner(of: path) }

    private func giveTo(_ owner: (user: uid_t, group: gid_t), _ path: String) throws { try Self.giveTo(owner, path) }

    private static func giveTo(_ owner: (user: uid_t, group: gid_t), _ path: String) throws {
        guard geteuid() == 0, owner.user != 0 || owner.group != 0 else { return }
        guard chown(path, owner.user, owner.group) == 0 else { throw FileError("change the owner of", path) }
    }
}
