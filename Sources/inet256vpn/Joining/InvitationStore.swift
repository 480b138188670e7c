internal import Foundation
internal import Glibc
internal import INET256
internal import Joining
internal import Settings

/// Where a box keeps its invitations over restarts: a file of its own, which holds no secret.
struct InvitationStore: Sendable {
    let path: String
    /// Where the service that may not write the configuration leaves who is to be written into it.
    var requests: String { FilePath.directory(of: path) + "/joined" }

    /// In bytes: a full book has about half a megabyte.
    private static let largest = 4 << 20

    /// In systemd's folder for the service, else the usual one, else beside the configuration.
    init(of address: Address, configuration file: String) {
        let folder = StateFolder.writable ?? FilePath.directory(of: file)
        path = "\(folder)/invitations-\(address.description.prefix(12))"
    }

    /// An empty book where there is none yet.
    func load() throws -> InvitationBook {
        do {
            let bytes = try FileContents.read(path, limit: Self.largest).bytes
            return try JSONDecoder().decode(InvitationBook.self, from: Data(bytes))
        } catch let error as FileError where error.code == ENOENT {
            return InvitationBook()
        } catch is DecodingError {
            throw CommandFailure(
                .failure, "\(path) is damaged: move it away, and who holds an open invitation needs another")
        }
    }

    /// Replaces the file at once, and is on the disk when it returns.
    func save(_ book: InvitationBook) throws { try Self.write(JSONText.encode(book), to: path) }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        try bytes.withUnsafeBytes { try FileContents.replace(path, mode: 0o600, bytes: $0) }
    }

    // MARK: For whoever may write the configuration

    /// Somebody who was let in.
    struct Joined: Codable, Equatable, Sendable {
        var address: String
        var name: String?
        var groups: [String]
        /// Where it is a peer already: the address that this one is in the place of.
        var former: String?
    }

    /// Left for `inet256vpn invite apply`, which the unit inet256vpn-joined.path starts as root.
    func leave(_ joined: Joined) throws {
        mkdir(requests, 0o700)
        try Self.write(JSONText.encode(joined), to: "\(requests)/\(joined.address).json")
    }

    /// The files that are left there.
    static func left(in folder: String) throws -> [String] {
        guard access(folder, F_OK) == 0 else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
        return names.sorted().prefix(256).map { "\(folder)/\($0)" }
    }

    /// What one of them says. The folder is the service's: a link in it would lead root to somebody else's file.
    static func read(_ file: String) throws -> Joined {
        var status = stat()
        guard lstat(file, &status) == 0 else { throw FileError("look at", file) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.failure, "it is no ordinary file")
        }
        let bytes = try FileContents.read(file, limit: 65_536).bytes
        do {
            return try JSONDecoder().decode(Joined.self, from: Data(bytes))
        } catch {
            throw CommandFailure(.failure, "it does not say who has joined")
        }
    }
}
