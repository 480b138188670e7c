import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct TunOffloadTests {
    @Test func offloadsAreNamedForPeople() {
        #expect(PortalOffloads().description == "off")
        #expect(PortalOffloads([.udpJoining, .header]).names == ["header", "udp-joining"])
    }

    @Test func whatTheKernelTakesIsUsed() throws {
        try NetworkNamespace.run {
            let off = try TunDevice(name: "off")
            #expect(off.offloads.isEmpty && off.headerSize == 0)
            let tun = try TunDevice(name: "portal", offload: .auto)
            // Every kernel that this runs on since 3.8; UDP since 6.2.
            #expect(tun.offloads.isSuperset(of: [.header, .checksum, .tcpSplitting, .tcpJoining]))
            #expect(tun.offloads.contains(.udpSplitting) == tun.offloads.contains(.udpJoining))
            #expect(tun.headerSize == VirtioHeader.size)
        }
    }

    /// A persistent device keeps what its owner asked for; the next owner may want something else.
    @Test func aPersistentDeviceChangesItsOffloads() throws {
        try NetworkNamespace.run {
            _ = try TunDevice(name: "portal", persistent: true, offload: .auto)
            let good = try packet("fd00::2", "fd00::1")
            for (mode, size) in [(OffloadMode.off, 0), (.auto, 10), (.off, 0)] {
                let tun = try TunDevice(name: "portal", offload: mode)
                try shell("ip", "link", "set", "portal", "up")
                #expect(tun.headerSize == size)
                #expect(try good.withUnsafeBytes { try tun.write($0) })
                // A header where there should be none is not IPv6, none where there should be one a lie.
                #expect(tun.counters.written == 1)
            }
            try TunDevice(name: "portal").setPersistent(false)
        }
    }

    @Test func aDeviceMayHaveSeveralQueues() throws {
        try NetworkNamespace.run {
            let queues = try TunDevice.queues(3, name: "portal", offload: .auto)
            #expect(queues.count == 3 && queues.allSatisfy { $0.name == "portal" && $0.headerSize == 10 })
            #expect(Set(queues.map(\.offloads)).count == 1)
            try shell("ip", "link", "set", "portal", "up")
            let good = try packet("fd00::2", "fd00::1")
            for queue in queues { #expect(try good.withUnsafeBytes { try queue.write($0) }) }
            #expect(throws: TunError.wrongKind(name: "portal")) { try TunDevice(name: "portal") }
            let single = try TunDevice.queues(1, name: "single")
            #expect(throws: TunError.wrongKind(name: "single")) { try TunDevice(name: "single", multiQueue: true) }
            #expect(single.count == 1)
        }
    }

    /// A kernel that refuses joined packets gets the same packets singly, and the device says so.
    @Test func aRefusedSuperPacketIsWrittenSingly() throws {
        try NetworkNamespace.run {
            let tun = try TunDevice(name: "portal", offload: .auto)
            try shell("ip", "link", "set", "portal", "up")
            let joiner = Joiner(offloads: tun.offloads)
            let plan = SuperPacketPlan(isTCP: true, payload: [UInt8](repeating: 1, count: 300), segmentSize: 100)
            var packets = plan.packets(limit: 1280, leastRoom: 64, partial: false)
            let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
            defer { arena.deallocate() }
            for (number, packet) in packets.enumerated() {
                let place = UnsafeMutableRawBufferPointer(rebasing: arena[number * 1024..<number * 1024 + packet.count])
                place.copyBytes(from: packet)
                #expect(joiner.add(place, isPartial: false))
            }
            joiner.flush()
            let joined = try #require(joiner.next())
            // Headers longer than the packet: the kernel refuses that, and we never heed it.
            joined.slices[0].iov_base.storeBytes(of: 0xffff, toByteOffset: 2, as: UInt16.self)
            #expect(joined.packets == 3)
            #expect(try tun.write(joined))
            #expect(tun.counters.written == 3 && tun.counters.droppedRefused == 0)
            #expect(tun.offloads.contains(.header) && !tun.offloads.contains(.tcpJoining))
            joiner.offloads = tun.offloads
            let alone = packets[0].withUnsafeMutableBytes { joiner.add($0, isPartial: false) && joiner.next() != nil }
            #expect(alone, "joined no more")
        }
    }
}
