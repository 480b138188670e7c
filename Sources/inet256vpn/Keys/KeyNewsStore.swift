internal import Foundation
internal import INET256
internal import Settings

/// Who has the box's new address already, kept over restarts: they are not told again, and not called as by the old one.
struct KeyNewsStore: Sendable {
    private let path: String

    private struct Kept: Codable {
        var former: String
        var replaced: [String]
    }

    /// In bytes: some thousand peers.
    private static let largest = 1 << 20

    /// In systemd's folder for the service, else the usual one, else beside the configuration.
    init(of new: Address, configuration file: String) {
        let folder = StateFolder.writable ?? FilePath.directory(of: file)
        path = "\(folder)/key-news-\(new.description.prefix(12))"
    }

    /// Nobody, where nothing is kept or it cannot be read: then they are told once more.
    func load(since former: Address) -> Set<Address> {
        guard let bytes = try? FileContents.read(path, limit: Self.largest).bytes,
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes)), kept.former == former.description
        else { return [] }
        return Set(kept.replaced.compactMap { Address($0) })
    }

    func save(_ replaced: Set<Address>, since former: Address) throws {
        let kept = Kept(former: former.description, replaced: replaced.sorted().map(\.description))
        try JSONText.encode(kept).withUnsafeBytes { try FileContents.replace(path, mode: 0o600, bytes: $0) }
    }

    func remove() { unlink(path) }
}
