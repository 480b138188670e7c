internal import Discovery
internal import Glibc
internal import INET256
internal import Settings
internal import System
internal import Wire

/// The file in which it is kept across starts where peers were. It is a help and never needed: what cannot be read or written is
/// said once, and the box goes on.
struct StateFile: Sendable {
    let path: String

    private static let usualFolder = "/var/lib/inet256vpn"

    /// Nil where none is wanted, or there is no folder for it.
    init?(_ choice: StateFileChoice, of address: Address) {
        switch choice {
        case .none: return nil
        case .path(let path): self.path = path
        case .auto:
            let given = getenv("STATE_DIRECTORY").map { String(cString: $0) } ?? ""
            // systemd.exec(5): several are divided by colons.
            let folder = given.split(separator: ":").first.map(String.init) ?? Self.usualFolder
            guard access(folder, W_OK | X_OK) == 0 else { return nil }
            // Of this box's own: two on one machine have two.
            path = "\(folder)/endpoints-\(address.description.prefix(12))"
        }
    }

    init(path: String) { self.path = path }

    /// What it says; empty where there is none, and where it is something else.
    func read() -> LastGoodPlaces {
        // A folder or a pipe in its place is not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return LastGoodPlaces() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= LastGoodPlaces.largestFile
        else { return LastGoodPlaces() }
        var bytes = [UInt8](repeating: 0, count: LastGoodPlaces.largestFile)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { bytes in
                bytes.tail(from: count).baseAddress.map { Glibc.read(descriptor, $0, bytes.count - count) } ?? 0
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        return LastGoodPlaces(text: String(decoding: bytes[..<count], as: UTF8.self))
    }

    /// Replaces it at once: whoever reads sees the old one or the new one.
    /// - Throws: the errno.
    func write(_ places: LastGoodPlaces) throws(StateFileError) {
        let other = path + ".new"
        // What an earlier run left, whoever has put it there, is not written into.
        unlink(other)
        let descriptor = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateFileError(path: path, code: errno) }
        var failure: Int32 = 0
        var rest = Array(places.text.utf8)[...]
        while !rest.isEmpty && failure == 0 {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 { failure = errno == EINTR ? 0 : errno } else { rest = rest.dropFirst(written) }
        }
        if failure == 0, fsync(descriptor) != 0 { failure = errno }
        close(descriptor)
        if failure == 0, rename(other, path) != 0 { failure = errno }
        guard failure != 0 else { return }
        unlink(other)
        throw StateFileError(path: path, code: failure)
    }
}

struct StateFileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    var description: String {
        "\(path) cannot be written: \(ErrnoText.text(code)); name another state_file, or none"
    }
}
