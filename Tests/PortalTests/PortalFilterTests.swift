import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct PortalFilterTests {
    private let filter: PortalFilter

    init() throws {
        filter = PortalFilter(own: try address("fd00::1"), prefix: try #require(IPv6Prefix("fd00::/8")))
    }

    /// Nil for "pass".
    private func outbound(_ bytes: [UInt8]) -> DropReason? {
        bytes.withUnsafeBytes { if case .drop(let reason, _) = filter.outbound($0) { reason } else { nil } }
    }

    private func inbound(_ bytes: [UInt8], from sender: String = "fd00::2") throws -> DropReason? {
        let sender = try address(sender)
        return bytes.withUnsafeBytes {
            if case .drop(let reason, _) = filter.inbound($0, from: sender) { reason } else { nil }
        }
    }

    @Test func outboundReasons() throws {
        #expect(outbound(try packet("fd00::1", "fd00::2")) == nil)
        #expect(outbound(try packet("fd00::1", "fdff:ffff::2")) == nil)
        #expect(outbound(try packet("fd00::1", "fe00::2")) == .destinationOutsidePrefix)
        #expect(outbound(try packet("fd00::1", "2001:db8::2")) == .destinationOutsidePrefix)
        #expect(outbound(try packet("fd00::1", "::")) == .destinationOutsidePrefix)
        #expect(outbound(try packet("fd00::3", "fd00::2")) == .sourceNotOurs)
        #expect(outbound(try packet("::", "fd00::2")) == .sourceNotOurs)
        #expect(outbound(try packet("fd00::1", "ff02::2")) == .multicast)
        #expect(outbound(try packet("::", "ff02::16")) == .multicast)
        #expect(outbound(try packet("fd00::1", "fe80::2")) == .linkLocal)
        #expect(outbound(try packet("fe80::1", "fd00::2")) == .linkLocal)
        #expect(outbound([]) == .malformed)
        #expect(outbound([0x60]) == .malformed)
        #expect(outbound([0x45] + [UInt8](repeating: 0, count: 39)) == .notIPv6)
    }

    @Test func inboundReasons() throws {
        #expect(try inbound(packet("fd00::2", "fd00::1")) == nil)
        #expect(try inbound(packet("fd00::3", "fd00::1")) == .sourceNotSender)
        #expect(try inbound(packet("fd00::1", "fd00::1")) == .sourceNotSender)
        #expect(try inbound(packet("fd00::2", "fd00::3")) == .destinationNotOurs)
        #expect(try inbound(packet("fd00::2", "2001:db8::3")) == .destinationNotOurs)
        #expect(try inbound(packet("fd00::2", "ff02::1")) == .multicast)
        #expect(try inbound(packet("fd00::2", "fe80::1")) == .linkLocal)
        #expect(try inbound(Array(packet("fd00::2", "fd00::1", payload: [1, 2]).dropLast())) == .malformed)
        #expect(try inbound(packet("fd00::2", "fd00::1") + [0]) == .malformed)
        #expect(try inbound([0x45, 0, 0, 20]) == .notIPv6)
        #expect(try inbound([]) == .malformed)
    }

    @Test func theViewIsThatOfThePacket() throws {
        let bytes = try packet("fd00::1", "fd00::2", payload: [1, 2, 3])
        let bad = try packet("fd00::1", "2001:db8::1")
        let there = try address("fd00::2")
        let outside = try address("2001:db8::1")
        bytes.withUnsafeBytes { raw in
            guard case .pass(let header) = filter.outbound(raw) else {
                Issue.record("did not pass")
                return
            }
            #expect(header.destination == there && header.payloadLength == 3)
        }
        bad.withUnsafeBytes { raw in
            guard case .drop(let reason, let header?) = filter.outbound(raw) else {
                Issue.record("no view")
                return
            }
            #expect(reason.answer == .noRoute)
            #expect(header.destination == outside)
        }
    }

    /// Whatever the bytes: what passes has our address on our side and the sender's on the other.
    @Test func hostileBytesNeverPassWrongly() throws {
        let seed: UInt64 = 0xf117
        var random = SplitMix(seed: seed)
        let sender = try address("fd00::2")
        let good = try packet("fd00::2", "fd00::1", payload: [UInt8](repeating: 1, count: 30))
        var passed = 0
        for round in 0..<100_000 {
            var bytes = round % 2 == 0 ? random.bytes(Int.random(in: 0...80, using: &random)) : good
            if round % 2 == 1 {
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
                    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                }
            }
            bytes.withUnsafeBytes { raw in
                if case .pass(let header) = filter.inbound(raw, from: sender) {
                    passed += 1
                    #expect(header.source == sender && header.destination == filter.own, "seed \(seed), round \(round)")
                    #expect(header.totalLength == raw.count, "seed \(seed), round \(round)")
                }
                if case .pass(let header) = filter.outbound(raw) {
                    #expect(header.source == filter.own, "seed \(seed), round \(round)")
                    #expect(filter.prefix.contains(header.destination), "seed \(seed), round \(round)")
                }
            }
        }
        #expect(passed > 10_000, "the good ones are among them")
    }

    @Test func everyReasonIsCountedForItself() {
        var counters = DropCounters()
        for (index, reason) in DropReason.allCases.enumerated() {
            #expect(reason.rawValue == index)
            for _ in 0...index { counters.count(reason) }
        }
        for (index, reason) in DropReason.allCases.enumerated() { #expect(counters[reason] == UInt64(index + 1)) }
        let count = UInt64(DropReason.allCases.count)
        #expect(counters.total == count * (count + 1) / 2)
        #expect(Set(DropReason.allCases.map(\.description)).count == DropReason.allCases.count)
    }
}
