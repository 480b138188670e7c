/// A piece of the page. Everything is made of these, so that escaping stands in one place and the script can build the same
/// piece without ever being handed text to be parsed as HTML.
///
/// Names of elements and attributes are literals of the program: nothing that came from outside can become one.
package indirect enum Node: Sendable {
    /// Text; escaped when it is written.
    case text(String)
    case element(StaticString, [Attribute], [Node])

    /// Its value is escaped when it is written, and stands in quotes.
    package struct Attribute: Sendable {
        let name: StaticString
        let value: String

        package init(_ name: StaticString, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package static func element(_ name: StaticString, _ attributes: [Attribute] = [], _ text: String) -> Node {
        .element(name, attributes, [.text(text)])
    }

    /// Several without a mark around them.
    static func line(_ parts: [Node], by separator: String) -> [Node] {
        var all: [Node] = []
        for (place, part) in parts.enumerated() {
            if place > 0 { all.append(.text(separator)) }
            all.append(part)
        }
        return all
    }
}

// MARK: - HTML

extension Node {
    /// As HTML (a fragment: the doctype is the page's).
    package var html: String {
        var text = ""
        write(into: &text)
        return text
    }

    private func write(into html: inout String) {
        switch self {
        case .text(let text): Self.escape(text, into: &html)
        case .element(let name, let attributes, let children):
            html += "<\(name)"
            for attribute in attributes {
                html += " \(attribute.name)=\""
                Self.escape(attribute.value, into: &html)
                html += "\""
            }
            html += ">"
            if Self.empties.contains("\(name)") { return }
            for child in children { child.write(into: &html) }
            html += "</\(name)>"
        }
    }

    /// Elements that have neither children nor an end (HTML, section 13.1.2, void elements).
    private static let empties: Set<String> = ["br", "input", "link", "meta"]

    /// The five characters that mean something in HTML's text and in quoted attributes; and U+0000, which it cannot have.
    private static func escape(_ text: String, into html: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            case "\0": html += "\u{FFFD}"
            default: html.unicodeScalars.append(scalar)
            }
        }
    }
}

// MARK: - JSON

extension Node {
    /// As JSON, for the script: a text is a string, an element `["td", {"class": "x"}, child, ...]`.
    package var json: String {
        var text = ""
        writeJSON(into: &text)
        return text
    }

    private func writeJSON(into json: inout String) {
        switch self {
        case .text(let text): Self.quote(text, into: &json)
        case .element(let name, let attributes, let children):
            json += "[\"\(name)\",{"
            for (place, attribute) in attributes.enumerated() {
                if place > 0 { json += "," }
                json += "\"\(attribute.name)\":"
                Self.quote(attribute.value, into: &json)
            }
            json += "}"
            for child in children {
                json += ","
                child.writeJSON(into: &json)
            }
            json += "]"
        }
    }

    /// RFC 8259 section 7; and "<", so that a browser that takes the answer for a page finds none.
    static func quote(_ text: String, into json: inout String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: json += "\\\""
            case 0x5c: json += "\\\\"
            case ..<0x20, 0x3c, 0x7f, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }
}
