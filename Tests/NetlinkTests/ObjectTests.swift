import Glibc
import Netlink
import TestSupport
import Testing
import Wire

@Suite struct LinkTests {
    @Test func aPairIsMadeChangedAndDeleted() async throws {
        try await isolated {
            let links = Links(try NetlinkSocket())
            try links.createPair("left", "right")
            let left = try #require(try links.find("left"))
            #expect(left.kind == "veth" && !left.isUp && left.mtu == 1500 && left.alias.isEmpty)
            #expect(try links.list().map(\.name).sorted() == ["left", "lo", "right"])

            try links.setAddressGeneration(left.index, .none)
            try links.setMTU(left.index, 1400)
            try links.setAlias(left.index, "inet256vpn")
            try links.setTransmitQueueLength(left.index, 77)
            try links.setUp(left.index)
            let right = try #require(try links.find("right"))
            let watcher = try KernelWatcher()
            try links.setUp(right.index)
            let changed = try #require(try links.find(index: left.index))
            #expect(changed.isUp && changed.flags.contains(.running) && changed.hasCarrier == true)
            #expect(changed.mtu == 1400 && changed.alias == "inet256vpn" && changed.transmitQueueLength == 77)
            #expect(changed.addressGeneration == AddressGeneration.none)
            // On the right, left as it was, a link-local address comes with "up"; on the left none does.
            try watcher.wait { if case .address(let new) = $0 { new.address.isLinkLocal } else { false } }
            #expect(try Addresses(try NetlinkSocket()).list(interface: left.index).isEmpty)

            try links.setAlias(left.index, "")
            try links.setDown(left.index)
            let last = try #require(try links.find("left"))
            #expect(last.alias.isEmpty && !last.isUp)
            #expect(try links.delete(left.index))
            #expect(try links.delete(left.index) == false)
            #expect(try links.find("left") == nil && links.find(index: left.index) == nil)
        }
    }

    @Test func aBridgeTakesPorts() async throws {
        try await isolated {
            let links = Links(try NetlinkSocket())
            try links.create("bridge0", kind: "bridge")
            try links.createPair("left", "right")
            let bridge = try #require(try links.find("bridge0"))
            let left = try #require(try links.find("left"))
            try links.setMaster(left.index, bridge.index)
            #expect(try links.find("left")?.master == bridge.index)
            try links.setMaster(left.index, 0)
            #expect(try links.find("left")?.master == 0)
        }
    }

    @Test func aTunShowsWhetherSomebodyHoldsIt() async throws {
        try await isolated {
            let links = Links(try NetlinkSocket())
            do {
                let tun = try Tun("tun7", persistent: true)
                let held = try #require(try links.find("tun7"))
                #expect(held.kind == "tun" && held.hasCarrier == true)
                tun.close()
            }
            #expect(try #require(try links.find("tun7")).hasCarrier == false)
        }
    }

    @Test func whatDoesNotFitIsRefusedBeforeItIsSent() async throws {
        try await isolated {
            let links = Links(try NetlinkSocket())
            let index = try #require(try links.find("lo")).index
            let error = try #require(throws: NetlinkError.self) {
                try links.setAlias(index, String(repeating: "a", count: 10_000))
            }
            #expect(error.code == EMSGSIZE)
            #expect(throws: NetlinkError.self) { try links.setAlias(index, String(repeating: "a", count: 256)) }
            #expect(try links.find("lo")?.alias == "")
        }
    }

    @Test func namesThatCannotBeAreNamed() {
        for bad in ["", "a-name-of-16-byte", ".", "..", "a b", "a/b", "a:b", "tun%d", "tün"] {
            #expect(NetworkInterface.nameFault(bad) != nil, "\(bad)")
        }
        for good in ["inet256", "a", "fifteen-bytes-0", "eth0.7"] { #expect(NetworkInterface.nameFault(good) == nil) }
    }
}

@Suite struct AddressTests {
    @Test func addressesAreAddedReplacedAndRemoved() async throws {
        try await isolated {
            let socket = try NetlinkSocket()
            let tun = try Tun("tun0")
            let index = try #require(try Links(socket).find("tun0")).index
            let addresses = Addresses(socket)
            let address = InterfaceAddress(
                try #require(IPv6Address("fd12::34")), prefixLength: 128, interface: index,
                flags: [.noDuplicateDetection, .noPrefixRoute], protocolNumber: 156)
            // While the link is down, as the portal does it.
            try addresses.add(address)
            let listed = try #require(try addresses.list(interface: index, family: .ipv6).first)
            #expect(listed.address == address.address && listed.prefixLength == 128)
            #expect(listed.flags.isSuperset(of: [.noDuplicateDetection, .noPrefixRoute, .permanent]))
            #expect(listed.protocolNumber == 156 && !listed.flags.contains(.tentative))
            let error = try #require(throws: NetlinkError.self) { try addresses.add(address) }
            #expect(error.isExisting && error.object == "fd12::34/128 dev tun0" && error.operation == "add address")
            try addresses.replace(address)
            // No route for the prefix came along.
            try Links(socket).setUp(index)
            let main = try Routes(socket).list(RouteFilter(family: .ipv6, table: Route.mainTable))
            #expect(!main.contains { $0.destination.contains(address.address) && $0.interface == index })

            let v4 = InterfaceAddress(IPv6Address(mappedIPv4: 0x0a00_0001), prefixLength: 24, interface: index)
            try addresses.add(v4)
            #expect(try addresses.list(interface: index, family: .ipv4).map(\.description) == ["10.0.0.1/24"])
            #expect(try addresses.remove(v4))
            #expect(try addresses.remove(address))
            #expect(try addresses.remove(address) == false)
            #expect(try !addresses.list(interface: index).contains { $0.address == address.address })
            #expect(try addresses.list(interface: 4711).isEmpty)
            tun.close()
        }
    }
}

@Suite struct PrivilegeTests {
    @Test func withoutThePrivilegeTheErrorSaysSo() async throws {
        try await isolated {
            #expect(Capabilities.hasNetAdmin)
            let netAdmin: UInt32 = 12
            #expect(Syscalls.dropEffective(netAdmin))
            #expect(!Capabilities.hasNetAdmin)
            let socket = try NetlinkSocket()
            // Looking is free.
            #expect(try Links(socket).list().map(\.name) == ["lo"])
            let route = Route(try #require(IPv6Prefix("fd00::/8")), kind: .unreachable)
            let error = try #require(throws: NetlinkError.self) { try Routes(socket).add(route) }
            #expect(error.isPermission && error.codeName == "EPERM")
            #expect(
                "\(error)".hasPrefix(
                    "cannot add route unreachable fd00::/8: Operation not permitted (EPERM)"), "\(error)")
            #expect(error.advice?.contains("CAP_NET_ADMIN") == true)
        }
    }

    @Test func theKernelsOwnWordsAreCarried() async throws {
        try await isolated {
            let socket = try NetlinkSocket()
            let links = Links(socket)
            try links.createPair("left", "right")
            let index = try #require(try links.find("left")).index
            let error = try #require(throws: NetlinkError.self) { try links.setMTU(index, 100_000) }
            #expect(error.kernelText == "mtu greater than device maximum", "\(error)")
            #expect(
                "\(error)".contains(
                    "cannot set MTU 100000 on interface left: Invalid argument (EINVAL); the kernel says: mtu"))
        }
    }

    @Test func errorsDescribeThemselves() {
        let plain = NetlinkError(operation: "add route", object: "fd00::/8 dev inet256", code: EEXIST)
        #expect(plain.description == "cannot add route fd00::/8 dev inet256: File exists (EEXIST)")
        #expect(NetlinkError(operation: "list links", object: "", code: 9999).description.contains("(errno 9999)"))
        #expect(NetlinkError(operation: "x", object: "", code: ETIMEDOUT).isTimeout)
    }
}
