internal import DataPlane
internal import Discovery
internal import Foundation
internal import INET256
internal import Logging
internal import Netlink
internal import System
internal import Transport
internal import Wire

/// The thread that finds peers: it owns the socket of the links and hears of the kernel which there are. What goes to central servers,
/// and comes from them or to this box as one, passes by the mesh's sockets, so that what servers see is the mesh's own port.
final class DiscoveryThread {
    let plan: DiscoveryPlan
    private let engine: Mailbox<EngineCommand>
    private let logger: Logger
    private let news: AsyncStream<DiscoveryNews>.Continuation
    private let poller: Poller
    private var watcher: KernelWatcher?
    private var link: LinkSocket?
    private(set) var local: LocalDiscovery?
    private(set) var clients: [CentralClient]
    private(set) var server: CentralServer?
    /// Of the links that the box announces itself on.
    private(set) var linkNames: [String] = []
    /// Where the box may be reached, as was said last.
    private var candidates: [Candidate] = []
    /// Where servers see the box.
    private var seen: [Endpoint] = []
    private var surveyAt: Instant = .distantPast
    private var refusals: Set<String> = []
    private var isStopping = false

    /// Changes of links come in flocks.
    private static let settles: Interval = .milliseconds(50)
    /// What the kernel told nobody of, and addresses that were not ready yet.
    private static let audit: Interval = .seconds(30)

    private enum Token {
        static let commands: UInt64 = 0
        static let datagrams: UInt64 = 1
        static let watcher: UInt64 = 2
        static let link: UInt64 = 3
    }

    private init(
        _ plan: DiscoveryPlan, _ engine: Mailbox<EngineCommand>, _ logger: Logger,
        _ news: AsyncStream<DiscoveryNews>.Continuation
    ) throws {
        self.plan = plan
        self.engine = engine
        self.logger = logger
        self.news = news
        let random = SystemRandom()
        poller = try Poller()
        clients = plan.central.map { CentralClient(key: plan.key, settings: $0.settings, random: random) }
        if plan.serves {
            var limits = CentralLimits()
            limits.kept = plan.peers.union([plan.key.address])
            server = CentralServer(limits: limits, random: random)
        }
        try poller.add(plan.commands.descriptor, token: Token.commands, interest: .readable)
        try poller.add(plan.datagrams.descriptor, token: Token.datagrams, interest: .readable)
        if plan.local != nil || !plan.central.isEmpty {
            watcher = KernelWatcher.open(logger)
            if let watcher { try poller.add(watcher.descriptor, token: Token.watcher, interest: .readable) }
        }
        if let settings = plan.local { openLink(settings, random) }
    }

    /// Without the port discovery on links is off; everything else goes on.
    private func openLink(_ settings: LocalSettings, _ random: SystemRandom) {
        do {
            let socket = try LinkSocket()
            try poller.add(socket.descriptor, token: Token.link, interest: .readable)
            link = socket
            var discovery = LocalDiscovery(own: plan.key.address, settings: settings, random: random)
            discovery.admitsAnybody = plan.admitsAnybody
            local = discovery
        } catch {
            logger.warning("peers are not looked for on links", metadata: ["reason": "\(error)"])
        }
    }

    /// Runs on a thread of its own until it is told to stop; the stream ends with it.
    static func start(
        _ plan: DiscoveryPlan, engine: Mailbox<EngineCommand>, logger: Logger
    ) throws -> AsyncStream<DiscoveryNews> {
        let (stream, news) = AsyncStream.makeStream(
            of: DiscoveryNews.self, bufferingPolicy: .bufferingNewest(256))
        nonisolated(unsafe) let thread = try DiscoveryThread(plan, engine, logger, news)
        try OwnThread.start("discovery") {
            thread.run()
            news.finish()
        }
        return stream
    }

    // MARK: The thread

    private func run() {
        while !isStopping {
            do {
                let ready = try poller.wait(until: deadline, now: BootClock.now())
                try turn(ready, BootClock.now())
            } catch {
                // Of the socket or of netlink: whichever it is, the rest goes on. Where it was neither, nothing does.
                isStopping = link == nil && watcher == nil
                let words = isStopping ? "peers are not looked for any more" : "discovery goes on without links"
                logger.error("\(words)", metadata: ["reason": "\(error)"])
                dropLinks()
            }
        }
        plan.dismiss()
    }

    private func dropLinks() {
        if let link { try? poller.remove(link.descriptor) }
        if let watcher { try? poller.remove(watcher.descriptor) }
        link = nil
        watcher = nil
        local = nil
    }

    private var deadline: Instant {
        let own = min(local?.deadline ?? .distantFuture, clients.map(\.deadline).min() ?? .distantFuture)
        return local == nil && clients.isEmpty ? .distantFuture : min(own, surveyAt)
    }

    private func turn(_ ready: Int, _ now: Instant) throws {
        for place in 0..<ready {
            switch poller[place].token {
            case Token.commands: for command in plan.commands.drain() { obey(command, now) }
            case Token.datagrams: for datagram in plan.datagrams.drain() { take(datagram, now) }
            case Token.watcher: try heedLinks(now)
            case Token.link:
                try link?.receive { bytes, path in
                    local?.receive(bytes, from: path.remote, interface: path.interface, now: now)
                }
            default: break
            }
        }
        if now >= surveyAt { survey(now) }
        let wall = Self.wallMilliseconds()
        local?.tick(now: now)
        for index in clients.indices { clients[index].tick(now: now, wall: wall) }
        tellSeen()
        try sendAll()
    }

    private static func wallMilliseconds() -> UInt64 { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }

    private func obey(_ command: DiscoveryCommand, _ now: Instant) {
        switch command {
        case .setPeers(let peers):
            local?.setPeers(peers, now: now)
            for index in clients.indices { clients[index].setPeers(peers, now: now) }
        case .setMissing(let missing):
            local?.setMissing(!missing.isEmpty, now: now)
            for index in clients.indices { clients[index].setMissing(missing, now: now) }
        case .setServers(let index, let endpoints):
            if clients.indices.contains(index) { clients[index].setServers(endpoints, now: now) }
        case .setPlaces(let list): announce(list, now)
        case .inspect(let answer): answer(report(now))
        case .stop: isStopping = true
        }
    }

    /// What came by one of the mesh's sockets.
    private func take(_ datagram: RawDatagram, _ now: Instant) {
        datagram.bytes.withUnsafeBytes { bytes in
            guard let kind = DiscoveryKind(bytes), kind.isCentral else { return }
            if kind.isRequest {
                post(server?.receive(bytes, from: datagram.source, at: datagram.local, now: now) ?? [])
            } else {
                let wall = Self.wallMilliseconds()
                for index in clients.indices {
                    clients[index].receive(bytes, from: datagram.source, now: now, wall: wall)
                }
            }
        }
    }

    /// What finds no room on the way is lost, and said again.
    private func post(_ datagrams: [DiscoveryDatagram]) {
        for datagram in datagrams { try? engine.post(.sendRaw(datagram.bytes, datagram.target, from: datagram.source)) }
    }

    private func sendAll() throws {
        for index in clients.indices {
            post(clients[index].takeDatagrams())
            for found in clients[index].takeNews() { news.yield(found) }
        }
        for datagram in local?.takeDatagrams() ?? [] { try link?.send(datagram) }
        for found in local?.takeNews() ?? [] { news.yield(found) }
    }

    // MARK: Links

    private func heedLinks(_ now: Instant) throws {
        let events = try watcher?.drain() ?? []
        let isNews = events.contains { event in
            switch event {
            case .link, .linkGone, .address, .addressGone, .overrun: true
            case .route, .routeGone: false
            }
        }
        if isNews { surveyAt = min(surveyAt, now + Self.settles) }
    }

    private func survey(_ now: Instant) {
        surveyAt = now + Self.audit
        do {
            let socket = try NetlinkSocket()
            var survey = LinkSurvey(wanted: plan.interfaces, transports: plan.transports)
            survey.links = try Links(socket).list().map { LinkSurvey.Link($0) }
            survey.addresses = try Addresses(socket).list()
            let places = survey.places
            tell(link?.join(places) ?? [])
            local?.setPlaces(places, now: now)
            let announced = Set(places.filter { !$0.ports.isEmpty }.map(\.interface))
            linkNames = survey.links.filter { announced.contains($0.index) }.map(\.name)
        } catch {
            logger.warning("links are not looked at", metadata: ["reason": "\(error)"])
        }
    }

    /// Where the box may be reached is something else.
    private func announce(_ places: [Candidate], _ now: Instant) {
        // Those of a site are left out first where there are too many.
        let list = places.filter { !$0.endpoint.address.isPrivate } + places.filter(\.endpoint.address.isPrivate)
        guard list != candidates else { return }
        func hosts(_ list: [Candidate]) -> [Candidate] { list.filter { $0.kind == .host } }
        if !candidates.isEmpty, hosts(list) != hosts(candidates) {
            // Whatever way there was to a server may be another one now.
            for index in clients.indices { clients[index].surroundingsChanged(now: now) }
        }
        candidates = list
        for index in clients.indices { clients[index].setCandidates(list, now: now) }
    }

    /// Tells the mesh where servers see the box.
    private func tellSeen() {
        var now: [Endpoint] = []
        for endpoint in clients.compactMap(\.observed) where !now.contains(endpoint) { now.append(endpoint) }
        guard now != seen, (try? engine.post(.setSeen(now))) != nil else { return }
        seen = now
    }

    /// Each refusal once.
    private func tell(_ list: [SystemError]) {
        for refusal in list where refusals.insert("\(refusal)").inserted {
            logger.warning("peers are not looked for on a link", metadata: ["reason": "\(refusal)"])
        }
        if refusals.count > 256 { refusals.removeAll() }
    }
}
