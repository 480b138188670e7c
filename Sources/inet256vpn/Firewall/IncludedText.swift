internal import Firewall
internal import Glibc
internal import Settings

/// Files of raw nft text that `firewall.include` names.
struct IncludedText: Equatable, Sendable {
    struct File: Equatable, Sendable {
        let path: String
        let text: String
    }

    /// In the order of the patterns, and of names within each.
    private(set) var contents: [File] = []

    var files: [String] { contents.map(\.path) }
    var text: String { contents.map(\.text).joined() }

    private static let largestFile = 1 << 20

    /// Reads every file that a pattern stands for. A pattern with `*`, `?` or `[` may stand for none.
    static func read(_ patterns: [String]) throws -> IncludedText {
        var included = IncludedText()
        for pattern in patterns {
            for path in try expand(pattern) where !included.files.contains(path) {
                let file = try FileContents.read(path, limit: largestFile)
                // Whoever may write it decides who comes in, with the daemon's privilege.
                if let doubt = FileTrust.examine(path, file) { throw CommandFailure(.usage, "\(doubt)") }
                guard let text = String(validating: file.bytes, as: UTF8.self) else {
                    throw CommandFailure(.usage, "\(path) is not UTF-8 text")
                }
                included.contents.append(File(path: path, text: text.hasSuffix("\n") ? text : text + "\n"))
            }
        }
        return included
    }

    private static func expand(_ pattern: String) throws -> [String] {
        guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
        var found = glob_t()
        defer { globfree(&found) }
        switch glob(pattern, 0, nil, &found) {
        case 0: return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
        case GLOB_NOMATCH: return []
        default: throw CommandFailure(.usage, "firewall.include: \(pattern) could not be searched for")
        }
    }
}
