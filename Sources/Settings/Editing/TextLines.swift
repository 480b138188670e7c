/// A document's bytes, and the lines that they are.
struct TextLines: Sendable {
    let bytes: [UInt8]

    var count: Int { bytes.count }

    subscript(place: Int) -> UInt8? { place >= 0 && place < bytes.count ? bytes[place] : nil }

    static func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Bytes of the line break at `place`, 0 where there is none. What YAML 1.1 took for breaks is one too: a comment ends there.
    func breakLength(at place: Int) -> Int {
        switch self[place] {
        case 0x0a: 1
        case 0x0d: self[place + 1] == 0x0a ? 2 : 1
        case 0xc2 where self[place + 1] == 0x85: 2
        case 0xe2 where self[place + 1] == 0x80 && (self[place + 2] == 0xa8 || self[place + 2] == 0xa9): 3
        default: 0
        }
    }

    /// Whether nothing, a blank or a line break stands there: what ends a dash, a colon, a question mark.
    func isGap(at place: Int) -> Bool {
        place >= bytes.count || Self.isBlank(self[place]) || breakLength(at: place) > 0
    }

    /// The first byte of the line that `place` is in.
    func lineStart(of place: Int) -> Int {
        var start = min(place, bytes.count)
        while start > 0, !endsBreak(before: start) { start -= 1 }
        return start
    }

    private func endsBreak(before place: Int) -> Bool {
        switch self[place - 1] {
        case 0x0a: true
        case 0x0d: self[place] != 0x0a
        case 0x85: self[place - 2] == 0xc2
        case 0xa8, 0xa9: self[place - 2] == 0x80 && self[place - 3] == 0xe2
        default: false
        }
    }

    /// Where the line that `place` is in ends: at its break, or with the text.
    func lineEnd(of place: Int) -> Int {
        var end = place
        while end < bytes.count, breakLength(at: end) == 0 { end += 1 }
        return end
    }

    /// The first byte of the next line; nil in the last one.
    func nextLine(after place: Int) -> Int? {
        let end = lineEnd(of: place)
        let length = breakLength(at: end)
        return length > 0 ? end + length : nil
    }

    /// How far to the right `place` is, in bytes.
    func column(of place: Int) -> Int { place - lineStart(of: place) }

    /// From 1, for people.
    func lineNumber(of place: Int) -> Int {
        var number = 1
        var start = 0
        while let next = nextLine(after: start), next <= place {
            number += 1
            start = next
        }
        return number
    }

    /// Whether nothing but spaces stands before `place` in its line.
    func isFirst(_ place: Int) -> Bool { bytes[lineStart(of: place)..<place].allSatisfy { $0 == 0x20 } }

    /// Whether the line that begins at `start` has nothing but blanks.
    func isEmptyLine(at start: Int) -> Bool { bytes[start..<lineEnd(of: start)].allSatisfy { Self.isBlank($0) } }

    /// The column of a line's comment, when the line that begins at `start` is one behind spaces alone.
    func commentColumn(at start: Int) -> Int? {
        var place = start
        while self[place] == 0x20 { place += 1 }
        return self[place] == 0x23 ? place - start : nil
    }

    /// How lines end around `place`: as the line itself, else as the first of the text.
    func lineBreak(around place: Int) -> [UInt8] {
        for end in [lineEnd(of: place), lineEnd(of: 0)] {
            switch breakLength(at: end) {
            case 0: continue
            case let length where self[end] == 0x0a || self[end] == 0x0d: return Array(bytes[end..<end + length])
            default: continue
            }
        }
        return [0x0a]
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
