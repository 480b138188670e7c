package import INET256
package import Wire

/// The names that there are, and what they stand for: a value that is made anew when the configuration changes.
///
///     NAME.ZONE                    a peer's address, or those of a group's members
///     this.ZONE                    this box
///     BASE32.ZONE                  any address at all
///     NAME.of.BOB.ZONE             the peer BOB, who calls itself NAME
///     _SERVICE._PROTO.NAME.ZONE    where a service is
///     ...ip6.arpa                  the names of an address in the portal's prefix
///
/// Only the box's own configuration says what is called what. What a peer calls itself stands below its name here, and nowhere else.
package struct Zone: Sendable {
    /// Seconds for which an answer may be kept. Short: names change with a reload.
    package static let life: UInt32 = 60
    /// And for which it may be kept that there is none (RFC 2308).
    package static let negativeLife: UInt32 = 10
    /// Addresses of one name, such as a large group's: as many as an answer over TCP has room for.
    package static let mostAddresses = 2000
    /// In bytes: a zone's own name leaves room for what is in front.
    package static let longestName = 100
    /// What this box is called.
    package static let own = "this"

    /// Where services are.
    package struct Service: Hashable, Sendable {
        /// "_ssh._tcp".
        package var name: String
        package var port: UInt16
        /// A name in the zone, without the zone.
        package var host: String

        package init(name: String, port: UInt16, host: String = Zone.own) {
            self.name = name
            self.port = port
            self.host = host
        }
    }

    /// Who answers for a zone (RFC 1035 section 3.3.13).
    struct Authority {
        var zone: DomainName
        var server: DomainName
        var mailbox: DomainName
        var serial: UInt32
    }

    /// What a name has. One that has nothing is there because others are below it.
    struct Entry {
        /// IPv4 ones are mapped.
        var addresses: [IPv6Address] = []
        var services: [(port: UInt16, host: DomainName)] = []
        var pointers: [DomainName] = []
        var isTop = false
    }

    package let name: DomainName
    /// Of the portal's prefix: one, or up to eight where that does not end with a whole hexadecimal digit.
    package let reverse: [DomainName]
    private let map: IPv6Map
    private let ownAddress: IPv6Address
    private let serial: UInt32
    private let server: DomainName
    private let mailbox: DomainName
    private var entries: [DomainName: Entry] = [:]
    private var pointers: [IPv6Address: [DomainName]] = [:]
    /// What the configuration calls somebody and no name can, or what another name has already; for people.
    package private(set) var faults: [String] = []

    /// - Parameters:
    ///   - name: of the zone; nil comes out where it is too long or leaves no room.
    ///   - own: this box.
    ///   - serial: grows with each change.
    package init?(_ name: DomainName, map: IPv6Map, own: Address, serial: UInt32 = 1) {
        guard name.wire.count <= Self.longestName, name.wire.count > 1, let server = DomainName(Self.own, in: name),
            let mailbox = DomainName("hostmaster", in: name)
        else { return nil }
        self.name = name
        self.map = map
        self.serial = serial
        self.server = server
        self.mailbox = mailbox
        ownAddress = map.address(of: own)
        reverse = Self.reverse(of: map.prefix)
        entries[name] = Entry(isTop: true)
        put(server, [ownAddress])
        pointers[ownAddress] = [server]
        // Without a name of its own an address has this one.
        note(own)
    }

    /// A peer, by its name where it has one.
    package mutating func add(_ address: Address, called text: String?) {
        guard let text, let name = free(text) else { return note(address) }
        put(name, [map.address(of: address)])
        pointers[map.address(of: address), default: []].append(name)
    }

    /// What a peer calls itself, below what it is called here. Where the configuration has that name, it stays as it is.
    package mutating func add(_ own: OwnNames, of peer: String, _ address: Address) {
        for text in own.names {
            guard let name = DomainName("\(text).\(OwnNames.label).\(peer)", in: name),
                entries[name]?.addresses.isEmpty != false
            else { continue }
            put(name, [map.address(of: address)])
        }
    }

    /// A group: its name has its members' addresses, and they keep their own names.
    package mutating func add(group text: String, _ members: [IPv6Address]) {
        guard let name = free(text) else { return }
        put(name, Array(members.prefix(Self.mostAddresses)))
    }

    /// An address that nobody has named.
    package mutating func note(_ address: Address) {
        let place = map.address(of: address)
        guard pointers[place] == nil, let name = DomainName(address.label, in: name) else { return }
        pointers[place] = [name]
    }

    package mutating func add(_ service: Service) {
        guard let host = DomainName(service.host, in: name), let owner = DomainName(service.name, in: host),
            let all = DomainName(service.name, in: name)
        else {
            faults.append("dns.services: \(service.name) of \(service.host) is too long for a name")
            return
        }
        for name in [owner, all] {
            entries[name, default: Entry()].services.append((service.port, host))
            putParents(of: name)
        }
    }

    /// The name for `text`, if it can be one and is nobody's yet.
    private mutating func free(_ text: String) -> DomainName? {
        guard let name = DomainName(text, in: name) else {
            faults.append("\"\(text)\" cannot be a name below \(name): a label between dots is empty or too long")
            return nil
        }
        let isAddress = name.labels(above: self.name).map { $0.count == 1 && Address(label: $0[0]) != nil } ?? false
        guard !isAddress, entries[name]?.addresses.isEmpty != false else {
            faults.append("\"\(text)\" is no name of its own below \(self.name): \(name) means somebody else")
            return nil
        }
        return name
    }

    private mutating func put(_ name: DomainName, _ addresses: [IPv6Address]) {
        entries[name, default: Entry()].addresses += addresses
        putParents(of: name)
    }

    /// What is between a name and the zone is there as well (RFC 4592 section 2.2.2).
    private mutating func putParents(of name: DomainName) {
        var parent = name.parent
        while let next = parent, entries[next] == nil, next.bytes(above: self.name) != nil {
            entries[next] = Entry()
            parent = next.parent
        }
    }

    package var nameCount: Int { entries.count { !$0.value.addresses.isEmpty } }

    // MARK: Looking

    enum Finding {
        /// Not ours to answer.
        case outside
        case missing(Authority)
        case found(Entry, Authority)
    }

    /// What there is at a name.
    /// - Parameter isKnown: an address that was asked for by its label, of which this map's prefix knows nothing else.
    func find(_ wanted: DomainName) -> (finding: Finding, address: Address?) {
        if wanted.bytes(above: name) != nil {
            let authority = authority(of: name)
            if let entry = entries[wanted] { return (.found(entry, authority), nil) }
            if let labels = wanted.labels(above: name), labels.count == 1, let address = Address(label: labels[0]) {
                return (.found(Entry(addresses: [map.address(of: address)]), authority), address)
            }
            return (.missing(authority), nil)
        }
        guard let zone = reverse.first(where: { wanted.bytes(above: $0) != nil }) else { return (.outside, nil) }
        return (findReverse(wanted, authority(of: zone)), nil)
    }

    private func findReverse(_ wanted: DomainName, _ authority: Authority) -> Finding {
        if wanted == authority.zone { return .found(Entry(isTop: true), authority) }
        guard let digits = ReverseName.digits(of: wanted) else { return .missing(authority) }
        // Some node may be below each shorter one, since any address is one.
        guard digits.count == ReverseName.digitCount else { return .found(Entry(), authority) }
        let address = ReverseName.address(digits)
        guard let names = pointers[address] else { return .missing(authority) }
        return .found(Entry(pointers: names), authority)
    }

    /// Whether nobody but who asked for it by its label has named it.
    func isUnnamed(_ address: IPv6Address) -> Bool { pointers[address] == nil }
    func place(of address: Address) -> IPv6Address { map.address(of: address) }
    func name(of address: Address) -> DomainName? { DomainName(address.label, in: name) }
    func addresses(of name: DomainName) -> [IPv6Address] { entries[name]?.addresses ?? [] }

    private func authority(of zone: DomainName) -> Authority {
        Authority(zone: zone, server: server, mailbox: mailbox, serial: serial)
    }

    var nameserver: DomainName { server }

    private static func reverse(of prefix: IPv6Prefix) -> [DomainName] {
        let spare = (4 - prefix.length % 4) % 4
        let count = (prefix.length + spare) / 4
        return (0..<(1 << spare)).compactMap { number in
            var digits = ReverseName.digits(prefix.address, count)
            if let last = digits.indices.last { digits[last] |= UInt8(number) }
            return ReverseName.name(digits)
        }
    }
}

/// Names below ip6.arpa (RFC 3596 section 2.5): a label for each hexadecimal digit, the last one first.
enum ReverseName {
    static let digitCount = 32
    private static let top = DomainName(checked: [3] + Array("ip6".utf8) + [4] + Array("arpa".utf8) + [0])

    static func digits(_ address: IPv6Address, _ count: Int = digitCount) -> [UInt8] {
        (0..<count).map { place in
            let half = place < 16 ? address.high : address.low
            return UInt8(truncatingIfNeeded: half >> UInt64(60 - place % 16 * 4)) & 0xf
        }
    }

    static func name(_ digits: [UInt8]) -> DomainName {
        let labels = digits.reversed().flatMap { digit -> [UInt8] in
            [1, digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10]
        }
        return DomainName(checked: labels + top.wire)
    }

    /// The digits in the address's order; nil where the name is none of that kind.
    static func digits(of name: DomainName) -> [UInt8]? {
        guard let labels = name.labels(above: top), labels.count <= digitCount else { return nil }
        var digits: [UInt8] = []
        for label in labels.reversed() {
            guard label.count == 1, let character = label.first else { return nil }
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(character - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return digits
    }

    /// Of 32 digits.
    static func address(_ digits: [UInt8]) -> IPv6Address {
        var address = IPv6Address.unspecified
        for (place, digit) in digits.enumerated() {
            if place < 16 {
                address.high = address.high << 4 | UInt64(digit)
            } else {
                address.low = address.low << 4 | UInt64(digit)
            }
        }
        return address
    }
}
