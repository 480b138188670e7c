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

    /// Nil where none is wanted, or there is no folder for it.
    init?(_ choice: StateFileChoice, of address: Address) {
        switch choice {
        case .none: return nil
        case .path(let path): self.path = path
        case .auto:
            guard let folder = StateFolder.writable else { return nil }
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
        let bytes = Array(places.text.utf8)
        do throws(FileError) {
            try bytes.withRawBytes { (bytes) throws(FileError) in
                try FileContents.replace(path, mode: 0o600, bytes: bytes)
            }
        } catch { throw StateFileError(path: path, code: error.code) }
    }
}

struct StateFileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    var description: String {
        "\(path) cannot be written: \(ErrnoText.text(code)); name another state_file, or none"
    }
}
