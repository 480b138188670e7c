/// What may stand at a key: how it is read and ranged, and how a value is shown.
struct Form<Value: Equatable & Sendable>: Sendable {
    /// Nil when there was something to complain of: the value stays as it was.
    let read: @Sendable (ConfigurationValue, Reading) -> Value?
    /// The whole configuration stands beside it for the names in there.
    let show: @Sendable (Value, Configuration) -> Shown
    /// "1 to 64", where there is one.
    let range: String?

    init(
        range: String? = nil, read: @escaping @Sendable (ConfigurationValue, Reading) -> Value?,
        show: @escaping @Sendable (Value, Configuration) -> Shown
    ) {
        self.read = read
        self.show = show
        self.range = range
    }
}

/// A file on its way into a configuration.
final class Reading {
    /// What was read so far, and the defaults of the rest.
    var configuration: Configuration
    /// What relative paths are relative to.
    let directory: String
    /// The names that the firewall's part may use, once they are known.
    var scope: NameScope?
    /// What waits for its turn.
    private var waiting: [(setting: Setting, value: ConfigurationValue)] = []

    init(_ configuration: Configuration, directory: String) {
        self.configuration = configuration
        self.directory = directory
    }

    /// Takes in what stands at a key, now or when its turn comes.
    func take(_ value: ConfigurationValue, for setting: Setting) {
        if setting.turn == .inOrder { setting.read(value, self) } else { waiting.append((setting, value)) }
    }

    /// The end of the file: those that waited, in the order of turns and then of the file.
    func finish() {
        for turn in Setting.Turn.allCases {
            for (setting, value) in waiting where setting.turn == turn { setting.read(value, self) }
        }
    }
}

extension Form where Value == Bool {
    static var flag: Form {
        Form { value, _ in
            value.bool()
        } show: { flag, _ in
            .flag(flag)
        }
    }
}

extension Form where Value == Int {
    static func number(_ range: ClosedRange<Int>) -> Form {
        Form(range: "\(range.lowerBound) to \(range.upperBound)") { value, _ in
            value.integer(in: range)
        } show: { number, _ in
            .number(number)
        }
    }

    static func bytes(_ range: ClosedRange<Int>) -> Form {
        Form(range: "\(ByteCount.text(range.lowerBound)) to \(ByteCount.text(range.upperBound))") { value, _ in
            value.byteCount(in: range)
        } show: { count, _ in
            .word(ByteCount.text(count))
        }
    }
}

extension Form where Value == Int? {
    /// `word` stands for nil.
    static func number(_ range: ClosedRange<Int>, or word: String) -> Form {
        Form(range: "\(range.lowerBound) to \(range.upperBound)") { value, _ in
            value.isWord(word) ? .some(nil) : value.integer(in: range, or: word).map(Optional.some)
        } show: { number, _ in
            number.map { .number($0) } ?? .word(word)
        }
    }
}

extension Form where Value == UInt32? {
    /// Nil where the file says nothing.
    static func number(_ range: ClosedRange<Int>) -> Form {
        Form(range: "\(range.lowerBound) to \(range.upperBound)") { value, _ in
            value.integer(in: range).map { UInt32(clamping: $0) }
        } show: { number, _ in
            number.map { .number(Int($0)) } ?? .nothing
        }
    }
}

extension Form where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of an enumeration's words.
    static var word: Form {
        Form { value, _ in
            value.word(Value.self)
        } show: { word, _ in
            .word(word.rawValue)
        }
    }
}

extension Form {
    /// A list of at least one of an enumeration's words, each once.
    static func words<Word: RawRepresentable & CaseIterable & Equatable & Sendable>(
        such example: String, each thing: String
    ) -> Form where Value == [Word], Word.RawValue == String {
        Form { value, _ in
            value.words(Word.self, expected: "a list such as \(example)", each: thing)
        } show: { words, _ in
            .words(words.map(\.rawValue))
        }
    }
}
