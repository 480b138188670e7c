internal import Glibc
internal import INET256
internal import Logging
internal import Netlink
internal import Portal
internal import Settings
internal import Wire

/// Keeps the portal's prefix from strangers and the machine's network from the portal: surveys before the prefix is taken,
/// guards it from before the portal exists until `portal.guard` says, and lays exceptions beside it that follow the
/// machine's network.
actor PrefixKeeper {
    private let plan: PortalPlan
    private let map: IPv6Map
    /// Take the prefix whatever it takes away.
    private let force: Bool
    private let logger: Logger
    /// resolv.conf(5) and others of its form.
    private let files = Nameservers.files
    private let socket: NetlinkSocket
    private let exceptions: PortalExceptions
    private var plumbing: PortalPlumbing
    private var configuration: Configuration
    /// Own addresses, which the configuration does not name.
    private let own: Set<Address>
    /// What a former run left of exceptions: not ours to take away when we are refused.
    private var inherited: [Route] = []
    private(set) var report: PrefixReport
    private var seen: [Int] = []

    init(
        _ plan: PortalPlan, map: IPv6Map, configuration: Configuration, own: Set<Address>, force: Bool, logger: Logger
    ) throws {
        self.plan = plan
        self.map = map
        self.configuration = configuration
        self.own = own
        self.force = force
        self.logger = logger
        socket = try NetlinkSocket()
        exceptions = PortalExceptions(plan, socket)
        plumbing = PortalPlumbing(plan, socket)
        report = PrefixReport(guarding: plan.guarding)
    }

    /// Refuses a prefix that takes away what cannot be kept, and lays the exceptions, then the guard. When it throws, nothing
    /// has changed, but what a former run left stays.
    func begin() throws {
        _ = try plumbing.refuseConflicts()
        inherited = try exceptions.laid()
        do {
            let refusals = try settle()
            if !refusals.isEmpty, !force {
                throw CommandFailure(
                    .usage,
                    refusals.joined(separator: "\n") + "\n(`inet256vpn up --force` takes the prefix all the same)")
            }
            // Behind the exceptions: there is no moment in which the machine's nameserver is held too.
            for leftover in try plumbing.prepare().cleaned {
                logger.notice("removed a leftover", metadata: ["object": "\(leftover)"])
            }
        } catch {
            try? exceptions.remove(but: inherited)
            if plan.guarding != .always { try? plumbing.tearDown() }
            if let error = error as? NetlinkError, error.isPermission { throw PortalError.noPrivilege }
            throw error
        }
    }

    /// The machine's network or its list of nameservers may have changed.
    func refresh() {
        do {
            _ = try settle()
        } catch {
            note(PrefixReport(guarding: plan.guarding, exceptions: report.exceptions, warnings: ["\(error)"]))
        }
    }

    /// Whether a list of nameservers has been written since `settle` last looked.
    func hasNewNameservers() -> Bool { Nameservers.signature(files) != seen }

    /// Takes over what a reload may change.
    func set(_ configuration: Configuration) {
        self.configuration = configuration
        refresh()
    }

    /// To be called when the portal is gone, or will not come: takes the guard away unless it stays for good.
    func end() throws {
        var failure: (any Error)?
        // Also where it stays: somebody may have taken a part of it.
        do { try plumbing.tearDown() } catch { failure = error }
        if plan.guarding != .always {
            do { try exceptions.remove() } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    // MARK: - Parts

    /// Looks around and makes the exceptions what they should be.
    /// - Returns: why the prefix should not be taken.
    private func settle() throws -> [String] {
        seen = Nameservers.signature(files)
        let foreign = try exceptions.foreignRoutes()
        let found = try survey(foreign).findings()
        let configured = configuration.portal.except.map { (PortalException($0), "portal.except") }
        let kept = found.kept.map {
            (PortalException(IPv6Prefix(host: $0.address), onLink: $0.onLink), $0.what)
        }
        let states = try exceptions.apply((configured + kept).map(\.0), among: foreign)
        var next = PrefixReport(guarding: plan.guarding)
        var refusals = found.refusals
        next.warnings = found.warnings
        for ((exception, what), state) in zip(configured + kept, states) {
            switch state {
            case .refused(let error):
                if error.isPermission { throw error }
                refusals.append("\(exception.destination) (\(what)) cannot be kept out of the portal: \(error)")
            case .noWay:
                next.warnings.append(
                    "\(exception.destination) (\(what)) is unreachable: this machine has no default route")
            case .kept, .routed:
                break
            }
            next.exceptions.append(
                PrefixReport.Exception(destination: exception.destination, what: what, state: state))
        }
        next.warnings += refusals
        note(next)
        return refusals
    }

    private func survey(_ foreign: [Route]) throws -> PrefixSurvey {
        let links = try Links(socket).list()
        let portals = Set(links.filter { $0.alias == PortalMark.alias || $0.name == plan.interface }.map(\.index))
        var survey = PrefixSurvey(plan: plan)
        survey.except = configuration.portal.except
        survey.mesh = Set(configuration.namedNodes.union(own).map { map.address(of: $0) })
        survey.nameservers = Nameservers.read(files)
        survey.routes = foreign.filter { !portals.contains($0.interface) || $0.interface == 0 }
        survey.addresses = try Addresses(socket).list(family: .ipv6).filter { !portals.contains($0.interface) }
        survey.endpoints = configuration.peers.flatMap { peer in
            peer.endpoints.compactMap { endpoint in IPv6Address(endpoint.host).map { (peer.label, $0) } }
        }
        survey.devices = Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first }
        return survey
    }

    /// Tells what is new, and remembers all of it.
    private func note(_ next: PrefixReport) {
        for warning in next.warnings where !report.warnings.contains(warning) { logger.warning("\(warning)") }
        for exception in next.exceptions where !report.exceptions.contains(exception) {
            logger.notice(
                exception.what == "portal.except"
                    ? "kept out of the portal"
                    : "kept out of the portal; were it a node of the mesh, `groups` or `peers` would have to name it",
                metadata: [
                    "prefix": "\(exception.destination)", "what": "\(exception.what)", "way": "\(exception.state.text)",
                ])
        }
        report = next
    }
}

/// What stays with the machine's network, for `status`.
struct PrefixReport: Equatable, Sendable {
    struct Exception: Equatable, Sendable {
        var destination: IPv6Prefix
        /// "portal.except", or what the machine has there.
        var what: String
        var state: PortalExceptionState
    }

    var guarding: PortalGuard
    var exceptions: [Exception] = []
    var warnings: [String] = []
}

extension Configuration {
    /// Nodes that are named as such, in whatever role: what has their addresses is in the mesh.
    var namedNodes: Set<Address> {
        var nodes = Set(peers.map(\.id))
        nodes.formUnion(networks.compactMap(\.via))
        if case .only(let some, _) = portal.allow { nodes.formUnion(some) }
        let rules = (firewall.inbound.rules + firewall.outbound.rules).flatMap(\.peers)
        for case .node(let address) in groups.flatMap(\.members) + rules { nodes.insert(address) }
        return nodes
    }
}
