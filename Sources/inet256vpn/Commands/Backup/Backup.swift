internal import Foundation
internal import Glibc
internal import Settings

/// A box's configuration and keys in one: what makes it the same box on another machine.
struct Backup: Codable {
    struct File: Codable {
        /// Relative to the configuration's folder where it lies in there, else absolute.
        var path: String
        var mode: UInt32
        var contents: Data
    }

    /// The program's, for people.
    var version: String
    /// The configuration first, then the key of the box, then its former one and those of its further nodes.
    var files: [File]

    private static let largest = 2 << 20

    /// Reads the configuration at `path` and every key that it names.
    init(reading path: String) throws {
        let configuration = try Configuration.load(path)
        let folder = FilePath.directory(of: FilePath.absolute(path))
        version = Program.version
        files = []
        // One that is lost costs the former address, and no backup.
        let former = configuration.formerKey.flatMap { access($0.path, F_OK) == 0 ? $0.path : nil }
        let keys =
            [configuration.privateKeyPath] + (former.map { [$0] } ?? []) + configuration.nodes.map(\.privateKeyPath)
        for (place, file) in ([FilePath.absolute(path)] + keys).enumerated() {
            let contents = try FileContents.read(file, limit: Self.largest)
            let isInside = file.hasPrefix(folder + "/")
            let name = place == 0 ? "config.yaml" : isInside ? String(file.dropFirst(folder.count + 1)) : file
            files.append(File(path: name, mode: contents.mode, contents: Data(contents.bytes)))
        }
    }

    func encoded() throws -> [UInt8] { [UInt8](try JSONEncoder().encode(self)) }

    init(decoding bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Backup.self, from: Data(bytes))
        guard let first = files.first, first.path == "config.yaml", files.count > 1 else {
            throw CommandFailure(.failure, "there is no configuration and key in this backup")
        }
        for file in files.dropFirst() where file.path.contains("..") || file.path.isEmpty {
            throw CommandFailure(.failure, "the backup names a file that cannot be one: \(file.path)")
        }
    }

    /// Where a file goes when the configuration goes to `configuration`.
    static func place(of file: File, _ configuration: String) -> String {
        if file.path == "config.yaml" { return configuration }
        return file.path.hasPrefix("/")
            ? file.path : FilePath.directory(of: FilePath.absolute(configuration)) + "/" + file.path
    }
}
