internal import CLinux
internal import Glibc
internal import Wire

/// getaddrinfo(3) and res_nquery(3): they block their thread.
enum SystemResolver {
    /// EAI_NODATA, which Glibc's module leaves out: the name is there, and nothing of this kind.
    static let noData: Int32 = -5
    /// Bytes of an answer that are taken in; what is longer has lost its end, and is no message then.
    private static let longestAnswer = 16 << 10

    /// The endpoints of one family, AF_INET or AF_INET6, in the order to try them (RFC 6724).
    static func look(up host: String, port: UInt16, family: Int32) -> Result<[Endpoint], ResolveError> {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { return .failure(failure(host, code)) }
        defer { freeaddrinfo(list) }
        var endpoints: [Endpoint] = []
        var entry = list
        while let info = entry?.pointee {
            let bytes = UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
            if var endpoint = Endpoint(socketAddress: bytes) {
                endpoint.port = port
                if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
            }
            entry = info.ai_next
        }
        guard !endpoints.isEmpty else { return .failure(failure(host, EAI_NONAME)) }
        return .success(endpoints)
    }

    static func records(_ kind: DNSMessage.Kind, of name: String) -> Result<DNSMessage, ResolveError> {
        withUnsafeTemporaryAllocation(byteCount: longestAnswer, alignment: 8) { buffer in
            let count = clinux_ask_name(name, kind.rawValue, buffer.baseAddress, Int32(buffer.count))
            guard count >= 0 else { return .failure(failure(name, count)) }
            guard let answer = UnsafeRawBufferPointer(buffer).slice(0, Int(count)), let message = DNSMessage(answer)
            else {
                return .failure(
                    .failed(host: name, code: EAI_FAIL, reason: "the nameserver's answer cannot be read"))
            }
            return .success(message)
        }
    }

    private static func failure(_ host: String, _ code: Int32) -> ResolveError {
        let reason = code == EAI_SYSTEM ? ErrnoText.text(errno) : String(cString: gai_strerror(code))
        return .failed(host: host, code: code, reason: reason)
    }
}
