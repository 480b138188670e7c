internal import Glibc

/// A file that is read, and then replaced as a whole or not at all: by one user of this type at a time, and only if it is still what was
/// read. Mode, owner and group stay; a symbolic link stays, and what it leads to is replaced.
package final class EditedFile {
    package let path: String
    package let contents: FileContents
    /// Where links lead to.
    private let target: String
    private let original: stat
    /// The directory, which is locked. The file itself is another one after each edit.
    private let lock: Int32
    /// The file as it was, under another name, until it is clear that it is not needed.
    private var kept: String?
    private var written: [UInt8]?

    /// Waits for whoever edits a file in the same directory.
    /// - Parameter patience: in seconds.
    package init(_ path: String, limit: Int, patience: Int = 60) throws(FileError) {
        self.path = path
        guard let resolved = realpath(path, nil) else { throw FileError("read", path) }
        target = String(cString: resolved)
        free(resolved)
        let directory = FilePath.directory(of: target)
        lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw FileError("lock", directory, advice: Self.advice(errno)) }
        var tries = patience * 20
        while flock(lock, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else {
                close(lock)
                throw FileError("lock", directory, code: code)
            }
            tries -= 1
            guard tries > 0 else {
                close(lock)
                throw FileError(
                    "change", path, code: EWOULDBLOCK,
                    advice: "somebody else has been changing it for \(patience) s; try again")
            }
            usleep(50_000)
        }
        do throws(FileError) {
            contents = try FileContents.read(target, limit: limit)
            var status = stat()
            guard stat(target, &status) == 0 else { throw FileError("look at", target) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw FileError("change", path, code: EINVAL, advice: "it is no ordinary file")
            }
            // A rename asks the directory alone; that the file may not be written is meant all the same.
            guard access(target, W_OK) == 0 else { throw FileError("write", path, advice: Self.advice(errno)) }
            original = status
        } catch {
            close(lock)
            throw error
        }
    }

    deinit {
        finish()
        close(lock)
    }

    /// Writes `bytes` in the file's place. EAGAIN when somebody else has written it since it was read.
    package func replace(with bytes: [UInt8]) throws(FileError) {
        let temporary = try write(bytes)
        do throws(FileError) {
            try requireUnchanged(contents.bytes)
            // The very file: what is put back has its times too, and whoever looks at them sees no change.
            let name = "\(target).\(getpid()).old"
            unlink(name)
            if link(target, name) == 0 { kept = name }
            guard rename(temporary, target) == 0 else {
                throw FileError("replace", path, advice: Self.advice(errno))
            }
        } catch {
            unlink(temporary)
            finish()
            throw error
        }
        _ = fsync(lock)
        written = bytes
    }

    /// Makes the file what it was. EAGAIN when somebody else has written it since.
    package func putBack() throws(FileError) {
        guard let written else { return }
        try requireUnchanged(written)
        if let kept {
            guard rename(kept, target) == 0 else { throw FileError("put back", path) }
            self.kept = nil
        } else {
            let temporary = try write(contents.bytes)
            guard rename(temporary, target) == 0 else {
                let code = errno
                unlink(temporary)
                throw FileError("put back", path, code: code)
            }
        }
        _ = fsync(lock)
        self.written = nil
    }

    /// What was replaced is not needed any more.
    package func finish() {
        if let kept { unlink(kept) }
        kept = nil
    }

    private func requireUnchanged(_ bytes: [UInt8]) throws(FileError) {
        do throws(FileError) {
            if try FileContents.read(target, limit: bytes.count).bytes == bytes { return }
        } catch {
            guard error.code == EFBIG else { throw error }
        }
        throw FileError(
            "change", path, code: EAGAIN, advice: "somebody else has just written it, and that was left; try again")
    }

    /// A new file beside the target with its mode, owner and group, complete and on the disk. Gives its name.
    private func write(_ bytes: [UInt8]) throws(FileError) -> String {
        let temporary = "\(target).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("create", temporary, advice: Self.advice(errno)) }
        defer { close(descriptor) }
        do throws(FileError) {
            var made = stat()
            guard fstat(descriptor, &made) == 0 else { throw FileError("look at", temporary) }
            if made.st_uid != original.st_uid || made.st_gid != original.st_gid {
                guard fchown(descriptor, original.st_uid, original.st_gid) == 0 else {
                    throw FileError(
                        "keep the owner of", path, advice: "run with sudo, as another user's file it would be yours")
                }
            }
            guard fchmod(descriptor, original.st_mode & 0o7777) == 0 else {
                throw FileError("set the mode of", temporary)
            }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0 {
                    if errno == EINTR { continue }
                    throw FileError("write", temporary)
                }
                rest = rest.dropFirst(count)
            }
            guard fsync(descriptor) == 0 else { throw FileError("write", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        return temporary
    }

    private static func advice(_ code: Int32) -> String? {
        switch code {
        case EACCES, EPERM: "run as the user whose it is, or with sudo"
        case EROFS: "the file system is read-only: the file has to be changed where it comes from"
        case EBUSY, EXDEV: "it is mounted by itself, as into a container: change it outside"
        default: nil
        }
    }
}
