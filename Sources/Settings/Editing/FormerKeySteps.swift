extension EditedConfiguration {
    private static let formerKeyPath: YAMLPath = [.key("former_key")]

    /// - Parameters:
    ///   - path: as it is to stand in the file.
    ///   - until: in seconds since 1970.
    mutating func setFormerKey(path: String, until: Int64) throws {
        guard UTCTime.range.contains(until) else {
            throw EditRefusal("\(until) seconds since 1970 is no time that can be written: years have four digits")
        }
        let time = UTCTime.text(until)
        let key = Self.formerKeyPath
        let fields = [YAMLField("path", .quoted(path)), YAMLField("until", .quoted(time))]
        let changes: [YAMLChange] =
            if configuration.formerKey != nil {
                [.replace([key + [.key("path")]], with: path), .replace([key + [.key("until")]], with: time)]
            } else if text.value["former_key"] != nil {
                // The key alone, with nothing behind it.
                [.add(fields[0], to: key), .add(fields[1], to: key, behind: "path")]
            } else {
                [.add(YAMLField("former_key", .mapping(fields)), to: [])]
            }
        var expected = configuration
        let directory = FilePath.directory(of: FilePath.absolute(file))
        expected.formerKey = FormerKeyConfiguration(path: FilePath.resolve(path, in: directory), until: until)
        try take(changes, "the former key \(path) answers until \(time)", expecting: expected)
    }

    /// Nothing is done where there is none.
    mutating func removeFormerKey() throws {
        guard text.value["former_key"] != nil else { return }
        var expected = configuration
        expected.formerKey = nil
        try take(
            [.remove(Self.formerKeyPath)], configuration.formerKey.map { "took away the former key \($0.path)" },
            expecting: expected)
    }
}
