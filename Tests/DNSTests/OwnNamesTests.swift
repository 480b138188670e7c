import INET256
import Testing
import Wire

@testable import DNS

/// What peers call themselves: below the name that they have here, and nowhere else.
@Suite struct OwnNamesTests {
    private static func read(_ bytes: [UInt8]) -> OwnNames? { bytes.withUnsafeBytes { OwnNames($0) } }

    @Test(arguments: [[], ["laptop"], ["laptop", "nas.home", "x_1-2"], (0..<8).map { "n\($0)" }])
    func theyCrossTheWire(names: [String]) throws {
        let own = try #require(OwnNames(names))
        #expect(Self.read(own.bytes) == own && own.names == names)
        for count in 0..<own.bytes.count {
            // What is cut between two of them is a shorter list, and everything else is nothing.
            let cut = Self.read(Array(own.bytes.prefix(count)))
            #expect(cut.map { names.starts(with: $0.names) && $0.bytes.count == count } != false)
        }
        #expect(Self.read(own.bytes + [0]) == nil && Self.read([2] + own.bytes.dropFirst()) == nil)
    }

    @Test(arguments: [
        [""], ["Laptop"], ["a..b"], [".a"], ["a."], ["-a"], ["a b"], ["<script>"], ["\u{202e}moc"], ["a", "a"], ["a\0"],
        [String(repeating: "a", count: 64)], (0..<9).map { "n\($0)" },
    ])
    func whatIsNoNameIsRefused(names: [String]) {
        #expect(OwnNames(names) == nil)
        // Also from the wire.
        let bytes = names.reduce(into: [UInt8(1)]) { $0 += [UInt8($1.utf8.count)] + Array($1.utf8) }
        #expect(Self.read(bytes) == nil)
    }

    @Test func aZoneHasThemBelowThePeersName() throws {
        let zoneName = try #require(DomainName("mesh.internal"))
        let keys = (0..<4).map { _ in PrivateKey(generatedFrom: SystemRandom()).address }
        let map = IPv6Map.standard
        var zone = try #require(Zone(zoneName, map: map, own: keys[0]))
        zone.add(keys[1], called: "bob")
        zone.add(keys[2], called: "Carol.home")
        zone.add(keys[3], called: "mine.of.bob")
        zone.add(try #require(OwnNames(["laptop", "bob", "this", "mine"])), of: "bob", keys[1])
        zone.add(try #require(OwnNames(["laptop"])), of: "Carol.home", keys[2])
        func found(_ text: String) throws -> [IPv6Address] {
            zone.addresses(of: try #require(DomainName(text, in: zoneName)))
        }
        for name in ["bob", "laptop.of.bob", "bob.of.bob", "this.of.bob"] {
            #expect(try found(name) == [map.address(of: keys[1])], "\(name)")
        }
        #expect(try found("laptop.of.carol.home") == [map.address(of: keys[2])])
        #expect(try found("this") == [map.address(of: keys[0])])
        #expect(try found("mine.of.bob") == [map.address(of: keys[3])], "the configuration's own word stands")
        for name in ["laptop", "laptop.bob", "of.bob", "of"] { #expect(try found(name).isEmpty, "\(name)") }
        // The way back is what the configuration says.
        let question = zone.find(try #require(DomainName("of.bob", in: zoneName)))
        if case .found = question.finding {} else { Issue.record("what is in between is there, without anything") }
    }
}
