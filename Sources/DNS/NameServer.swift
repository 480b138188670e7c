internal import INET256
internal import Wire

/// Answers queries about a zone, and nothing else: no recursion, no other zones, no transfers. A query goes in, its answer comes out.
package struct NameServer: Sendable {
    /// How a query came, which says how large its answer may be.
    package enum Carrier: Sendable { case datagram, stream }

    /// What was done, since the start.
    package struct Counters: Equatable, Sendable {
        /// All that came and was a message at all.
        package var queries: UInt64 = 0
        /// With records.
        package var answered: UInt64 = 0
        /// The name is there and has none of that kind.
        package var empty: UInt64 = 0
        /// There is no such name.
        package var missing: UInt64 = 0
        /// Other zones, transfers, and askers who are not let in.
        package var refused: UInt64 = 0
        package var malformed: UInt64 = 0
        /// Asked to come again over TCP.
        package var truncated: UInt64 = 0
        package var streams: UInt64 = 0
    }

    package var zone: Zone { didSet { if zone.name != oldValue.name { asked = Asked() } } }
    package private(set) var counters = Counters()
    /// Addresses that were asked for by their labels: their way back leads to these.
    private var asked = Asked()

    /// In bytes: what a packet of the portal's least MTU has room for behind its headers of IPv6 and UDP (1280 - 48), which is also what
    /// is usual (DNS flag day 2020).
    package static let largestDatagram = 1232
    /// Without EDNS (RFC 1035 section 4.2.1).
    package static let plainDatagram = 512
    /// The length in front of it has 16 bits.
    package static let largestStream = 65535

    package init(_ zone: Zone) { self.zone = zone }

    /// The answer to a message; nil where none is due.
    /// - Parameter isAdmitted: whether who asks may have answers. One who may not is told so in no more bytes than he sent.
    package mutating func answer(
        _ bytes: UnsafeRawBufferPointer, over carrier: Carrier, isAdmitted: Bool
    ) -> [UInt8]? {
        let query: DNSQuery
        do throws(DNSQuery.Fault) {
            query = try DNSQuery(bytes)
        } catch {
            counters.malformed += 1
            guard case .answer(let code, let head) = error else { return nil }
            counters.queries += 1
            return AnswerWriter.bare(isAdmitted ? code : .refused, head)
        }
        counters.queries += 1
        if carrier == .stream { counters.streams += 1 }
        guard isAdmitted else {
            counters.refused += 1
            return AnswerWriter.refusal(of: query)
        }
        return answer(query, limit: Self.limit(query, carrier))
    }

    private static func limit(_ query: DNSQuery, _ carrier: Carrier) -> Int {
        guard carrier == .datagram else { return largestStream }
        return min(max(query.extensions?.size ?? 0, plainDatagram), largestDatagram)
    }

    private mutating func answer(_ query: DNSQuery, limit: Int) -> [UInt8] {
        var writer = AnswerWriter(query, limit: limit)
        if let version = query.extensions?.version, version > 0 {
            counters.malformed += 1
            return writer.finish(.badVersion, authoritative: false)
        }
        let isOurClass = query.group == RecordKind.internet || query.group == RecordKind.everyClass
        let (finding, address) = zone.find(query.name)
        guard isOurClass, !RecordKind.transfers.contains(query.kind) else {
            counters.refused += 1
            return writer.finish(.refused, authoritative: false)
        }
        switch finding {
        case .outside:
            counters.refused += 1
            return writer.finish(.refused, authoritative: false)
        case .missing(let authority):
            if let name = askedName(query.name) {
                return answer(query, Zone.Entry(pointers: [name]), authority, &writer)
            }
            counters.missing += 1
            writer.add([denial(authority)], to: .authority)
            return writer.finish(.nameError, authoritative: true)
        case .found(let entry, let authority):
            if let address { remember(address) }
            return answer(query, entry, authority, &writer)
        }
    }

    private mutating func answer(
        _ query: DNSQuery, _ entry: Zone.Entry, _ authority: Zone.Authority, _ writer: inout AnswerWriter
    ) -> [UInt8] {
        let records = records(query, entry, authority)
        guard !records.isEmpty else {
            counters.empty += 1
            writer.add([denial(authority)], to: .authority)
            return writer.finish(.noError, authoritative: true)
        }
        counters.answered += 1
        writer.add(records, to: .answer)
        if writer.isTruncated { counters.truncated += 1 } else { addHosts(of: records, to: &writer) }
        return writer.finish(.noError, authoritative: true)
    }

    /// Who asks for everything gets the first kind that there is (RFC 8482 section 4.1).
    private func records(_ query: DNSQuery, _ entry: Zone.Entry, _ authority: Zone.Authority) -> [Record] {
        guard query.kind == RecordKind.any else { return records(query.kind, query.name, entry, authority) }
        let kinds = [
            RecordKind.ipv6, RecordKind.address, RecordKind.service, RecordKind.pointer, RecordKind.authority,
        ]
        for kind in kinds {
            let found = records(kind, query.name, entry, authority)
            if !found.isEmpty { return found }
        }
        return []
    }

    private func records(
        _ kind: UInt16, _ name: DomainName, _ entry: Zone.Entry, _ authority: Zone.Authority
    ) -> [Record] {
        switch kind {
        case RecordKind.ipv6:
            entry.addresses.filter { $0.mappedIPv4 == nil }.map { Record(name, .ipv6($0)) }
        case RecordKind.address: entry.addresses.compactMap(\.mappedIPv4).map { Record(name, .ipv4($0)) }
        case RecordKind.service: entry.services.map { Record(name, .service(port: $0.port, target: $0.host)) }
        case RecordKind.pointer: entry.pointers.map { Record(name, .pointer($0)) }
        case RecordKind.authority: entry.isTop ? [Record(name, .authority(authority))] : []
        case RecordKind.nameserver: entry.isTop ? [Record(name, .nameserver(zone.nameserver))] : []
        default: []
        }
    }

    /// How long it may be kept that there is nothing (RFC 2308 section 3).
    private func denial(_ authority: Zone.Authority) -> Record {
        Record(authority.zone, .authority(authority), life: Zone.negativeLife)
    }

    /// Where the hosts are that services name, as far as there is room.
    private func addHosts(of records: [Record], to writer: inout AnswerWriter) {
        for record in records {
            guard case .service(_, let host) = record.data else { continue }
            let addresses = zone.addresses(of: host)
            writer.add(addresses.filter { $0.mappedIPv4 == nil }.map { Record(host, .ipv6($0)) }, to: .extra)
        }
    }

    // MARK: Addresses without a name

    private mutating func remember(_ address: Address) {
        let place = zone.place(of: address)
        if zone.isUnnamed(place) { asked.take(place, address) }
    }

    private func askedName(_ name: DomainName) -> DomainName? {
        guard let digits = ReverseName.digits(of: name), digits.count == ReverseName.digitCount,
            let address = asked[ReverseName.address(digits)]
        else { return nil }
        return zone.name(of: address)
    }
}

/// The last so many addresses that were asked for. An IPv6 address holds too little of one to lead back by itself.
private struct Asked: Sendable {
    private var places: [IPv6Address: Address] = [:]
    private var order: [IPv6Address] = []
    private var next = 0

    private static let most = 256

    subscript(place: IPv6Address) -> Address? { places[place] }

    mutating func take(_ place: IPv6Address, _ address: Address) {
        if places.updateValue(address, forKey: place) != nil { return }
        if order.count < Self.most {
            order.append(place)
        } else {
            places[order[next]] = nil
            order[next] = place
            next = (next + 1) % Self.most
        }
    }
}
