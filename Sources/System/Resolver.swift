internal import Glibc
internal import Synchronization
package import Wire

/// Why a host name has no endpoint.
package enum ResolveError: Error, Equatable, CustomStringConvertible {
    /// Not a host name at all: empty, longer than 253 bytes (RFC 1035 section 2.3.4) or with blanks in it.
    case notAName(String)
    /// The resolver said no; `code` is getaddrinfo(3)'s, `reason` the C library's text for it.
    case failed(host: String, code: Int32, reason: String)
    /// The task that asked was cancelled.
    case cancelled(host: String)

    package var description: String {
        switch self {
        case .notAName(let host): "\"\(host)\" is not a host name"
        case .failed(let host, _, let reason): "cannot resolve \"\(host)\": \(reason)"
        case .cancelled(let host): "gave up resolving \"\(host)\""
        }
    }
}

/// Looks up host names of configured peers, with the system's own resolver (getaddrinfo(3)), so that
/// /etc/hosts, mDNS and the like work as the user expects.
///
/// That call blocks, for minutes if the name servers are gone. So it runs on threads made for it, a few at
/// most, that end when nothing is left to look up: never on the data thread, nor on Swift's shared pool.
package final class Resolver: Sendable {
    private struct State {
        var waiting: [Lookup] = []
        var threads = 0
    }

    private let state = Mutex(State())
    private let maximumThreads: Int

    /// At most `maximumThreads` names are looked up at a time; the others wait.
    package init(maximumThreads: Int = 4) {
        precondition(maximumThreads > 0, "somebody must do the work")
        self.maximumThreads = maximumThreads
    }

    /// All endpoints of a host in the order to try them (RFC 6724), never none. Numeric hosts are answered
    /// at once. A cancelled task gets its answer at once too; the thread ends when the system lets it.
    package func resolve(_ host: String, port: UInt16) async throws(ResolveError) -> [Endpoint] {
        if let address = IPv6Address(host) ?? IPv4Text.parse(host).map({ IPv6Address(mappedIPv4: $0) }) {
            return [Endpoint(address: address, port: port)]
        }
        guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw .notAName(host)
        }
        let lookup = Lookup(host: host, port: port)
        // One that was cancelled before it began is not looked up at all.
        return try await lookup.answer.value(cancelled: .cancelled(host: host)) { enqueue(lookup) }
    }

    private func enqueue(_ lookup: Lookup) {
        let needsThread = state.withLock { state in
            state.waiting.append(lookup)
            guard state.threads < maximumThreads else { return false }
            state.threads += 1
            return true
        }
        guard needsThread else { return }
        let code = DetachedThread.start { [self] in work() }
        guard code != 0 else { return }
        // No thread to be had: others at work may still take the lookup; without any it fails.
        let stranded = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [Lookup]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for lookup in stranded {
            lookup.answer.end(
                .failure(.failed(host: lookup.host, code: EAI_SYSTEM, reason: ErrnoText.text(code))))
        }
    }

    /// The life of a thread.
    private func work() {
        while let lookup = next() {
            if !lookup.answer.isDecided { lookup.answer.end(SystemResolver.look(up: lookup.host, port: lookup.port)) }
        }
    }

    private func next() -> Lookup? {
        state.withLock { state in
            if state.waiting.isEmpty {
                // Under the same lock as the enqueueing: no lookup can slip in unseen.
                state.threads -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}

/// One question and who waits for its answer. The first answer counts, be it the resolver's or the cancellation.
private final class Lookup: Sendable {
    let host: String
    let port: UInt16
    let answer = Promise<[Endpoint], ResolveError>()

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}
