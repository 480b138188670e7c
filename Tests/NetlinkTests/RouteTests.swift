import Glibc
import Netlink
import TestSupport
import Testing
import Wire

@Suite struct RouteTests {
    /// A namespace with the veth `left` up and fd77::1/64 on it.
    private static func network() throws -> (socket: NetlinkSocket, routes: Routes, left: UInt32) {
        let socket = try NetlinkSocket()
        let links = Links(socket)
        try links.createPair("left", "right")
        let left = try #require(try links.find("left")).index
        try links.setUp(try #require(try links.find("lo")).index)
        try links.setUp(try #require(try links.find("right")).index)
        try links.setUp(left)
        let own = try #require(IPv6Address("fd77::1"))
        let watcher = try KernelWatcher()
        try Addresses(socket).add(
            InterfaceAddress(own, prefixLength: 64, interface: left, flags: .noDuplicateDetection))
        // The host's own route to its address.
        try watcher.wait {
            if case .route(let route) = $0 { route.kind == .local && route.destination.address == own } else { false }
        }
        return (socket, Routes(socket), left)
    }

    @Test func everyFieldComesBack() async throws {
        try await isolated {
            let (_, routes, left) = try Self.network()
            var full = Route(
                try #require(IPv6Prefix("::/0")), gateway: IPv6Address("fd77::9"), interface: left, metric: 5,
                table: 100_000)
            full.preferredSource = IPv6Address("fd77::1")
            full.mtu = 1333
            let wanted = [
                Route(try #require(IPv6Prefix("2001:db8::/32")), interface: left, metric: 33).marked(156), full,
                Route(
                    try #require(IPv6Prefix(IPv6Address(mappedIPv4: 0x0a0b_0000), length: 96 + 16)), interface: left,
                    metric: 9
                ).marked(156),
            ]
            for route in wanted {
                try routes.add(route)
                let listed = try routes.list(RouteFilter(table: route.table, interface: left))
                #expect(listed.contains(route), "\(route) in \(listed)")
            }
            #expect(try routes.list(RouteFilter(protocolNumber: 156)).count == 2)
            #expect(try routes.list(RouteFilter(family: .ipv6, protocolNumber: 156)).map(\.destination.length) == [32])
            #expect(wanted[1].description == "::/0 via fd77::9 dev #\(left) table 100000 metric 5")
            #expect(wanted[2].description == "10.11.0.0/16 dev #\(left) metric 9")
            for route in wanted {
                #expect(try routes.remove(route))
                #expect(try routes.remove(route) == false)
            }
            #expect(try routes.list(RouteFilter(protocolNumber: 156)).isEmpty)
            #expect(try routes.list(RouteFilter(family: .ipv6, table: 4242)).isEmpty, "a table nobody has used")
        }
    }

    @Test func addNeverTakesAPlaceAndReplaceDoes() async throws {
        try await isolated {
            let (socket, routes, left) = try Self.network()
            let right = try #require(try Links(socket).find("right")).index
            let prefix = try #require(IPv6Prefix("2001:db8::/32"))
            try routes.add(Route(prefix, interface: left, metric: 7).marked(11))
            let error = try #require(throws: NetlinkError.self) {
                try routes.add(Route(prefix, interface: right, metric: 7).marked(156))
            }
            #expect(error.isExisting && error.object == "2001:db8::/32 dev right metric 7")
            try routes.replace(Route(prefix, interface: right, metric: 7).marked(156))
            let there = try routes.list(RouteFilter(family: .ipv6)).filter { $0.destination == prefix }
            #expect(there == [Route(prefix, interface: right, metric: 7).marked(156)])
            // Another metric is another route, and removal asks for the protocol too.
            try routes.add(Route(prefix, interface: left, metric: 8).marked(11))
            #expect(try routes.remove(Route(prefix, metric: 8).marked(156)) == false)
            #expect(try routes.remove(Route(prefix, metric: 8).marked(11)))
        }
    }

    @Test func hostBitsAreRefusedBeforeTheKernelMasksThem() {
        #expect(IPv6Prefix("fd00::1/8") == nil)
    }

    @Test func lookupsSayWhereAPacketWouldGo() async throws {
        try await isolated {
            let (socket, routes, left) = try Self.network()
            let right = try #require(try Links(socket).find("right")).index
            let outside = try #require(IPv6Address("2001:db8::1"))
            #expect(try routes.lookup(outside) == .none)
            #expect(try routes.lookup(try #require(IPv6Address("fd77::2"))).interface == left)
            guard case .goes(let own) = try routes.lookup(try #require(IPv6Address("fd77::1"))) else {
                Issue.record("the own address is not reachable")
                return
            }
            #expect(own.kind == .local)

            let prefix = try #require(IPv6Prefix("2001:db8::/32"))
            for kind in [RouteKind.unreachable, .prohibit, .blackhole] {
                try routes.replace(Route(prefix, metric: 9, kind: kind))
                #expect(try routes.lookup(outside) == .refused(kind))
                #expect(try routes.remove(Route(prefix, metric: 9, kind: kind)))
            }
            // The unreachable one holds the prefix only as long as nothing better is there.
            try routes.add(Route(prefix, metric: .max - 1, kind: .unreachable))
            try routes.add(Route(prefix, interface: left, metric: 1024))
            #expect(try routes.lookup(outside).interface == left)

            // A mark with a rule behind it takes another table.
            try routes.add(Route(prefix, interface: right, table: 77))
            #expect(run("ip -6 rule add fwmark 5 table 77").code == 0)
            #expect(try routes.lookup(outside, mark: 5).interface == right)
            #expect(try routes.lookup(outside, mark: 6).interface == left)

            let v4 = IPv6Address(mappedIPv4: 0xc000_0201)
            #expect(try routes.lookup(v4) == .none)
            try routes.add(
                Route(try #require(IPv6Prefix(IPv6Address(mappedIPv4: 0xc000_0200), length: 120)), interface: left))
            #expect(try routes.lookup(v4).interface == left)
            #expect(try routes.lookup(IPv6Address(mappedIPv4: 0x7f00_0001)).interface != left)
        }
    }

    @Test func aRequestThatTimesOutLeavesTheSocketUsable() async throws {
        try await isolated {
            let (socket, routes, left) = try Self.network()
            for i in 0..<1000 {
                let address = IPv6Address(high: 0x2001_0db8_0000_0000 | UInt64(i), low: 0)
                try routes.add(Route(try #require(IPv6Prefix(address, length: 64)), interface: left))
            }
            let filter = RouteFilter(family: .ipv6, table: Route.mainTable, protocolNumber: Route.staticProtocol)
            let patience = socket.timeout
            socket.timeout = .zero
            let error = try #require(throws: NetlinkError.self) { _ = try routes.list(filter) }
            #expect(error.isTimeout)
            // The dump that nobody reads to its end must not be in the way of the next.
            socket.timeout = patience
            #expect(try routes.list(filter).count == 1000)
        }
    }

    @Test func aDumpLargerThanOneDatagramIsWhole() async throws {
        try await isolated {
            let (_, routes, left) = try Self.network()
            let base = try #require(IPv6Address("2001:db8::"))
            for i in 0..<1500 {
                let address = IPv6Address(high: base.high | UInt64(i), low: 0)
                try routes.add(
                    Route(try #require(IPv6Prefix(address, length: 64)), interface: left).marked(156))
            }
            let listed = try routes.list(RouteFilter(family: .ipv6, protocolNumber: 156))
            #expect(Set(listed.map(\.destination.address.high)).count == 1500 && listed.count == 1500)
        }
    }
}
