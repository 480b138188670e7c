internal import Wire

/// A request as the routes see it: complete, and within the limits.
package struct APIRequest: Sendable {
    /// "GET", "POST", ...
    package var method: String
    /// The path without its query.
    package var path: String
    /// What stands behind the "?", as it came; empty without one.
    package var query: String
    package var body: [UInt8]
    package var client: APICaller

    package init(
        method: String, path: String, query: String = "", body: [UInt8] = [], client: APICaller = .unknown
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.client = client
    }
}

/// An answer, whole: the API's answers are small.
package struct APIResponse: Sendable, Equatable {
    /// The HTTP status code.
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// The methods that the path knows, for 405 (RFC 9110 section 15.5.6).
    package var allow: String?
    /// Further header fields; names and values are the program's own.
    package var fields: [Field] = []

    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(status: Int, contentType: String = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Plain text with a line end.
    package static func text(_ line: String) -> APIResponse {
        APIResponse(status: 200, contentType: "text/plain; charset=utf-8", body: Array((line + "\n").utf8))
    }

    /// An error as JSON: `{"error":"..."}`.
    package static func failure(_ status: Int, _ reason: String) -> APIResponse {
        APIResponse(status: status, body: Array("{\"error\":\(jsonQuoted(reason))}\n".utf8))
    }

    package static func notFound(_ path: String) -> APIResponse {
        failure(404, "there is nothing at \(path)")
    }

    /// 405 for a path that knows only `allowed`.
    package static func methodNotAllowed(_ method: String, allowed: String) -> APIResponse {
        var response = failure(405, "\(method) is not possible here, only \(allowed)")
        response.allow = allowed
        return response
    }
}

/// Answers requests. Called from the event loop's side in a task of its own, one per request; the task is
/// cancelled when the client goes away.
package protocol APIResponder: Sendable {
    func respond(to request: APIRequest) async -> APIResponse
}

/// Who is at the other end of a connection.
package enum APICaller: Hashable, Sendable, CustomStringConvertible {
    /// A local process, as the kernel names it (SO_PEERCRED, unix(7)).
    case process(id: Int32, user: UInt32, group: UInt32)
    /// A TCP client's address.
    case address(String)
    case unknown

    package var description: String {
        switch self {
        case .process(let id, let user, let group): "pid \(id) uid \(user) gid \(group)"
        case .address(let text): text
        case .unknown: "unknown"
        }
    }
}
