/// A step on the way from a document's root to a value in it.
package enum YAMLStep: Hashable, Sendable {
    case key(String)
    case index(Int)
}

/// Where a value stands, from the root on.
package typealias YAMLPath = [YAMLStep]

/// What is to be written: texts, lists and mappings. How it is written, the surroundings say.
package indirect enum YAMLContent: Hashable, Sendable {
    case text(String)
    /// A text that stands in quotes where nothing beside it says otherwise.
    case quoted(String)
    case list([YAMLContent])
    /// In this order.
    case mapping([YAMLField])

    /// Whether it has a list or mapping within that would have lines of its own.
    var isMapping: Bool { if case .mapping = self { true } else { false } }
}

/// A key with what stands behind it.
package struct YAMLField: Hashable, Sendable {
    package var key: String
    package var value: YAMLContent

    package init(_ key: String, _ value: YAMLContent) {
        self.key = key
        self.value = value
    }
}

/// One change of a document.
package enum YAMLChange: Hashable, Sendable {
    /// An item more in a list, before the one at a place or at the end. A list that is not there yet is made, with the mappings that it
    /// stands in; a scalar in its place becomes the list's first item.
    case insert(YAMLContent, into: YAMLPath, before: Int? = nil)
    /// A key that the mapping does not have yet, directly behind another one where that is said.
    case add(YAMLField, to: YAMLPath, behind: String? = nil)
    /// An item of a list, or a key with its value. What has become empty stays as an empty list or mapping.
    case remove(YAMLPath)
    /// Another text in the place of scalars, all at once: an alias stands for what it names.
    case replace([YAMLPath], with: String)
}

/// Why a document was left as it is.
package struct EditRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Such as "the list peers is an alias (line 12)".
    package var reason: String
    /// What to do by hand.
    package var advice: String?

    package init(_ reason: String, advice: String? = nil) {
        self.reason = reason
        self.advice = advice
    }

    package var description: String { advice.map { "\(reason).\n\($0)" } ?? reason }
}

extension YAMLPath {
    /// Such as "firewall.rules[2]"; empty for the root.
    package var words: String {
        var text = ""
        for step in self {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
