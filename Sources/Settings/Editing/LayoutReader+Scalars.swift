internal import Yams

extension LayoutReader {
    mutating func scalar(_ scalar: Node.Scalar, _ around: Surroundings) throws(EditRefusal) -> Layout {
        let start = place
        switch scalar.style {
        case .doubleQuoted: try quoted(0x22)
        case .singleQuoted: try quoted(0x27)
        case .literal, .folded: return try block(around)
        case .plain, .any: try plain(Array(scalar.string.utf8))
        }
        return Layout(start: start, body: start..<place, shape: .scalar)
    }

    private mutating func quoted(_ quote: UInt8) throws(EditRefusal) {
        guard text[place] == quote else { throw unclear() }
        place += 1
        while let byte = text[place] {
            if byte == quote {
                // In single quotes two of them are one.
                if quote == 0x27, text[place + 1] == quote {
                    place += 2
                    continue
                }
                place += 1
                return
            }
            place += quote == 0x22 && byte == 0x5c ? 2 : 1
        }
        throw unclear()
    }

    /// The text is known, so its end is where all of it was met. A line break is a space there, and each further one a line break
    /// (YAML 1.1 section 9.1.3).
    private mutating func plain(_ value: [UInt8]) throws(EditRefusal) {
        var met = 0
        while met < value.count {
            let start = place
            var breaks = 0
            while TextLines.isBlank(text[place]) || text[place] == 0x0a || text[place] == 0x0d {
                let length = text.breakLength(at: place)
                if length > 0 { breaks += 1 }
                place += max(1, length)
            }
            let between: [UInt8] =
                switch breaks {
                case 0: Array(text.bytes[start..<place])
                case 1: [0x20]
                default: [UInt8](repeating: 0x0a, count: breaks - 1)
                }
            guard value[met...].starts(with: between) else { throw unclear() }
            met += between.count
            guard met < value.count else { break }
            guard text[place] == value[met] else { throw unclear() }
            place += 1
            met += 1
        }
    }

    /// `|` or `>` with the lines below it (YAML 1.1 section 9.2).
    private mutating func block(_ around: Surroundings) throws(EditRefusal) -> Layout {
        let start = place
        guard text[place] == 0x7c || text[place] == 0x3e else { throw unclear() }
        place += 1
        var given: Int?
        var keeps = false
        while let byte = text[place], !text.isGap(at: place) {
            switch byte {
            case 0x2b: keeps = true
            case 0x2d: break
            case 0x31...0x39: given = Int(byte - 0x30)
            default: throw unclear()
            }
            place += 1
        }
        skipBlanks()
        if text[place] == 0x23 { readComment() }
        var end = place
        var last = end
        var indent = given.map { max(around.indent, 0) + $0 }
        while let line = text.nextLine(after: last) {
            let spaces = text.bytes[line...].prefix { $0 == 0x20 }.count
            if text.breakLength(at: line + spaces) > 0 || line + spaces == text.count {
                // An empty line is a part of it if another line follows, or if all of them are kept.
                if keeps { end = text.lineEnd(of: line) }
                last = line
                if line + spaces == text.count { break }
                continue
            }
            let least = indent ?? max(spaces, around.indent + 1, 1)
            guard spaces >= least else { break }
            indent = least
            end = text.lineEnd(of: line)
            last = line
        }
        place = end
        return Layout(start: start, body: start..<end, shape: .scalar, endsInBlockScalar: true)
    }
}
