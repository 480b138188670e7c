import Glibc
import Netlink
import Portal
import TestSupport
import Testing
import Wire

@Suite struct GuardTests {
    private static func laid(_ plan: PortalPlan, _ socket: NetlinkSocket) throws -> PortalPlumbing {
        var plumbing = PortalPlumbing(plan, socket)
        _ = try plumbing.prepare()
        return plumbing
    }

    @Test func alwaysStaysUntilItIsReleased() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            let peer = try #require(IPv6Address("fd99::1"))
            let plan = try portalPlan(networks: ["fc77::/16"], guarding: .always)
            var plumbing = try Self.laid(plan, socket)
            do {
                let tun = try Tun("inet256")
                try plumbing.bringUp()
                #expect(try GuardRoutes(socket).list().map(\.servedBy) == ["inet256", "inet256"])
                #expect(try GuardRoutes(socket).release().removed.isEmpty)
                // Somebody takes the guard; it is there again before the portal's routes go.
                run("ip -6 route flush type unreachable proto 156")
                try plumbing.tearDown()
                #expect(try Routes(socket).lookup(peer) == .refused(.unreachable))
                tun.close()
            }
            try plumbing.tearDown()
            #expect(try Routes(socket).lookup(peer) == .refused(.unreachable))
            let entries = try GuardRoutes(socket).list()
            #expect(entries.map(\.route.destination.description) == ["fc77::/16", "fd00::/8"])
            #expect(entries.allSatisfy { $0.servedBy == nil && !$0.isException })
            // Nobody else's, though it looks alike.
            run("ip -6 route add unreachable fd78::/16 metric 4294967294 proto 155")
            #expect(try GuardRoutes(socket).release().removed == entries)
            run("ip -6 route del unreachable fd78::/16 metric 4294967294")
            #expect(picture() == untouched)
            #expect(try Routes(socket).lookup(peer).interface != nil)
        }
    }

    @Test func offHoldsNothingAndCleansWhatWasHeld() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            var former = try Self.laid(try portalPlan(guarding: .always), socket)
            try former.tearDown()
            #expect(picture() != untouched)
            var plumbing = PortalPlumbing(try portalPlan(guarding: .off), socket)
            #expect(try plumbing.prepare().cleaned == ["route unreachable fd00::/8 dev lo metric 4294967294"])
            #expect(picture() == untouched)
            #expect(try plumbing.missing() == ["interface inet256"])
            try plumbing.tearDown()
            #expect(picture() == untouched)
        }
    }

    /// The route of a persistent device whose daemon died may be all that keeps packets from the default route.
    @Test func theGuardIsThereBeforeLeftoversGo() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let monitor = try KernelWatcher()
            var crashed = PortalPlumbing(try portalPlan(persistent: true, guarding: .off), socket)
            _ = try crashed.prepare()
            let tun = try Tun("inet256", persistent: true)
            try crashed.bringUp()
            tun.close()
            _ = try monitor.drain()
            var next = try Self.laid(try portalPlan(persistent: true), socket)
            let order = try monitor.drain().compactMap { event -> String? in
                switch event {
                case .route(let route) where route.protocolNumber == PortalMark.protocolNumber: "+\(route.kind)"
                case .routeGone(let route) where route.protocolNumber == PortalMark.protocolNumber: "-\(route.kind)"
                default: nil
                }
            }
            #expect(order == ["+unreachable", "-unicast"])
            try next.tearDown()
        }
    }
}

@Suite struct PortalExceptionTests {
    /// What `ip` says of our exceptions, in the order of the kernel.
    private static func shown() -> [String] {
        run("ip -6 route show proto 156 metric 4294967293").output.split(separator: "\n").map { line in
            line.split(separator: " ").prefix { $0 != "proto" && $0 != "pref" }.joined(separator: " ")
        }
    }

    private static func exception(_ text: String) throws -> PortalException {
        PortalException(try #require(IPv6Prefix(text)))
    }

    @Test func itFollowsTheDefaultRoute() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            let exceptions = PortalExceptions(try portalPlan(), socket)
            let wanted = [try Self.exception("fd12::/16"), try Self.exception("fd13::53/128")]
            func apply() throws -> [PortalExceptionState] {
                try exceptions.apply(wanted, among: try exceptions.foreignRoutes())
            }
            for state in try apply() {
                guard case .kept(let route, device: "lan") = state else {
                    Issue.record("\(state)")
                    continue
                }
                #expect(route.gateway?.description == "2001:db8::fe")
            }
            #expect(Self.shown() == ["fd12::/16 via 2001:db8::fe dev lan", "fd13::53 via 2001:db8::fe dev lan"])
            // Another gateway, none at all on the link, none, and the first again.
            for (change, way) in [
                ("ip -6 route replace default via 2001:db8::fd dev lan", "via 2001:db8::fd dev lan"),
                ("ip -6 route del default; ip -6 route add default dev lan", "dev lan"),
                ("ip -6 route del default", ""),
                ("ip -6 route add default via 2001:db8::fe dev lan", "via 2001:db8::fe dev lan"),
            ] {
                #expect(run(change).code == 0)
                let states = try apply()
                if way.isEmpty {
                    #expect(states == [.noWay, .noWay])
                    #expect(Self.shown() == ["unreachable fd12::/16 dev lo", "unreachable fd13::53 dev lo"])
                } else {
                    #expect(Self.shown() == ["fd12::/16 \(way)", "fd13::53 \(way)"])
                }
            }
            #expect(try apply() == apply())
            try exceptions.remove()
            #expect(picture() == untouched)
        }
    }

    @Test func theWayIsTheKernelsNotMainsAlone() async throws {
        try await isolated {
            let socket = try othersNetwork()
            // A tunnel that takes the default route by rules, as wg-quick(8) does.
            let made = run(
                """
                set -e
                ip link add wg type veth peer name far; ip link set far up; ip link set wg up
                ip -6 route add default dev wg table 51820
                ip -6 rule add pref 100 table main suppress_prefixlength 0; ip -6 rule add pref 101 table 51820
                """)
            #expect(made.code == 0, "\(made.output)")
            let exceptions = PortalExceptions(try portalPlan(), socket)
            let wanted = [try Self.exception("fd12::/16")]
            _ = try exceptions.apply(wanted, among: try exceptions.foreignRoutes())
            #expect(Self.shown() == ["fd12::/16 dev wg"])
            // A wider route than the prefix is where it went.
            run("ip -6 route add fc00::/7 via 2001:db8::7 dev lan")
            _ = try exceptions.apply(wanted, among: try exceptions.foreignRoutes())
            #expect(Self.shown() == ["fd12::/16 via 2001:db8::7 dev lan"])
            // A route of somebody else inside the prefix wins anyway: ours goes.
            run("ip -6 route add fd12::/12 dev lan")
            let states = try exceptions.apply(wanted, among: try exceptions.foreignRoutes())
            guard case .routed(let route, device: "lan") = try #require(states.first) else {
                Issue.record("\(states)")
                return
            }
            #expect(route.destination.length == 12 && Self.shown().isEmpty)
        }
    }

    @Test func severalDefaultRoutesGiveTheGatewayOfOne() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 route replace default nexthop via 2001:db8::a dev lan nexthop via 2001:db8::b dev lan")
            let all = try Routes(socket).list(RouteFilter(family: .ipv6, table: Route.mainTable))
            let gateway = try #require(all.first { $0.destination.length == 0 }).gateway?.description
            #expect(gateway == "2001:db8::a" || gateway == "2001:db8::b")
            let exceptions = PortalExceptions(try portalPlan(), socket)
            _ = try exceptions.apply([try Self.exception("fd12::/16")], among: try exceptions.foreignRoutes())
            #expect(try #require(Self.shown().first).hasPrefix("fd12::/16 via 2001:db8::"))
        }
    }

    @Test func exceptionsOfAnAbandonedPrefixAreCleaned() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            let exceptions = PortalExceptions(try portalPlan(), socket)
            _ = try exceptions.apply([try Self.exception("fd12::/16")], among: try exceptions.foreignRoutes())
            var same = PortalPlumbing(try portalPlan(), socket)
            #expect(try same.prepare().cleaned.isEmpty)
            try same.tearDown()
            #expect(Self.shown().count == 1)
            // Another table is another place: what is left in the former one is nobody's.
            let elsewhere = PortalExceptions(try portalPlan(table: 1000), socket)
            _ = try elsewhere.apply([try Self.exception("fd12::/16")], among: try elsewhere.foreignRoutes())
            var back = PortalPlumbing(try portalPlan(), socket)
            #expect(
                try back.prepare().cleaned
                    == ["route fd12::/16 via 2001:db8::fe dev lan table 1000 metric 4294967293"])
            try back.tearDown()
            #expect(Self.shown().count == 1)
            var other = PortalPlumbing(try portalPlan(address: "0212::1", prefix: "200::/7"), socket)
            #expect(
                try other.prepare().cleaned == ["route fd12::/16 via 2001:db8::fe dev lan metric 4294967293"])
            try other.tearDown()
            #expect(picture() == untouched)
        }
    }
}
