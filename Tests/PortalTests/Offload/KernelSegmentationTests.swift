import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

/// A portal whose packets the kernel forwards to a wire that wants them whole: the kernel splits and finishes them.
private struct ForwardingKernel {
    let portal: TunDevice
    let wire: TunDevice
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: TunDevice.readSize, alignment: 16)

    init() throws {
        portal = try TunDevice(name: "portal", offload: .auto)
        wire = try TunDevice(name: "wire", offload: .off)
        for (name, route) in [("portal", "fd01::/16"), ("wire", "fd02::/16")] {
            try shell("ip", "link", "set", name, "addrgenmode", "none", "mtu", "1500", "txqueuelen", "5000")
            try shell("ip", "link", "set", name, "up")
            try shell("ip", "route", "add", route, "dev", name)
        }
        try shell("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    }

    func free() { buffer.deallocate() }

    /// The next packets that come out on the wire from this source, with the hop that the kernel took off put back: as
    /// many as are expected, or those that came until nothing did for five seconds.
    func forwarded(_ expected: Int, from source: [UInt8]) throws -> [[UInt8]] {
        var packets: [[UInt8]] = []
        while packets.count < expected {
            let count = try wire.read(into: buffer)
            guard count > 0 else {
                var waiting = pollfd(fd: wire.descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&waiting, 1, 5000) == 1 else { break }
                continue
            }
            var packet = Array(buffer[..<count])
            guard packet.count >= 40, Array(packet[8..<24]) == source else { continue }
            packet[7] += 1
            packets.append(packet)
        }
        return packets
    }
}

@Suite struct KernelSegmentationTests {
    /// A packet that the kernel forwards, at random.
    private static func plan(_ random: inout SplitMix, _ payloads: [UInt8]) -> SuperPacketPlan {
        var plan = SuperPacketPlan.random(&random, payloads: payloads)
        plan.extensions = []
        if Int.random(in: 0...3, using: &random) == 0 {
            // Destination options: one PadN, RFC 8200 section 4.2.
            plan.extensions = [(60, [1, 12] + [UInt8](repeating: 0, count: 12))]
        }
        plan.hopLimit = 64
        plan.source = [0xfd, 1] + random.bytes(14)
        plan.destination = [0xfd, 2] + random.bytes(14)
        plan.finalDestination = plan.destination
        plan.segmentSize = min(max(plan.segmentSize, plan.payload.count / 60 + 1), 1300)
        plan.payload = Array(plan.payload.prefix(plan.segmentSize * 60))
        if plan.payload.count < 2 { plan.payload = [1, 2] }
        // Always two at least: of one whose payload is not longer than a segment the kernel judges by its length without
        // TCP options, and then loses it. Neither the kernel nor the joiner makes such.
        plan.segmentSize = min(plan.segmentSize, plan.payload.count - 1)
        return plan
    }

    /// The same super-packet split by the kernel and by us.
    @Test func weSplitAsTheKernelDoes() throws {
        try NetworkNamespace.run {
            let kernel = try ForwardingKernel()
            defer { kernel.free() }
            var random = SplitMix(seed: 40)
            let payloads = random.bytes(65_536)
            for number in 0..<2000 {
                let plan = Self.plan(&random, payloads)
                guard plan.isTCP || kernel.portal.offloads.contains(.udpJoining) else { continue }
                let read = plan.read()
                try #require(write(kernel.portal.descriptor, read, read.count) == read.count, "packet \(number)")
                let ours = try split(read, limit: 1500, partial: false).packets
                let theirs = try kernel.forwarded(ours.count, from: plan.source)
                try #require(ours == theirs, "packet \(number)")
            }
        }
    }

    /// What we join is split by the kernel into the same packets, and finished ones leave where unfinished ones came.
    @Test func theKernelSplitsWhatWeJoined() throws {
        try NetworkNamespace.run {
            let kernel = try ForwardingKernel()
            defer { kernel.free() }
            var random = SplitMix(seed: 41)
            let payloads = random.bytes(65_536)
            let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 2048, alignment: 16)
            defer { arena.deallocate() }
            let joiner = Joiner(offloads: kernel.portal.offloads)
            var joined = 0
            func drain() throws {
                while let packet = joiner.next() {
                    joined += packet.packets > 1 ? 1 : 0
                    #expect(try kernel.portal.write(packet))
                }
            }
            for number in 0..<1000 {
                var plan = Self.plan(&random, payloads)
                plan.flags &= ~0x26
                let partial = Bool.random(using: &random)
                for (index, packet) in plan.packets(limit: 1500, leastRoom: 64, partial: partial).enumerated() {
                    let place = UnsafeMutableRawBufferPointer(
                        rebasing: arena[index * 2048..<index * 2048 + packet.count])
                    place.copyBytes(from: packet)
                    #expect(joiner.add(place, isPartial: partial))
                    try drain()
                }
                joiner.flush()
                try drain()
                let whole = plan.packets(limit: 1500, leastRoom: 64, partial: false)
                try #require(try kernel.forwarded(whole.count, from: plan.source) == whole, "packet \(number)")
            }
            #expect(joined > 100 && kernel.portal.counters.droppedRefused == 0)
            #expect(kernel.portal.offloads == joiner.offloads, "nothing was refused")
        }
    }
}
