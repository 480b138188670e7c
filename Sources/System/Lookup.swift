internal import Glibc
internal import Synchronization
internal import Wire

/// What a thread of the resolver is to ask.
protocol Question: Sendable {
    var host: String { get }
    /// Nobody waits for the answer any more.
    var isDecided: Bool { get }
    /// Asks, which may take minutes, and hands on what comes of it.
    func ask()
    func fail(_ error: ResolveError)
}

/// A host's endpoints of both families and who waits for them. The first answer counts, be it the resolver's or the cancellation.
final class Lookup: Sendable {
    enum Family: CaseIterable { case ipv6, ipv4 }
    typealias Outcome = Result<[Endpoint], ResolveError>

    let host: String
    let port: UInt16
    let answer = Promise<[Endpoint], ResolveError>()
    private let early: @Sendable ([Endpoint]) -> Void
    private let outcomes = Mutex<[Family: Outcome]>([:])

    init(host: String, port: UInt16, early: @escaping @Sendable ([Endpoint]) -> Void) {
        self.host = host
        self.port = port
        self.early = early
    }

    /// What came of the question about one family.
    func ended(_ family: Family, _ outcome: Outcome) {
        let all = outcomes.withLock { outcomes in
            outcomes[family] = outcome
            return outcomes
        }
        if let ipv6 = all[.ipv6], let ipv4 = all[.ipv4] {
            answer.end(Self.join(ipv6, ipv4))
        } else if case .success(let endpoints) = outcome, !answer.isDecided {
            early(endpoints)
        }
    }

    /// What either has. Where neither has any, the reason that says more than that there is none.
    private static func join(_ ipv6: Outcome, _ ipv4: Outcome) -> Outcome {
        switch (ipv6, ipv4) {
        case (.success(let six), .success(let four)): .success(six + four.filter { !six.contains($0) })
        case (.success, .failure): ipv6
        case (.failure, .success): ipv4
        case (.failure(let six), .failure(let four)): .failure(four.saysThatThereIsNone ? six : four)
        }
    }
}

extension ResolveError {
    /// The name is not there, or nothing of it is: of two answers the other one tells more.
    fileprivate var saysThatThereIsNone: Bool {
        guard case .failed(_, let code, _) = self else { return false }
        return code == EAI_NONAME || code == SystemResolver.noData
    }
}

/// One family's part of a look-up.
struct FamilyQuestion: Question {
    let lookup: Lookup
    let family: Lookup.Family

    var host: String { lookup.host }
    var isDecided: Bool { lookup.answer.isDecided }

    func ask() {
        lookup.ended(
            family,
            SystemResolver.look(up: host, port: lookup.port, family: family == .ipv4 ? AF_INET : AF_INET6))
    }

    func fail(_ error: ResolveError) { lookup.ended(family, .failure(error)) }
}

/// Records of a name.
final class RecordQuestion: Question {
    let host: String
    let answer = Promise<DNSMessage, ResolveError>()
    private let kind: DNSMessage.Kind

    init(host: String, kind: DNSMessage.Kind) {
        self.host = host
        self.kind = kind
    }

    var isDecided: Bool { answer.isDecided }

    func ask() { answer.end(SystemResolver.records(kind, of: host)) }

    func fail(_ error: ResolveError) { answer.end(.failure(error)) }
}
