internal import Glibc
internal import Wire

/// A listening Unix socket with its file: one per path and machine, mode 0660, removed on `remove()`.
///
/// A lock file next to the socket decides between two daemons that start at once; a bare look at the
/// socket would let both find it stale and the second remove the first one's. The kernel drops the lock
/// with the process, so nothing has to be cleaned up after a crash; the file that a crash leaves is taken over.
final class UnixSocketFile: Sendable {
    let path: String
    /// The listening socket. Whoever takes it closes it.
    let descriptor: CInt
    private let lock: CInt
    private let identity: FileIdentity

    /// The file name's ending of the lock beside the socket.
    private static let lockSuffix = ".lock"
    private static let mode: mode_t = 0o660
    private static let backlog: CInt = 64
    /// Each one means that another daemon has just ended.
    private static let mostTries = 100

    /// Opens the socket at `path`. The parent directory is made (0755) where it is missing, and the socket
    /// of a daemon that is gone is replaced. Root hands the socket to `group` where such a group exists.
    init(path: String, group: String?) throws(APIServerError) {
        self.path = path
        try Self.makeParent(of: path)
        lock = try Self.takeLock(path + Self.lockSuffix, socket: path)
        do {
            try Self.removeStale(path)
            descriptor = try Self.bind(path)
        } catch {
            close(lock)
            throw error
        }
        if geteuid() == 0, let group, let entry = getgrnam(group) {
            // Without the group's access only root could ask for status: inconvenient, not wrong.
            _ = chown(path, uid_t.max, entry.pointee.gr_gid)
        }
        identity = FileIdentity(path: path) ?? FileIdentity(device: 0, inode: 0)
    }

    /// Removes the socket's file, unless somebody has put another one in its place, and the lock's, and frees the lock.
    func remove() {
        if FileIdentity(path: path) == identity { unlink(path) }
        // Before it is freed: whoever has opened it meanwhile sees then that it is not the one at the path any more.
        unlink(path + Self.lockSuffix)
        close(lock)
    }

    private static func makeParent(of path: String) throws(APIServerError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        if mkdir(directory, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT else { throw .system(operation: "make the directory", path: directory, code: errno) }
        try makeParent(of: directory)
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw .system(operation: "make the directory", path: directory, code: errno)
        }
    }

    private static func takeLock(_ path: String, socket: String) throws(APIServerError) -> CInt {
        for _ in 0..<mostTries {
            let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard lock >= 0 else { throw .system(operation: "open the lock file", path: path, code: errno) }
            guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                close(lock)
                if code == EWOULDBLOCK { throw .anotherIsRunning(.unix(path: socket)) }
                throw .system(operation: "lock", path: path, code: code)
            }
            // A daemon that ended between our two steps has removed it, and the next one makes another.
            if let own = FileIdentity(descriptor: lock), own == FileIdentity(path: path) { return lock }
            close(lock)
        }
        throw .anotherIsRunning(.unix(path: socket))
    }

    private static func removeStale(_ path: String) throws(APIServerError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw .system(operation: "look at", path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        let probe = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | socketFlags, 0)
        guard probe >= 0 else { throw .system(operation: "open a socket for", path: path, code: errno) }
        defer { close(probe) }
        let result = withSocketAddress(path) { connect(probe, $0, $1) }
        let code = errno
        // A full queue of connections (EAGAIN) is a sign of life too.
        if result == 0 || code == EAGAIN { throw .anotherIsRunning(.unix(path: path)) }
        guard code == ECONNREFUSED else { throw .system(operation: "look for a daemon at", path: path, code: code) }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system(operation: "remove the stale socket", path: path, code: errno)
        }
    }

    private static func bind(_ path: String) throws(APIServerError) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | socketFlags, 0)
        guard descriptor >= 0 else { throw .system(operation: "open a socket for", path: path, code: errno) }
        // The mode that the file is born with is this one less the umask, so there is no moment at which
        // others may connect; chmod then adds what the umask took.
        fchmod(descriptor, mode)
        let bound = withSocketAddress(path) { Glibc.bind(descriptor, $0, $1) }
        guard bound == 0, chmod(path, mode) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(operation: "listen on", path: path, code: code)
        }
        return descriptor
    }

    private static let socketFlags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)

    /// `path` must fit `sun_path`, which `APIEndpoint` has checked.
    private static func withSocketAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        precondition(path.utf8.count <= SocketText.longestPath, "a socket's path fits its address")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Which file a path leads to.
private struct FileIdentity: Equatable {
    let device: UInt
    let inode: UInt

    init(device: UInt, inode: UInt) {
        self.device = device
        self.inode = inode
    }

    init?(descriptor: CInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }

    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }
}
