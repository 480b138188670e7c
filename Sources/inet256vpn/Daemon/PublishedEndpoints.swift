internal import INET256
internal import Settings
internal import System
internal import Wire

/// Where a peer is as a domain's records say: `dns://example.org` in its `addrs`.
///
///     example.org                   TXT  "inet256vpn=ADDRESS udp://host:port udp://host:port"
///     _inet256vpn._udp.example.org  SRV  priority weight port host
///
/// A text is about whose address stands in it, so a list for many boxes can be published under one name; a service says nothing of
/// addresses, and is taken where no text is about the peer. Both are asked for at once. A nameserver that lies sends our calls
/// elsewhere, where nobody can answer them: whoever is called must have the peer's key.
struct PublishedEndpoints {
    let resolver: Resolver
    let name: String
    let peer: Address

    /// Places of one peer that are looked up, of however many are published.
    static let most = 8
    private static let mark = "inet256vpn="
    private static let service = "_inet256vpn._udp."

    /// All endpoints that are found, never none. `early` is told of each as it is found, from any thread.
    func find(early: @escaping @Sendable ([Endpoint]) -> Void) async throws(ResolveError) -> [Endpoint] {
        async let services = records(.service, of: Self.service + name)
        let texts = await records(.text, of: name)
        var places = Self.places(texts.value?.texts ?? [], [], of: peer)
        var failure = texts.failure
        if places.isEmpty {
            let services = await services
            places = Self.places([], services.value?.services ?? [], of: peer)
            failure = failure ?? services.failure
        }
        guard !places.isEmpty else { throw failure ?? nothing }
        let outcomes = await withTaskGroup(of: Result<[Endpoint], ResolveError>.self) { group in
            for place in places { group.addTask { await look(up: place, early) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let endpoints = outcomes.flatMap { $0.value ?? [] }
        guard endpoints.isEmpty else { return endpoints }
        throw outcomes.lazy.compactMap(\.failure).first ?? nothing
    }

    private var nothing: ResolveError {
        .failed(
            host: name, code: 0,
            reason: "it has no TXT record with \(Self.mark)\(peer) and no SRV record under \(Self.service)\(name)")
    }

    private func records(_ kind: DNSMessage.Kind, of name: String) async -> Result<DNSMessage, ResolveError> {
        do throws(ResolveError) {
            return .success(try await resolver.records(kind, of: name))
        } catch {
            return .failure(error)
        }
    }

    private func look(
        up place: PeerEndpoint, _ early: @escaping @Sendable ([Endpoint]) -> Void
    ) async -> Result<[Endpoint], ResolveError> {
        do throws(ResolveError) {
            let found = try await resolver.resolve(place.host, port: place.port, early: early)
            early(found)
            return .success(found)
        } catch {
            return .failure(error)
        }
    }

    /// Where the peer is said to be.
    static func places(_ texts: [String], _ services: [DNSMessage.Service], of peer: Address) -> [PeerEndpoint] {
        let about = texts.filter { $0.hasPrefix(mark) }.map { $0.dropFirst(mark.count).split(separator: " ") }
            .filter { $0.first.map(String.init) == "\(peer)" }
        let found =
            about.isEmpty
            ? services.map { PeerEndpoint(scheme: .udp, host: $0.target, port: $0.port) }
            : about.flatMap { $0.dropFirst().compactMap { PeerEndpoint(String($0)) }.filter { $0.scheme == .udp } }
        var places: [PeerEndpoint] = []
        for place in found where places.count < most && !places.contains(place) { places.append(place) }
        return places
    }
}

extension Result {
    fileprivate var value: Success? { if case .success(let value) = self { value } else { nil } }
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
