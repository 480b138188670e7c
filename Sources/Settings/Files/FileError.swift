internal import Glibc

/// A file operation that failed, with the kernel's reason.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Such as "read".
    package var operation: String
    package var path: String
    package var code: Int32
    /// What to do about it, where that is known.
    package var advice: String?

    package init(_ operation: String, _ path: String, code: Int32 = errno, advice: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.advice = advice
    }

    package var description: String {
        let text = "cannot \(operation) \(path): \(String(cString: strerror(code)))"
        return advice.map { "\(text): \($0)" } ?? text
    }
}

/// Which state of a file it was: another one after each writing.
package struct FileVersion: Equatable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// Nil where there is no such file, or it may not be looked at.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }
}

/// A small file as it was read.
package struct FileContents {
    package var bytes: [UInt8]
    /// Permission bits.
    package var mode: UInt32
    /// The user whose file it is; nil of a pipe.
    package var owner: UInt32?

    /// Reads the whole of the file or pipe at `path`; EFBIG beyond `limit` bytes. A pipe has no mode worth a word: it is 0.
    /// - Parameter opened: a descriptor of it, which is closed, where somebody has opened it before.
    package static func read(_ path: String, opened: Int32? = nil, limit: Int) throws(FileError) -> FileContents {
        let descriptor = opened ?? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError("read", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("look at", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw FileError("read", path, code: EISDIR) }
        let isPipe = status.st_mode & S_IFMT == S_IFIFO
        // Opening must not wait for a writer, but what one still has to say is waited for: `keygen | addr ...`.
        if isPipe { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        // Growing would leave copies of a key behind in freed memory.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(max(0, min(limit, Int(status.st_size))) + chunk.count)
        // The loop's own buffer may have held a key.
        defer { chunk.wipe() }
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("read", path)
            }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw FileError("read", path, code: EFBIG) }
        }
        return FileContents(
            bytes: bytes, mode: isPipe ? 0 : UInt32(status.st_mode & 0o7777), owner: isPipe ? nil : status.st_uid)
    }

    /// Creates the file at `path` with `mode`, complete or not at all, and never in the place of another:
    /// written without a name, or beside it where the file system has none such, flushed, then linked. EEXIST when something is there.
    package static func create(_ path: String, mode: UInt32, bytes: UnsafeRawBufferPointer) throws(FileError) {
        if try createUnnamed(path, mode: mode, bytes: bytes) { return }
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(mode))
        guard descriptor >= 0 else { throw FileError("create", temporary) }
        defer { unlink(temporary) }
        try fill(descriptor, temporary, mode: mode, bytes: bytes)
        guard link(temporary, path) == 0 else { throw FileError("create", path) }
    }

    /// Whoever dies in between leaves nothing (O_TMPFILE of open(2)). False where that cannot be done here.
    private static func createUnnamed(
        _ path: String, mode: UInt32, bytes: UnsafeRawBufferPointer
    ) throws(FileError) -> Bool {
        let unnamed: Int32 = 0o20_000_000 | O_DIRECTORY
        let descriptor = open(FilePath.directory(of: path), O_WRONLY | O_CLOEXEC | unnamed, mode_t(mode))
        guard descriptor >= 0 else { return false }
        // `fill` closes what it is given.
        let name = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard name >= 0 else {
            close(descriptor)
            return false
        }
        defer { close(name) }
        try fill(descriptor, path, mode: mode, bytes: bytes)
        if linkat(AT_FDCWD, "/proc/self/fd/\(name)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 { return true }
        if errno == EEXIST { throw FileError("create", path) }
        // Without /proc there is no other way to name it.
        return false
    }

    /// Puts a file in the place of the one at `path`, if there is one: whoever reads sees the old one or the new one, and it is on the disk
    /// when this returns.
    package static func replace(_ path: String, mode: UInt32, bytes: UnsafeRawBufferPointer) throws(FileError) {
        let temporary = "\(path).new"
        // What an earlier run left, whoever has put it there, is not written into.
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(mode))
        guard descriptor >= 0 else { throw FileError("write", path) }
        do throws(FileError) {
            try fill(descriptor, path, mode: mode, bytes: bytes)
            guard rename(temporary, path) == 0 else { throw FileError("replace", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        let folder = open(FilePath.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// All of a new file's content, on the disk; closes it.
    private static func fill(
        _ descriptor: Int32, _ path: String, mode: UInt32, bytes: UnsafeRawBufferPointer
    ) throws(FileError) {
        defer { close(descriptor) }
        // The umask may have taken bits that the caller asked for.
        guard fchmod(descriptor, mode_t(mode)) == 0 else { throw FileError("set the mode of", path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let view = UnsafeRawBufferPointer(rebasing: rest)
            let count = write(descriptor, view.baseAddress, view.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("write", path)
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw FileError("write", path) }
    }
}

extension [UInt8] {
    /// Zeroes the bytes in a way that the optimiser keeps.
    package mutating func wipe() {
        withUnsafeMutableBytes { if let base = $0.baseAddress { explicit_bzero(base, $0.count) } }
    }
}
