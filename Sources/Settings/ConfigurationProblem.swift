/// One thing wrong in a configuration file.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// From 1; 0 where no line can be named.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int
    /// Such as "peers[1].addrs[0]"; empty for the file as a whole.
    package var keyPath: String
    /// What stands there, such as "the number 7".
    package var found: String
    /// What should stand there instead.
    package var expected: String
    /// A near miss among what is known.
    package var suggestion: String?

    package var description: String {
        var text = line > 0 ? "\(file):\(line):\(column): " : "\(file): "
        if !keyPath.isEmpty { text += keyPath + ": " }
        text += "found \(found), expected \(expected)"
        if let suggestion { text += "; did you mean \"\(suggestion)\"?" }
        return text
    }
}

/// Why a configuration was refused.
package enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file could not be read at all.
    case unreadable(FileError)
    /// Everybody may write it or put another one in its place.
    case doubtful(FileTrust)
    /// Everything that is wrong with it, in the order of the file.
    case invalid([ConfigurationProblem])

    /// One line each.
    package var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .doubtful(let trust): "\(trust)"
        case .invalid(let problems): problems.map(\.description).joined(separator: "\n")
        }
    }
}
