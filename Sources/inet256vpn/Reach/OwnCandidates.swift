internal import DataPlane
internal import INET256
internal import Logging
internal import Netlink
internal import PortMapping
internal import Portal
internal import Settings
internal import Synchronization
internal import System
internal import Wire

/// Where this box may be reached, as far as it knows: the machine's addresses, a port that the router opened, and what the
/// configuration advertises. Kept current, and told to the data plane when it changes.
actor OwnCandidates {
    /// What was last found out, for people.
    struct Facts: Sendable {
        var candidates: [Candidate] = []
        var bound: [Endpoint] = []
        var own: [OwnAddress] = []
        var ipv4: Uplink?
        var ipv6: Uplink?
        var need = MappingNeed.off
        var mapping = MappingReport()
        /// Names of `advertise` that nobody answers about.
        var unknownNames: [String] = []
    }

    private final class Latest: Sendable {
        let report = Mutex(MappingReport())
    }

    private let mailbox: Mailbox<EngineCommand>
    private let discovery: Mailbox<DiscoveryCommand>?
    private let logger: Logger
    private let resolver = Resolver(maximumThreads: ReachWords.mostNames)
    private var configuration: ReachConfiguration
    private(set) var facts = Facts()
    /// Where the names of `advertise` led the last time.
    private var found: [PeerEndpoint: [Endpoint]] = [:]
    private var lookups: Task<Void, Never>?
    private var mapper: PortMapper?
    /// What the router's thread has said last. Told by it in order, which tasks do not keep.
    private let latest = Latest()
    private var told: [Candidate]?
    private var said = ""
    private var repeating: Task<Void, Never>?
    private var hasEnded = false

    /// Names are looked up again so often: addresses of homes change.
    private static let refresh: Duration = .seconds(300)
    /// And where there was no answer.
    private static let retry: Duration = .seconds(20)
    /// What a busy data plane is left before it is told again.
    private static let breath: Duration = .milliseconds(50)

    init(
        _ configuration: ReachConfiguration, mailbox: Mailbox<EngineCommand>, discovery: Mailbox<DiscoveryCommand>?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.discovery = discovery
        self.logger = logger
    }

    /// - Parameter bound: what the sockets are bound to.
    func start(bound: [Endpoint]) {
        facts.bound = bound
        lookUp()
        surroundingsChanged()
    }

    func set(_ new: ReachConfiguration) {
        let old = configuration
        configuration = new
        if old.advertise != new.advertise { lookUp() }
        surroundingsChanged()
    }

    /// The machine's network is another, or may be.
    func surroundingsChanged() {
        guard !hasEnded, !facts.bound.isEmpty else { return }
        if let socket = try? NetlinkSocket() {
            let portals = Set((try? Links(socket).list().filter(\.isPortal).map(\.index)) ?? [])
            facts.own = (try? OwnAddresses.read(socket, hidden: portals)) ?? facts.own
            facts.ipv4 = Uplink.ipv4(socket, portals: portals)
            facts.ipv6 = Uplink.ipv6(socket, portals: portals)
        }
        aim()
        mapper?.networkChanged()
        tell()
    }

    /// Gives back what the router opened, and tells no more.
    func stop() async {
        hasEnded = true
        lookups?.cancel()
        repeating?.cancel()
        await mapper?.stop()
    }

    // MARK: The router

    private func aim() {
        facts.need = MappingNeed(
            isWanted: configuration.portMapping == .auto, uplink: facts.ipv4, bound: facts.bound)
        guard mapper != nil || facts.need.target != nil else { return }
        if mapper == nil {
            do throws(SystemError) {
                mapper = try PortMapper(random: { SystemRandom() }) { [latest] report in
                    latest.report.withLock { $0 = report }
                    Task { [weak self] in await self?.tookReport() }
                }
            } catch {
                facts.need = .impossible("\(error)")
                logger.warning("the router cannot be asked for a port", metadata: ["reason": "\(error)"])
                return
            }
        }
        mapper?.aim(facts.need.target)
    }

    private func tookReport() {
        facts.mapping = latest.report.withLock { $0 }
        sayMapping()
        tell()
    }

    /// Once for each change, in words.
    private func sayMapping() {
        let words = ReachWords.mapping(facts.mapping)
        guard let words, words.text != said else { return }
        said = words.text
        logger.log(level: words.isNews ? .notice : .info, "\(words.text)", metadata: words.metadata)
    }

    // MARK: Names

    private func lookUp() {
        lookups?.cancel()
        found = found.filter { configuration.advertise.contains($0.key) }
        facts.unknownNames = []
        guard !configuration.advertise.isEmpty else { return }
        for endpoint in configuration.advertise { if let numeric = endpoint.numeric { found[endpoint] = [numeric] } }
        let names = configuration.advertise.filter { $0.numeric == nil }
        guard !names.isEmpty else { return }
        lookups = Task {
            while !Task.isCancelled {
                for name in names { await lookUp(name) }
                tell()
                let pause = facts.unknownNames.isEmpty ? Self.refresh : Self.retry
                do { try await Task.sleep(for: pause) } catch { return }
            }
        }
    }

    private func lookUp(_ name: PeerEndpoint) async {
        let answer: [Endpoint]?
        do throws(ResolveError) {
            answer = try await resolver.resolve(name.host, port: name.port)
        } catch {
            answer = nil
        }
        guard !Task.isCancelled else { return }
        facts.unknownNames.removeAll { $0 == "\(name)" }
        if let answer {
            found[name] = answer
        } else {
            // What it was is more than nothing.
            facts.unknownNames.append("\(name)")
        }
    }

    // MARK: The data plane

    private func tell() {
        guard !hasEnded, !facts.bound.isEmpty else { return }
        facts.candidates = CandidateList.make(
            own: facts.own, bound: facts.bound, mapping: facts.mapping.mapping,
            advertised: configuration.advertise.flatMap { found[$0] ?? [] })
        guard facts.candidates != told else { return }
        do throws(MailboxError) {
            try mailbox.post(.setCandidates(facts.candidates))
            try discovery?.post(.setPlaces(facts.candidates))
            told = facts.candidates
        } catch .full {
            if repeating == nil { repeatSoon() }
        } catch {
            // It is ending.
        }
    }

    private func repeatSoon() {
        repeating = Task {
            do { try await Task.sleep(for: Self.breath) } catch { return }
            repeating = nil
            tell()
        }
    }
}
