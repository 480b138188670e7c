import INET256
import Testing
import Wire

@testable import DNS

/// Queries and answers byte for byte, their limits, and what is no query.
@Suite struct MessageTests {
    private static let aaaa: UInt16 = 28

    private func hex(_ text: String) -> [UInt8] {
        let digits = text.filter(\.isHexDigit)
        return stride(from: 0, to: digits.count, by: 2).compactMap { place in
            let start = digits.index(digits.startIndex, offsetBy: place)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }

    private func server(_ address: Address = Sample.alice) -> TestServer {
        var zone = Zone(DomainName("mesh.internal")!, map: .standard, own: Sample.own)!
        zone.add(address, called: "bob")
        return TestServer(zone)
    }

    /// The question's case comes back, the owner points to it.
    @Test func anAnswerIsSoByteForByte() throws {
        let server = server(Address(raw: Bytes32(words: (UInt64.max, 0, 0, 0))))
        let query = hex(
            "1234 0120 0001 0000 0000 0001 03426f42 046d455368 08696e7465726e616c 00 001c 0001 00 0029 04d0 0000 8000 0000"
        )
        let answer = try #require(server.ask(query))
        let expected = hex(
            """
            1234 8500 0001 0001 0000 0001
            03426f42 046d455368 08696e7465726e616c 00 001c 0001
            c00c 001c 0001 0000003c 0010 fd01 ffff ffff ffff fffc 0000 0000 0000
            00 0029 04d0 0000 8000 0000
            """)
        #expect(answer == expected, "\(answer.map { String($0, radix: 16) })")
    }

    @Test func aDenialIsSoByteForByte() throws {
        let server = server()
        let query = hex("0001 0000 0001 0000 0000 0000 0178 046d657368 08696e7465726e616c 00 0001 0001")
        let expected = hex(
            """
            0001 8403 0001 0000 0001 0000 0178 046d657368 08696e7465726e616c 00 0001 0001
            c00e 0006 0001 0000000a 0028
            0474686973 c00e 0a686f73746d6173746572 c00e 00000001 00000e10 00000258 00015180 0000000a
            """)
        let answer = try #require(server.ask(query))
        #expect(answer == expected, "\(answer.map { String($0, radix: 16) })")
    }

    @Test func whatIsBentIsToldSo() throws {
        let server = server()
        let whole = Query.bytes("bob.mesh.internal", Self.aaaa)
        func code(_ bytes: [UInt8]) throws -> UInt16 {
            let answer = try #require(server.ask(bytes))
            #expect(answer.count == 12 && Answer(answer) != nil && answer.prefix(2) == bytes.prefix(2))
            return UInt16(answer[3] & 0xf)
        }
        // Every cut behind the head, bytes too many, two questions, an answer in it, a pointer, a label of 64, OPT as a question.
        for count in 12..<whole.count { #expect(try code(Array(whole.prefix(count))) == 1) }
        #expect(try code(whole + [0]) == 1)
        for place in [5, 7, 9, 11] {
            var bent = whole
            bent[place] += 1
            #expect(try code(bent) == 1)
        }
        var pointer = whole
        pointer.replaceSubrange(12..<16, with: [0xc0, 0x10])
        #expect(try code(pointer) == 1)
        var long = whole
        long[12] = 64
        #expect(try code(long) == 1)
        #expect(try code(Query.bytes("bob.mesh.internal", 41)) == 1)
        // A name of 256 bytes.
        #expect(try code(Query.bytes(String(repeating: "abcdefg.", count: 32), Self.aaaa)) == 1)
        // Two OPT records, and one with a name.
        let extended = Query.bytes("bob.mesh.internal", Self.aaaa, size: 1232)
        var twice = extended + extended.suffix(11)
        twice[11] = 2
        #expect(try code(twice) == 1)
        var named = extended
        named.replaceSubrange((extended.count - 11)..<(extended.count - 10), with: [1, 97, 0])
        #expect(try code(named) == 1)
        // Another operation than a query: an update, a notification.
        for operation in [UInt16(5), 4, 1, 15] {
            #expect(try code(Query.bytes("mesh.internal", 6, flags: operation << 11)) == 4)
        }
        #expect(server.counters.answered == 0 && server.counters.malformed == server.counters.queries)
    }

    /// An answer to an answer would go on for ever.
    @Test func answersAreNotAnswered() {
        let server = server()
        #expect(server.ask(Query.bytes("bob.mesh.internal", Self.aaaa, flags: 0x8180)) == nil)
        for count in 0..<12 { #expect(server.ask([UInt8](repeating: 0, count: count)) == nil) }
        #expect(server.counters.queries == 0 && server.counters.malformed == 13)
    }

    @Test func anotherVersionOfExtensionsIsRefused() throws {
        let server = server()
        let answer = try #require(
            server.ask(Query.bytes("bob.mesh.internal", Self.aaaa, size: 4096, version: 1)).flatMap { Answer($0) })
        // BADVERS: 16, of which the upper bits stand in OPT.
        #expect(answer.code == 0 && answer.extras.first?.kind == 41 && answer.extras.first?.life == 1 << 24)
        #expect(answer.answers.isEmpty)
    }

    /// A group of many: over UDP the answer says "come again" where it does not fit, over TCP it is whole.
    @Test(arguments: [(nil, 512), (0, 512), (512, 512), (700, 700), (4096, 1232), (65535, 1232)] as [(Int?, Int)])
    func answersFit(_ size: Int?, _ limit: Int) throws {
        // A record takes 28 bytes; the head and the question 41, OPT 11.
        let room = (limit - 12 - Query.wire("g.mesh.internal").count - 4 - (size == nil ? 0 : 11)) / 28
        for (count, fits) in [(room, true), (room + 1, false)] {
            var zone = Zone(DomainName("mesh.internal")!, map: .standard, own: Sample.own)!
            zone.add(group: "g", (0..<count).map { IPv6Address(high: 0xfd00 << 48, low: UInt64($0)) })
            let server = TestServer(zone)
            let query = Query.bytes("g.mesh.internal", Self.aaaa, size: size)
            let bytes = try #require(server.ask(query))
            let answer = try #require(Answer(bytes))
            #expect(bytes.count <= limit)
            #expect(answer.isTruncated == !fits && answer.addresses.count == (fits ? count : 0))
            #expect(answer.extras.count == (size == nil ? 0 : 1))
            let whole = try #require(server.ask(query, over: .stream).flatMap { Answer($0) })
            #expect(!whole.isTruncated && whole.addresses.count == count)
        }
    }

    @Test func evenTheLargestGroupFitsTCP() throws {
        var zone = Zone(DomainName("mesh.internal")!, map: .standard, own: Sample.own)!
        zone.add(group: "g", (0..<5000).map { IPv6Address(high: 0xfd00 << 48, low: UInt64($0)) })
        let server = TestServer(zone)
        let bytes = try #require(server.ask(Query.bytes("g.mesh.internal", Self.aaaa, size: 1232), over: .stream))
        #expect(bytes.count <= 65535 && Answer(bytes)?.addresses.count == Zone.mostAddresses)
    }

    @Test func theLongestNameFitsWithItsDenial() throws {
        let server = server()
        let front = String(repeating: "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0.", count: 3)
        let name = front + String(repeating: "x", count: 255 - 3 * 64 - 1 - 15) + ".mesh.internal"
        #expect(Query.wire(name).count == 255, "\(Query.wire(name).count)")
        let bytes = try #require(server.ask(Query.bytes(name, Self.aaaa)))
        #expect(bytes.count <= 512 && Answer(bytes)?.authorities.count == 1 && Answer(bytes)?.code == 3)
    }

    /// A hundred thousand queries with up to four places changed: an answer is whole, no larger than it may be, and bears the number of
    /// its query.
    @Test func bentQueries() throws {
        var random = SystemRandomNumberGenerator()
        let server = TestServer(Sample.zone())
        let names = [
            "alice.mesh.internal", "bob.home.mesh.internal", "_ssh._tcp.mesh.internal", "mesh.internal", "example.org",
            "\(Sample.stranger.label).mesh.internal", Sample.reverseName(Sample.ip(Sample.alice)),
        ]
        let kinds: [UInt16] = [1, 2, 6, 12, 28, 33, 41, 252, 255]
        var answered = 0
        for _ in 0..<100_000 {
            let size: Int? = Bool.random() ? nil : Int.random(in: 0...65535, using: &random)
            var query = Query.bytes(names.randomElement() ?? "", kinds.randomElement() ?? 0, size: size)
            for _ in 0..<Int.random(in: 0...4, using: &random) where !query.isEmpty {
                let place = Int.random(in: 0..<query.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: query[place] = UInt8.random(in: .min ... .max, using: &random)
                case 1: query[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: query.removeSubrange(place...)
                default: query.insert(contentsOf: query[..<min(place, 64)], at: place)
                }
            }
            let isAdmitted = Int.random(in: 0..<8, using: &random) > 0
            guard let answer = server.ask(query, isAdmitted: isAdmitted) else { continue }
            answered += 1
            let limit = isAdmitted ? NameServer.largestDatagram : query.count
            guard answer.count <= limit, answer.prefix(2) == query.prefix(2), Answer(answer) != nil else {
                Issue.record("\(query) gives \(answer)")
                return
            }
        }
        #expect(answered > 50_000)
    }
}
