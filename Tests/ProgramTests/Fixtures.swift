import API
import AdminProtocol
import Dashboard
import INET256
import Joining
import Logging
import Settings
import TestSupport
import Wire

@testable import inet256vpn

extension Sample {
    static func parse(_ yaml: String) throws -> Configuration {
        try Configuration.parse(yaml, file: "/etc/box/config.yaml")
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A daemon that answers from what it was given.
struct FakeDaemon: DaemonControl {
    var report = FakeDaemon.sampleReport
    var firewallReport = FirewallReport(enforced: false, note: "there is no portal to guard", table: "inet inet256vpn")
    var outcome = PingOutcome.answered(rtt: .microseconds(1500), via: "direct 192.0.2.1:25632")
    var reloaded: Result<ReloadSummary, CommandFailure> = .success(ReloadSummary())

    func status() async -> StatusReport { report }
    func netcheck() async -> NetcheckReport { NetcheckReport(facts: NetcheckFacts(), findings: []) }
    func firewall() async -> FirewallReport { firewallReport }
    func firewallLines() async -> FirewallLines { FirewallLines(.none, includes: []) }
    func firewallText() async -> String? { firewallReport.enforced ? "table inet inet256vpn {\n}\n" : nil }
    func dashboardRoutes() async -> [DashboardRoute] { [] }
    func wouldAllow(_ question: AllowedQuestion) async -> AllowedOutcome {
        .refused("\(question.from) to \(question.to)")
    }
    func ping(_ target: Address, bytes: Int, timeout: Duration) async -> PingOutcome { outcome }
    func reload(cut: Bool) async throws -> ReloadSummary { try reloaded.get() }
    func restart() async throws -> RestartAnswer { RestartAnswer(pid: 7) }

    func invite(_ request: InviteRequest) async throws -> InviteAnswer {
        InviteAnswer(id: "0000000000000001", invitation: "inet256:A", expires: 1, endpoints: [], warnings: [])
    }
    func invitations() async throws -> InvitationList { InvitationList(invitations: [], wrongGuesses: 0) }
    func revoke(_ id: InvitationID) async throws -> Bool { false }
    func join(_ order: JoinOrder) async throws -> JoinOutcome { JoinOutcome(verdict: "silent", text: "nobody") }

    static let sampleReport: StatusReport = {
        var portal = PortalStatus(enabled: true)
        portal.up = true
        portal.interface = "inet256"
        portal.address = "fd04::1"
        portal.prefix = "fd00::/8"
        portal.mtu = 1280
        portal.traffic = Traffic(rxPackets: 1, rxBytes: 2048, txPackets: 2, txBytes: 5_000_000)
        var report = StatusReport(
            version: "9.9", pid: 42, uptimeSeconds: 3700, mainAddr: Sample.plain,
            network: NetworkStatus(
                name: "beaconnet", statistics: ["neighbours": 2, "reachable": 3, "known_origins": 4]),
            portal: portal)
        report.ip6Addr = "fd04::1"
        report.firewall = FirewallStatus(enforced: false, inputFilters: ["inet filter input"], note: "later")
        report.firewall.otherFilters = ["inet filter/input policy drop at input"]
        report.transportAddrs = [TransportStatus(listen: "udp://[::]:0", bound: ["[::]:4711"])]
        var up = PeerStatus(id: Sample.dashed, name: "office", configured: true, state: .up)
        up.endpoint = "192.0.2.1:25632"
        up.rttMs = 12.34
        up.lossPercent = 0.4
        up.handshakeAgeSeconds = 61
        up.lostPackets = 17
        up.cipher = "AES-256-GCM"
        up.cipherBackend = "openssl"
        up.mtu = 1452
        var refused = PeerStatus(id: Sample.doubleDashed, name: "barn", configured: true, state: .refused)
        refused.detail = "wrong key: answered as \(Sample.plain)"
        report.peers = [refused, up, PeerStatus(id: Sample.plain, configured: false, state: .handshaking)]
        var relayed = SessionStatus(local: Sample.plain, remote: Sample.dashed, via: .relayed, ageSeconds: 3)
        relayed.nextHop = Sample.doubleDashed
        relayed.cipher = "AES-256-GCM"
        relayed.cipherBackend = "openssl"
        report.sessions = [relayed]
        report.suites = [SuiteStatus(suite: 2, cipher: "AES-256-GCM", backend: "openssl")]
        report.nodes = [LocalNodeStatus(address: Sample.plain, ip6Addr: "fd04::1", origin: "main")]
        report.drops = ["unknown_session": 7]
        report.applicationMessages = MessageCounts(sent: 9, received: 8)
        report.warnings = ["the clock is odd"]
        report.memoryRssBytes = 12_000_000
        return report
    }()
}
