import Foundation

/// A place where boxes are: a network with a gateway, and beyond it the backbone. At a public site the gateway is the
/// backbone itself. Namespaces of boxes join and leave it like machines that are carried about.
final class NATSite {
    let kind: NATKind
    /// Its addresses have it: 192.168.N.0/24 inside, 198.18.N.0/24 towards the backbone, 2001:db8:N::/48.
    let number: Int
    /// The namespace that boxes are plugged into.
    let gateway: String
    /// The namespace whose link `wan` has the public address; nil at a public site.
    let router: String?
    private let backbone: String
    private unowned let bed: Testbed
    private let hasIPv6: Bool
    /// The last number of the router's public address.
    private var outer = 2

    /// Makes routers and wires. `ipv6`: inside has IPv6 addresses, which the routers filter and do not translate.
    init(_ kind: NATKind, number: Int, backbone: String, ipv6: Bool, in bed: Testbed) async throws {
        self.kind = kind
        self.number = number
        self.backbone = backbone
        self.bed = bed
        hasIPv6 = ipv6
        switch kind {
        case .public:
            gateway = backbone
            router = nil
        case .fullCone, .portRestricted, .symmetric:
            let made = try await bed.namespace("router\(number)")
            gateway = made
            router = made
        case .double:
            gateway = try await bed.namespace("home\(number)")
            router = try await bed.namespace("carrier\(number)")
        }
        if kind != .public { try await route() }
        try await makeNetwork()
    }

    /// The router's public address, or nil where there is no router.
    var publicAddress: String? { router == nil ? nil : "198.18.\(number).\(outer)" }

    /// The address that a box has here.
    func address(of host: Int) -> String { kind == .public ? "198.18.\(number).\(host)" : "192.168.\(number).\(host)" }

    func ip6Address(of host: Int) -> String { "2001:db8:\(number):1::\(host)" }

    // MARK: Who is here

    /// Plugs a namespace in, with the host number as the end of its addresses; `net` is its link, the default route goes there.
    func plug(_ namespace: String, host: Int) async throws {
        try await bed.ip(
            "-n", namespace, "link", "add", "net", "type", "veth", "peer", "name", socket(host), "netns", gateway)
        try await bed.ip("-n", gateway, "link", "set", socket(host), "master", lan, "up")
        try await bed.ip("-n", namespace, "address", "add", address(of: host) + "/24", "dev", "net")
        if hasIPv6 {
            try await bed.ip("-n", namespace, "address", "add", ip6Address(of: host) + "/64", "dev", "net", "nodad")
        }
        try await bed.ip("-n", namespace, "link", "set", "net", "up")
        try await bed.ip("-n", namespace, "route", "add", "default", "via", address(of: 1))
        if hasIPv6 {
            try await bed.ip("-n", namespace, "-6", "route", "add", "default", "via", ip6Address(of: 1), "dev", "net")
        }
        try await eventually("the wire has a carrier") {
            try await bed.ip("-n", namespace, "-o", "link", "show", "dev", "net").contains("state UP")
        }
    }

    /// Takes it out: its link, addresses and routes are gone at once.
    func unplug(_ namespace: String) async throws { try await bed.ip("-n", namespace, "link", "del", "net") }

    // MARK: What may happen

    /// The routers forget all flows, as after a restart.
    func forgetFlows() async throws {
        for namespace in routers { try await Self.forgetFlows(of: namespace, in: bed) }
    }

    /// The outer router has another public address from now on, and no flows.
    func changePublicAddress() async throws {
        guard let router, let old = publicAddress else { return }
        outer += 1
        // In this order: with the first address of a network the kernel removes the others.
        try await bed.ip("-n", router, "address", "del", old + "/24", "dev", "wan")
        try await bed.ip("-n", router, "address", "add", "198.18.\(number).\(outer)/24", "dev", "wan")
        try await bed.ip("-n", router, "route", "replace", "default", "via", "198.18.\(number).1")
        try await Self.forgetFlows(of: router, in: bed)
    }

    /// The outer router translates nothing, or does again. A flow that begins in between stays as it is for as long as its
    /// packets keep the kernel's entry of it alive.
    func translate(_ on: Bool) async throws {
        guard let router else { return }
        try await Self.load(on ? kind.translation : "delete table ip nat", in: router, bed)
    }

    /// What the site sends and receives is lost on the backbone, without a word to anybody.
    func cut() async throws {
        let rules = """
            table inet \(cutTable) {
                chain both {
                    type filter hook forward priority -10;
                    iifname "\(port)" drop;
                    oifname "\(port)" drop;
                }
            }
            """
        try await Self.load(rules, in: backbone, bed)
    }

    func restore() async throws { try await Self.load("delete table inet \(cutTable)", in: backbone, bed) }

    // MARK: Private

    /// Links of the backbone towards this site: a bridge for boxes, or one end of a router's wire.
    private var port: String { "site\(number)" }
    private var lan: String { kind == .public ? port : "lan" }
    private var cutTable: String { "cut\(number)" }
    private func socket(_ host: Int) -> String { "\(kind == .public ? "\(number)-" : "")host\(host)" }
    private var routers: [String] { [gateway, router].compactMap { $0 }.filter { $0 != backbone } }

    /// The routers of a site with any: their wires to each other and to the backbone, and their rules.
    private func route() async throws {
        guard let router else { return }
        try await bed.wire(backbone, port, "198.18.\(number).1/24", router, "wan", "198.18.\(number).2/24")
        try await bed.ip("-n", router, "route", "add", "default", "via", "198.18.\(number).1")
        if gateway != router {
            // Shared address space (RFC 6598), as carriers have it.
            try await bed.wire(router, "inner", "100.64.\(number).1/24", gateway, "wan", "100.64.\(number).2/24")
            try await bed.ip("-n", gateway, "route", "add", "default", "via", "100.64.\(number).1")
        }
        if hasIPv6 { try await routeIPv6(router) }
        for namespace in Set(routers) {
            let words = ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
            try await bed.succeed(words, in: namespace)
            try await Self.load(kind.translation, in: namespace, bed)
            try await Self.load(kind.filter, in: namespace, bed)
        }
    }

    /// 2001:db8:N:1::/64 is inside, :2: and :3: are the routers' wires.
    private func routeIPv6(_ router: String) async throws {
        let net = "2001:db8:\(number):"
        try await wireEnd(backbone, port, net + "2::1/64")
        try await wireEnd(router, "wan", net + "2::2/64")
        try await bed.ip("-n", router, "-6", "route", "add", "default", "via", net + "2::1")
        try await bed.ip("-n", backbone, "-6", "route", "add", net + "1::/64", "via", net + "2::2")
        guard gateway != router else { return }
        try await wireEnd(router, "inner", net + "3::1/64")
        try await wireEnd(gateway, "wan", net + "3::2/64")
        try await bed.ip("-n", gateway, "-6", "route", "add", "default", "via", net + "3::1")
        try await bed.ip("-n", router, "-6", "route", "add", net + "1::/64", "via", net + "3::2")
    }

    private func wireEnd(_ namespace: String, _ link: String, _ address: String) async throws {
        try await bed.ip("-n", namespace, "address", "add", address, "dev", link, "nodad")
    }

    /// The bridge that boxes are plugged into.
    private func makeNetwork() async throws {
        try await bed.ip("-n", gateway, "link", "add", lan, "type", "bridge")
        try await bed.ip("-n", gateway, "address", "add", address(of: 1) + "/24", "dev", lan)
        if hasIPv6 { try await wireEnd(gateway, lan, ip6Address(of: 1) + "/64") }
        try await bed.ip("-n", gateway, "link", "set", lan, "up")
    }

    private static func load(_ rules: String, in namespace: String, _ bed: Testbed) async throws {
        try await bed.succeed(["nft", rules], in: namespace)
    }

    /// Deletes every entry of the namespace's connection tracking: IPCTNL_MSG_CT_DELETE of NFNL_SUBSYS_CTNETLINK without
    /// attributes (linux/netfilter/nfnetlink_conntrack.h), which needs no further tool.
    private static func forgetFlows(of namespace: String, in bed: Testbed) async throws {
        let script = """
            import socket, struct
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
            s.bind((0, 0))
            s.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0))
            code = struct.unpack_from("=i", s.recv(4096), 16)[0]
            raise SystemExit(0 if code == 0 else "flush: %d" % code)
            """
        try await bed.succeed(["python3", "-c", script], in: namespace)
    }
}

extension Testbed {
    /// Runs a program that must succeed, and gives what it printed.
    @discardableResult
    func succeed(_ words: [String], in namespace: String?) async throws -> String {
        let outcome = try await run(words, in: namespace)
        guard outcome.succeeded else { throw CommandError.failed(outcome) }
        return outcome.output
    }
}
