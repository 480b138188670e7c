internal import NIOHTTP1

extension APIEndpoint {
    /// What speaks against a request on TCP. Any web page may make a browser send requests to loopback. Browsers say
    /// where a page is from (Origin), and a name that was rebound to 127.0.0.1 shows in Host.
    func refusal(of head: HTTPRequestHead) -> APIResponse? {
        guard case .tcp = self else { return nil }
        if head.headers.contains(name: "origin") {
            return .failure(403, "requests from web pages are refused")
        }
        let host = head.headers.first(name: "host") ?? ""
        // Clients open nodes with an empty Host; no browser lets a page send CONNECT.
        if head.method == .CONNECT, host.isEmpty { return nil }
        guard Self.isLoopback(host: host) else {
            return .failure(403, "the Host header must name a loopback address")
        }
        return nil
    }

    private static func isLoopback(host text: String) -> Bool {
        let host = text.lowercased()
        if host.hasPrefix("[") { return host == "[::1]" || host.hasPrefix("[::1]:") }
        let name = host.prefix { $0 != ":" }
        return name == "localhost" || name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." }
    }
}
