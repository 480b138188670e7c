import Glibc
import Netlink
import Portal
import TestSupport
import Testing
import Wire

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
