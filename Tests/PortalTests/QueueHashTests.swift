import Glibc
import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct QueueHashTests {
    private let hash = FlowHash(seed: 77)

    private func bucket(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { hash.bucket(ofBytes: $0) } }

    private func bucket(
        _ payload: [UInt8], next: UInt8, from: String = "fd00::1", to destination: String = "fd00::2"
    ) throws -> Int {
        bucket(try packet(from, destination, next: next, payload: payload))
    }

    private let ports: [UInt8] = [0x12, 0x34, 0, 80] + [UInt8](repeating: 7, count: 20)

    @Test func whatMakesAFlow() throws {
        let tcp = try bucket(ports, next: IPProtocol.tcp)
        var other = ports
        other[10] = 1
        #expect(try bucket(other, next: IPProtocol.tcp) == tcp, "the rest of the header does not")
        #expect(try bucket(Array(ports.prefix(4)), next: IPProtocol.tcp) == tcp, "nor the length")
        // Each of these could collide by chance, once in 1,023: the seed is one where they do not.
        for index in 0..<4 {
            var other = ports
            other[index] ^= 1
            #expect(try bucket(other, next: IPProtocol.tcp) != tcp)
        }
        #expect(try bucket(ports, next: IPProtocol.udp) != tcp)
        #expect(try bucket(ports, next: IPProtocol.tcp, from: "fd00::3") != tcp)
        #expect(try bucket(ports, next: IPProtocol.tcp, to: "fd00:0:0:1::2") != tcp)
        #expect(try bucket(ports, next: IPProtocol.tcp, from: "fd00::2", to: "fd00::1") != tcp)
    }

    @Test func theFlowLabelAndTrafficClassDoNotCount() throws {
        var bytes = try packet("fd00::1", "fd00::2", next: IPProtocol.tcp, payload: ports)
        let plain = bucket(bytes)
        bytes.replaceSubrange(0..<4, with: [0x6f, 0xff, 0xff, 0xff])
        #expect(bucket(bytes) == plain)
        bytes[7] = 1
        #expect(bucket(bytes) == plain, "nor the hop limit")
    }

    @Test func extensionHeadersAreSteppedOver() throws {
        let tcp = try bucket(ports, next: IPProtocol.tcp)
        let short: [UInt8] = [0, 0, 0, 0, 0, 0]
        let options = [IPProtocol.tcp, 0] + short
        for kind in [IPProtocol.hopByHop, IPProtocol.routing, IPProtocol.destinationOptions] {
            #expect(try bucket(options + ports, next: kind) == tcp)
        }
        let long = [IPProtocol.destinationOptions, 1] + short + short + [0, 0]
        #expect(try bucket(long + options + ports, next: IPProtocol.hopByHop) == tcp)

        // Fragments go by addresses alone, the first as the later ones.
        let first = [IPProtocol.tcp, 0, 0, 1] + [UInt8](repeating: 9, count: 4) + ports
        let later = [IPProtocol.tcp, 0, 5, 0] + [UInt8](repeating: 9, count: 4) + [1, 2, 3]
        #expect(try bucket(first, next: IPProtocol.fragment) == bucket(later, next: IPProtocol.fragment))
    }

    @Test func echoesGoByTheirIdentifier() throws {
        func echo(type: UInt8, identifier: UInt8, sequence: UInt8) throws -> Int {
            try bucket([type, 0, 1, 2, 0, identifier, 0, sequence], next: IPProtocol.icmpv6)
        }
        #expect(try echo(type: 128, identifier: 1, sequence: 1) == echo(type: 128, identifier: 1, sequence: 2))
        #expect(try echo(type: 128, identifier: 1, sequence: 1) != echo(type: 128, identifier: 2, sequence: 1))
        #expect(try echo(type: 1, identifier: 1, sequence: 1) == echo(type: 1, identifier: 2, sequence: 1))
    }

    @Test func hostilePacketsShareAFlow() throws {
        #expect(bucket([]) == FlowHash.malformed)
        #expect(bucket([0x60]) == FlowHash.malformed)
        #expect(bucket([0x45] + [UInt8](repeating: 0, count: 60)) == FlowHash.malformed)
        #expect(bucket(Array(try packet("fd00::1", "fd00::2", payload: ports).dropLast())) == FlowHash.malformed)
        #expect(bucket(try packet("fd00::1", "fd00::2", payload: ports) + [0]) == FlowHash.malformed)
        // Too short for what they say they carry.
        for next in [IPProtocol.tcp, IPProtocol.udp, IPProtocol.icmpv6] {
            #expect(try bucket([1, 2, 3], next: next) == FlowHash.malformed)
        }
        #expect(try bucket([], next: IPProtocol.hopByHop) == FlowHash.malformed)
        #expect(try bucket([IPProtocol.tcp, 200] + ports, next: IPProtocol.hopByHop) == FlowHash.malformed)
        #expect(try bucket([IPProtocol.noNextHeader, 200] + ports, next: IPProtocol.routing) == FlowHash.malformed)
        // A chain longer than any honest one.
        let link: [UInt8] = [IPProtocol.destinationOptions, 0, 0, 0, 0, 0, 0, 0]
        let chain = (0..<1000).flatMap { _ in link }
        #expect(try bucket(chain + ports, next: IPProtocol.destinationOptions) == FlowHash.malformed)
        // Empty ones are good.
        #expect(try bucket([], next: IPProtocol.noNextHeader) != FlowHash.malformed)
    }

    /// Whatever the bytes: a bucket there is, and nothing beyond the packet is read.
    @Test func anyBytesHaveABucket() throws {
        var random = SplitMix(seed: 0x9a5)
        var malformed = 0
        let page = Int(getpagesize())
        let memory = try #require(
            mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).flatMap {
                $0 == MAP_FAILED ? nil : $0
            })
        defer { munmap(memory, 2 * page) }
        try #require(mprotect(memory + page, page, PROT_NONE) == 0)
        for round in 0..<50_000 {
            var bytes = random.bytes(Int.random(in: 0...100, using: &random))
            if round % 2 == 0, bytes.count >= IPv6Header.size {
                bytes[0] = 0x60
                bytes[4] = 0
                bytes[5] = UInt8(bytes.count - IPv6Header.size)
                bytes[6] = [0, 6, 17, 43, 44, 58, 60].randomElement(using: &random) ?? 0
            }
            // It ends where nothing may be read.
            let exact = UnsafeMutableRawBufferPointer(start: memory + page - bytes.count, count: bytes.count)
            exact.copyBytes(from: bytes)
            let bucket = hash.bucket(ofBytes: UnsafeRawBufferPointer(exact))
            #expect((0..<FlowHash.buckets).contains(bucket), "round \(round)")
            if bucket == FlowHash.malformed { malformed += 1 }
        }
        #expect(malformed > 20_000 && malformed < 49_000)
    }

    /// Another key, other buckets: flows that share one under a key are apart under the next. And they are spread evenly.
    @Test func theKeyDecides() throws {
        var random = SplitMix(seed: 5)
        let packets = try (0..<4096).map { index in
            try packet("fd00::1", "fd00::2", payload: [UInt8(index >> 8), UInt8(index & 255), 0, 80, 0, 0, 0, 0])
        }
        var collisions: [Int: Int] = [:]
        for _ in 0..<8 {
            let hash = FlowHash(seed: random.next())
            let buckets = packets.map { bytes in bytes.withUnsafeBytes { hash.bucket(ofBytes: $0) } }
            var loads = [Int](repeating: 0, count: FlowHash.buckets)
            for bucket in buckets { loads[bucket] += 1 }
            #expect(loads[FlowHash.malformed] == 0)
            // Four in each by the mean; sequential ports may not heap up.
            #expect((loads.max() ?? 0) < 20)
            #expect(loads.filter { $0 == 0 }.count < 120)
            for index in buckets.indices where index > 0 && buckets[index] == buckets[0] {
                collisions[index, default: 0] += 1
            }
        }
        #expect(collisions.values.allSatisfy { $0 <= 2 }, "no pair collides under most keys")
    }
}

extension FlowHash {
    /// As the queue does with what it is given.
    func bucket(ofBytes bytes: UnsafeRawBufferPointer) -> Int {
        (try? IPv6Header(bytes)).map { bucket(of: $0) } ?? Self.malformed
    }
}
