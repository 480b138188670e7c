/// What a message of a batch is about, in the words of an error message.
enum NftSubject: Hashable, Sendable, CustomStringConvertible {
    case begin, end
    /// `owned`: with the flag that an old kernel may not know.
    case createTable(String, owned: Bool)
    case deleteTable(String)
    case create(Kind, String)
    case delete(Kind, String)
    case addElements(Kind, String)
    case deleteElements(Kind, String)
    case flushChain(String)
    /// Numbered from 1.
    case addRule(Int, chain: String, comment: String?)

    enum Kind: String, Hashable, Sendable {
        case counter, limit, set, map, chain
    }

    /// "add": what was being done.
    var operation: String {
        switch self {
        case .begin: "begin"
        case .end: "commit"
        case .createTable, .create: "create"
        case .deleteTable, .delete: "delete"
        case .addElements: "add elements to"
        case .deleteElements: "delete elements of"
        case .flushChain: "flush"
        case .addRule: "add"
        }
    }

    /// "rule 3 of chain in_rules: allow ssh from admins".
    var object: String {
        switch self {
        case .begin, .end: "the transaction"
        case .createTable(let name, _), .deleteTable(let name): "table \(name)"
        case .create(let kind, let name), .delete(let kind, let name), .addElements(let kind, let name),
            .deleteElements(let kind, let name):
            "\(kind.rawValue) \(name)"
        case .flushChain(let name): "chain \(name)"
        case .addRule(let number, let chain, let comment):
            "rule \(number) of chain \(chain)" + (comment.map { ": \($0)" } ?? "")
        }
    }

    var description: String { "\(operation) \(object)" }
}
