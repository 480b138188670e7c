internal import NIOHTTP1
internal import Wire

extension APIEndpoint {
    /// What speaks against a request on TCP. Any web page may make a browser send requests to loopback, and to whatever
    /// address its user reaches. Browsers say where a page is from (Origin), and a name that was rebound to that address
    /// shows in Host: so it has to be an address, a loopback one unless the endpoint is open to other machines.
    func refusal(of head: HTTPRequestHead) -> APIResponse? {
        guard case .tcp = self else { return nil }
        if head.headers.contains(name: "origin") {
            return .failure(403, "requests from web pages are refused")
        }
        // What a page of somebody else's has the browser fetch, as an image or a script, comes without an Origin; a link that is followed
        // may lead here (Fetch Metadata, W3C).
        if let site = head.headers.first(name: "sec-fetch-site"), site != "same-origin", site != "none",
            head.headers.first(name: "sec-fetch-mode") != "navigate"
        {
            return .failure(403, "requests from web pages are refused")
        }
        let host = head.headers.first(name: "host")
        // Clients open and drop nodes with an empty Host, which no browser sends.
        if head.isAboutNodes, host?.isEmpty ?? (head.method == .CONNECT) { return nil }
        guard let host, admits(host: host) else {
            return .failure(403, "the Host header must name \(isRemote ? "an" : "a loopback") address")
        }
        return nil
    }

    private func admits(host text: String) -> Bool {
        let host = text.lowercased()
        if host == "localhost" || host.hasPrefix("localhost:") { return true }
        let hasPort = host.hasPrefix("[") ? !host.hasSuffix("]") : host.contains(":")
        guard let endpoint = Endpoint(hasPort ? host : host + ":0") else { return false }
        return isRemote || endpoint.address.isLoopback
    }
}
