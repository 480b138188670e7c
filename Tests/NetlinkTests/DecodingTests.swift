import Glibc
import Netlink
import Testing
import Wire

/// Bytes that end where a page without access begins: a read behind their end is a crash, not luck.
private final class GuardedPage {
    private let base: UnsafeMutableRawPointer
    private let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    init() throws {
        let mapped = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        base = try #require(mapped == MAP_FAILED ? nil : mapped)
        try #require(mprotect(base + page, page, PROT_NONE) == 0)
    }

    deinit { munmap(base, 2 * page) }

    func show<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = base + (page - bytes.count)
        bytes.withUnsafeBytes { if let source = $0.baseAddress { start.copyMemory(from: source, byteCount: $0.count) } }
        return body(UnsafeRawBufferPointer(start: start, count: bytes.count))
    }
}

/// Messages written by hand, in host order.
private enum Sample {
    static func host<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { [UInt8]($0) } }

    static func attribute(_ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
        let bytes = host(UInt16(4 + payload.count)) + host(type) + payload
        return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }

    static func message(_ type: UInt16, flags: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
        host(UInt32(16 + body.count)) + host(type) + host(flags) + host(UInt32(9)) + host(UInt32(0)) + body
    }

    static let link = message(
        16,
        [0, 0, 0xfe, 0xff] + host(UInt32(7)) + host(UInt32(0x1091)) + host(UInt32(0))
            + attribute(3, Array("inet256".utf8) + [0]) + attribute(4, host(UInt32(1400)))
            + attribute(20, Array("inet256vpn".utf8) + [0]) + attribute(33, [1])
            + attribute(18 | 0x8000, attribute(1, Array("tun".utf8) + [0]))
            + attribute(26 | 0x8000, attribute(10 | 0x8000, attribute(8, [1]))))

    static let address = message(
        20,
        [10, 128, 0x80, 0] + host(UInt32(7)) + attribute(1, [0xfd] + [UInt8](repeating: 0, count: 14) + [1])
            + attribute(8, host(UInt32(0x282))) + attribute(11, [156]))

    static let route = message(
        24,
        [10, 8, 0, 0, 254, 156, 0, 1] + host(UInt32(0)) + attribute(1, [0xfd] + [UInt8](repeating: 0, count: 15))
            + attribute(15, host(UInt32(254))) + attribute(4, host(UInt32(7))) + attribute(6, host(UInt32(1024)))
            + attribute(8 | 0x8000, attribute(2, host(UInt32(1280))))
            + attribute(9, host(UInt16(8)) + [0, 0] + host(UInt32(3))))

    /// A verdict with text: EINVAL, the request's header (of 40 bytes) with its payload left out.
    static let capped = message(
        2, flags: 0x300, host(Int32(-22)) + host(UInt32(40)) + [UInt8](repeating: 0, count: 12) + words)
    /// The same with the request's payload, 24 bytes, echoed.
    static let echoed = message(
        2, flags: 0x200, host(Int32(-22)) + host(UInt32(40)) + [UInt8](repeating: 0xff, count: 36) + words)
    static let done = message(3, flags: 0x202, host(Int32(-2)) + words)
    static let words = attribute(2, host(UInt32(20))) + attribute(1, Array("no such thing".utf8) + [0])

    static let all = [link, address, route, capped, echoed, done]
}

@Suite struct ExchangeTests {
    private static func feed(_ exchange: inout Exchange<UInt16>, _ bytes: [UInt8]) throws -> Exchange<UInt16>.Progress {
        try bytes.withUnsafeBytes { try exchange.receive($0) { $0.type } }
    }

    private static func numbered(_ sequence: UInt32, type: UInt16, flags: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
        var bytes = Sample.message(type, flags: flags, body)
        bytes.replaceSubrange(8..<12, with: Sample.host(sequence))
        return bytes
    }

    private static let fine = Sample.host(Int32(0))

    @Test func answersOfAnEarlierRequestAreSkipped() throws {
        var exchange = Exchange<UInt16>(sequence: 5, limit: 10)
        let refused = Sample.host(Int32(-1)) + [UInt8](repeating: 0, count: 16)
        #expect(try Self.feed(&exchange, Self.numbered(4, type: 2, refused)) == .waiting)
        #expect(try Self.feed(&exchange, Self.numbered(4, type: 16, []) + Self.numbered(5, type: 24, [])) == .waiting)
        #expect(
            try Self.feed(&exchange, Self.numbered(5, type: 1, []) + Self.numbered(5, type: 3, Self.fine)) == .finished)
        #expect(exchange.items == [24])
    }

    @Test func aDumpThatWasInterruptedIsNotBelieved() throws {
        var exchange = Exchange<UInt16>(sequence: 5, limit: 10)
        #expect(try Self.feed(&exchange, Self.numbered(5, type: 24, flags: 0x12, [])) == .waiting)
        #expect(try Self.feed(&exchange, Self.numbered(5, type: 3, flags: 2, Self.fine)) == .inconsistent)
        var late = Exchange<UInt16>(sequence: 5, limit: 10)
        #expect(try Self.feed(&late, Self.numbered(5, type: 3, flags: 0x12, Self.fine)) == .inconsistent)
        var lossy = Exchange<UInt16>(sequence: 5, limit: 10)
        lossy.noteLoss()
        #expect(try Self.feed(&lossy, Self.numbered(5, type: 3, flags: 2, Self.fine)) == .inconsistent)
    }

    @Test func boundsAndNonsenseEndIt() throws {
        var exchange = Exchange<UInt16>(sequence: 5, limit: 2)
        let answer = Self.numbered(5, type: 24, [])
        #expect(try Self.feed(&exchange, answer + answer) == .waiting)
        #expect(throws: ExchangeFailure(code: EMSGSIZE, text: nil)) { try Self.feed(&exchange, answer) }
        #expect(throws: ExchangeFailure(code: EBADMSG, text: nil)) {
            try Self.feed(&exchange, Self.numbered(5, type: 3, []))
        }
        #expect(throws: ExchangeFailure(code: ENOENT, text: "no such thing")) {
            try Self.feed(&exchange, Self.numbered(5, type: 3, flags: 0x202, Sample.host(Int32(-2)) + Sample.words))
        }
    }
}

/// xorshift64*: small, seeded, the same everywhere.
private struct Mutator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    /// One to eight changes: bits flipped, bytes set to an edge value, cut short, doubled, or a slice moved.
    mutating func mutate(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes[at] = [0, 1, 3, 4, 5, 0x7f, 0x80, 0xff][Int.random(in: 0..<8, using: &self)]
            case 3: bytes.removeLast(bytes.count - at)
            case 4: if bytes.count < 1000 { bytes += bytes[at...] }
            default: bytes.swapAt(at, Int.random(in: 0..<bytes.count, using: &self))
            }
        }
        return bytes
    }
}

@Suite struct DecodingTests {
    private static func events(_ bytes: UnsafeRawBufferPointer) -> [KernelEvent] {
        NetlinkMessages(bytes).compactMap { KernelEvent(decoding: $0) }
    }

    private static func verdicts(_ bytes: UnsafeRawBufferPointer) -> [Acknowledgement] {
        NetlinkMessages(bytes).filter { $0.type == 2 || $0.type == 3 }.compactMap { Acknowledgement(decoding: $0) }
    }

    @Test func samplesDecode() throws {
        let page = try GuardedPage()
        let events = page.show(Sample.link + Sample.address + Sample.route, Self.events)
        try #require(events.count == 3)
        guard case .link(let link) = events[0], case .address(let address) = events[1],
            case .route(let route) = events[2]
        else {
            Issue.record("wrong kinds: \(events)")
            return
        }
        #expect(link.index == 7 && link.name == "inet256" && link.kind == "tun" && link.mtu == 1400)
        #expect(link.alias == "inet256vpn" && link.hasCarrier == true && link.isUp)
        #expect(link.addressGeneration == AddressGeneration.none)
        #expect(address.description == "fd00::1/128" && address.interface == 7 && address.protocolNumber == 156)
        #expect(address.flags == [.permanent, .noPrefixRoute, .noDuplicateDetection])
        let prefix = try #require(IPv6Prefix("fd00::/8"))
        var wanted = Route(prefix, interface: 7, metric: 1024).marked(156)
        wanted.mtu = 1280
        #expect(route == wanted)
    }

    @Test func verdictsCarryTheirWords() throws {
        let page = try GuardedPage()
        for (sample, code) in [(Sample.capped, EINVAL), (Sample.echoed, EINVAL), (Sample.done, ENOENT)] {
            let verdict = try #require(page.show(sample, Self.verdicts).first)
            #expect(verdict.code == code && verdict.text == "no such thing")
        }
        let bare = try #require(page.show(Sample.message(2, Sample.host(Int32.min)), Self.verdicts).first)
        #expect(bare.code == .max && bare.text == nil)
        #expect(page.show(Sample.message(2, [0, 0]), Self.verdicts).isEmpty)
    }

    @Test func everyTruncationEndsInPeace() throws {
        let page = try GuardedPage()
        for sample in Sample.all {
            for length in 0..<sample.count {
                var cut = Array(sample[..<length])
                // Once as it is, and once with a length that owns up to the cut, so that the body is looked at.
                #expect(page.show(cut) { Self.events($0).count + Self.verdicts($0).count } == 0)
                if length >= 4 { cut.replaceSubrange(0..<4, with: Sample.host(UInt32(length))) }
                #expect(page.show(cut) { Self.events($0).count + Self.verdicts($0).count } <= 1)
            }
        }
    }

    @Test func mutatedMessagesNeverReadOutside() throws {
        let page = try GuardedPage()
        let seed = UInt64.random(in: 1 ... .max)
        var mutator = Mutator(state: seed)
        var decoded = 0
        for round in 0..<100_000 {
            var bytes = mutator.mutate(Sample.all[round % Sample.all.count])
            // Half of them get past the header's length check.
            if round % 2 == 0, bytes.count >= 4 { bytes.replaceSubrange(0..<4, with: Sample.host(UInt32(bytes.count))) }
            decoded += page.show(bytes) { view in
                for event in Self.events(view) {
                    switch event {
                    case .link(let link), .linkGone(let link):
                        // Each byte that is no UTF-8 grows to the three of U+FFFD.
                        #expect(!link.name.isEmpty && link.name.utf8.count <= 3 * view.count, "seed \(seed)")
                    case .address(let address), .addressGone(let address):
                        #expect(!"\(address)".isEmpty, "seed \(seed)")
                    case .route(let route), .routeGone(let route):
                        #expect(!"\(route)".isEmpty && route.destination.length <= 128, "seed \(seed)")
                    case .overrun: Issue.record("no message says overrun; seed \(seed)")
                    }
                }
                for verdict in Self.verdicts(view) {
                    #expect(verdict.code >= 0 && (verdict.text?.utf8.count ?? 0) <= 3 * 512, "seed \(seed)")
                }
                return NetlinkMessages(view).reduce(0) { count, _ in count + 1 }
            }
        }
        // The mutator must not be so wild that nothing gets through.
        #expect(decoded > 10_000, "seed \(seed)")
    }
}
