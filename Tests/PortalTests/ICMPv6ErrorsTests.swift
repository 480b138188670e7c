import TestSupport
import Testing
import Wire

@testable import Portal

@Suite struct ICMPv6ErrorsTests {
    let own = "fd00::1"
    let start = Instant(nanoseconds: 1_000_000_000)

    /// The error that answers `bytes`, or why there is none.
    private func answer(
        _ bytes: [UInt8], _ error: ICMPv6Error, room: Int = ICMPv6Errors.maximumSize
    ) throws -> Result<[UInt8], ICMPv6Silence> {
        var errors = ICMPv6Errors(source: try address(own))
        var target = [UInt8](repeating: 0xee, count: room)
        let length = try bytes.withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            return target.withUnsafeMutableBytes { room in
                Result { () throws(ICMPv6Silence) in
                    try errors.answer(header, with: error, into: room, now: start)
                }
            }
        }
        return length.map { Array(target[..<$0]) }
    }

    @Test(arguments: [
        (ICMPv6Error.noRoute, 1, 0, 0), (.prohibited, 1, 1, 0), (.addressUnreachable, 1, 3, 0),
        (.tooBig(mtu: 1400), 2, 0, 1400), (.tooBig(mtu: 576), 2, 0, 1280), (.hopLimitExceeded, 3, 0, 0),
    ])
    func isThePacketOfTheRFC(error: ICMPv6Error, type: UInt8, code: UInt8, parameter: UInt32) throws {
        let original = try packet("fd00::1", "fd00::2", payload: [UInt8](1...50))
        let built = try answer(original, error).get()
        #expect(built.count == 48 + original.count)
        #expect(built[40] == type && built[41] == code)
        #expect(Array(built[44..<48]) == withUnsafeBytes(of: parameter.bigEndian) { [UInt8]($0) })
        #expect(Array(built[48...]) == original)
        let from = try address(own)
        let to = try address("fd00::1")
        try built.withUnsafeBytes { raw in
            let header = try IPv6Header(raw)
            #expect(header.source == from && header.destination == to)
            #expect(header.nextHeader == IPProtocol.icmpv6 && header.hopLimit == 64)
        }
        #expect(try hasGoodChecksum(built))
    }

    @Test(arguments: [0, 1191, 1192, 1193, 65535]) func isNeverLongerThanTheMinimumMTU(payload: Int) throws {
        let original = try packet("fd00::3", "fd00::2", payload: [UInt8](repeating: 0xab, count: payload))
        let built = try answer(original, .tooBig(mtu: 1280)).get()
        #expect(built.count == min(1280, 48 + original.count))
        #expect(Array(built[48...]) == Array(original[..<(built.count - 48)]))
        #expect(try hasGoodChecksum(built))
    }

    @Test func staysSilentWhereTheRFCSaysSo() throws {
        func isForbidden(_ bytes: [UInt8], _ error: ICMPv6Error = .noRoute) throws -> Bool {
            try answer(bytes, error) == .failure(.forbidden)
        }
        // Sources that are not one node.
        #expect(try isForbidden(packet("::", "fd00::2")))
        #expect(try isForbidden(packet("ff02::1", "fd00::2")))
        // Multicast destinations, except too big.
        #expect(try isForbidden(packet("fd00::1", "ff0e::5")))
        #expect(try !isForbidden(packet("fd00::1", "ff0e::5"), .tooBig(mtu: 1280)))
        // Errors and redirects, also behind extension headers; but not echo requests.
        for type in UInt8.min...UInt8.max {
            let expected = type < 128 || type == 137
            let message: [UInt8] = [type, 0, 0, 0, 0, 0, 0, 0]
            #expect(try isForbidden(packet("fd00::1", "fd00::2", next: 58, payload: message)) == expected)
            let behind: [UInt8] = [58, 0, 1, 4, 0, 0, 0, 0] + message
            #expect(try isForbidden(packet("fd00::1", "fd00::2", next: 60, payload: behind)) == expected)
        }
        // Where the type cannot be seen: no type at all, a later fragment, a broken chain.
        #expect(try isForbidden(packet("fd00::1", "fd00::2", next: 58)))
        #expect(
            try isForbidden(packet("fd00::1", "fd00::2", next: 44, payload: [58, 0, 0, 8, 0, 0, 0, 0, 128, 0])))
        #expect(try isForbidden(packet("fd00::1", "fd00::2", next: 0, payload: [58, 9])))
        // A later fragment of something else may be answered.
        #expect(try !isForbidden(packet("fd00::1", "fd00::2", next: 44, payload: [17, 0, 0, 8, 0, 0, 0, 0])))
    }

    @Test func neverAnswersItself() throws {
        let first = try answer(packet("fd00::2", "fd00::9"), .noRoute).get()
        #expect(try answer(first, .noRoute) == .failure(.forbidden))
    }

    @Test func needsRoomForTheLargest() throws {
        #expect(try answer(packet("fd00::2", "fd00::9"), .noRoute, room: 1279) == .failure(.noRoom))
    }

    @Test func isLimited() throws {
        var errors = ICMPv6Errors(
            source: try address(own), limit: ErrorLimit(each: TokenBucket(rate: 10, burst: 3)))
        let bytes = try packet("fd00::1", "fd00::2")
        let silent = try packet("::", "fd00::2")
        var target = [UInt8](repeating: 0, count: 1280)
        func count(_ tries: Int, at now: Instant) throws -> Int {
            try bytes.withUnsafeBytes { raw in
                try silent.withUnsafeBytes { quiet in
                    let header = try IPv6Header(raw)
                    let forbidden = try IPv6Header(quiet)
                    return target.withUnsafeMutableBytes { room in
                        (0..<tries).count { _ in
                            // What is not answered costs nothing.
                            _ = try? errors.answer(forbidden, with: .noRoute, into: room, now: now)
                            return (try? errors.answer(header, with: .noRoute, into: room, now: now)) != nil
                        }
                    }
                }
            }
        }
        #expect(try count(10, at: start) == 3)
        #expect(try count(10, at: start + .milliseconds(99)) == 0)
        #expect(try count(10, at: start + .milliseconds(100)) == 1)
        #expect(try count(10, at: start + .seconds(3600)) == 3)
    }

    /// Packets to somewhere that is not reached do not silence what there is to say of other destinations.
    @Test func oneDestinationDoesNotUseUpTheOthers() throws {
        var limit = ErrorLimit(
            each: TokenBucket(rate: 10, burst: 3), all: TokenBucket(rate: 1000, burst: 20), slots: 1 << 12)
        func told(_ tries: Int, about destination: IPv6Address, at now: Instant) -> Int {
            (0..<tries).count { _ in limit.take(for: destination, now: now) }
        }
        let others = (1...17).map { IPv6Address(high: 0xfd << 56, low: $0) }
        #expect(told(1000, about: try address("fd00::bad"), at: start) == 3)
        // One may share the noisy one's place; that two do happens once in a hundred thousand runs.
        #expect(others.map { told(1, about: $0, at: start) }.reduce(0, +) >= 16)

        // There is a limit of all together, and what is not told by that does not count against the destination.
        limit = ErrorLimit(each: TokenBucket(rate: 10, burst: 3), all: TokenBucket(rate: 1000, burst: 1))
        #expect(told(100, about: others[0], at: start) == 1)
        let later = (1...3).map { told(100, about: others[0], at: start + .milliseconds($0 * 10)) }
        #expect(later == [1, 1, 0])
    }

    @Test func hostilePacketsGetWellFormedAnswersOrNone() throws {
        let seed: UInt64 = 0x4443
        var random = SplitMix(seed: seed)
        let headers: [UInt8] = [0, 43, 44, 51, 58, 60]
        for round in 0..<5000 {
            var bytes = try packet(
                "fd00::1", "fd00::2", payload: random.bytes(Int.random(in: 0...1500, using: &random)))
            bytes[6] = headers.randomElement(using: &random) ?? 0
            bytes[8] = UInt8.random(in: 0...255, using: &random)
            switch try answer(bytes, .addressUnreachable) {
            case .success(let built):
                #expect(built.count <= 1280, "seed \(seed), round \(round)")
                #expect(try hasGoodChecksum(built), "seed \(seed), round \(round)")
            case .failure(let silence): #expect(silence == .forbidden, "seed \(seed), round \(round)")
            }
        }
    }
}
