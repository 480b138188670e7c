import Foundation

/// A small Internet: a backbone that routes, a relay with a public address, and sites.
final class NATGrid {
    let bed: Testbed
    let backbone: String
    private(set) var sites: [NATSite] = []
    private let hasIPv6: Bool

    init(in bed: Testbed, ipv6: Bool = false) async throws {
        self.bed = bed
        hasIPv6 = ipv6
        backbone = try await bed.namespace("backbone")
        try await bed.succeed(
            ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"], in: backbone)
    }

    /// A new site of the kind; the first has the number 1.
    func site(_ kind: NATKind) async throws -> NATSite {
        let site = try await NATSite(kind, number: sites.count + 1, backbone: backbone, ipv6: hasIPv6, in: bed)
        sites.append(site)
        return site
    }

    /// A namespace that is plugged in at a site.
    func machine(_ name: String, at site: NATSite, host: Int = 10) async throws -> String {
        let namespace = try await bed.namespace(name)
        try await site.plug(namespace, host: host)
        return namespace
    }

    /// Carries a box from one site to another, as a laptop.
    func move(_ box: Box, from old: NATSite, to new: NATSite, host: Int = 10) async throws {
        try await old.unplug(box.namespace)
        try await new.plug(box.namespace, host: host)
    }
}

/// Where the two boxes of a pair are.
enum NATPair: CustomStringConvertible, Sendable {
    case apart(NATKind, NATKind)
    /// Behind one port-restricted router that sends nothing back inside which was sent to its outer address (no hairpin).
    case sameRouter

    /// Each two kinds, in one order.
    static let all: [NATPair] =
        NATKind.allCases.indices.flatMap { first in
            NATKind.allCases[first...].map { NATPair.apart(NATKind.allCases[first], $0) }
        } + [.sameRouter]

    var description: String {
        switch self {
        case .apart(let a, let b): "\(a.rawValue) - \(b.rawValue)"
        case .sameRouter: "same router"
        }
    }

    /// Whether plain punching reaches it: a port that the far end cannot know before it was used must meet a filter that asks
    /// for no port.
    var canBeDirect: Bool {
        guard case .apart(let a, let b) = self else { return true }
        let closed: Set<NATKind> = [.symmetric, .portRestricted, .double]
        return !(a == .symmetric && closed.contains(b)) && !(b == .symmetric && closed.contains(a))
    }
}

/// Two boxes that know only a relay, which is at a public address, and where they are.
struct RelayedPair {
    let grid: NATGrid
    let relay: Box
    let alice: Box
    let bob: Box
    let aliceSite: NATSite
    let bobSite: NATSite

    /// Makes and configures everything; nothing runs yet.
    init(_ pair: NATPair, ipv6: Bool = false, in bed: Testbed) async throws {
        grid = try await NATGrid(in: bed, ipv6: ipv6)
        let middle = try await grid.site(.public)
        switch pair {
        case .apart(let first, let second):
            aliceSite = try await grid.site(first)
            bobSite = try await grid.site(second)
        case .sameRouter:
            aliceSite = try await grid.site(.portRestricted)
            bobSite = aliceSite
        }
        relay = try await bed.box("relay")
        alice = try await bed.box("alice")
        bob = try await bed.box("bob")
        try await middle.plug(relay.namespace, host: 10)
        try await aliceSite.plug(alice.namespace, host: 10)
        try await bobSite.plug(bob.namespace, host: 11)
        let known = Configuration.Peer(
            name: "relay", id: relay.address, endpoints: ["\(middle.address(of: 10)):25632"])
        for box in [alice, bob] { box.configuration.peers = [known] }
        relay.configuration.peers = [.init(name: "alice", id: alice.address), .init(name: "bob", id: bob.address)]
        relay.configuration.allowed = [alice.address, bob.address]
        alice.configuration.allowed = [bob.address, relay.address]
        bob.configuration.allowed = [alice.address, relay.address]
    }

    /// Starts all three and waits until both ends have the relay.
    func start() async throws {
        try await relay.start()
        try await alice.start()
        try await bob.start()
        for box in [alice, bob] {
            try await eventually("\(box.name) has the relay") {
                try await box.command("peers", "--json").output.contains("\"up\"")
            }
        }
    }
}

extension Box {
    /// Whether this box's datagrams to another go there straight, as its own status has it.
    func isDirect(to other: Box) async throws -> Bool {
        let shown = try await command("status", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
        let sessions = report?["sessions"] as? [[String: Any]] ?? []
        guard let session = sessions.first(where: { $0["remote"] as? String == other.address }) else { return false }
        let path = session["path"] as? [String: Any]
        return (path?["kind"] ?? session["via"]) as? String == "direct"
    }

    /// Datagrams that its link has received: they stand still at a relay that nobody goes through.
    func received() async throws -> Int {
        let shown = try await run("cat", "/sys/class/net/net/statistics/rx_packets")
        return Int(shown.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
