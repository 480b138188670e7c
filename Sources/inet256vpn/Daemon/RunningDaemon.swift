internal import API
internal import AdminProtocol
internal import DNS
internal import DataPlane
internal import Foundation
internal import Glibc
internal import INET256
internal import Joining
internal import Logging
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// The control side's view of the running daemon: it asks the data plane through the mailbox and words the answers.
actor RunningDaemon: DaemonControl {
    private(set) var configuration: Configuration
    /// The one whose rules are in force.
    private(set) var enforced: Configuration
    /// What the operator should know of the configuration and the key files.
    private var warnings: [String]
    /// Those of them that are about the configuration in force: comparing every rule with every other is done once.
    private var configurationWarnings: [String]
    /// The file as it was when it was last taken over.
    private var taken: FileVersion?
    /// Keys of the file whose new values wait for a restart, as of the last reload.
    private(set) var waiting: [String] = []
    private var isReloading = false
    private var waitingReloads: [CheckedContinuation<Void, Never>] = []
    let setup: DaemonSetup
    let mailbox: Mailbox<EngineCommand>
    private let portal: Mailbox<PortalCommand>?
    let map: IPv6Map?
    private let directory: PeerDirectory
    private let keeper: FirewallKeeper
    private let prefix: PrefixKeeper?
    private let discovery: DiscoveryPlan?
    let names: NamesPlan?
    let logger: Logger
    /// Asked by the page.
    let answers = FirewallAnswers()
    /// What the box says of itself.
    let candidates: OwnCandidates
    /// Who is let in by an invitation, and by whom this box is.
    let joins: JoinKeeper
    /// Of this box's change of key, and those of others.
    let keys: KeyKeeper
    /// What peers call themselves, and what they are told that this box does.
    let peerNames: PeerNames
    /// Peers' former addresses, which pass where their new ones do.
    var formerAddresses: [Address: Address] = [:]
    private let started = BootClock.now()

    init(
        setup: DaemonSetup, plan: DataPlanePlan, directory: PeerDirectory, keeper: FirewallKeeper,
        prefix: PrefixKeeper?, logger: Logger
    ) {
        self.prefix = prefix
        discovery = plan.discovery
        names = plan.names
        taken = setup.version
        self.keeper = keeper
        self.setup = setup
        configuration = setup.configuration
        enforced = setup.configuration
        warnings = setup.warnings + plan.ciphers.warnings
        configurationWarnings = setup.configurationWarnings
        mailbox = plan.engine.mailbox
        portal = plan.portal?.commands
        map = plan.portal?.map ?? (try? IPv6Map(prefix: setup.configuration.portal.prefix))
        self.directory = directory
        self.logger = logger
        joins = JoinKeeper(
            own: setup.key.address, file: setup.file, engine: plan.engine.mailbox, directory: directory, logger: logger)
        keys = KeyKeeper(setup, engine: plan.engine.mailbox, logger: logger)
        peerNames = PeerNames(engine: plan.engine.mailbox)
        candidates = OwnCandidates(
            setup.configuration.reach, mailbox: plan.engine.mailbox, discovery: plan.discovery?.commands,
            logger: logger)
    }

    // MARK: Questions

    /// The data plane's state, or nil when it does not take the question.
    func snapshot() async -> EngineSnapshot? {
        await withCheckedContinuation { (answer: CheckedContinuation<EngineSnapshot?, Never>) in
            do {
                try mailbox.post(.snapshot { answer.resume(returning: $0) })
            } catch {
                answer.resume(returning: nil)
            }
        }
    }

    func status() async -> StatusReport {
        let troubles = await directory.troubles
        let measured = await portal?.inspection()
        let writer = StatusWriter(
            configuration: configuration, address: setup.key.address, map: map, uptime: BootClock.now() - started,
            troubles: troubles, warnings: warnings, measured: measured,
            firewall: await keeper.status(portal: measured?.inspection.index), prefix: await prefix?.report)
        var report = writer.report(await snapshot())
        // Of a peer that is there under another address, this one asked for a link once more.
        report.peers.removeAll { peer in
            !peer.configured && peer.state == .refused && formerAddresses.keys.contains { "\($0)" == peer.id }
        }
        report.discovery = await discovery?.status()
        let names = await self.names?.status()
        report.dns = names?.status ?? NamesStatus(enabled: false, zone: "\(configuration.dns.zone)")
        report.warnings += names?.warnings ?? []
        let called = await peerNames.of(configuration)
        for place in report.peers.indices {
            report.peers[place].ownNames = Address(report.peers[place].id).flatMap { called[$0]?.names }
        }
        report.formerKey = await keys.former(configuration, map)
        report.newKeys = await keys.offers(configuration, map)
        report.warnings += KeyWords.warnings(report, now: Int64(Date().timeIntervalSince1970))
        report.needsRestart = waiting
        report.configurationUnread = FileVersion(setup.file) != taken
        report.configurationFile = FilePath.absolute(setup.file)
        return report
    }

    func netcheck() async -> NetcheckReport {
        let facts = NetcheckFacts(
            await candidates.facts, await status(), portMapping: configuration.reach.portMapping)
        return NetcheckReport(facts: facts, findings: NetcheckJudge(facts).findings)
    }

    func firewall() async -> FirewallReport { await keeper.report() }

    func firewallLines() async -> FirewallLines { await keeper.lines() }

    func firewallText() async -> String? { await keeper.text() }

    /// Configured peers without a link.
    func unlinkedPeers() async -> Set<Address> {
        guard let snapshot = await snapshot() else { return [] }
        return Set(snapshot.box.links.filter { $0.configured && $0.state != .up }.map(\.address))
    }

    func ping(_ target: Address, bytes: Int, timeout: Duration) async -> PingOutcome {
        let nanoseconds = timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        let result = await withCheckedContinuation { (answer: CheckedContinuation<PingResult, Never>) in
            do {
                try mailbox.post(
                    .ping(target, bytes: bytes, timeout: Interval(nanoseconds: nanoseconds)) {
                        answer.resume(returning: $0)
                    })
            } catch {
                answer.resume(returning: .refused("\(error)"))
            }
        }
        switch result {
        case .answered(let time):
            return .answered(rtt: .nanoseconds(time.nanoseconds), via: await way(to: target))
        case .timedOut: return .timedOut
        case .refused(let reason): return .failed(reason: reason)
        }
    }

    /// How datagrams go to an address now, for people.
    private func way(to target: Address) async -> String? {
        guard let session = await snapshot()?.box.sessions.first(where: { $0.remote == target }) else { return nil }
        if let endpoint = session.endpoint { return "direct \(endpoint)" }
        guard let next = session.nextHop else { return nil }
        return "relayed by \(await directory.name(of: next) ?? "\(next)")"
    }

    // MARK: Invitations

    func invite(_ request: InviteRequest) async throws -> InviteAnswer {
        let places = InvitationPlaces(
            await candidates.facts.candidates, seen: await status().reach?.observed.map(\.endpoint) ?? [],
            advertised: configuration.reach.advertise)
        return try await joins.invite(request, configuration, places: places.texts)
    }

    func invitations() async throws -> InvitationList { try await joins.list() }

    func revoke(_ id: InvitationID) async throws -> Bool { try await joins.revoke(id) }

    func join(_ order: JoinOrder) async throws -> JoinOutcome {
        try await joins.join(order)
    }

    // MARK: Reload

    /// One at a time: each goes from what the one before it has left.
    func reload(cut: Bool) async throws -> ReloadSummary {
        while isReloading { await withCheckedContinuation { waitingReloads.append($0) } }
        isReloading = true
        defer {
            isReloading = false
            if !waitingReloads.isEmpty { waitingReloads.removeFirst().resume() }
        }
        return try await reloadNow(cut: cut)
    }

    /// All of it or nothing: what can fail comes first, and is undone where something behind it fails.
    private func reloadNow(cut: Bool) async throws -> ReloadSummary {
        let old = configuration
        // Before it is read: what is written meanwhile is another version.
        let version = FileVersion(setup.file)
        let (new, change) = try setup.reread(after: old)
        let next = old.reloaded(from: new)
        // Rules may speak of networks that are routed after a restart only.
        var rules = next
        rules.networks = new.networks
        var summary = change.summary
        summary.repaired = try await keeper.repair()
        try await keeper.enforce(
            rules, open: OpenFlows(rules, own: setup.key.address, former: setup.formerKey?.address))
        formerAddresses = await keys.formerAddresses(next)
        do {
            try mailbox.post(all: commands(from: old, to: next))
        } catch {
            await undo(rules: enforced)
            throw error
        }
        enforced = rules
        summary.repaired += await portal?.mending() ?? []
        waiting = change.needsRestart
        taken = version
        warn(of: next)
        configuration = next
        setup.log.level = next.log.level
        // Before the peers: whether an endpoint can be called depends on the exceptions.
        await prefix?.set(next)
        await directory.set(next.peers)
        await candidates.set(next.reach)
        names?.set(next, called: await peerNames.of(next))
        await tellNames()
        if next.formerKey == nil { await keys.endFormer() }
        followOwners(of: new.networks)
        if cut || next.firewall.cutRemoved {
            // Who is there under another address is not gone.
            let gone = change.peersRemoved.filter { formerAddresses[$0.id] == nil }
            await end(rules, gone: gone, since: old, &summary)
        }
        return summary
    }

    /// What the data plane has to be told; of peers the directory tells it.
    private func commands(from old: Configuration, to new: Configuration) -> [EngineCommand] {
        var commands: [EngineCommand] = []
        if old.accept != new.accept { commands.append(.setAcceptsAnybody(new.accept == .any)) }
        let peersDiffer = Set(old.peers.map(\.id)) != Set(new.peers.map(\.id))
        func differ(_ before: PortalAccess, _ now: PortalAccess) -> Bool {
            before != now || peersDiffer && now.namesPeers
        }
        let gateDiffers = differ(old.portal.allow, new.portal.allow) || old.portal.except != new.portal.except
        if gateDiffers, let map { commands.append(.setAccess(portalGate(new, map))) }
        if old.direct != new.direct || old.direct == .allowed && gateDiffers {
            commands.append(.setDirect(DirectPolicy(new)))
        }
        if old.sprays != new.sprays { commands.append(.setSpray(new.sprays)) }
        if differ(old.api.allow, new.api.allow) || old.api.limits.nodes != new.api.limits.nodes {
            commands.append(nodeAccess(new))
        }
        return commands
    }

    /// Brings back the rules that were in force.
    private func undo(rules: Configuration) async {
        do {
            try await keeper.enforce(
                rules, open: OpenFlows(rules, own: setup.key.address, former: setup.formerKey?.address))
        } catch {
            logger.error("the firewall's former rules could not be brought back", metadata: ["reason": "\(error)"])
        }
    }

    /// Ends what is open and should not be, of `gone` everything.
    private func end(
        _ next: Configuration, gone: [PeerConfiguration], since old: Configuration, _ summary: inout ReloadSummary
    ) async {
        guard let map, let open = OpenFlows(next, own: setup.key.address, former: setup.formerKey?.address) else {
            summary.connectionsCut = 0
            summary.cutNote = "there is no portal"
            return
        }
        let networks = old.networks.filter { network in
            gone.contains { $0.id == network.via } && !next.networks.contains(network)
        }
        let removed = gone.map { IPv6Prefix(host: map.address(of: $0.id)) } + networks.flatMap(\.prefixes)
        do {
            let outcome = try await keeper.cut(open, removed: removed)
            summary.connectionsCut = outcome.connections
            summary.cutNote = outcome.note
        } catch {
            // The rest of the reload is done and stays.
            summary.connectionsCut = 0
            summary.cutNote = "\(error)"
            logger.error("open connections could not be ended", metadata: ["reason": "\(error)"])
        }
    }

    /// Replaces the present configuration's warnings by those of `next`, and tells the new ones.
    private func warn(of next: Configuration) {
        let own = setup.ownAddresses
        let old = configurationWarnings
        let new = next.warnings(own: own)
        for warning in new where !old.contains(warning) { logger.warning("\(warning)") }
        warnings = warnings.filter { !old.contains($0) } + new
        configurationWarnings = new
    }
}
