import INET256
import Testing
import Wire

@testable import DNS

/// What is answered about the names of a zone.
@Suite struct NameServerTests {
    private let server = TestServer(Sample.zone())

    private static let a: UInt16 = 1
    private static let ns: UInt16 = 2
    private static let soa: UInt16 = 6
    private static let ptr: UInt16 = 12
    private static let aaaa: UInt16 = 28
    private static let srv: UInt16 = 33
    private static let any: UInt16 = 255

    // MARK: Names

    @Test func peersHaveAddresses() throws {
        let alice = try #require(server.ask("alice.mesh.internal", Self.aaaa))
        #expect(alice.code == 0 && alice.isAuthoritative && !alice.offersRecursion && !alice.isTruncated)
        #expect(alice.addresses == [Sample.ip(Sample.alice)] && alice.answers[0].life == 60)
        // A name with a dot in it is two labels, and what is between is there.
        #expect(server.ask("bob.home.mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.bob)])
        let between = try #require(server.ask("home.mesh.internal", Self.aaaa))
        #expect(between.code == 0 && between.answers.isEmpty && between.authorities.first?.kind == Self.soa)
        #expect(server.ask("this.mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.own)])
    }

    @Test func groupsHaveTheirMembers() throws {
        let both = [Sample.ip(Sample.alice), Sample.ip(Sample.bob)]
        #expect(server.ask("admins.mesh.internal", Self.aaaa)?.addresses == both)
    }

    @Test func everyAddressIsAName() throws {
        let label = Sample.stranger.label
        #expect(label.utf8.count == 52 && Address(label: label.utf8) == Sample.stranger)
        for name in [label, label.uppercased()] {
            #expect(server.ask("\(name).mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.stranger)])
        }
        #expect(server.ask("\(label).mesh.internal", Self.a)?.code == 0)
        // Nothing is below it, and a text with more bits than an address is none.
        #expect(server.ask("x.\(label).mesh.internal", Self.aaaa)?.code == 3)
        #expect(server.ask("\(label.dropLast())7.mesh.internal", Self.aaaa)?.code == 3)
        #expect(server.ask("\(label.dropLast()).mesh.internal", Self.aaaa)?.code == 3)
    }

    /// The text of every address comes back, and only its own.
    @Test func labelsOfAddresses() {
        for number in 0..<64 {
            var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
            words.0 = UInt64.random(in: .min ... .max)
            words.3 = number == 0 ? .max : UInt64.random(in: .min ... .max)
            let address = Address(raw: Bytes32(words: words))
            #expect(Address(label: address.label.utf8) == address, "\(address)")
        }
        #expect(Address(label: String(repeating: "a", count: 52).utf8) == Address(raw: Bytes32(words: (0, 0, 0, 0))))
        // RFC 4648's letters: q is 16, so the first byte is 0x80.
        #expect(Address(label: ("q" + String(repeating: "a", count: 51)).utf8)?.raw.bytes.first == 0x80)
        #expect(Address(label: String(repeating: "a", count: 53).utf8) == nil)
        #expect(Address(label: String(repeating: "1", count: 52).utf8) == nil)
    }

    // MARK: The way back

    @Test func addressesHaveNames() throws {
        let alice = try #require(server.ask(Sample.reverseName(Sample.ip(Sample.alice)), Self.ptr))
        #expect(alice.answers.map(\.target) == ["alice.mesh.internal"] && alice.isAuthoritative)
        #expect(
            server.ask(Sample.reverseName(Sample.ip(Sample.own)), Self.ptr)?.answers.map(\.target)
                == ["this.mesh.internal"])
        #expect(server.ask(Sample.reverseName(Sample.ip(Sample.alice)), Self.aaaa)?.code == 0)
    }

    /// An IPv6 address says too little of an address: its way back is known once somebody has asked for it.
    @Test func whatWasAskedForLeadsBack() throws {
        let name = Sample.reverseName(Sample.ip(Sample.stranger))
        #expect(server.ask(name, Self.ptr)?.code == 3)
        _ = server.ask("\(Sample.stranger.label).mesh.internal", Self.aaaa)
        let found = try #require(server.ask(name, Self.ptr))
        #expect(found.answers.map(\.target) == ["\(Sample.stranger.label).mesh.internal"] && found.code == 0)
        // That is bounded: 256 others, and it is forgotten.
        for number in UInt64(100)..<356 { _ = server.ask("\(Sample.address(number).label).mesh.internal", Self.aaaa) }
        #expect(server.ask(name, Self.ptr)?.code == 3)
        #expect(server.ask(Sample.reverseName(Sample.ip(Sample.address(355))), Self.ptr)?.code == 0)
        // A name of the configuration's is not put aside by it.
        _ = server.ask("\(Sample.alice.label).mesh.internal", Self.aaaa)
        #expect(
            server.ask(Sample.reverseName(Sample.ip(Sample.alice)), Self.ptr)?.answers.map(\.target)
                == ["alice.mesh.internal"])
    }

    @Test func peersWithoutANameLeadBackToTheirLabel() throws {
        var zone = Sample.zone()
        zone.add(Sample.stranger, called: nil)
        server.set(zone)
        #expect(
            server.ask(Sample.reverseName(Sample.ip(Sample.stranger)), Self.ptr)?.answers.map(\.target)
                == ["\(Sample.stranger.label).mesh.internal"])
    }

    @Test func shorterReverseNamesAreThere() throws {
        #expect(server.ask("d.f.ip6.arpa", Self.soa)?.answers.count == 1)
        #expect(server.ask("1.d.f.ip6.arpa", Self.ptr)?.code == 0)
        #expect(server.ask("12.d.f.ip6.arpa", Self.ptr)?.code == 3)
        #expect(server.ask("x.d.f.ip6.arpa", Self.ptr)?.code == 3)
        #expect(server.ask("0." + Sample.reverseName(Sample.ip(Sample.alice)), Self.ptr)?.code == 3)
        #expect(server.ask("c.f.ip6.arpa", Self.ptr)?.code == 5)
        #expect(server.ask("f.ip6.arpa", Self.ptr)?.code == 5)
    }

    @Test func aPrefixMayEndWithinADigit() throws {
        let prefix = try #require(IPv6Prefix("0200::/7"))
        let zone = Sample.zone(map: try IPv6Map(prefix: prefix))
        #expect(zone.reverse.map(\.description) == ["2.0.ip6.arpa", "3.0.ip6.arpa"])
        let server = TestServer(zone)
        #expect(server.ask("3.0.ip6.arpa", Self.soa)?.answers.count == 1)
        #expect(server.ask("4.0.ip6.arpa", Self.soa)?.code == 5)
    }

    // MARK: Services

    @Test func servicesAreFound() throws {
        let here = try #require(server.ask("_ssh._tcp.this.mesh.internal", Self.srv))
        #expect(
            here.answers.map(\.target) == ["this.mesh.internal"]
                && here.answers[0].data.prefix(6) == [0, 0, 0, 0, 0, 22])
        #expect(here.extras.map(\.owner) == ["this.mesh.internal"])
        let all = try #require(server.ask("_ssh._tcp.mesh.internal", Self.srv))
        #expect(all.answers.map(\.target) == ["this.mesh.internal", "alice.mesh.internal"] && all.extras.count == 2)
        #expect(server.ask("_tcp.this.mesh.internal", Self.srv)?.code == 0)
        #expect(server.ask("_udp.this.mesh.internal", Self.srv)?.code == 3)
    }

    // MARK: What is not there, and not ours

    @Test func noSuchKindAndNoSuchName() throws {
        let empty = try #require(server.ask("alice.mesh.internal", Self.a))
        #expect(empty.code == 0 && empty.answers.isEmpty)
        let missing = try #require(server.ask("nobody.mesh.internal", Self.aaaa))
        #expect(missing.code == 3 && missing.isAuthoritative)
        for answer in [empty, missing] {
            let soa = try #require(answer.authorities.first)
            // RFC 2308: the last word of the SOA is how long that may be kept, and so is its life.
            #expect(soa.kind == Self.soa && soa.owner == "mesh.internal" && soa.life == 10)
            #expect(soa.target == "this.mesh.internal" && soa.data.suffix(4) == [0, 0, 0, 10])
        }
        #expect(server.counters.empty == 1 && server.counters.missing == 1 && server.counters.answered == 0)
    }

    @Test func theTopOfTheZone() throws {
        #expect(server.ask("mesh.internal", Self.soa)?.answers.count == 1)
        #expect(server.ask("mesh.internal", Self.ns)?.answers.map(\.target) == ["this.mesh.internal"])
        #expect(server.ask("mesh.internal", Self.aaaa)?.code == 0)
        #expect(server.ask("mesh.internal", 43)?.code == 0)
        #expect(server.ask("mesh.internal", Self.any)?.answers.map(\.kind) == [Self.soa])
        #expect(server.ask("alice.mesh.internal", Self.any)?.answers.map(\.kind) == [Self.aaaa])
        #expect(server.ask("alice.mesh.internal", Self.soa)?.answers.isEmpty == true)
    }

    @Test(arguments: ["example.org", "internal", "", "mesh.internal.example", "notmesh.internal", "arpa"])
    func otherZonesAreRefused(_ name: String) throws {
        let server = TestServer(Sample.zone())
        let query = Query.bytes(name, Self.aaaa)
        let answer = try #require(server.ask(query))
        #expect(answer.count == query.count && Answer(answer)?.code == 5)
        #expect(Answer(answer)?.offersRecursion == false && Answer(answer)?.isAuthoritative == false)
        #expect(server.counters.refused == 1)
    }

    @Test func transfersAndOtherClassesAreRefused() throws {
        for kind in [251, 252] as [UInt16] { #expect(server.ask("mesh.internal", kind)?.code == 5) }
        #expect(server.ask(Query.bytes("alice.mesh.internal", Self.aaaa, group: 3)).flatMap { Answer($0) }?.code == 5)
        #expect(
            server.ask(Query.bytes("alice.mesh.internal", Self.aaaa, group: 255)).flatMap { Answer($0) }?.answers.count
                == 1)
    }

    /// Who is not let in learns nothing, in no more bytes than he sent.
    @Test(arguments: ["alice.mesh.internal", "nobody.mesh.internal", "example.org"])
    func strangersAreRefused(_ name: String) throws {
        let server = TestServer(Sample.zone())
        for query in [
            Query.bytes(name, Self.any), Query.bytes(name, Self.any, size: 4096),
            [0, 7, 8, 0] + [UInt8](repeating: 0, count: 8),
        ] {
            let answer = try #require(server.ask(query, isAdmitted: false))
            #expect(answer.count <= query.count && Answer(answer)?.code == 5 && Answer(answer)?.answers.isEmpty == true)
        }
    }

    // MARK: Names that cannot be

    @Test func whatIsNoNameIsSaid() {
        var zone = Sample.zone()
        zone.add(Sample.stranger, called: "a..b")
        zone.add(Sample.stranger, called: "ALICE")
        zone.add(Sample.stranger, called: "this")
        zone.add(Sample.stranger, called: Sample.bob.label)
        zone.add(group: "bob.home", [])
        #expect(zone.faults.count == 5, "\(zone.faults)")
        let server = TestServer(zone)
        #expect(server.ask("alice.mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.alice)])
        #expect(server.ask("\(Sample.bob.label).mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.bob)])
    }

    @Test func aZoneLeavesRoom() {
        let long = DomainName(String(repeating: "abcdefghi.", count: 12))
        #expect(long != nil && Zone(long!, map: .standard, own: Sample.own) == nil)
        #expect(DomainName("") == nil && DomainName("a..b") == nil && DomainName("a b") == nil)
        #expect(DomainName("A.b.") == DomainName("a.B"))
    }

    @Test func ipv4WhereItIsMapped() throws {
        var zone = Sample.zone()
        zone.add(group: "old", [IPv6Address(mappedIPv4: 0xc000_0201), Sample.ip(Sample.bob)])
        server.set(zone)
        #expect(server.ask("old.mesh.internal", Self.a)?.answers.map(\.data) == [[192, 0, 2, 1]])
        #expect(server.ask("old.mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.bob)])
    }

    @Test func aReloadTakesTheNewNames() throws {
        var zone = Zone(try #require(DomainName("mesh.internal")), map: .standard, own: Sample.own, serial: 2)
        zone?.add(Sample.bob, called: "alice")
        server.set(try #require(zone))
        #expect(server.ask("alice.mesh.internal", Self.aaaa)?.addresses == [Sample.ip(Sample.bob)])
        #expect(server.ask("bob.home.mesh.internal", Self.aaaa)?.code == 3)
    }

    @Test func whoIsAnswered() throws {
        var askers = Askers(own: Sample.ip(Sample.own), prefix: IPv6Map.standard.prefix)
        let (alice, bob) = (Sample.ip(Sample.alice), Sample.ip(Sample.bob))
        let (loopback, outside) = (IPv6Address(mappedIPv4: 0x7f00_0001), try #require(IPv6Address("2001:db8::1")))
        #expect(askers.admit(loopback, at: .loopback) && askers.admit(.loopback, at: .loopback))
        #expect(!askers.admit(alice, at: .loopback) && !askers.admit(outside, at: .loopback))
        #expect(askers.admit(askers.own, at: .portal) && !askers.admit(alice, at: .portal) && !askers.isOpen)
        askers.nodes = [alice]
        #expect(askers.admit(alice, at: .portal) && !askers.admit(bob, at: .portal) && askers.isOpen)
        askers.everybody = true
        #expect(askers.admit(bob, at: .portal) && !askers.admit(outside, at: .portal))
    }
}
