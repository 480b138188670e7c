internal import NIOCore

/// What the daemon says to a request before frames begin: HTTP/1.1 (RFC 9112), as far as it is needed.
struct AnswerHead: Equatable {
    var status: Int
    var phrase: String
    /// Nil when the body, if there is one, goes on to the end of the connection.
    var contentLength: Int?
    var isChunked = false

    /// Bytes of a head; ours have some hundred.
    private static let longest = 16 * 1024

    /// Takes the head out of `buffer`, up to and with its blank line; nil when more bytes are needed.
    static func next(in buffer: inout ByteBuffer) throws(AnswerError) -> AnswerHead? {
        let view = buffer.readableBytesView
        // What is no HTTP is told from its first bytes on.
        guard zip(view, "HTTP/1.".utf8).allSatisfy(==) else { throw .notHTTP }
        let feed = UInt8(ascii: "\n")
        var lineStart = view.startIndex
        var lines: [String] = []
        var index = view.startIndex
        while index < view.endIndex, index - view.startIndex < longest {
            defer { index += 1 }
            guard view[index] == feed else { continue }
            var line = view[lineStart..<index]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            lineStart = index + 1
            if line.isEmpty {
                buffer.moveReaderIndex(forwardBy: lineStart - view.startIndex)
                return try AnswerHead(lines)
            }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        guard view.count < longest else { throw .notHTTP }
        return nil
    }

    private init(_ lines: [String]) throws(AnswerError) {
        guard let first = lines.first else { throw .notHTTP }
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = number(words[1])
        else { throw .notHTTP }
        self.status = status
        phrase = words.count > 2 ? String(words[2]) : ""
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .notHTTP }
            let value = parts[1].trimmingBlanks()
            switch parts[0].lowercased() {
            case "content-length":
                guard let count = number(value) else { throw .notHTTP }
                contentLength = count
            case "transfer-encoding": isChunked = value.lowercased().contains("chunked")
            default: break
            }
        }
    }
}

/// Digits and nothing else; a sign is for `Int` only.
private func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
}

enum AnswerError: Error, Equatable, CustomStringConvertible {
    case notHTTP

    var description: String { "it does not speak HTTP" }
}

extension StringProtocol {
    func trimmingBlanks() -> Substring {
        var rest = Substring(self)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
