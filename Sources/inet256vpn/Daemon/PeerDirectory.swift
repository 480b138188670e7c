internal import DataPlane
internal import Discovery
internal import INET256
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// The configured peers and where they are now. Numeric endpoints are called at once; host names are looked up beside each
/// other, each again after 1, 2, 4 ... s until there is an answer, at once when the machine's network changes, and now and
/// then while a peer is down. Endpoints that cannot work are left out, and what is wrong with them is said.
actor PeerDirectory {
    private struct Key: Hashable {
        let peer: Address
        let endpoint: PeerEndpoint
    }

    private let mailbox: Mailbox<EngineCommand>
    /// As many as there may be names that nobody answers about, so that others need not wait for those: two questions each.
    private let resolver = Resolver(maximumThreads: 128)
    private let logger: Logger
    private let own: Set<Address>
    private let portal: PortalPlan?
    private let transports: [TransportConfiguration]
    /// Of the configuration, and behind them who is called besides.
    private var peers: [PeerConfiguration] = []
    private var configured: [PeerConfiguration] = []
    private var callees = Callees()
    private var places: [Key: PeerPlace] = [:]
    /// Whom the data plane was too busy to hear of: it is told again until it has.
    private var owed: Set<Address> = []
    private var repeating: Task<Void, Never>?
    /// Where peers may be besides, as others say.
    private var found = FoundPlaces()
    /// Who introduced itself and was never configured, and until when that is believed without a link.
    private var strangers: [Address: Instant] = [:]
    /// What was last said of each peer's endpoints.
    private var told: [Address: [PeerTrouble]] = [:]

    /// Endpoints of one name.
    private static let mostFound = 32
    private static let firstPause: Interval = .seconds(1)
    private static let longestPause: Interval = .seconds(60)
    /// What a busy data plane is left before it is told again.
    private static let breath: Duration = .milliseconds(50)
    /// A question that waits for longer than this is asked anew when the network changes.
    private static let patience: Interval = .seconds(2)

    init(
        mailbox: Mailbox<EngineCommand>, logger: Logger, own: Set<Address>, portal: PortalPlan?,
        transports: [TransportConfiguration]
    ) {
        self.mailbox = mailbox
        self.logger = logger
        self.own = own
        self.portal = portal
        self.transports = transports
    }

    func name(of address: Address) -> String? { peers.first { $0.id == address }?.name }

    /// What is wrong with peers' endpoints now.
    var troubles: [Address: PeerTrouble] {
        var troubles: [Address: PeerTrouble] = [:]
        let surroundings = Surroundings(portal, logger)
        for peer in peers {
            let (endpoints, _, faults) = judge(peer, surroundings)
            guard let first = faults.first else { continue }
            troubles[peer.id] = PeerTrouble(
                word: first.word, text: faults.map(\.text).joined(separator: "; "), isAll: endpoints.isEmpty)
        }
        return troubles
    }

    /// Replaces the list: peers that are gone lose their links, the others keep their sessions.
    func set(_ list: [PeerConfiguration]) {
        configured = list
        settle()
    }

    /// Calls somebody as if it were a peer, until `endCall`.
    func call(_ peer: PeerConfiguration) {
        callees.add(peer)
        settle()
    }

    /// - Parameter lasts: it is about to be configured, and keeps its session meanwhile.
    func endCall(_ address: Address, lasts: Bool) {
        callees.end(address, at: BootClock.now() + (lasts ? Callees.courtesy : .zero))
        settle()
        guard lasts else { return }
        Task { [weak self] in
            try? await Task.sleep(for: .nanoseconds(Callees.courtesy.nanoseconds))
            await self?.settle()
        }
    }

    private func settle() { replace(configured + callees.peers(besides: configured, now: BootClock.now())) }

    private func replace(_ list: [PeerConfiguration]) {
        let old = peers
        peers = list.filter { !own.contains($0.id) }
        // Whoever is configured now is no stranger any more.
        for peer in peers { strangers[peer.id] = nil }
        for peer in old where !peers.contains(where: { $0.id == peer.id }) {
            told[peer.id] = nil
            found.forget(peer.id)
            post(.removePeer(peer.id), about: peer.id)
        }
        let wanted = Set(peers.flatMap { peer in peer.endpoints.map { Key(peer: peer.id, endpoint: $0) } })
        for (key, place) in places where !wanted.contains(key) {
            place.lookup?.cancel()
            places[key] = nil
        }
        for key in wanted where places[key] == nil { places[key] = PeerPlace(key.endpoint) }
        let surroundings = Surroundings(portal, logger)
        for peer in peers where old.first(where: { $0.id == peer.id }) != peer { announce(peer, surroundings) }
        for key in wanted where places[key]?.found.isEmpty == true { lookUp(key) }
    }

    /// Looks up again where these peers are: nobody answers at the endpoints known so far.
    func refresh(_ addresses: Set<Address>) {
        for key in places.keys where addresses.contains(key.peer) && key.endpoint.numeric == nil { lookUp(key) }
    }

    /// The machine's network changed: names may be answered about now, and endpoints may be in or out of the portal.
    func surroundingsChanged() {
        let now = BootClock.now()
        for (key, place) in places where place.lookup != nil {
            if let askedAt = place.askedAt, now - askedAt < Self.patience { continue }
            place.lookup?.cancel()
            places[key]?.lookup = nil
            lookUp(key)
        }
        let surroundings = Surroundings(portal, logger)
        for peer in peers where !peer.endpoints.isEmpty || !found.endpoints(of: peer.id, now: now).isEmpty {
            announce(peer, surroundings)
        }
    }

    // MARK: Found

    /// Somebody may be reached somewhere: a peer, or who is taken for one since it knows what peers know.
    func take(_ news: DiscoveryNews) {
        let now = BootClock.now()
        guard let peer = peer(news.address) ?? newcomer(news, now) else { return }
        if strangers[peer.id] != nil { strangers[peer.id] = max(strangers[peer.id] ?? now, now + news.lasts) }
        guard found.note(news, now: now) else { return }
        logger.debug(
            "found", metadata: ["peer": "\(peer.label)", "endpoints": "\(news.endpoints)", "by": "\(news.source)"])
        announce(peer, Surroundings(portal, logger))
    }

    private func newcomer(_ news: DiscoveryNews, _ now: Instant) -> PeerConfiguration? {
        guard news.isStranger, !own.contains(news.address), strangers.count < LocalDiscovery.mostStrangers else {
            return nil
        }
        strangers[news.address] = now + news.lasts
        logger.notice("a box on the link introduced itself", metadata: ["peer": "\(news.address)"])
        return PeerConfiguration(stranger: news.address)
    }

    /// A configured one, or a stranger that was taken in.
    private func peer(_ address: Address) -> PeerConfiguration? {
        peers.first { $0.id == address } ?? (strangers[address] != nil ? PeerConfiguration(stranger: address) : nil)
    }

    /// Strangers that are peers now.
    var introduced: Set<Address> { Set(strangers.keys) }

    /// What nobody says any more is forgotten, and with it strangers that have no link.
    func settle(linked: Set<Address>) {
        let now = BootClock.now()
        for (address, until) in strangers where until <= now && !linked.contains(address) {
            strangers[address] = nil
            found.forget(address)
            post(.removePeer(address), about: address)
        }
        let changed = found.expire(now: now).compactMap { peer($0) }
        guard !changed.isEmpty else { return }
        let surroundings = Surroundings(portal, logger)
        for peer in changed { announce(peer, surroundings) }
    }

    /// Nothing is looked up any more.
    func stop() {
        for place in places.values { place.lookup?.cancel() }
        repeating?.cancel()
    }

    // MARK: Names

    private func lookUp(_ key: Key) {
        guard let place = places[key], place.lookup == nil else { return }
        places[key]?.lookup = Task { [resolver] in
            var pause = Self.firstPause
            while !Task.isCancelled {
                began(key)
                let answer: Result<[Endpoint], ResolveError>
                let early: @Sendable ([Endpoint]) -> Void = { [weak self] found in
                    Task { await self?.tookEarly(found, key) }
                }
                do throws(ResolveError) {
                    answer = .success(try await Self.ask(resolver, key, early))
                } catch {
                    answer = .failure(error)
                }
                guard !Task.isCancelled, took(answer, key) else { return }
                do { try await Task.sleep(for: .nanoseconds(pause.nanoseconds)) } catch { return }
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    private static func ask(
        _ resolver: Resolver, _ key: Key, _ early: @escaping @Sendable ([Endpoint]) -> Void
    ) async throws(ResolveError) -> [Endpoint] {
        switch key.endpoint.scheme {
        case .udp: try await resolver.resolve(key.endpoint.host, port: key.endpoint.port, early: early)
        case .dns:
            try await PublishedEndpoints(resolver: resolver, name: key.endpoint.host, peer: key.peer).find(early: early)
        }
    }

    /// Some of the answer, while the rest is waited for: called at once. What was known before stays until all is.
    private func tookEarly(_ found: [Endpoint], _ key: Key) {
        guard let place = places[key], place.askedAt != nil, let peer = peers.first(where: { $0.id == key.peer }) else {
            return
        }
        let news = found.filter { !place.found.contains($0) }
        guard !news.isEmpty, place.found.count + news.count <= Self.mostFound else { return }
        places[key]?.found += news
        announce(peer, Surroundings(portal, logger))
    }

    private func began(_ key: Key) { places[key]?.askedAt = BootClock.now() }

    /// True when it is to be asked again.
    private func took(_ answer: Result<[Endpoint], ResolveError>, _ key: Key) -> Bool {
        guard let before = places[key], let peer = peers.first(where: { $0.id == key.peer }) else { return false }
        places[key]?.askedAt = nil
        switch answer {
        case .success(let endpoints):
            places[key]?.found = Array(endpoints.prefix(Self.mostFound))
            places[key]?.failure = nil
        case .failure(let error):
            places[key]?.failure = "\(key.endpoint): \(error)" + swallowedNameserver()
        }
        let isDone = places[key]?.found.isEmpty == false
        if isDone { places[key]?.lookup = nil }
        // The whole answer may be what was told early.
        let isNews = before.found != places[key]?.found || before.failure != nil || !isDone
        if isNews { announce(peer, Surroundings(portal, logger)) }
        return !isDone
    }

    /// Names are not answered about where the questions go into the portal.
    private func swallowedNameserver() -> String {
        let surroundings = Surroundings(portal, logger)
        for server in Nameservers.read() {
            guard surroundings.portalHolds(server.address) else { continue }
            return "; the nameserver \(server.address) of \(server.file) is routed into the portal: "
                + "set portal.except: [\(IPv6Prefix(host: server.address))], or name another nameserver"
        }
        return ""
    }

    // MARK: Endpoints

    /// Tells the data plane where a peer is, and the log what is wrong with that.
    private func announce(_ peer: PeerConfiguration, _ surroundings: Surroundings) {
        let (endpoints, hearsay, faults) = judge(peer, surroundings)
        // How long one waits is no news.
        let news = faults.filter { $0.word != "name-pending" }
        let before = told[peer.id] ?? []
        if before != news {
            told[peer.id] = news
            for fault in news where !before.contains(fault) {
                logger.warning(
                    "endpoint not used",
                    metadata: ["peer": "\(peer.label)", "reason": "\(fault.text)", "word": "\(fault.word)"])
            }
        }
        let settings = PeerSettings(address: peer.id, endpoints: endpoints, hearsay: hearsay)
        post(.setPeer(settings, name: peer.label), about: peer.id)
    }

    /// The endpoints that may be called, in their configured order, and what is wrong with the others.
    private func judge(
        _ peer: PeerConfiguration, _ surroundings: Surroundings
    ) -> (endpoints: [Endpoint], hearsay: Set<Endpoint>, faults: [PeerTrouble]) {
        var endpoints: [Endpoint] = []
        var faults: [PeerTrouble] = []
        let now = BootClock.now()
        for configured in peer.endpoints {
            guard let place = places[Key(peer: peer.id, endpoint: configured)] else { continue }
            if let trouble = place.trouble(now) { faults.append(trouble) }
            for endpoint in place.found {
                if let fault = fault(of: endpoint, surroundings) {
                    faults.append(PeerTrouble(word: fault.word, text: fault.text("\(endpoint)")))
                } else if !endpoints.contains(endpoint) {
                    endpoints.append(endpoint)
                }
            }
        }
        // What others say is used where it can be, and not spoken of where it cannot.
        let all = found.endpoints(of: peer.id, besides: endpoints, now: now)
        let said = all.dropFirst(endpoints.count).filter { fault(of: $0, surroundings) == nil }
        return (endpoints + said, Set(said), faults)
    }

    private func fault(of endpoint: Endpoint, _ surroundings: Surroundings) -> EndpointFault? {
        EndpointFault.of(endpoint, transports: transports.udp, own: surroundings.addresses)
            ?? surroundings.swallows(endpoint, by: transports.first { $0.speaks(to: endpoint) })
    }

    // MARK: The data plane

    private func post(_ command: EngineCommand, about address: Address) {
        do throws(MailboxError) {
            try mailbox.post(command)
            owed.remove(address)
        } catch .full {
            if owed.isEmpty { logger.notice("the data plane is too busy to hear of peers: it is told again") }
            owed.insert(address)
            if repeating == nil { repeatSoon() }
        } catch {
            logger.error("the data plane did not take a change of peers", metadata: ["reason": "\(error)"])
        }
    }

    private func repeatSoon() {
        repeating = Task {
            do { try await Task.sleep(for: Self.breath) } catch { return }
            repeating = nil
            let surroundings = Surroundings(portal, logger)
            for address in owed {
                if let peer = peer(address) {
                    announce(peer, surroundings)
                } else {
                    post(.removePeer(address), about: address)
                }
            }
        }
    }
}
