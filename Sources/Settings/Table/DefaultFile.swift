/// The configuration that `create-config` prints and a first `up` writes: every key, explained, at its default. Keys that have
/// no default value are commented out.
enum DefaultFile {
    private static let head = """
        # inet256vpn: the configuration of one box.
        # Every key may be left out; the value shown is then what applies. What is a list of your own (peers, networks,
        # groups, firewall, nodes) is shown behind "#": take that away, or write your own below, each key once.
        # Check a change with: sudo inet256vpn check        Apply it with: sudo inet256vpn reload
        """

    static func text(of table: Section) -> String {
        let standard = Configuration(directory: "/")
        var lines = head.split(separator: "\n").map(String.init)
        for entry in table.arranged(.file) {
            if case .setting(let setting) = entry, setting.isJoined {} else { lines.append("") }
            lines += Self.lines(of: entry, standard)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of entry: Section.Entry, _ standard: Configuration) -> [String] {
        switch entry {
        case .setting(let setting): comment(setting.comment) + lines(of: setting, standard)
        case .section(let section): comment(section.comment) + lines(of: section, standard)
        }
    }

    private static func comment(_ text: String) -> [String] { split(text).map { "# " + $0 } }

    private static func lines(of setting: Setting, _ standard: Configuration) -> [String] {
        switch setting.file {
        case .value: ["\(setting.key): \(setting.show(standard).line)"]
        case .written(let text): ["\(setting.key): \(text)"]
        case .sample(let text): ["#\(setting.key): \(text)"]
        case .lines(let text): split(text)
        }
    }

    private static func lines(of section: Section, _ standard: Configuration) -> [String] {
        let inner = section.arranged(.file).flatMap { lines(of: $0, standard) }.map { "  " + $0 }
        let all = ["\(section.key):"] + inner
        return section.isSample ? all.map { "#" + $0 } : all
    }

    private static func split(_ text: String) -> [String] {
        text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

extension Configuration {
    package static let commentedDefault = DefaultFile.text(of: table)
}
