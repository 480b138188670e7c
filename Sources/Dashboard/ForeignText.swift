/// Text that somebody else chose: a peer's name, a rule's comment, a line of the log. It is shown, and does nothing: characters that
/// turn the direction of what follows, or that nobody sees, are shown by their numbers, and it stands in a `bdi`, so that
/// letters written from right to left do not move what stands beside it (Unicode, annex 9; HTML, section 4.5.24).
package enum ForeignText {
    /// Characters at most: what is longer is cut, and a mark says so.
    package static let longest = 200

    package static func shown(_ text: String, longest: Int = longest) -> String {
        var result = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == longest { return result + "\u{2026}" }
            if isUnseen(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\u{27e8}U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "\u{27e9}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Controls, formats (bidirectional ones among them, zero widths and tags), separators of lines, and what is no character.
    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
        default: false
        }
    }
}

extension Node {
    /// Somebody else's words.
    package static func foreign(_ text: String, longest: Int = ForeignText.longest) -> Node {
        .element("bdi", [], ForeignText.shown(text, longest: longest))
    }
}
