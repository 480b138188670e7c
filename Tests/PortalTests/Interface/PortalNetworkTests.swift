import Netlink
import Portal
import TestSupport
import Testing
import Wire

/// Networks behind other boxes, inside the mesh's prefix and outside, and networks behind this one.
@Suite struct PortalNetworkTests {
    private static let networks = ["2001:db8:2::/48", "fdaa:2::/64"]

    private static func plan(table: UInt32 = Route.mainTable, persistent: Bool = false) throws -> PortalPlan {
        try portalPlan(table: table, persistent: persistent, networks: networks)
    }

    private static func way(_ destination: String, _ socket: NetlinkSocket) throws -> RouteAnswer {
        try Routes(socket).lookup(try #require(IPv6Address(destination)))
    }

    private static func ours(_ socket: NetlinkSocket) throws -> [Route] {
        try Routes(socket).list(RouteFilter(family: .ipv6, protocolNumber: PortalMark.protocolNumber))
    }

    @Test(arguments: [Route.mainTable, 1000])
    func theirRoutesComeAndGoWithThePortal(table: UInt32) async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            let isMain = table == Route.mainTable
            var plumbing = PortalPlumbing(try Self.plan(table: table), socket)
            let prepared = try plumbing.prepare()
            #expect(prepared.cleaned.isEmpty && prepared.warnings.isEmpty)
            // Nothing leaks to the default route before the device is there.
            if isMain {
                #expect(try Self.way("2001:db8:2::5", socket) == .refused(.unreachable))
                #expect(try Self.way("fdaa:2::5", socket) == .refused(.unreachable))
            }
            #expect(try Self.ours(socket).map(\.kind) == [.unreachable, .unreachable, .unreachable])
            do {
                let tun = try Tun("inet256")
                try plumbing.bringUp()
                let link = try #require(try Links(socket).find("inet256")).index
                let into = try Self.ours(socket).filter { $0.kind == .unicast }
                #expect(Set(into.map(\.destination.description)) == Set(Self.networks + ["fd00::/8"]))
                #expect(into.allSatisfy { $0.interface == link && $0.metric == 1024 && $0.table == table })
                #expect(try Self.ours(socket).count == 6)
                if isMain {
                    #expect(try Self.way("2001:db8:2::5", socket).interface == link)
                    #expect(try Self.way("fdaa:2::5", socket).interface == link)
                    // What is beside the network is not ours.
                    #expect(try Self.way("2001:db8:3::5", socket).interface != link)
                }
                #expect(try plumbing.missing().isEmpty)

                run("ip -6 route flush proto 156 table all")
                #expect(try plumbing.missing().count == 6)
                try plumbing.bringUp()
                try plumbing.hold()
                #expect(try plumbing.missing().isEmpty)
                try plumbing.tearDown()
                #expect(try Self.ours(socket).isEmpty)
                tun.close()
            }
            #expect(picture() == untouched)
        }
    }

    @Test func withTheDeviceGoneTheyStayHeldUntilTheEnd() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            var plumbing = PortalPlumbing(try Self.plan(), socket)
            _ = try plumbing.prepare()
            do {
                let tun = try Tun("inet256")
                try plumbing.bringUp()
                tun.close()
            }
            #expect(try Self.way("2001:db8:2::5", socket) == .refused(.unreachable))
            try plumbing.tearDown()
            #expect(picture() == untouched)
        }
    }

    @Test func afterACrashTheyAreTakenOverOrCleared() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            func crash() throws {
                var crashed = PortalPlumbing(try Self.plan(), socket)
                _ = try crashed.prepare()
                let tun = try Tun("inet256")
                try crashed.bringUp()
                tun.close()
            }
            try crash()
            var next = PortalPlumbing(try Self.plan(), socket)
            #expect(try next.prepare().cleaned.isEmpty)
            try next.tearDown()
            #expect(picture() == untouched)

            // One network is no longer in the configuration.
            try crash()
            var other = PortalPlumbing(try portalPlan(networks: ["fdaa:2::/64"]), socket)
            #expect(try other.prepare().cleaned == ["route unreachable 2001:db8:2::/48 dev lo metric 4294967294"])
            try other.tearDown()
            #expect(picture() == untouched)
        }
    }

    @Test func aNetworkThatSomebodyElseRoutesIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 route add 2001:db8:2::/48 via 2001:db8::77 dev lan metric 50")
            let before = picture()
            var plumbing = PortalPlumbing(try Self.plan(), socket)
            let error = try #require(throws: PortalError.self) { _ = try plumbing.prepare() }
            let route = "2001:db8:2::/48 via 2001:db8::77 dev lan metric 50"
            #expect(
                "\(error)"
                    == "2001:db8:2::/48 is already routed: \(route); take it out of `networks`, or remove that route "
                    + "(ip -6 route delete \(route))")
            try plumbing.tearDown()
            #expect(picture() == before)
        }
    }

    @Test func aNetworkOfAnotherLivingPortalIsRefusedAndUnharmed() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var first = PortalPlumbing(try Self.plan(), socket)
            _ = try first.prepare()
            let tun = try Tun("inet256")
            try first.bringUp()
            let before = picture()
            var second = PortalPlumbing(
                try portalPlan(
                    interface: "second", address: "0212::1", prefix: "200::/7", networks: ["2001:db8:2::/48"]), socket)
            let error = try #require(throws: PortalError.self) { _ = try second.prepare() }
            #expect("\(error)".contains("another inet256vpn serves it"), "\(error)")
            try second.tearDown()
            #expect(picture() == before)
            #expect(try first.missing().isEmpty)
            try first.tearDown()
            tun.close()
        }
    }

    @Test func aFailureHalfWayUndoesTheOtherRoutes() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var plumbing = PortalPlumbing(try Self.plan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            // Somebody takes the very place of our last route after we looked.
            run("ip -6 route add fdaa:2::/64 dev lan metric 1024 proto static")
            let error = try #require(throws: PortalError.self) { try plumbing.bringUp() }
            #expect("\(error)".hasPrefix("fdaa:2::/64 is already routed: fdaa:2::/64 dev lan"), "\(error)")
            #expect(try Self.ours(socket).map(\.kind) == [.unreachable, .unreachable, .unreachable])
            try plumbing.tearDown()
            #expect(try Self.ours(socket).isEmpty)
            #expect(run("ip -6 route show fdaa:2::/64").output.contains("dev lan"))
            tun.close()

            // The same while the places are held: those already held are given back.
            run(
                "ip -6 route delete fdaa:2::/64; ip -6 route add unreachable fdaa:2::/64 metric 4294967294 proto static"
            )
            var late = PortalPlumbing(try Self.plan(), socket)
            #expect(throws: PortalError.self) { try late.hold() }
            #expect(try Self.ours(socket).isEmpty)
        }
    }

    @Test func routesInsideAreWarnedOfButForThoseBehindUs() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
            run(
                """
                ip -6 route add fdaa:1::/64 dev lan; ip -6 route add fdaa:1::7/128 dev lan
                ip -6 route add fdaa:2::8/128 dev lan; ip -6 route add 2001:db8:2:9::/64 dev lan
                ip -6 route add fdaa:1:0:0:5::/80 dev lan; ip -6 route add fdbb::/32 dev lan
                """)
            var plumbing = PortalPlumbing(
                try portalPlan(
                    networks: Self.networks + ["fdaa:1:0:0:4::/79"], localNetworks: ["fdaa:1::/64", "2001:db8::/64"]),
                socket)
            #expect(
                try plumbing.prepare().warnings.map(\.description).sorted() == [
                    "2001:db8:2:9::/64 dev lan metric 1024 is more specific than 2001:db8:2::/48 and keeps its traffic out "
                        + "of the portal",
                    "fdaa:1:0:0:5::/80 dev lan metric 1024 is more specific than fdaa:1:0:0:4::/79 and keeps its traffic out "
                        + "of the portal",
                    "fdaa:2::8/128 dev lan metric 1024 is more specific than fdaa:2::/64 and keeps its traffic out of the "
                        + "portal",
                    "fdbb::/32 dev lan metric 1024 is more specific than fd00::/8 and keeps its traffic out of the portal",
                ])
            try plumbing.tearDown()
        }
    }

    @Test func aMachineThatDoesNotForwardIsWarnedOf() async throws {
        try await isolated {
            let socket = try othersNetwork()
            func warnings(_ plan: PortalPlan) throws -> [PortalWarning] {
                var plumbing = PortalPlumbing(plan, socket)
                let warnings = try plumbing.prepare().warnings
                try plumbing.tearDown()
                return warnings
            }
            let local = try portalPlan(localNetworks: ["2001:db8::/64"])
            #expect(try !Forwarding.isOn(socket))
            #expect(try warnings(local) == [.forwardingOff])
            #expect("\(PortalWarning.forwardingOff)".contains("`sysctl -w net.ipv6.conf.all.forwarding=1`"))
            // Who has no network behind it need not forward, and nobody is made to.
            #expect(try warnings(try Self.plan()).isEmpty)
            #expect(try !Forwarding.isOn(socket))
            // One interface is not all.
            run("echo 1 > /proc/sys/net/ipv6/conf/lan/forwarding")
            #expect(try warnings(local) == [.forwardingOff])
            // The very command of the warning.
            #expect(run("sysctl -w net.ipv6.conf.all.forwarding=1").code == 0)
            #expect(try Forwarding.isOn(socket))
            #expect(try warnings(local).isEmpty)
        }
    }

    @Test(arguments: [
        ("fd00::/8", [], "network fd00::/8: it is the portal's own prefix"),
        ("::ffff:10.0.0.0/104", [], "network ::ffff:10.0.0.0/104: expected an IPv6 network"),
        ("ff00::/8", [], "network ff00::/8: multicast and link-local addresses are not carried"),
        ("fe80::/64", [], "network fe80::/64: multicast and link-local addresses are not carried"),
        ("fdaa::/64", ["fdaa::/64"], "network fdaa::/64: it is declared behind this box and behind another"),
        ("fdaa::/64", ["fd00::/8"], "network fd00::/8: it is the portal's own prefix"),
    ])
    func badNetworksAreNamed(network: String, local: [String], fault: String) throws {
        let error = try #require(throws: PortalError.self) {
            _ = try portalPlan(networks: [network], localNetworks: local)
        }
        #expect("\(error)" == fault)
    }

    @Test func plansWithTheSameNetworksAreTheSame() throws {
        let plan = try portalPlan(networks: ["fdaa:2::/64", "2001:db8:2::/48", "fdaa:2::/64"])
        #expect(plan.served.map(\.description) == ["fd00::/8", "2001:db8:2::/48", "fdaa:2::/64"])
        #expect(try plan == Self.plan())
    }
}
