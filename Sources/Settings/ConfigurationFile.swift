internal import Yams

extension Configuration {
    /// Bytes of a file that are taken for a configuration.
    package static let largestFile = 1 << 20

    /// Reads and checks the file at `path`.
    package static func load(_ path: String) throws(ConfigurationError) -> Configuration {
        let contents: FileContents
        do throws(FileError) {
            contents = try FileContents.read(path, limit: largestFile)
        } catch {
            throw .unreadable(error)
        }
        guard let yaml = String(validating: contents.bytes, as: UTF8.self) else {
            throw .invalid([
                ConfigurationProblem(
                    file: path, line: 0, column: 0, keyPath: "", found: "bytes that are not UTF-8",
                    expected: "YAML text")
            ])
        }
        var configuration = try parse(yaml, file: path)
        if let trust = FileTrust.examine(path, contents) {
            // Another user's file was named on purpose, as with sudo; that everybody may write it is a mistake.
            guard case .foreign = trust.doubt else { throw .doubtful(trust) }
            configuration.fileWarnings = ["\(trust)"]
        }
        return configuration
    }

    /// Checks `yaml`. `file` is its name in complaints, and its directory is what relative paths are relative to.
    package static func parse(_ yaml: String, file: String) throws(ConfigurationError) -> Configuration {
        try parse(yaml, file: file, by: table)
    }

    static func parse(_ yaml: String, file: String, by table: Section) throws(ConfigurationError) -> Configuration {
        let problems = ProblemList(file: file)
        let directory = FilePath.directory(of: FilePath.absolute(file))
        let reading = Reading(Configuration(directory: directory), directory: directory)
        do {
            // Editors of other systems begin a file with a byte order mark.
            let yaml = yaml.hasPrefix("\u{feff}") ? String(yaml.dropFirst()) : yaml
            if let node = try Yams.compose(yaml: yaml, .default, .default, .utf8) {
                let root = ConfigurationValue(node: node, keyPath: "", problems: problems)
                // A file of comments alone has one empty scalar.
                if !root.isNull { table.read(root, reading) }
                reading.finish()
            }
        } catch let error as YamlError {
            problems.add(error, yaml: yaml)
        } catch {
            problems.add(line: 0, column: 0, keyPath: "", found: "\(error)", expected: "YAML")
        }
        guard problems.problems.isEmpty else {
            throw .invalid(problems.problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
        }
        return reading.configuration
    }
}

extension ProblemList {
    /// What the YAML parser had to say, in our form.
    fileprivate func add(_ error: YamlError, yaml: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let text = [context?.text, problem].compactMap(\.self).joined(separator: " ")
            add(line: mark.line, column: mark.column, keyPath: "", found: text, expected: "valid YAML")
        case .reader(let problem, let offset, _, _):
            let before = offset.map { yaml.prefix($0) } ?? ""
            let line = before.count { $0.isNewline } + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            add(line: line, column: column, keyPath: "", found: problem, expected: "YAML text")
        case .duplicatedKeysInMapping(let keys, let context):
            for key in keys {
                let first = context.mark
                let again = Self.repetition(of: key, after: first, in: yaml) ?? (first.line, first.column)
                add(
                    line: again.line, column: again.column, keyPath: "",
                    found: "the key \"\(key)\" twice in one mapping (first in line \(first.line))",
                    expected: "each key once: move what this one has to the first")
            }
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            add(line: 0, column: 0, keyPath: "", found: "\(error)", expected: "YAML")
        }
    }

    /// Where a block mapping's key stands again. The parser tells only of the first place, and it is the
    /// second one that the author wants to see.
    private static func repetition(of key: String, after first: Mark, in yaml: String) -> (line: Int, column: Int)? {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        guard first.line >= 1, first.line < lines.count else { return nil }
        for (index, line) in lines.enumerated().dropFirst(first.line) {
            // The first key of a list's item stands behind "- ", the others below it.
            let indent = line.prefix { $0 == " " }.count
            let text = line.dropFirst(first.column - 1)
            if indent < first.column - 1, line.contains(where: { !$0.isWhitespace }),
                !line.dropFirst(indent).hasPrefix("#")
            {
                return nil
            }
            for form in [key, "\"\(key)\"", "'\(key)'"] where indent == first.column - 1 && text.hasPrefix(form) {
                if text.dropFirst(form.count).drop(while: { $0 == " " }).hasPrefix(":") {
                    return (index + 1, first.column)
                }
            }
        }
        return nil
    }
}
