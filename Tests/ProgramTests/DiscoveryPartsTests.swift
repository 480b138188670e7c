import Discovery
import Foundation
import INET256
import Netlink
import Portal
import Settings
import Testing
import Wire

@testable import inet256vpn

/// What discovery makes of this machine: its links, and the file of places that were good last.
@Suite struct DiscoveryPartsTests {
    private static func address(
        _ text: String, _ length: UInt8, on link: UInt32, _ flags: AddressFlags = [], by number: UInt8 = 0
    ) -> InterfaceAddress {
        let address = IPv6Address(text) ?? IPv4Text.parse(text).map { IPv6Address(mappedIPv4: $0) } ?? .unspecified
        return InterfaceAddress(address, prefixLength: length, interface: link, flags: flags, protocolNumber: number)
    }

    private static var survey: LinkSurvey {
        var survey = LinkSurvey(
            transports: [Endpoint(address: .unspecified, port: 25632)])
        survey.links = [
            .init(index: 1, name: "lo", flags: [.up, .loopback, .multicast]),
            .init(index: 2, name: "eth0", flags: [.up, .multicast, .running]),
            .init(index: 3, name: "eth1", flags: [.multicast]),
            // Renamed.
            .init(index: 4, name: "eth7", flags: [.up, .multicast, .pointToPoint], isPortal: true),
            .init(index: 5, name: "tun0", flags: [.up, .pointToPoint]),
            .init(index: 6, name: "wlan0", flags: [.up, .multicast]),
        ]
        survey.addresses = [
            address("127.0.0.1", 8, on: 1), address("fe80::2", 64, on: 2), address("192.168.1.7", 24, on: 2),
            address("2001:db8::7", 64, on: 2), address("192.168.1.8", 24, on: 2), address("fe80::3", 64, on: 3),
            address("fd01::1", 128, on: 4, by: PortalMark.protocolNumber), address("fe80::4", 64, on: 4),
            address("10.8.0.2", 24, on: 5), address("fe80::6", 64, on: 6, .tentative),
            address("10.0.0.6", 8, on: 6),
        ]
        return survey
    }

    @Test func linksAreThoseThatCarryMulticastAndAreNotThePortal() {
        let places = Self.survey.places.map {
            "\($0.interface) \(Endpoint(address: $0.address, port: 1)) \($0.prefixLength)"
        }
        #expect(places == ["2 [fe80::2]:1 64", "2 192.168.1.7:1 120", "6 10.0.0.6:1 104"])
        #expect(Self.survey.places.allSatisfy { $0.ports == [25632] })
        var some = Self.survey
        some.wanted = ["wlan0", "eth9"]
        #expect(some.places.map(\.interface) == [6])
    }

    @Test func onlyWhereASocketAnswersIsAnAddressOfUse() {
        var survey = Self.survey
        survey.transports = [
            Endpoint(address: IPv6Address(mappedIPv4: 0), port: 1),
            Endpoint(address: IPv6Address(mappedIPv4: 0xc0a8_0107), port: 2),
            Endpoint(address: .unspecified, port: 0),
        ]
        #expect(survey.places.map(\.ports) == [[], [1, 2], [1]])
        survey.transports = [Endpoint(address: IPv6Address(high: 0xfe80 << 48, low: 2), port: 3)]
        #expect(survey.places.map(\.ports) == [[3], [], []])
    }

    // MARK: The file

    private func folder() throws -> String {
        let folder = NSTemporaryDirectory() + "places-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func placesAreKeptAndComeBack() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let address = PrivateKey(generatedFrom: SystemRandom()).address
        let file = StateFile(path: folder + "/places")
        #expect(file.read().places.isEmpty)
        var places = LastGoodPlaces()
        places.note(address, at: Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0201), port: 7))
        try file.write(places)
        #expect(file.read() == places)
        places.note(address, at: Endpoint(address: IPv6Address(mappedIPv4: 0xc000_0202), port: 7))
        try file.write(places)
        #expect(file.read() == places)
        // Nothing else is left, and nobody else reads it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["places"])
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func whatIsNoSuchFileIsNone() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(StateFile(path: folder).read().places.isEmpty)
        #expect(StateFile(path: "/dev/zero").read().places.isEmpty)
        let large = folder + "/large"
        try Data(count: LastGoodPlaces.largestFile + 1).write(to: URL(fileURLWithPath: large))
        #expect(StateFile(path: large).read().places.isEmpty)
        // A link that somebody laid in the way is not written through.
        let target = folder + "/target"
        try Data("kept".utf8).write(to: URL(fileURLWithPath: target))
        try FileManager.default.createSymbolicLink(atPath: folder + "/p.new", withDestinationPath: target)
        try StateFile(path: folder + "/p").write(LastGoodPlaces())
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "kept")
        #expect(throws: StateFileError.self) { try StateFile(path: folder + "/no/places").write(LastGoodPlaces()) }
        #expect(StateFile(.none, of: PrivateKey(generatedFrom: SystemRandom()).address) == nil)
    }
}
