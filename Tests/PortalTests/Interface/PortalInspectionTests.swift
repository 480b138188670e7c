import Glibc
import Netlink
import TestSupport
import Testing
import Wire

@testable import Portal

/// What is seen of damage, and that mending touches nobody else's things.
@Suite struct PortalInspectionTests {
    @Test(arguments: ["fd00::/8", "::/0", "2001:db8::/63", "fd00:1:2:3::/64", "fd00::/65", "fd00::2/127"])
    func twoHalvesAreTheWhole(_ text: String) throws {
        let whole = try #require(IPv6Prefix(text))
        let halves = PortalPlumbing.halves(of: Route(whole, interface: 3, metric: 7, table: 9)).map(\.destination)
        #expect(halves.count == 2 && halves.allSatisfy { $0.length == whole.length + 1 })
        #expect(halves[0].address == whole.address && halves[0] != halves[1])
        #expect(halves.allSatisfy { whole.contains($0.address) } && !halves[0].contains(halves[1].address))
    }

    @Test func anAddressHasNoHalves() throws {
        #expect(PortalPlumbing.halves(of: Route(try #require(IPv6Prefix("fd00::1/128")))).isEmpty)
    }

    /// The best metric there is, so that no route of exactly the prefix could be better.
    @Test(arguments: [
        "unreachable fd00::/8 metric 1", "fd00::/8 via 2001:db8::fe dev lan metric 1023",
        "fd00::/8 dev lan metric 1024",
    ])
    func aRivalRouteIsOverruledAndLeftAlone(_ rival: String) async throws {
        try await isolated {
            let socket = try othersNetwork()
            let untouched = picture()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            let index = try #require(try Links(socket).find("inet256")).index
            try plumbing.bringUp(index)
            let peers = try ["fd12::99", "fdff::1"].map { try #require(IPv6Address($0)) }
            // In the place of ours, where it has its metric.
            #expect(run("ip -6 route replace \(rival)").code == 0)

            let inspection = try plumbing.inspect()
            #expect(inspection.damages.map(\.kind) == [.route], "\(inspection.damages)")
            #expect(inspection.warnings.count == 1 && inspection.warnings[0].contains("ip -6 route delete"))
            #expect(plumbing.mend(inspection).failed.isEmpty)
            #expect(try peers.allSatisfy { try Routes(socket).lookup($0).interface == index })
            #expect(run("ip -6 route show fd00::/8 | grep -cv 'proto 156'").output == "1\n")
            #expect(try plumbing.inspect().damages.isEmpty)

            #expect(run("ip -6 route delete \(rival)").code == 0)
            // Two that are not needed, and where it had our place that one.
            #expect(try plumbing.inspect().damages.count == (rival.hasSuffix("1024") ? 3 : 2))
            #expect(plumbing.mend(try plumbing.inspect()).failed.isEmpty)
            #expect(try plumbing.inspect().damages.isEmpty && plumbing.inspect().warnings.isEmpty)
            #expect(try peers.allSatisfy { try Routes(socket).lookup($0).interface == index })
            try plumbing.tearDown()
            tun.close()
            #expect(picture() == untouched)
        }
    }

    @Test func aWorseRouteIsNobodysBusiness() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            try plumbing.bringUp()
            #expect(run("ip -6 route add fd00::/8 dev lan metric 2000").code == 0)
            #expect(try plumbing.inspect().damages.isEmpty && plumbing.inspect().warnings.isEmpty)
            try plumbing.tearDown()
            tun.close()
        }
    }

    @Test func aNameIsTakenBackOnlyWhereItIsFree() async throws {
        try await isolated {
            let socket = try othersNetwork()
            var plumbing = PortalPlumbing(try portalPlan(), socket)
            _ = try plumbing.prepare()
            let tun = try Tun("inet256")
            let index = try #require(try Links(socket).find("inet256")).index
            // udev may be that fast.
            run("ip link set inet256 name early")
            try plumbing.bringUp(index)
            #expect(try Links(socket).find("inet256")?.index == index)

            run("ip link set inet256 name fled; ip link add inet256 type bridge; ip -6 route flush dev fled")
            let taken = try plumbing.inspect()
            #expect(taken.name == "fled" && taken.damages.map(\.kind) == [.name, .route])
            #expect(plumbing.mend(taken).mended.map(\.kind) == [.route])
            #expect(try Links(socket).find("inet256")?.kind == "bridge")
            #expect(try plumbing.inspect().damages.map(\.kind) == [.name])
            run("ip link delete inet256")
            #expect(plumbing.mend(try plumbing.inspect()).mended.map(\.kind) == [.name])
            #expect(try plumbing.inspect().damages.isEmpty)
            try plumbing.tearDown()
            tun.close()
        }
    }

    @Test func whoCausedAnEventIsTold() async throws {
        try await isolated {
            let socket = try othersNetwork()
            let watcher = try KernelWatcher()
            try Routes(socket).add(Route(try #require(IPv6Prefix("fd77::/16")), kind: .unreachable))
            // What the kernel does by itself meanwhile, such as an address that becomes ready, has port 0.
            let ours = try watcher.notices().filter { $0.port != 0 }
            #expect(!ours.isEmpty && ours.allSatisfy { $0.port == socket.port })
            run("ip -6 route add unreachable fd78::/16")
            let others = try watcher.notices().filter { $0.port != 0 }
            #expect(!others.isEmpty && others.allSatisfy { $0.port != socket.port })
        }
    }
}
