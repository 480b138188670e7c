internal import Glibc
internal import Wire

/// getaddrinfo(3): blocks its thread.
enum SystemResolver {
    static func look(up host: String, port: UInt16) -> Result<[Endpoint], ResolveError> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? ErrnoText.text(errno) : String(cString: gai_strerror(code))
            return .failure(.failed(host: host, code: code, reason: reason))
        }
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
        guard !endpoints.isEmpty else {
            return .failure(.failed(host: host, code: EAI_NONAME, reason: String(cString: gai_strerror(EAI_NONAME))))
        }
        return .success(endpoints)
    }
}
