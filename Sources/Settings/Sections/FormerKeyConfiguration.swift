/// The key that this box had before it got its present one, and by which it answers for a time.
package struct FormerKeyConfiguration: Hashable, Sendable {
    /// Of its file, absolute.
    package var path: String
    /// In seconds since 1970: from then on nobody is answered by it.
    package var until: Int64

    package init(path: String, until: Int64) {
        self.path = path
        self.until = until
    }
}

extension FormerKeyConfiguration {
    private static let one = Form<FormerKeyConfiguration?> { value, reading in
        value.isNull ? .some(nil) : value.formerKey(reading).map(Optional.some)
    } show: { key, _ in
        key.map { .mapping([("path", .word($0.path)), ("until", .word(UTCTime.text($0.until)))]) } ?? .nothing
    }

    static let setting = Setting(
        "former_key", \.formerKey, one, .restart,
        comment: """
            The key that this box had before: it answers by that one as well, until a time in UTC, so that others find it
            while they get to know its new address. `inet256vpn key rotate` writes this.
            """
    )
    .turn(.behindThose)
    .inFile(.lines("#former_key:\n#  path: ./former_key.inet256\n#  until: 2026-12-29T10:00:00Z"))
    .atOnce("another until, or that there is none any more") { old, new in isAtOnce(old.formerKey, new.formerKey) }
    .rows([
        TableRow(
            "`former_key.path`", "none",
            "the key that this box had before, by which it answers as well; what `key rotate` writes"),
        TableRow(
            "`former_key.until`", "required",
            "how long it does so, in UTC: `2026-12-29T10:00:00Z`, or a day, `2026-12-29`, for its beginning"),
    ])

    /// Another key has to be read by a start, since who runs may not be allowed to. To go on for another time with the one that there is,
    /// or without it, takes nothing.
    static func isAtOnce(_ old: FormerKeyConfiguration?, _ new: FormerKeyConfiguration?) -> Bool {
        old != new && (new == nil || new?.path == old?.path)
    }
}

extension ConfigurationValue {
    fileprivate func formerKey(_ reading: Reading) -> FormerKeyConfiguration? {
        var path: String?
        var until: Int64?
        var given: Set<String> = []
        let form = "a mapping such as {path: ./former_key.inet256, until: 2026-12-29T10:00:00Z}"
        let isComplete = fields(["path", "until"], expected: form) { key, value in
            given.insert(key)
            guard key == "path" else { return until = value.utcTime() }
            path = value.path(in: reading.directory)
            let others = [reading.configuration.privateKeyPath] + reading.configuration.nodes.map(\.privateKeyPath)
            if let path, others.contains(path) {
                value.complain(expected: "a key file of its own for each key", found: "\(path) a second time")
            }
        }
        if isComplete {
            switch (given.contains("path"), given.contains("until")) {
            case (true, true): break
            case (false, true): complain(expected: "the key path (the file of the former key)")
            case (true, false): complain(expected: "the key until, \(UTCTime.expected)")
            case (false, false): complain(expected: "the keys path and until")
            }
        }
        guard let path, let until else { return nil }
        return FormerKeyConfiguration(path: path, until: until)
    }
}
