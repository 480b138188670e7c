import Testing
import Wire

@Suite struct DNSMessageTests {
    private func decoded(_ bytes: [UInt8]) -> DNSMessage? { bytes.withUnsafeBytes { DNSMessage($0) } }

    /// An answer to a question about `example.org`, whose name stands at 12.
    private func message(_ records: [[UInt8]], questions: UInt16 = 1, answers: UInt16? = nil) -> [UInt8] {
        var bytes: [UInt8] = [0x12, 0x34, 0x81, 0x80]
        bytes.appendBig(questions)
        bytes.appendBig(answers ?? UInt16(records.count))
        bytes += [0, 0, 0, 0]
        bytes += name("example.org") + [0, 16, 0, 1]
        return records.reduce(bytes, +)
    }

    private func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").reduce([]) { $0 + [UInt8($1.utf8.count)] + Array($1.utf8) } + [0]
    }

    private func record(
        _ type: UInt16, _ data: [UInt8], owner: [UInt8] = [0xc0, 12], group: UInt16 = 1, length: Int? = nil
    ) -> [UInt8] {
        var bytes = owner
        bytes.appendBig(type)
        bytes.appendBig(group)
        bytes += [0, 0, 0, 60]
        bytes.appendBig(UInt16(length ?? data.count))
        return bytes + data
    }

    private func text(_ pieces: String...) -> [UInt8] {
        pieces.reduce([]) { $0 + [UInt8($1.utf8.count)] + Array($1.utf8) }
    }

    private func service(_ priority: UInt8, _ weight: UInt8, _ port: UInt16, _ target: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0, priority, 0, weight]
        bytes.appendBig(port)
        return bytes + target
    }

    @Test func textsOfSeveralPiecesAreJoined() throws {
        let read = try #require(
            decoded(message([record(16, text("one")), record(16, text("two ", "three")), record(1, [1, 2, 3, 4])])))
        #expect(read.texts == ["one", "two three"] && read.services.isEmpty)
    }

    @Test func servicesComeInTheOrderToTryThem() throws {
        let bytes = message([
            record(33, service(2, 1, 1, name("late.example.org"))),
            record(33, service(1, 1, 2, [4] + Array("weak".utf8) + [0xc0, 12])),
            record(33, service(1, 9, 3, [6] + Array("strong".utf8) + [0xc0, 12])),
        ])
        let read = try #require(decoded(bytes))
        #expect(read.services.map(\.target) == ["strong.example.org", "weak.example.org", "late.example.org"])
        #expect(read.services.map(\.port) == [3, 2, 1])
    }

    /// An alias and its record, as a resolver lays them beside each other.
    @Test func aliasesOnTheWayAreNoTrouble() throws {
        let alias = record(5, name("other.example.net"))
        let read = try #require(decoded(message([alias, record(16, text("found"), owner: name("other.example.net"))])))
        #expect(read.texts == ["found"])
    }

    @Test func whatDoesNotFitIsLeftOut() throws {
        let long = (0..<5).map { _ in String(repeating: "x", count: 250) }
        let bytes = message([
            record(16, text(long[0], long[1], long[2], long[3], long[4])), record(16, [200, 1]),
            record(16, text("tab\t")), record(16, text("chaos"), group: 3),
            record(33, service(1, 1, 0, name("port.example.org"))), record(33, service(1, 1, 7, [0])),
            record(33, service(1, 1, 7, name("-a.example.org"))), record(33, service(1, 1, 7, name("a b.org"))),
            record(33, service(1, 1, 7, name("behind.org") + [1])), record(16, text("good")),
        ])
        let read = try #require(decoded(bytes))
        #expect(read.texts == ["good"] && read.services.isEmpty)
    }

    @Test func whatIsBentIsNoMessage() {
        let good = message([record(16, text("a"))])
        #expect(decoded(good) != nil)
        for count in 0..<good.count { #expect(decoded(Array(good[..<count])) == nil, "\(count) bytes") }
        #expect(decoded(message([record(16, text("a"), length: 900)])) == nil)
        #expect(decoded(message([record(16, text("a"))], answers: 2)) == nil)
        #expect(decoded(message([record(16, text("a"))], questions: 3)) == nil)
    }

    /// Pointers that do not lead back: to themselves, in a circle, forward, past the end; and names that are too long.
    @Test func namesEnd() {
        let here = UInt8(message([]).count)
        for owner: [UInt8] in [
            [0xc0, here], [1, 97, 0xc0, here], [0xc0, here + 1], [0xff, 0xff], [0x80, 0], [0x40, 0],
        ] {
            #expect(decoded(message([record(16, text("a"), owner: owner)])) == nil, "\(owner)")
        }
        let label = String(repeating: "a", count: 63)
        let fits = name("\(label).\(label).\(label).\(String(repeating: "a", count: 61))")
        #expect(fits.count == 255 && decoded(message([record(16, text("a"), owner: fits)])) != nil)
        let tooLong = name("\(label).\(label).\(label).\(String(repeating: "a", count: 62))")
        #expect(decoded(message([record(16, text("a"), owner: tooLong)])) == nil)
    }

    @Test func onlySoManyRecordsAreLookedAt() throws {
        let many = (0..<200).map { record(16, text("\($0)")) }
        #expect(try #require(decoded(message(many))).texts.count == DNSMessage.mostRecords)
    }
}
