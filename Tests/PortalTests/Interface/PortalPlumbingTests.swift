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
    var routing = PortalPlan.Routing()
    routing.metric = metric
    routing.table = table
    routing.networks = try networks.map { try #require(IPv6Prefix($0)) }
    routing.localNetworks = try localNetworks.map { try #require(IPv6Prefix($0)) }
    routing.guarding = guarding
    return try PortalPlan(
        interface: interface, address: try #require(IPv6Address(address)), prefix: try #require(IPv6Prefix(prefix)),
        mtu: mtu, persistent: persistent, routing: routing)
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

@Suite struct PortalPlumbingTests {
    @Test func aPlanWithAnAddressOutsideItsPrefixIsNone() {
        #expect(throws: PortalError.self) { _ = try portalPlan(address: "fe00::1") }
    }

    @Test func withoutThePrivilegeNothingIsLaid() async throws {
        try await isolated {
            let netAdmin: UInt32 = 12
            #expect(Syscalls.dropEffective(netAdmin))
            var plumbing = PortalPlumbing(try portalPlan(), try NetlinkSocket())
            let refusal = try #require(throws: PortalError.self) { _ = try plumbing.prepare() }
            #expect(refusal == .noPrivilege && "\(refusal)".contains("portal: {enabled: false}"))
            // The same from the kernel's mouth, when the check before is passed over.
            #expect(throws: PortalError.noPrivilege) { try plumbing.hold() }
        }
    }

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
