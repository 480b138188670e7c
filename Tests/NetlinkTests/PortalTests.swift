import Glibc
import Netlink
import Portal
import TestSupport
import Testing
import Wire

/// The plan that the tests share: inet256, fd12::34, fd00::/8.
func portalPlan(
    interface: String = "inet256", address: String = "fd12::34", prefix: String = "fd00::/8", mtu: UInt32 = 1400,
    metric: UInt32 = PortalPlan.defaultMetric, table: UInt32 = Route.mainTable, persistent: Bool = false,
    networks: [String] = [], localNetworks: [String] = [], guarding: PortalGuard = .running
) throws -> PortalPlan {
    try PortalPlan(
        interface: interface, address: try #require(IPv6Address(address)), prefix: try #require(IPv6Prefix(prefix)),
        mtu: mtu, metric: metric, table: table, persistent: persistent,
        networks: try networks.map { try #require(IPv6Prefix($0)) },
        localNetworks: try localNetworks.map { try #require(IPv6Prefix($0)) }, guarding: guarding)
}

/// What `ip` sees: links, addresses, and the routes of every table. Without the carrier and what follows from
/// it, which settle some time after a link is set up, and without the queue that the first "up" brings for good.
func picture() -> String {
    run(
        """
        ip -o link | sed -E 's/NO-CARRIER,|,LOWER_UP|state [A-Z]+|qdisc [a-z_]+//g'
        ip -o address; ip -4 route show table all; ip -6 route show table all; ip -6 rule
        """
    ).output
}

/// A namespace with the network of others in it: a veth `lan`, up, with a default route and an address.
func othersNetwork() throws -> NetlinkSocket {
    let made = run(
        """
        set -e
        ip link set lo up
        ip link add lan type veth peer name wan
        ip link set wan addrgenmode none up
        ip link set lan addrgenmode none up
        ip address add 2001:db8::1/64 dev lan nodad
        ip -6 route add default via 2001:db8::fe dev lan
        """)
    try #require(made.code == 0, "\(made.output)")
    return try NetlinkSocket()
}

@Suite struct PortalTests {
    @Test(arguments: [Route.mainTable, 1000])
    func itComesUpAndLeavesNoTrace(table: UInt32) async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            var plumbing = PortalPlumbing(try portalPlan(table: table), socket)
            let prepared = try plumbing.prepare()
            #expect(prepared.cleaned.isEmpty && prepared.warnings.isEmpty)
            let peer = try #require(IPv6Address("fd99::1"))
            if table == Route.mainTable {
                // Until the device is there nothing leaks to the default route.
                #expect(try Routes(socket).lookup(peer) == .refused(.unreachable))
            }
            #expect(try plumbing.missing() == ["interface inet256"])
            do {
                let tun = try Tun("inet256")
                try plumbing.bringUp()
                let link = try #require(try Links(socket).find("inet256"))
                #expect(link.isUp && link.mtu == 1400 && link.alias == PortalMark.alias)
                #expect(link.transmitQueueLength == PortalPlumbing.queueLength)
                #expect(link.addressGeneration == AddressGeneration.none)
                let addresses = try Addresses(socket).list(interface: link.index)
                #expect(addresses.map(\.description) == ["fd12::34/128"])
                let ours = try Routes(socket).list(RouteFilter(protocolNumber: PortalMark.protocolNumber))
                #expect(ours.map(\.kind) == [.unicast, .unreachable] && ours.allSatisfy { $0.table == table })
                #expect(ours.first?.interface == link.index && ours.first?.metric == 1024)
                if table == Route.mainTable { #expect(try Routes(socket).lookup(peer).interface == link.index) }
                #expect(try plumbing.missing().isEmpty)

                // Again, and after somebody has taken parts away.
                try plumbing.bringUp()
                run(
                    "ip -6 route flush proto 156 table all; ip -6 address flush dev inet256; ip link set inet256 mtu 1300"
                )
                #expect(try plumbing.missing().count == 4)
                try plumbing.bringUp()
                try plumbing.hold()
                #expect(try plumbing.missing().isEmpty)
                try plumbing.tearDown()
                #expect(try Routes(socket).list(RouteFilter(protocolNumber: PortalMark.protocolNumber)).isEmpty)
                #expect(try Addresses(socket).list(interface: link.index, family: .ipv6).isEmpty)
                try plumbing.tearDown()
                tun.close()
            }
            #expect(picture() == untouched)
        }
    }

    @Test func withTheDeviceGoneThePrefixStaysHeldUntilTheEnd() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            do {
                let tun = try Tun("inet256")
                try plumbing.bringUp()
                tun.close()
            }
            #expect(try Routes(socket).lookup(try #require(IPv6Address("fd99::1"))) == .refused(.unreachable))
            try plumbing.tearDown()
            #expect(picture() == untouched)
        }
    }

    @Test func anotherDeviceThatTookTheNameIsLeftAlone() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            try plumbing.bringUp()
            tun.close()
            run("ip link add inet256 type bridge; ip link set inet256 alias mine; ip -6 route add fd00::/8 dev inet256")
            try plumbing.tearDown()
            #expect(try Links(socket).find("inet256")?.alias == "mine")
            #expect(try Routes(socket).list(RouteFilter(protocolNumber: PortalMark.protocolNumber)).isEmpty)
        }
    }

    @Test func aDeviceThatIsNotThereIsNamed() async throws {
        try await isolated {
            var plumbing = PortalPlumbing(try portalPlan(), try NetlinkSocket())
            let error = try #require(throws: PortalError.self) { try plumbing.bringUp() }
            #expect("\(error)" == "cannot bring up interface inet256: No such device (ENODEV)")
        }
    }

    @Test func aFailureHalfWayUndoesWhatWasDone() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            // Somebody takes the very place of our route after we looked.
            run("ip -6 route add fd00::/8 dev lan metric 1024 proto static")
            let error = try #require(throws: PortalError.self) { try plumbing.bringUp() }
            #expect("\(error)".contains("fd00::/8 is already routed: fd00::/8 dev lan metric 1024"), "\(error)")
            let link = try #require(try Links(socket).find("inet256"))
            #expect(link.alias.isEmpty)
            #expect(try Addresses(socket).list(interface: link.index, family: .ipv6).isEmpty)
            try plumbing.tearDown()
            let left = try Routes(socket).list(RouteFilter(family: .ipv6, table: Route.mainTable))
            #expect(left.filter { $0.destination.length == 8 }.map(\.protocolNumber) == [Route.staticProtocol])
            tun.close()
        }
    }

    @Test func aPersistentDeviceGetsItsFormerStateBack() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip tuntap add inet256 mode tun; ip link set inet256 alias mine mtu 1450")
            let untouched = picture()
            var plumbing = PortalPlumbing(try portalPlan(persistent: true), socket)
            _ = try plumbing.prepare()
            do {
                let tun = try Tun("inet256", persistent: true)
                try plumbing.bringUp()
                #expect(try Links(socket).find("inet256")?.alias == PortalMark.alias)
                try plumbing.tearDown()
                tun.close()
            }
            #expect(picture() == untouched)
            let link = try #require(try Links(socket).find("inet256"))
            #expect(link.alias == "mine" && link.mtu == 1450 && !link.isUp && link.addressGeneration == .eui64)
            #expect(link.transmitQueueLength < PortalPlumbing.queueLength)
        }
    }
}

@Suite struct PortalConflictTests {
    private static func refusal(_ plan: PortalPlan, _ socket: NetlinkSocket) throws -> String {
        let before = picture()
        var plumbing = PortalPlumbing(plan, socket)
        let error = try #require(throws: PortalError.self) { _ = try plumbing.prepare() }
        // Not even the cleaning up afterwards touches anything.
        try plumbing.tearDown()
        #expect(picture() == before)
        return "\(error)"
    }

    @Test func aNameOfSomebodyElseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip link set lan alias uplink")
            #expect(
                try Self.refusal(try portalPlan(interface: "lan"), socket)
                    == "lan is a veth interface with alias \"uplink\" that somebody else made: choose another "
                    + "`portal.interface`, or remove it (ip link delete lan)")
            // Not even as a persistent one: it is no TUN device.
            #expect(
                try Self.refusal(try portalPlan(interface: "lan", persistent: true), socket).hasPrefix("lan is a veth"))
            run("ip tuntap add tun9 mode tun")
            #expect(
                try Self.refusal(try portalPlan(interface: "tun9"), socket).hasPrefix("tun9 is a tun interface that"))
        }
    }

    @Test func aDeviceInUseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let tun = try Tun("inet256")
            #expect(
                try Self.refusal(try portalPlan(persistent: true), socket).hasPrefix(
                    "inet256 is in use by another process"))
            tun.close()
        }
    }

    @Test func aPrefixOfSomebodyElseIsRefused() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 route add fd00::/8 via 2001:db8::77 dev lan metric 50")
            let route = "fd00::/8 via 2001:db8::77 dev lan metric 50"
            let expected =
                "fd00::/8 is already routed: \(route); choose another `portal.prefix`, or remove that route "
                + "(ip -6 route delete \(route))"
            #expect(try Self.refusal(try portalPlan(), socket) == expected)
            // The main table counts even where the portal's own table is another.
            #expect(try Self.refusal(try portalPlan(table: 1000), socket) == expected)
            var other = PortalPlumbing(try portalPlan(address: "0212::1", prefix: "200::/7"), socket)
            #expect(try other.prepare().warnings.isEmpty)
            try other.tearDown()
        }
    }

    @Test func anotherLivingPortalIsRefusedAndUnharmed() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var first = PortalPlumbing(try portalPlan(), socket)
            _ = try first.prepare()
            let tun = try Tun("inet256")
            try first.bringUp()
            #expect(try Self.refusal(try portalPlan(), socket).contains("is another inet256vpn running?"))
            #expect(
                try Self.refusal(try portalPlan(interface: "second"), socket).contains("another inet256vpn serves it"))
            // With another prefix both live side by side, and the second's cleaning spares the first's hold.
            var second = PortalPlumbing(
                try portalPlan(interface: "second", address: "0212::1", prefix: "200::/7"), socket)
            #expect(try second.prepare().cleaned.isEmpty)
            #expect(try first.missing().isEmpty)
            try second.tearDown()
            #expect(try first.missing().isEmpty)
            try first.tearDown()
            tun.close()
        }
    }

    @Test func moreSpecificRoutesAreWarnedOf() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 address add fd12:3::1/64 dev lan nodad; ip -6 route add unreachable fdff::/16")
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            let warnings = try plumbing.prepare().warnings
            #expect(
                warnings.map(\.description).sorted() == [
                    "fd12:3::/64 dev lan metric 256 is more specific than fd00::/8 and keeps its traffic out of the portal",
                    "unreachable fdff::/16 dev lo metric 1024 is more specific than fd00::/8 and keeps its traffic out of "
                        + "the portal",
                ])
            let tun = try Tun("inet256")
            try plumbing.bringUp()
            let lan = try #require(try Links(socket).find("lan")).index
            #expect(try Routes(socket).lookup(try #require(IPv6Address("fd12:3::2"))).interface == lan)
            tun.close()
        }
    }

    @Test(arguments: [
        ("interface \"a b\"", "a b", "fd12::34", UInt32(1400), UInt32(1024), UInt32(254)),
        ("address 2001:db8::1", "inet256", "2001:db8::1", 1400, 1024, 254),
        ("mtu 1279", "inet256", "fd12::34", 1279, 1024, 254),
        ("mtu 65536", "inet256", "fd12::34", 65536, 1024, 254),
        ("metric 0", "inet256", "fd12::34", 1400, 0, 254),
        ("metric 4294967294", "inet256", "fd12::34", 1400, 4_294_967_294, 254),
        ("table 0", "inet256", "fd12::34", 1400, 1024, 0),
    ])
    func badPlansNameTheField(
        field: String, interface: String, address: String, mtu: UInt32, metric: UInt32, table: UInt32
    ) throws {
        let error = try #require(throws: PortalError.self) {
            _ = try portalPlan(interface: interface, address: address, mtu: mtu, metric: metric, table: table)
        }
        #expect("\(error)".hasPrefix(field), "\(error)")
    }
}

@Suite struct PortalLeftoverTests {
    /// A crash: everything was laid, nothing taken away, the device's descriptor closed.
    private static func crash(_ plan: PortalPlan, _ socket: NetlinkSocket) throws {
        var crashed = PortalPlumbing(plan, socket)
        _ = try crashed.prepare()
        let tun = try Tun(plan.interface, persistent: plan.persistent)
        try crashed.bringUp()
        tun.close()
    }

    @Test func theHeldPrefixIsTakenOver() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            try Self.crash(try portalPlan(), socket)
            var next = PortalPlumbing(try portalPlan(), socket)
            #expect(try next.prepare().cleaned.isEmpty)
            try next.tearDown()
            #expect(picture() == untouched)
        }
    }

    @Test func thePrefixOfAnEarlierConfigurationIsCleared() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            try Self.crash(try portalPlan(), socket)
            var next = PortalPlumbing(try portalPlan(address: "0212::1", prefix: "200::/7"), socket)
            #expect(try next.prepare().cleaned == ["route unreachable fd00::/8 dev lo metric 4294967294"])
            try next.tearDown()
            #expect(picture() == untouched)
        }
    }

    @Test func aPersistentDeviceIsTakenIntoUseAgain() async throws {
        try await isolated {
            let socket = try othersNetwork()
            try Self.crash(try portalPlan(persistent: true), socket)
            // With another key, so the old address must go.
            var next = PortalPlumbing(try portalPlan(address: "fd56::78", persistent: true), socket)
            #expect(
                try next.prepare().cleaned == [
                    "route fd00::/8 dev inet256 metric 1024", "address fd12::34/128 on inet256",
                ])
            let tun = try Tun("inet256", persistent: true)
            try next.bringUp()
            let link = try #require(try Links(socket).find("inet256"))
            #expect(
                try Addresses(socket).list(interface: link.index, family: .ipv6).map(\.description) == ["fd56::78/128"])
            try next.tearDown()
            #expect(try Links(socket).find("inet256")?.alias == "")
            tun.close()
        }
    }

    @Test func aPersistentDeviceNoLongerWantedIsDeletedOrItsMarkIsTakenOff() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            try Self.crash(try portalPlan(persistent: true), socket)
            var next = PortalPlumbing(try portalPlan(), socket)
            #expect(try next.prepare().cleaned.last == "interface inet256")
            try next.tearDown()
            #expect(picture() == untouched)

            try Self.crash(try portalPlan(interface: "old", persistent: true), socket)
            var other = PortalPlumbing(try portalPlan(), socket)
            #expect(
                try other.prepare().cleaned == [
                    "route fd00::/8 dev old metric 1024", "address fd12::34/128 on old", "mark on old",
                ])
            #expect(try Links(socket).find("old")?.alias == "")
        }
    }

    @Test func routesOfOthersThatLookAlikeStay() async throws {
        try await isolated {
            let socket = try othersNetwork()
            run("ip -6 route add unreachable fd00::/7 metric 4294967294; ip -6 route add fdaa::/16 dev lan proto 155")
            let untouched = picture()
            try Self.crash(try portalPlan(), socket)
            var next = PortalPlumbing(try portalPlan(), socket)
            _ = try next.prepare()
            try next.tearDown()
            #expect(picture() == untouched)
        }
    }
}
