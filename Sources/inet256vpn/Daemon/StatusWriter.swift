internal import API
internal import AdminProtocol
internal import DataPlane
internal import Foundation
internal import INET256
internal import Mesh
internal import Netlink
internal import Portal
internal import Settings
internal import System
internal import Transport
internal import Wire

/// Words the data plane's snapshot as the report that `GET /admin/status` gives.
struct StatusWriter {
    let configuration: Configuration
    let address: Address
    let map: IPv6Map?
    let uptime: Interval
    let troubles: [Address: PeerTrouble]
    /// What the configuration and the key files are to be blamed for; the data plane has warnings of its own.
    let warnings: [String]
    /// What the kernel has of the portal; nil where it could not be asked.
    let measured: PortalReport?
    let firewall: FirewallStatus
    /// Of the portal's prefix; nil without a portal.
    var prefix: PrefixReport?

    func report(_ snapshot: EngineSnapshot?) -> StatusReport {
        var report = StatusReport(
            version: Program.version, pid: ProcessInfo.processInfo.processIdentifier, uptimeSeconds: uptime.inSeconds,
            mainAddr: "\(address)", network: NetworkStatus(name: configuration.network.rawValue),
            portal: PortalStatus(enabled: configuration.portal.enabled))
        report.ip6Addr = map.map { "\($0.address(of: address))" }
        report.firewall = firewall
        report.memoryRssBytes = ProcessMemory.resident()
        report.warnings = warnings + (prefix?.warnings ?? [])
        guard let snapshot else {
            report.warnings.append("the data plane does not answer")
            return report
        }
        report.warnings += snapshot.warnings + (measured?.inspection.warnings ?? []) + (measured?.troubles ?? [])
        report.warnings += firewallWarnings
        report.network.statistics = Dictionary(
            snapshot.box.network.values.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        report.sameKey = snapshot.box.twins.map {
            SameKeyStatus(
                address: "\($0.address)", isHere: snapshot.box.nodes.contains($0.address), ageSeconds: $0.age.inSeconds)
        }
        report.warnings += MeshWarnings.list(snapshot.box, maxNodes: configuration.routing.maxNodes, name: name)
        report.threads = snapshot.threads
        report.scheduling = snapshot.scheduling.rawValue
        if snapshot.threads > 1 { report.threadHandovers = snapshot.handovers.count }
        report.transportAddrs = snapshot.sockets.map {
            let facts = $0.facts
            var transport = TransportStatus(
                listen: "\(facts.scheme)://\($0.configured)", bound: ["\(facts.scheme)://\(facts.bound)"])
            transport.offloads = facts.offloads
            if let spare = $0.spare { transport.bound.append("\(facts.scheme)://\(spare)") }
            return transport
        }
        report.portal = portal(snapshot.portal)
        report.peers = peers(snapshot.box)
        report.sessions = snapshot.box.sessions.filter(\.established).map(session)
        report.nodes = snapshot.box.nodes.enumerated().map { place, node in
            LocalNodeStatus(
                address: "\(node)",
                ip6Addr: place == 0 || node == snapshot.box.formerAddress ? map.map { "\($0.address(of: node))" } : nil,
                origin: place == 0
                    ? "main"
                    : node == snapshot.box.formerAddress
                        ? "former" : snapshot.applications.contains(node) ? "application" : "configured")
        }
        report.applicationMessages = MessageCounts(sent: snapshot.hosted.sent, received: snapshot.hosted.received)
        report.drops = drops(snapshot)
        report.suites = snapshot.box.suites.map {
            SuiteStatus(suite: Int($0.cipher.rawValue), cipher: $0.cipher.name, backend: $0.backend.rawValue)
        }
        report.handshakes = snapshot.box.handshakes
        report.stuckDeadlines = snapshot.box.stuckDeadlines &+ snapshot.heldTurns
        report.reach = ReachReport(snapshot.box.reach, configuration)
        report.queuedBytes = UInt64(snapshot.box.queuedBytes)
        return report
    }

    private var firewallWarnings: [String] {
        if firewall.enforced {
            return firewall.otherFilters.map {
                "\($0) \(OtherTables.words): what it drops stays dropped, whatever firewall.rules allow"
            }
        }
        guard configuration.portal.enabled, firewall.inputFilters.isEmpty, case .any = configuration.portal.allow else {
            return []
        }
        return [
            "NO FIREWALL: every service of this machine that listens on all addresses can be reached from the whole mesh; "
                + "set firewall.enabled: true"
        ]
    }

    private func portal(_ snapshot: EngineSnapshot.PortalSnapshot?) -> PortalStatus {
        var status = PortalStatus(enabled: configuration.portal.enabled)
        if let prefix {
            status.guarding = prefix.guarding.rawValue
            status.exceptions = prefix.exceptions.map {
                PortalExceptionStatus(
                    prefix: "\($0.destination)", reason: $0.what, way: $0.state.text, isLaid: $0.state.isOurs)
            }
        }
        guard let snapshot else { return status }
        status.configuredInterface = configuration.portal.interface
        status.damage = measured?.inspection.damages.map(\.sentence) ?? ["the kernel could not be asked"]
        status.repairs = measured?.repairs ?? 0
        status.up = status.damage.isEmpty
        status.interface = measured?.inspection.name ?? snapshot.interface
        status.address = "\(snapshot.address)"
        status.prefix = "\(configuration.portal.prefix)"
        status.mtu = measured?.inspection.mtu.map { Int($0) } ?? snapshot.mtu
        status.offloads = snapshot.offloads
        status.traffic = Traffic(
            rxPackets: snapshot.device.written, rxBytes: snapshot.device.writtenBytes, txPackets: snapshot.device.read,
            txBytes: snapshot.device.readBytes)
        var drops: [String: UInt64] = [
            "prohibited": snapshot.prohibited, "no such node": snapshot.unknown, "own datagram": snapshot.ownDatagrams,
            "interface down": snapshot.device.droppedDown, "interface full": snapshot.device.droppedFull,
            "refused by kernel": snapshot.device.droppedRefused, "late in queue": snapshot.queue.droppedLate,
            "queue full": snapshot.queue.droppedForRoom, "congestion": snapshot.congested,
        ]
        for reason in PortalDropReason.allCases { drops["\(reason)"] = snapshot.drops[reason] }
        status.drops = drops.filter { $0.value > 0 }
        return status
    }

    private func peers(_ box: BoxStatus) -> [PeerStatus] {
        var list = box.links.map { link in
            var peer = PeerStatus(
                id: "\(link.address)", name: name(link.address), configured: link.configured, state: state(link.state))
            (peer.reason, peer.detail) = trouble(link)
            peer.endpoint = link.endpoint.map { "\($0)" }
            if link.state != .up, let other = impostor(at: link.endpoint, in: box) {
                // The peer itself stays silent to a call for another address; but who is there calls as well.
                peer.state = .refused
                peer.reason = BoxStatus.Link.Cause.otherKey.rawValue
                peer.detail = LinkTrouble.occupied(other.endpoint, by: other.address).text
            }
            if link.state == .up, link.isTwin {
                peer.detail = "its key is used on two machines: this one has the link, the other one gets none"
            }
            if link.state == .up, let other = link.otherPrefix { peer.detail = difference(link.address, other) }
            peer.lossPercent = link.missedPermille.map { Double($0) / 10 }
            if link.isAvoided {
                peer.avoided = true
                peer.detail = peer.detail ?? "loses too much: data goes by relays"
            }
            peer.rttMs = link.roundTrip.map { Double($0.nanoseconds) / 1e6 }
            if let session = box.sessions.first(where: {
                $0.remote == link.address && $0.local == link.local
            }) {
                peer.handshakeAgeSeconds = session.handshakeAge?.inSeconds
                peer.traffic = traffic(session)
                peer.lostPackets = session.lostDatagrams
                peer.cipher = session.cipher?.name
                peer.cipherBackend = session.backend?.rawValue
                peer.mtu = session.messageCapacity
                if session.established { peer.path = PathStatus(session) }
            }
            return peer
        }
        // Who asked before a reload made a peer of him is no stranger any more.
        for stranger in box.strangers where !box.links.contains(where: { $0.address == stranger.address }) {
            var peer = PeerStatus(
                id: "\(stranger.address)", name: name(stranger.address), configured: false, state: .refused)
            peer.reason = "not-a-peer"
            peer.detail =
                "asks for a link and is not among the peers (\(stranger.attempts) times, last \(Int(stranger.age.inSeconds)) s ago): "
                + "add it, or set accept: any"
            peer.endpoint = "\(stranger.endpoint)"
            list.append(peer)
        }
        return list
    }

    /// Why a link is down: what is wrong with the endpoints where none can be called, else what came of calling.
    private func trouble(_ link: BoxStatus.Link) -> (word: String?, text: String?) {
        guard let endpoints = troubles[link.address] else { return (link.cause?.rawValue, link.trouble?.text) }
        if link.state == .up { return (nil, endpoints.text) }
        if endpoints.isAll { return (endpoints.word, endpoints.text) }
        let texts = [link.trouble?.text, endpoints.text].compactMap(\.self)
        return (link.cause?.rawValue ?? endpoints.word, texts.joined(separator: "; "))
    }

    /// What a neighbour with another prefix is called on both sides.
    private func difference(_ address: Address, _ other: IPv6Prefix) -> String {
        let theirs = (try? IPv6Map(prefix: other)).map { "\($0.address(of: address))" } ?? "nothing"
        let ours = map.map { "\($0.address(of: address))" } ?? "nothing"
        return
            "another prefix: its portal.prefix is \(other), where it is \(theirs); here it is \(ours). IPv6 between the two "
            + "needs the same portal.prefix on both"
    }

    /// Who called lately from an endpoint at which a peer is expected, and proved to be somebody else.
    private func impostor(at endpoint: Endpoint?, in box: BoxStatus) -> BoxStatus.Stranger? {
        box.strangers.first { $0.endpoint == endpoint && $0.age < Self.strangersStay }
    }

    /// How long a stranger's last call is taken for a sign of where it still is.
    private static let strangersStay: Interval = .seconds(60)

    private func session(_ session: BoxStatus.SessionStatus) -> SessionStatus {
        var status = SessionStatus(
            local: "\(session.local)", remote: "\(session.remote)", via: session.endpoint == nil ? .relayed : .direct,
            ageSeconds: session.handshakeAge?.inSeconds ?? 0)
        status.endpoint = session.endpoint.map { "\($0)" }
        status.nextHop = session.nextHop.map { "\($0)" }
        status.cipher = session.cipher?.name
        status.cipherBackend = session.backend?.rawValue
        status.mtu = session.messageCapacity
        status.traffic = traffic(session)
        status.path = PathStatus(session)
        return status
    }

    private func traffic(_ session: BoxStatus.SessionStatus) -> Traffic {
        Traffic(
            rxPackets: session.receivedDatagrams, rxBytes: session.receivedBytes, txPackets: session.sentDatagrams,
            txBytes: session.sentBytes)
    }

    private func drops(_ snapshot: EngineSnapshot) -> [String: UInt64] {
        var drops: [String: UInt64] = [:]
        for reason in MeshDropReason.allCases where snapshot.box.drops[reason] > 0 {
            drops[reason.name] = snapshot.box.drops[reason]
        }
        func add(_ name: String, _ count: UInt64) { if count > 0 { drops[name, default: 0] += count } }
        add("no_reader", snapshot.unread)
        add("handover_full", snapshot.handovers.refused)
        add("api_prohibited", snapshot.hosted.prohibited)
        add("api_full", snapshot.hosted.full)
        add("api_malformed", snapshot.hosted.malformed)
        add("api_closed", snapshot.hosted.closed)
        for socket in snapshot.sockets {
            add("socket_full", socket.dropped)
            add("socket_overflow", UInt64(socket.counters.overflowed))
            add("socket_truncated", socket.counters.truncated)
            add("socket_unreachable", socket.counters.unreachable)
            add("socket_denied", socket.counters.denied)
            add("socket_failed", socket.counters.failed)
        }
        return drops
    }

    private func name(_ address: Address) -> String? { configuration.peers.first { $0.id == address }?.name }

    private func state(_ state: BoxStatus.Link.State) -> PeerStatus.State {
        switch state {
        case .up: .up
        case .handshaking: .handshaking
        case .down: .down
        case .refused: .refused
        }
    }
}

/// Resident memory of this process, in bytes (proc(5), statm).
enum ProcessMemory {
    static func resident() -> UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
