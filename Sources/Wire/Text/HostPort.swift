/// "host:port" in its two halves, as all endpoints are written: an IPv6 address stands in brackets, or its last colon could
/// be the port's. What the host may be is for the caller to say.
package struct HostPort {
    /// Without the brackets.
    package let host: Substring
    package let isBracketed: Bool
    package let port: UInt16

    /// Nil where there is no port that is a decimal number as it is written out (no sign, no leading zeros), or no host.
    package init?(_ text: Substring) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Self.number(text[text.index(after: colon)...], UInt16.self)
        else { return nil }
        let host = text[..<colon]
        isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.host = isBracketed ? host.dropFirst().dropLast() : host
        self.port = port
        guard !self.host.isEmpty else { return nil }
    }

    /// A decimal number as it is written out: no sign, no leading zeros.
    static func number<T: FixedWidthInteger>(_ text: Substring, _: T.Type) -> T? {
        T(text).flatMap { String($0) == text ? $0 : nil }
    }
}

/// Where a stream socket is: "unix:///run/x.sock" or "tcp://127.0.0.1:2560".
package enum SocketText {
    /// At most `longestPath` bytes, none of them zero.
    case unix(path: String)
    /// What stands behind the scheme.
    case tcp(Substring)

    /// Bytes of path that fit `sun_path` with its closing zero (unix(7): 108).
    package static let longestPath = 107

    package init(_ text: String) throws(SocketTextError) {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard !path.isEmpty, !path.utf8.contains(0) else { throw .noPath }
            guard path.utf8.count <= Self.longestPath else { throw .pathTooLong(path.utf8.count) }
            self = .unix(path: path)
        } else if text.hasPrefix("tcp://") {
            self = .tcp(text.dropFirst("tcp://".count))
        } else {
            throw .unknownScheme
        }
    }
}

package enum SocketTextError: Error, Hashable {
    case unknownScheme
    case noPath
    /// The path's length in bytes.
    case pathTooLong(Int)
}
