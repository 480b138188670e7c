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
/// /etc/hosts, mDNS and the like work as the user expects; and records that only nameservers have.
///
/// These calls block, for minutes if the name servers are gone. So they run on threads made for it, a few at
/// most, that end when nothing is left to look up: never on the data thread, nor on Swift's shared pool.
package final class Resolver: Sendable {
    private struct State {
        var waiting: [any Question] = []
        var threads = 0
    }

    private let state = Mutex(State())
    private let maximumThreads: Int

    /// At most `maximumThreads` questions are asked at a time, two for each host name; the others wait.
    package init(maximumThreads: Int = 4) {
        precondition(maximumThreads > 0, "somebody must do the work")
        self.maximumThreads = maximumThreads
    }

    /// All endpoints of a host, never none. Numeric hosts are answered at once. A cancelled task gets its answer at once too; the
    /// threads end when the system lets them.
    ///
    /// IPv4 and IPv6 addresses are asked for beside each other. `early` is called, from any thread, with what one of them has while
    /// the other is still waited for, as where a nameserver never answers about it: nobody needs to wait for a dead family.
    package func resolve(
        _ host: String, port: UInt16, early: @escaping @Sendable ([Endpoint]) -> Void = { _ in }
    ) async throws(ResolveError) -> [Endpoint] {
        if let address = IPv6Address(host) ?? IPv4Text.parse(host).map({ IPv6Address(mappedIPv4: $0) }) {
            return [Endpoint(address: address, port: port)]
        }
        try Self.check(host)
        let lookup = Lookup(host: host, port: port, early: early)
        // One that was cancelled before it began is not looked up at all.
        return try await lookup.answer.value(cancelled: .cancelled(host: host)) {
            for family in Lookup.Family.allCases { enqueue(FamilyQuestion(lookup: lookup, family: family)) }
        }
    }

    /// What nameservers have of a kind under a name, as it is written: no search list, no /etc/hosts.
    package func records(_ kind: DNSMessage.Kind, of name: String) async throws(ResolveError) -> DNSMessage {
        try Self.check(name)
        let question = RecordQuestion(host: name, kind: kind)
        return try await question.answer.value(cancelled: .cancelled(host: name)) { enqueue(question) }
    }

    private static func check(_ host: String) throws(ResolveError) {
        guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            throw .notAName(host)
        }
    }

    private func enqueue(_ question: any Question) {
        let needsThread = state.withLock { state in
            state.waiting.append(question)
            guard state.threads < maximumThreads else { return false }
            state.threads += 1
            return true
        }
        guard needsThread else { return }
        let code = DetachedThread.start { [self] in work() }
        guard code != 0 else { return }
        // No thread to be had: others at work may still take the question; without any it fails.
        let stranded = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [any Question]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for question in stranded {
            question.fail(.failed(host: question.host, code: EAI_SYSTEM, reason: ErrnoText.text(code)))
        }
    }

    /// The life of a thread.
    private func work() {
        while let question = next() {
            if !question.isDecided { question.ask() }
        }
    }

    private func next() -> (any Question)? {
        state.withLock { state in
            if state.waiting.isEmpty {
                // Under the same lock as the enqueueing: no question can slip in unseen.
                state.threads -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}
