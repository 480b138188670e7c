import INET256
import Wire

@testable import DNS

/// Questions as a resolver would write them, and a reader of answers that shares nothing with the writer.
enum Query {
    static func bytes(
        _ name: String, _ kind: UInt16, id: UInt16 = 7, flags: UInt16 = 0x0100, group: UInt16 = 1, size: Int? = nil,
        version: UInt8 = 0, signatures: Bool = false
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in [id, flags, 1, 0, 0, size == nil ? 0 : 1] { bytes.appendBig(value) }
        bytes += wire(name)
        bytes.appendBig(kind)
        bytes.appendBig(group)
        if let size {
            bytes += [0, 0, 41]
            bytes.appendBig(UInt16(size))
            bytes += [0, version]
            bytes.appendBig(UInt16(signatures ? 0x8000 : 0))
            bytes += [0, 0]
        }
        return bytes
    }

    /// Case kept.
    static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}

struct Answer: CustomStringConvertible {
    struct Entry: Equatable {
        var owner: String
        var kind: UInt16
        var life: UInt32
        var data: [UInt8]
        /// Of data that is or ends with a name.
        var target = ""
    }

    let id, flags: UInt16
    let question: String
    var answers: [Entry] = []
    var authorities: [Entry] = []
    var extras: [Entry] = []

    var code: UInt16 { flags & 0xf }
    var isAuthoritative: Bool { flags & 0x400 != 0 }
    var isTruncated: Bool { flags & 0x200 != 0 }
    var offersRecursion: Bool { flags & 0x80 != 0 }
    var addresses: [IPv6Address] {
        answers.filter { $0.kind == 28 && $0.data.count == 16 }.map { entry in
            entry.data.withUnsafeBytes { IPv6Address(loading: $0.baseAddress!) }
        }
    }
    var description: String { "code \(code) \(question) \(answers) \(authorities) \(extras)" }

    /// Nil unless it is whole, to the last byte.
    init?(_ bytes: [UInt8]) {
        func word(_ place: Int) -> UInt16? {
            place + 1 < bytes.count ? UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]) : nil
        }
        func name(_ start: Int) -> (text: String, end: Int)? {
            var labels: [String] = []
            var place = start
            var end: Int?
            for _ in 0..<130 {
                guard place < bytes.count else { return nil }
                let length = Int(bytes[place])
                if length >= 0xc0 {
                    guard let pointer = word(place) else { return nil }
                    end = end ?? place + 2
                    place = Int(pointer & 0x3fff)
                } else if length == 0 {
                    return (labels.joined(separator: "."), end ?? place + 1)
                } else {
                    guard place + length < bytes.count else { return nil }
                    labels.append(String(decoding: bytes[(place + 1)...(place + length)], as: UTF8.self))
                    place += 1 + length
                }
            }
            return nil
        }
        guard bytes.count >= 12, let id = word(0), let flags = word(2), let questions = word(4), questions <= 1,
            flags & 0x8000 != 0
        else { return nil }
        self.id = id
        self.flags = flags
        var place = 12
        var asked = ""
        if questions == 1 {
            guard let found = name(place) else { return nil }
            asked = found.text
            place = found.end + 4
        }
        question = asked
        for (section, field) in [(0, 6), (1, 8), (2, 10)] {
            for _ in 0..<(word(field) ?? 0) {
                guard let owner = name(place), let kind = word(owner.end), let high = word(owner.end + 4),
                    let low = word(owner.end + 6), let length = word(owner.end + 8),
                    owner.end + 10 + Int(length) <= bytes.count
                else { return nil }
                let start = owner.end + 10
                place = start + Int(length)
                var entry = Entry(
                    owner: owner.text, kind: kind, life: UInt32(high) << 16 | UInt32(low),
                    data: Array(bytes[start..<place]))
                let offset: Int? = [12: 0, 2: 0, 33: 6, 6: 0][kind]
                if let offset {
                    guard let target = name(start + offset) else { return nil }
                    entry.target = target.text
                }
                switch section {
                case 0: answers.append(entry)
                case 1: authorities.append(entry)
                default: extras.append(entry)
                }
            }
        }
        guard place == bytes.count else { return nil }
    }
}

enum Sample {
    static let alice = address(1)
    static let bob = address(2)
    static let own = address(3)
    static let stranger = address(4)

    static func address(_ number: UInt64) -> Address {
        Address(raw: Bytes32(words: (0x8000_0000_0000_0000 | number << 32, number, 7, 0xffff_ffff_ffff_ff00 | number)))
    }

    static func ip(_ address: Address) -> IPv6Address { IPv6Map.standard.address(of: address) }

    /// alice, bob.home, a group of both, ssh here and at alice.
    static func zone(map: IPv6Map = .standard) -> Zone {
        var zone = Zone(DomainName("mesh.internal")!, map: map, own: own)!
        zone.add(alice, called: "alice")
        zone.add(bob, called: "Bob.home")
        zone.add(group: "admins", [map.address(of: alice), map.address(of: bob)])
        zone.add(Zone.Service(name: "_ssh._tcp", port: 22))
        zone.add(Zone.Service(name: "_ssh._tcp", port: 2222, host: "alice"))
        return zone
    }

    static func reverseName(_ address: IPv6Address) -> String { "\(ReverseName.name(ReverseName.digits(address)))" }
}

/// A server that tests can ask within an expectation.
final class TestServer {
    private var server: NameServer

    init(_ zone: Zone) { server = NameServer(zone) }

    var counters: NameServer.Counters { server.counters }

    func set(_ zone: Zone) { server.zone = zone }

    func ask(_ bytes: [UInt8], over carrier: NameServer.Carrier = .datagram, isAdmitted: Bool = true) -> [UInt8]? {
        bytes.withUnsafeBytes { server.answer($0, over: carrier, isAdmitted: isAdmitted) }
    }

    func ask(_ name: String, _ kind: UInt16) -> Answer? { ask(Query.bytes(name, kind)).flatMap { Answer($0) } }
}
