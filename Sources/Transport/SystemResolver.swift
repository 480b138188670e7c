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

/// A thread that nobody joins.
enum DetachedThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Gives 0, or an errno when there is no thread to be had.
    static func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if code != 0 { box.release() }
        return code
    }
}
