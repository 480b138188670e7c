/// A request as the routes see it: complete, and within the limits.
public struct APIRequest: Sendable {
    /// "GET", "POST", ...
    public var method: String
    /// The path without its query.
    public var path: String
    public var body: [UInt8]
    public var client: APICaller

    public init(method: String, path: String, body: [UInt8] = [], client: APICaller = .unknown) {
        self.method = method
        self.path = path
        self.body = body
        self.client = client
    }
}

/// An answer, whole: the API's answers are small.
public struct APIResponse: Sendable, Equatable {
    /// The HTTP status code.
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// The methods that the path knows, for 405 (RFC 9110 section 15.5.6).
    public var allow: String?

    public init(status: Int, contentType: String = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Plain text with a line end.
    public static func text(_ line: String) -> APIResponse {
        APIResponse(status: 200, contentType: "text/plain; charset=utf-8", body: Array((line + "\n").utf8))
    }

    /// An error as JSON: `{"error":"..."}`.
    public static func failure(_ status: Int, _ reason: String) -> APIResponse {
        APIResponse(status: status, body: Array("{\"error\":\(jsonText(reason))}\n".utf8))
    }

    public static func notFound(_ path: String) -> APIResponse {
        failure(404, "there is nothing at \(path)")
    }

    /// 405 for a path that knows only `allowed`.
    public static func methodNotAllowed(_ method: String, allowed: String) -> APIResponse {
        var response = failure(405, "\(method) is not possible here, only \(allowed)")
        response.allow = allowed
        return response
    }
}

/// Answers requests. Called from the event loop's side in a task of its own, one per request; the task is
/// cancelled when the client goes away.
public protocol APIResponder: Sendable {
    func respond(to request: APIRequest) async -> APIResponse
}

/// Who is at the other end of a connection.
public enum APICaller: Hashable, Sendable, CustomStringConvertible {
    /// A local process, as the kernel names it (SO_PEERCRED, unix(7)).
    case process(id: Int32, user: UInt32, group: UInt32)
    /// A TCP client's address.
    case address(String)
    case unknown

    public var description: String {
        switch self {
        case .process(let id, let user, let group): "pid \(id) uid \(user) gid \(group)"
        case .address(let text): text
        case .unknown: "unknown"
        }
    }
}

/// `text` as a JSON string with its quotes (RFC 8259 section 7).
func jsonText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20:
            let hex = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
