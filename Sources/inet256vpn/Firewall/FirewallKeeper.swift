internal import AdminProtocol
internal import Firewall
internal import Logging
internal import Settings
internal import System
internal import Wire

/// Keeps the policy in force: loads its table before the portal comes up, changes it on reload, restores it when somebody else meddles
/// with it, takes it away at the end. All of it blocks for milliseconds at most and happens seldom.
actor FirewallKeeper {
    /// A policy, ready for the kernel.
    struct Prepared: Sendable {
        let policy: FirewallPolicy
        let ruleset: Ruleset
        let included: IncludedText

        var lines: FirewallLines { FirewallLines(policy, includes: included.files) }
    }

    private let logger: Logger
    private let store: DescriptorStore
    private(set) var table: FirewallTable?
    private(set) var prepared: Prepared?
    /// Why nothing is enforced.
    private var idleReason: String? = "it has not been loaded yet"
    private var watch: Task<Void, Never>?
    /// The portal's interface, once there is one. From then on the rules speak of this index, whatever the interface is called.
    private(set) var portalIndex: UInt32?
    /// What was ended and must not be picked up again.
    var cuts: [OpenFlows.Flow] = []

    /// How soon meddling is noticed, where the kernel does not forbid it.
    private static let watchInterval: Duration = .milliseconds(200)

    /// What the table's socket is called where it outlives a run: the table goes when the last one closes it.
    private static let kept = "firewall"

    init(logger: Logger, store: DescriptorStore = DescriptorStore()) {
        self.logger = logger
        self.store = store
    }

    // MARK: Preparing

    /// Reads what the policy includes, compiles it and puts it to its tests; touches nothing. Nil when there is nothing to enforce.
    static func prepare(_ configuration: Configuration) throws -> Prepared? {
        guard configuration.enforcesFirewall else { return nil }
        let policy = configuration.firewallPolicy()
        let failures = configuration.firewallTestFailures(policy)
        guard failures.isEmpty else {
            throw CommandFailure(.usage, failures.map(\.description).joined(separator: "\n"))
        }
        let included = try IncludedText.read(configuration.firewall.include)
        try check(included)
        let ruleset = PolicyCompiler.compile(policy, table: configuration.firewall.table)
        return Prepared(policy: policy, ruleset: ruleset, included: included)
    }

    /// Each file by itself, so that a complaint names it, with its own lines.
    private static func check(_ included: IncludedText) throws {
        for file in included.contents {
            do throws(NftTextError) {
                try NftText().check(file.text)
            } catch {
                throw CommandFailure(.usage, "firewall.include: \(file.path): \(error)")
            }
        }
    }

    // MARK: In force

    /// Brings the kernel to what the configuration says, whatever it has now. When it throws, all is as it was before.
    /// - Parameter open: of this configuration: what was cut and is allowed now may come again.
    func enforce(_ configuration: Configuration, open: OpenFlows? = nil) throws {
        let before = cuts
        if let open { cuts.removeAll(where: open.isAllowed) }
        do { try bring(configuration) } catch {
            cuts = before
            throw error
        }
    }

    private func bring(_ configuration: Configuration) throws {
        let began = BootClock.now()
        guard let next = try Self.prepare(configuration) else {
            try stop()
            idleReason = configuration.firewallIdleReason
            return
        }
        let isNew = next.ruleset != prepared?.ruleset
        let compiled = BootClock.now()
        // libnftables speaks through a socket of its own, which could not write into a table that is ours alone.
        let wantsOwnership = next.included.files.isEmpty
        if let table, let old = prepared, old.included.files.isEmpty == wantsOwnership {
            try table.swap(to: made(next.ruleset))
            do {
                try include(next)
            } catch {
                try table.swap(to: made(old.ruleset))
                throw error
            }
        } else {
            try load(next, owned: wantsOwnership)
        }
        prepared = next
        idleReason = nil
        watchIfNeeded()
        guard isNew else { return }
        logger.notice(
            "firewall in force",
            metadata: [
                "rules": "\(next.policy.inbound.rules.count + next.policy.outbound.rules.count)",
                "default": "\(next.policy.inbound.fallback.rawValue)",
                "compiled_ms": "\(Self.milliseconds(compiled - began))",
                "kernel_ms": "\(Self.milliseconds(BootClock.now() - compiled))",
            ])
    }

    private static func milliseconds(_ span: Interval) -> Double {
        (Double(span.nanoseconds) / 1e5).rounded() / 10
    }

    /// The whole table at once, in the place of whatever has its name.
    private func load(_ next: Prepared, owned: Bool) throws {
        let table = try self.table ?? inherited(next.ruleset.table) ?? FirewallTable(name: next.ruleset.table)
        try table.load(made(next.ruleset), owned: owned)
        self.table = table
        // One that is not ours alone stands by itself.
        if table.isOwned { store.keep(table.descriptor, as: Self.kept) } else { store.discard(Self.kept) }
        try include(next)
        if owned, !table.isOwned {
            logger.warning("this kernel does not keep others from changing the firewall's table: it is watched instead")
        }
    }

    /// The socket of the run before, with its table, which stays in force until the new one takes its place.
    private func inherited(_ name: String) -> FirewallTable? {
        guard let left = store.take(Self.kept) else { return nil }
        do {
            let table = try FirewallTable(name: name, adopting: left.release())
            try table.removeOthers()
            return table
        } catch {
            logger.notice("the firewall of the run before cannot be taken over", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    func include(_ next: Prepared) throws {
        guard let table, !next.included.files.isEmpty else { return }
        try NftText().load(next.included.text, table: table.name)
        // That was us, by another socket.
        table.remember()
    }

    /// The portal's interface is there, and not up yet: in one transaction the rules that were for its name become rules for its index. A
    /// renamed interface then stays guarded, and whoever else gets the name is not taken for the portal.
    func bind(to index: UInt32) throws {
        portalIndex = index
        guard let table, let prepared else { return }
        try table.swap(to: made(prepared.ruleset))
        try include(prepared)
    }

    /// The table as the kernel is to have it.
    func made(_ ruleset: Ruleset) -> Ruleset {
        (portalIndex.map(ruleset.bound) ?? ruleset).cutting(cuts.map(\.ends))
    }

    /// Takes the table away.
    func stop() throws {
        watch?.cancel()
        watch = nil
        try table?.remove()
        store.discard(Self.kept)
        table = nil
        prepared = nil
        cuts = []
        idleReason = "it was taken away"
    }

    // MARK: Meddling

    private func watchIfNeeded() {
        watch?.cancel()
        watch = nil
        guard let table, !table.isOwned else { return }
        let watcher: FirewallWatcher
        do {
            watcher = try FirewallWatcher()
        } catch {
            logger.error("nobody watches over the firewall's table", metadata: ["reason": "\(error)"])
            return
        }
        self.watcher = watcher
        watch = Task { [weak self] in
            while !Task.isCancelled {
                do { try await Task.sleep(for: Self.watchInterval) } catch { return }
                await self?.look()
            }
        }
    }

    /// Puts the table back if it is not as it should be.
    /// - Returns: what was put back, for people.
    func repair() throws -> [String] {
        guard let table, let prepared, try !table.isIntact() else { return [] }
        try table.restore()
        try include(prepared)
        return ["table inet \(table.name)"]
    }

    private var watcher: FirewallWatcher?

    private func look() {
        guard let watcher, let table, let prepared else { return }
        do {
            let intrusions = try watcher.drain(table: table.name, ownPort: table.port)
            guard !intrusions.isEmpty, try !table.isIntact() else { return }
            for intrusion in intrusions {
                logger.error(
                    "somebody changed the firewall's table: it is restored", metadata: ["by": "\(intrusion)"])
            }
            try table.restore()
            try include(prepared)
        } catch {
            logger.error("the firewall's table could not be restored", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Questions

    /// What `status` says in a line.
    /// - Parameter index: of the portal's interface, as measured; nil where there is none or it could not be asked.
    func status(portal index: UInt32?) -> FirewallStatus {
        var status = FirewallStatus()
        if let prepared, let table {
            status.note = fault(of: table, index)
            status.enforced = status.note == nil
            status.table = "inet \(table.name)"
            status.owned = table.isOwned
            status.inboundDefault = prepared.policy.inbound.fallback.rawValue
            status.rules = prepared.policy.inbound.rules.count + prepared.policy.outbound.rules.count
        } else {
            status.note = idleReason
        }
        let others = otherTables
        status.inputFilters = others.filters
        status.otherFilters = others.all
        if status.note == nil { status.note = others.note }
        return status
    }

    func report() -> FirewallReport {
        guard let prepared, let table else {
            return FirewallReport(enforced: false, note: idleReason, table: "inet \(tableName)")
        }
        let fault = fault(of: table, portalIndex)
        var report = FirewallReport(enforced: fault == nil, note: fault, table: "inet \(table.name)")
        report.owned = table.isOwned
        report.others = otherTables.all
        report.includes = prepared.included.files
        do {
            report.add(prepared.policy, counters: try table.counters())
        } catch {
            report.note = "the counters could not be read: \(error)"
            report.add(prepared.policy, counters: [:])
        }
        return report
    }

    /// Why the table does not guard the portal, as the kernel has it now; nil when it does.
    private func fault(of table: FirewallTable, _ index: UInt32?) -> String? {
        do {
            guard try table.isIntact() else { return "somebody changed or removed the table inet \(table.name)" }
        } catch { return "the kernel could not be asked: \(error)" }
        if let index, let portalIndex, index != portalIndex {
            return "the rules are for interface #\(portalIndex), and the portal is #\(index)"
        }
        return nil
    }

    private var tableName: String { table?.name ?? prepared?.ruleset.table ?? Ruleset.standardTable }

    private var otherTables: OtherTables {
        OtherTables.look(
            except: tableName, portal: prepared?.policy.portal,
            forwarded: prepared.map { !$0.policy.networks.isEmpty } ?? false)
    }

    /// The policy that is in force.
    func lines() -> FirewallLines { prepared?.lines ?? FirewallLines(.none, includes: []) }

    /// The table that is in force, as nft text.
    func text() -> String? { prepared?.ruleset.cutting(cuts.map(\.ends)).nftText }
}

/// What else decides about the packets that the rules are about.
struct OtherTables: Sendable {
    /// Of what comes from the mesh.
    var filters: [String] = []
    /// Either way, each with its hook.
    var all: [String] = []
    var note: String?

    /// What is said of each.
    static let words = "decides about the same packets"

    /// Chains of other tables, in force, that can drop what comes from the mesh or goes into it: for the box, and with `forwarded` for
    /// the networks behind it as well. Nil for a portal that is not there: then a device's chains are none of it.
    static func look(except own: String, portal: String?, forwarded: Bool) -> OtherTables {
        do {
            let inbound: Set<NftHook> =
                forwarded ? [.ingress, .prerouting, .input, .forward] : [.ingress, .prerouting, .input]
            let chains = try HookSurvey.filters(at: inbound.union([.output, .postrouting, .egress])).filter { chain in
                chain.table != own && chain.isAt(portal ?? "")
            }
            return OtherTables(
                filters: chains.filter { inbound.contains($0.hook) }.map(\.description),
                all: chains.map { "\($0) at \($0.hook)" })
        } catch {
            return OtherTables(note: "what else filters the portal's traffic could not be asked: \(error)")
        }
    }
}
