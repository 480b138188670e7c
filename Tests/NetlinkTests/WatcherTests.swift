import Glibc
import Netlink
import TestSupport
import Testing
import Wire

@Suite struct WatcherTests {
    @Test func changesAreHeardInOrder() async throws {
        try await isolated {
            let socket = try NetlinkSocket()
            let watcher = try KernelWatcher()
            #expect(try watcher.drain().isEmpty)
            #expect(!watcher.isReadable())

            // The kernel queues an event before it acknowledges the change: nothing to wait for.
            let links = Links(socket)
            try links.createPair("left", "right")
            #expect(watcher.isReadable())
            let left = try #require(try links.find("left"))
            let made = try watcher.drain()
            #expect(
                made.contains {
                    if case .link(let link) = $0 { link.name == "left" && link.kind == "veth" } else { false }
                })

            try links.setUp(left.index)
            #expect(
                try watcher.drain().contains {
                    if case .link(let link) = $0 { link.index == left.index && link.isUp } else { false }
                })
            let address = InterfaceAddress(
                try #require(IPv6Address("fd77::1")), prefixLength: 128, interface: left.index,
                flags: [.noDuplicateDetection, .noPrefixRoute])
            let route = Route(try #require(IPv6Prefix("fd00::/8")), metric: 7, kind: .unreachable).marked(156)
            try Addresses(socket).add(address)
            // The kernel tells of a new IPv6 address from a work queue of its own.
            try watcher.wait { if case .address(let new) = $0 { new.address == address.address } else { false } }
            try Routes(socket).add(route)
            try Routes(socket).remove(route)
            try Addresses(socket).remove(address)
            // lo may bring events of its own; ours are picked out.
            let kinds = try watcher.drain().compactMap { event -> String? in
                switch event {
                case .addressGone(let found): found.address == address.address ? "address gone" : nil
                case .route(let found): found.protocolNumber == 156 ? "route" : nil
                case .routeGone(let found): found.protocolNumber == 156 ? "route gone" : nil
                case .link, .linkGone, .address, .overrun: nil
                }
            }
            #expect(kinds == ["route", "route gone", "address gone"])
            try links.delete(left.index)
            #expect(
                try watcher.drain().contains {
                    if case .linkGone(let link) = $0 { link.name == "left" } else { false }
                })
        }
    }

    @Test func aPortThatLeavesItsBridgeIsNotALinkThatIsGone() async throws {
        try await isolated {
            let links = Links(try NetlinkSocket())
            try links.create("bridge0", kind: "bridge")
            try links.createPair("left", "right")
            let left = try #require(try links.find("left")).index
            try links.setMaster(left, try #require(try links.find("bridge0")).index)
            let watcher = try KernelWatcher()
            try links.setMaster(left, 0)
            let events = try watcher.drain()
            #expect(!events.isEmpty)
            #expect(!events.contains { if case .linkGone = $0 { true } else { false } }, "\(events)")
        }
    }

    @Test func lostEventsAreToldOnce() async throws {
        try await isolated {
            let routes = Routes(try NetlinkSocket())
            let watcher = try KernelWatcher(receiveBuffer: 4096)
            for metric in UInt32(1)...200 {
                try routes.add(Route(try #require(IPv6Prefix("fd00::/8")), metric: metric, kind: .unreachable))
            }
            var events: [KernelEvent] = []
            while watcher.isReadable() { events += try watcher.drain() }
            #expect(events.filter { $0 == .overrun }.count == 1)
            // And it goes on hearing afterwards.
            try routes.add(Route(try #require(IPv6Prefix("fd00::/8")), metric: 999, kind: .unreachable))
            #expect(
                try watcher.drain().contains { if case .route(let route) = $0 { route.metric == 999 } else { false } })
        }
    }
}
