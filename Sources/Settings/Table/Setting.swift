/// One key of the configuration: all that the program knows of it. The reader, the default file, `check`, what a reload does
/// and README.md's table come from here.
///
/// Its default is the initial value of the property that it is kept in.
package struct Setting: Sendable {
    /// What becomes of a new value.
    enum Effect: Sendable {
        /// A reload applies it.
        case reload
        /// It waits for a restart.
        case restart
        /// A reload applies it together with others, and says so of those: of the firewall's rules, of each peer.
        case together
    }

    /// When it is read. What has to be known before may stand further down in the file.
    enum Turn: CaseIterable, Sendable {
        /// Where it stands.
        case inOrder
        /// Behind what allows and limits it, and then what has to fit that.
        case behindLimits, behindThose
        /// Behind the peers, whose names it uses.
        case behindNames
        case networks, groups, rules
        /// Behind all of that.
        case last
    }

    /// In dotted form.
    let path: String
    let effect: Effect
    /// "1 to 64", where there is one.
    let range: String?
    /// Above it in the default file.
    let comment: String
    /// In README.md.
    let help: String
    private(set) var turn = Turn.inOrder
    private(set) var places: [Order: String] = [:]
    private(set) var file = FileForm.value
    /// In the default file no empty line is before it, at the top level.
    private(set) var isJoined = false
    /// Instead of the default in README.md.
    private(set) var usually: String?
    /// Instead of one row there.
    private(set) var rows: [TableRow]?
    /// Parts of its value that are settings themselves.
    private(set) var parts: [Section] = []
    /// Which changes of what waits for a restart a reload applies all the same.
    private(set) var exception: Exception?

    /// Takes in what stands there.
    let read: @Sendable (ConfigurationValue, Reading) -> Void
    let show: @Sendable (Configuration) -> Shown
    let isSame: @Sendable (Configuration, Configuration) -> Bool
    /// Gives the second the value that the first has.
    let copy: @Sendable (Configuration, inout Configuration) -> Void

    struct Exception: Sendable {
        /// For people, such as "another until".
        var words: String
        /// Of the present configuration and the new one.
        var applies: @Sendable (Configuration, Configuration) -> Bool
    }

    /// How it stands in the default file.
    enum FileForm: Sendable {
        /// With its default.
        case value
        /// With what the file's author would write for the default.
        case written(String)
        /// Commented out, since there is no default.
        case sample(String)
        /// Lines that show what a list may have.
        case lines(String)
    }

    init<Value: Equatable & Sendable>(
        _ path: String, _ field: any WritableKeyPath<Configuration, Value> & Sendable, _ form: Form<Value>,
        _ effect: Effect, comment: String = "", help: String = ""
    ) {
        self.path = path
        self.effect = effect
        range = form.range
        self.comment = comment.replacing("{range}", with: form.range ?? "")
        self.help = help.replacing("{range}", with: form.range ?? "")
        read = { value, reading in
            if let new = form.read(value, reading) { reading.configuration[keyPath: field] = new }
        }
        show = { form.show($0[keyPath: field], $0) }
        isSame = { $0[keyPath: field] == $1[keyPath: field] }
        copy = { $1[keyPath: field] = $0[keyPath: field] }
    }

    var key: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// What becomes of this very change.
    func effect(from old: Configuration, to new: Configuration) -> Effect {
        exception?.applies(old, new) == true ? .reload : effect
    }
}

/// An order in which keys are told. It is that of the table, but for those that were given a place.
enum Order: Hashable, Sendable {
    /// In complaints about unknown keys.
    case words
    /// In the default file.
    case file
    /// In what `check` shows.
    case shown
    /// In what a reload has done or leaves to a restart. Places are paths there.
    case told
}

/// A line of README.md's table.
struct TableRow: Sendable {
    var key: String
    var usually: String
    var meaning: String

    init(_ key: String, _ usually: String, _ meaning: String) {
        self.key = key
        self.usually = usually
        self.meaning = meaning
    }
}

/// What few settings need is said behind them.
extension Setting {
    func turn(_ turn: Turn) -> Setting { with { $0.turn = turn } }

    /// Told directly behind another one.
    func placed(in order: Order, behind other: String) -> Setting { with { $0.places[order] = other } }

    func inFile(_ form: FileForm) -> Setting { with { $0.file = form } }

    func joined() -> Setting { with { $0.isJoined = true } }

    func usually(_ text: String) -> Setting { with { $0.usually = text } }

    func rows(_ rows: [TableRow]) -> Setting { with { $0.rows = rows } }

    func parts(_ parts: [Section]) -> Setting { with { $0.parts = parts } }

    func atOnce(
        _ words: String, where applies: @escaping @Sendable (Configuration, Configuration) -> Bool
    ) -> Setting {
        with { $0.exception = Exception(words: words, applies: applies) }
    }

    private func with(_ change: (inout Setting) -> Void) -> Setting {
        var setting = self
        change(&setting)
        return setting
    }
}
