import INET256
import TestSupport
import Wire

/// What a generated file says.
struct FileModel {
    var peers: [(id: String, name: String?, addrs: [String])] = []
    var groups: [(name: String, members: [String])] = []
    var networks: [(name: String, via: String, prefix: String)] = []
    var rules: [(action: String, services: [String], from: [String])] = []
    var outbound: [(action: String, services: [String], to: [String])] = []
    var hasTests = false
    var formerKey: (path: String, until: String)?
    /// Who is answered about names.
    var answered: [String] = []

    static let names = ["office", "barn", "alice", "bob", "home-1", "srv.example", "0x10", "123", "null", "No", "x_y"]

    init(_ random: inout SplitMix) {
        var free = Self.names.shuffled(using: &random)
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let name = Int.random(in: 0..<5, using: &random) == 0 ? nil : free.popLast()
            let addrs = (0..<Int.random(in: 0...2, using: &random)).map { "udp://h\($0).example.org:\(25632 + $0)" }
            peers.append((Self.address(&random), name, addrs))
        }
        let named = peers.compactMap(\.name)
        if !named.isEmpty {
            for name in ["admins", "guests", "known"].prefix(Int.random(in: 0...3, using: &random)) {
                var members = named.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)).map { $0 }
                if Bool.random(using: &random) { members.append("fd\(groups.count)2::/16") }
                if name == "known", Bool.random(using: &random) { members.append("admins") }
                groups.append((name, members))
            }
            if Bool.random(using: &random) { networks.append(("yard", named[0], "fdaa:7::/64")) }
        }
        let subjects = named + groups.map(\.name)
        for service in [["ssh"], ["http", "https"], ["tcp/8080"], ["udp/5000-5010"]]
            .prefix(Int.random(in: 0...4, using: &random))
        {
            let from = subjects.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random)).map { $0 }
            rules.append((["allow", "deny", "reject"].randomElement(using: &random) ?? "deny", service, from))
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            outbound.append(("reject", ["tcp/25"], subjects.prefix(1).map { $0 }))
        }
        hasTests = Bool.random(using: &random)
        if Int.random(in: 0..<3, using: &random) == 0 {
            formerKey = (
                ["./old.inet256", "/keys/old", "old"].randomElement(using: &random) ?? "old",
                ["2026-12-29", "2026-12-29T10:00:00Z"].randomElement(using: &random) ?? "2026-12-29"
            )
        }
        sayByAddress(&random)
    }

    /// Some places name a peer by its address.
    private mutating func sayByAddress(_ random: inout SplitMix) {
        for peer in peers where Bool.random(using: &random) {
            // Whoever stands there by name would stand there twice.
            if let place = groups.indices.randomElement(using: &random),
                !groups[place].members.contains(where: { $0 == peer.name })
            {
                groups[place].members.append(peer.id)
            }
            if let place = rules.indices.randomElement(using: &random),
                !rules[place].from.contains(where: { $0 == peer.name })
            {
                rules[place].from.append(peer.id)
            }
            if Bool.random(using: &random), !networks.isEmpty { networks[0].via = peer.id }
            if Bool.random(using: &random) { answered.append(peer.id) }
        }
    }

    static func address(_ random: inout SplitMix) -> String {
        Address(raw: Bytes32(words: (random.next(), random.next(), random.next(), random.next()))).description
    }
}

/// A tree with no style yet.
indirect enum Plain {
    case word(String)
    case nothing
    case list([Plain])
    case map([(key: String, value: Plain)])
}

/// Writes a model as some user would, who is never the same one.
struct StyledFile {
    private var random: SplitMix
    private let indent: Int
    private let listIndent: Int
    private let gap: Int
    private let flowiness: Int
    private let commentiness: Int
    private let favourite: Character?
    private let eol: String
    /// The marks of all comments that were written, in order.
    private(set) var marks: [String] = []
    private(set) var text = ""
    private var anchors: [String: String] = [:]
    private let aliases: Bool
    let isCRLF: Bool
    let endsWithBreak: Bool

    init(_ model: FileModel, _ random: inout SplitMix) {
        self.random = SplitMix(seed: random.next())
        indent = Int.random(in: 1...4, using: &random)
        listIndent = [0, 0, 2, 2, 4].randomElement(using: &random) ?? 0
        gap = [1, 1, 1, 3].randomElement(using: &random) ?? 1
        flowiness = [0, 1, 3, 8].randomElement(using: &random) ?? 0
        commentiness = [0, 1, 3, 6].randomElement(using: &random) ?? 0
        favourite = [nil, "'", "\""].randomElement(using: &random) ?? nil
        isCRLF = Int.random(in: 0..<5, using: &random) == 0
        eol = isCRLF ? "\r\n" : "\n"
        aliases = Int.random(in: 0..<3, using: &random) == 0
        endsWithBreak = Int.random(in: 0..<4, using: &random) != 0
        write(model)
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }

    private mutating func chance(_ times: Int, of: Int) -> Bool { Int.random(in: 0..<of, using: &random) < times }

    private mutating func write(_ model: FileModel) {
        if chance(12) { text += "\u{feff}" }
        if chance(15) { text += "%YAML 1.1" + eol + "---" + eol } else if chance(10) { text += "---" + eol }
        while chance(commentiness, of: 10) { ownLine(0) }
        if chance(25) {
            // All of it between braces.
            text += flow(tree(model), 0) + eol
        } else {
            block(tree(model), column: chance(20) ? 2 : 0, key: nil)
        }
        if chance(4) { text += eol + eol }
        while chance(commentiness, of: 10) { ownLine(0) }
        if chance(15) { text += "..." + eol }
        if !endsWithBreak { while let last = text.last, last.isNewline { text.removeLast() } }
    }

    private mutating func tree(_ model: FileModel) -> Plain {
        var keys: [(key: String, value: Plain)] = []
        keys.append(("threads", .word("2")))
        if chance(3) { keys.append(("log", .map([("level", .word("info"))]))) }
        if chance(3) { keys.append(("portal", .map([("mtu", .word("1400")), ("allow", .list([.word("any")]))]))) }
        if !model.peers.isEmpty || chance(2) {
            keys.append(
                (
                    "peers",
                    Self.list(
                        model.peers.map { peer in
                            var fields: [(key: String, value: Plain)] = [("id", .word(peer.id))]
                            if let name = peer.name { fields.append(("name", .word(name))) }
                            if !peer.addrs.isEmpty { fields.append(("addrs", .list(peer.addrs.map { .word($0) }))) }
                            if chance(4) { fields.shuffle(using: &random) }
                            return .map(fields)
                        })
                ))
        }
        if !model.groups.isEmpty {
            keys.append(
                (
                    "groups",
                    .map(
                        model.groups.map { group in
                            (
                                group.name,
                                group.members.count == 1 && chance(2)
                                    ? .word(group.members[0]) : .list(group.members.map { .word($0) })
                            )
                        })
                ))
        }
        if !model.networks.isEmpty {
            keys.append(
                (
                    "networks",
                    .map(
                        model.networks.map {
                            ($0.name, .map([("via", .word($0.via)), ("prefixes", .list([.word($0.prefix)]))]))
                        })
                ))
        }
        if let firewall = firewall(model) { keys.append(("firewall", firewall)) }
        if chance(3) { keys.append(("accept", .word("peers"))) }
        if !model.answered.isEmpty {
            keys.append(("dns", .map([("allow", .list(model.answered.map { .word($0) }))])))
        }
        if let key = model.formerKey {
            var fields: [(key: String, value: Plain)] = [("path", .word(key.path)), ("until", .word(key.until))]
            if chance(3) { fields.reverse() }
            keys.append(("former_key", .map(fields)))
        } else if chance(12) {
            keys.append(("former_key", .nothing))
        }
        if chance(2) { keys.shuffle(using: &random) }
        return .map(keys)
    }

    private static func list(_ items: [Plain]) -> Plain { .list(items) }

    private mutating func firewall(_ model: FileModel) -> Plain? {
        func oneOrMore(_ words: [String], _ isShort: Bool) -> Plain {
            words.count == 1 && isShort ? .word(words[0]) : .list(words.map { .word($0) })
        }
        var fields: [(key: String, value: Plain)] = []
        if chance(3) { fields.append(("default", .word("deny"))) }
        if !model.rules.isEmpty || chance(4) {
            var rules: [Plain] = []
            for (index, rule) in model.rules.enumerated() {
                var entry = [(key: rule.action, value: oneOrMore(rule.services, chance(2)))]
                if !rule.from.isEmpty { entry.append(("from", oneOrMore(rule.from, chance(2)))) }
                if chance(3) { entry.append(("comment", .word("a word: on rule #\(index)"))) }
                rules.append(.map(entry))
            }
            fields.append(("rules", .list(rules)))
        }
        if !model.outbound.isEmpty {
            let rules = model.outbound.map { rule -> Plain in
                var entry = [(key: rule.action, value: oneOrMore(rule.services, true))]
                if !rule.to.isEmpty { entry.append(("to", oneOrMore(rule.to, true))) }
                return .map(entry)
            }
            fields.append(("outbound", .map([("rules", .list(rules))])))
        }
        if model.hasTests {
            fields.append(
                (
                    "tests",
                    .list([.map([("from", .word("fd99::1")), ("to", .word("tcp/9")), ("expect", .word("deny"))])])
                ))
        }
        if fields.isEmpty { return chance(6) ? .map([]) : nil }
        return .map(fields)
    }

    // MARK: Writing

    private mutating func comment() -> String {
        let mark = "c\(marks.count)c"
        marks.append(mark)
        let words = [
            "a word", "peers:", "  - id: nobody", "\ttab\there", "it's \"quoted\"", "größe ✓ 漢字", "# again", "[a, {b",
            "&a *b !c |", String(repeating: "long ", count: 400),
        ]
        return "#" + (chance(3) ? "" : " ") + (words.randomElement(using: &random) ?? "") + " " + mark
    }

    /// A comment in a line of its own, or an empty line.
    private mutating func ownLine(_ column: Int) {
        if chance(3) {
            text += (chance(4) ? "  " : "") + eol
        } else {
            let place = [0, column, column, column + 2].randomElement(using: &random) ?? 0
            text += spaces(place) + comment() + eol
        }
    }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    /// The rest of a line.
    private mutating func endLine() {
        if chance(commentiness, of: 12) {
            // A tab may not stand between a dash and a block.
            let isBehindSign = text.hasSuffix("-") || text.hasSuffix(":")
            text += (!isBehindSign && chance(4) ? "\t" : spaces(Int.random(in: 1...4, using: &random))) + comment()
        } else if chance(20) {
            text += "  "
        }
        text += eol
    }

    private mutating func between(_ column: Int) { while chance(commentiness, of: 14) { ownLine(column) } }

    /// A collection below its key or dash, which is written already. Keys and dashes stand at `column`.
    private mutating func block(_ value: Plain, column: Int, key: String?, isOpen: Bool = false) {
        switch value {
        case .map(let fields):
            for (place, field) in fields.enumerated() {
                if place > 0 || !isOpen {
                    between(column)
                    text += spaces(column)
                }
                let name = chance(25) ? "\"\(field.key)\"" : field.key
                if chance(60), place > 0 || !isOpen {
                    text += "? \(name)" + eol + spaces(column) + ":"
                } else {
                    text += name + (chance(30) ? " " : "") + ":"
                }
                behind(field.value, column: column, key: field.key)
            }
        case .list(let items):
            for (place, item) in items.enumerated() {
                if place > 0 || !isOpen {
                    between(column)
                    text += spaces(column)
                }
                text += "-"
                if case .map(let fields) = item, !fields.isEmpty, !isFlow(item) {
                    text += spaces(gap)
                    block(item, column: column + 1 + gap, key: key, isOpen: true)
                } else {
                    behind(item, column: column, key: key, isItem: true)
                }
            }
        case .word, .nothing: break
        }
    }

    private mutating func isFlow(_ value: Plain) -> Bool {
        switch value {
        case .map(let fields): fields.isEmpty || chance(flowiness, of: 12)
        case .list(let items): items.isEmpty || chance(flowiness + 2, of: 12)
        case .word, .nothing: true
        }
    }

    /// What stands behind a colon or a dash.
    private mutating func behind(_ value: Plain, column: Int, key: String?, isItem: Bool = false) {
        switch value {
        case .nothing: endLine()
        case .word(let word):
            if !isItem, key == "comment", chance(2) {
                let inner = spaces(column + indent)
                text += chance(2) ? " |-" : " >-"
                if chance(4) { text += " " + comment() }
                text += eol + inner + word + eol
                return
            }
            let gap = spaces(chance(10) ? 3 : 1)
            text += gap + scalar(word, key: key, inFlow: false)
            endLine()
        case .list(let items) where items.isEmpty:
            // Nothing at all is an empty list for some keys.
            if key == "peers" || key == "rules" {
                text += ["", " []", " ~", " null", " [ ]"].randomElement(using: &random) ?? " []"
            } else {
                text += " []"
            }
            endLine()
        case .map(let fields) where fields.isEmpty:
            text += " {}"
            endLine()
        default:
            if isFlow(value) {
                text += " " + flow(value, column + indent)
                return endLine()
            }
            if aliases, chance(6) { text += " &\(key ?? "x")\(text.utf8.count)" }
            endLine()
            if case .list = value {
                block(value, column: column + (isItem ? max(1, listIndent) : listIndent), key: key)
            } else {
                block(value, column: column + indent, key: key)
            }
        }
    }

    private mutating func flow(_ value: Plain, _ column: Int, key: String? = nil) -> String {
        func inner(_ parts: [String], _ open: String, _ close: String, _ file: inout StyledFile) -> String {
            if parts.isEmpty { return open + (file.chance(3) ? " " : "") + close }
            let isTight = file.chance(6)
            let pad = file.chance(4) ? " " : ""
            // A comma directly behind a plain scalar and before the next one ends it all the same.
            return open + pad + parts.joined(separator: isTight ? "," : ", ") + (file.chance(10) ? "," : "") + pad
                + close
        }
        switch value {
        case .nothing: return "~"
        case .word(let word): return scalar(word, key: key, inFlow: true)
        case .list(let items):
            if items.count > 1, chance(4) {
                var lines = "["
                for (place, item) in items.enumerated() {
                    lines += (chance(commentiness, of: 20) ? " " + comment() : "") + eol
                    lines += spaces(column + 1) + flow(item, column + 2, key: key)
                    if place < items.count - 1 || chance(3) { lines += "," }
                }
                return lines + (chance(commentiness, of: 20) ? " " + comment() : "") + eol + spaces(column + 1) + "]"
            }
            return inner(items.map { flow($0, column, key: key) }, "[", "]", &self)
        case .map(let fields):
            return inner(
                fields.map { "\($0.key): " + flow($0.value, column, key: $0.key) }, "{", "}", &self)
        }
    }

    private mutating func scalar(_ word: String, key: String?, inFlow: Bool) -> String {
        if aliases, FileModel.names.contains(word) || Address(word) != nil {
            if let anchor = anchors[word] {
                if chance(2) { return "*\(anchor) " }
            } else if chance(2) {
                let anchor = "n\(anchors.count)"
                anchors[word] = anchor
                return "&\(anchor) " + quoted(word, inFlow)
            }
        }
        // The reader wants numbers and flags as they are.
        if ["2", "1400"].contains(word) { return word }
        return (chance(50) ? "!!str " : "") + quoted(word, inFlow)
    }

    private mutating func quoted(_ word: String, _ inFlow: Bool) -> String {
        let isPlain =
            word.first.map { $0.isLetter || $0.isNumber } == true && word != "null"
            && !word.contains { "#:,[]{}".contains($0) } || word.hasPrefix("udp://") && !inFlow
            || word.hasSuffix(":00Z")
        let style = chance(4) ? [nil, "'", "\""].randomElement(using: &random) ?? nil : favourite
        switch style {
        case "'": return "'\(word)'"
        case "\"": return "\"\(word)\""
        default: return isPlain ? word : "\"\(word)\""
        }
    }
}
