internal import Wire

/// Writes one answer (RFC 1035 section 4) within a limit of bytes.
///
/// What does not fit is left out as a whole: a client that is told so (TC) asks again over TCP, and half a set of records would be taken
/// for all of it by one that does not (RFC 2181 section 9).
struct AnswerWriter {
    private let query: DNSQuery
    /// What is left for everything but the OPT record.
    private let limit: Int
    private(set) var bytes: [UInt8]
    private var counts: (answers: UInt16, authorities: UInt16, extras: UInt16) = (0, 0, 0)
    private(set) var isTruncated = false

    enum Section { case answer, authority, extra }

    /// Bytes of an OPT record without options.
    private static let optionsBytes = 11
    private static let isAuthoritative: UInt16 = 0x0400
    private static let truncated: UInt16 = 0x0200
    /// A pointer to a name that is so far in front, and the most that it can say.
    private static let pointer: UInt16 = 0xc000

    /// - Parameter limit: of the whole answer; the question always fits.
    init(_ query: DNSQuery, limit: Int) {
        self.query = query
        self.limit = limit - (query.extensions == nil ? 0 : Self.optionsBytes)
        bytes = [UInt8](repeating: 0, count: DNSQuery.Head.bytes) + query.question
    }

    /// Writes a set of records, all of them or none.
    mutating func add(_ records: [Record], to section: Section) {
        let before = bytes.count
        for record in records { write(record) }
        guard bytes.count <= limit, records.count <= Int(UInt16.max) else {
            bytes.removeSubrange(before...)
            if section == .answer { isTruncated = true }
            return
        }
        switch section {
        case .answer: counts.answers += UInt16(records.count)
        case .authority: counts.authorities += UInt16(records.count)
        case .extra: counts.extras += UInt16(records.count)
        }
    }

    private mutating func write(_ record: Record) {
        write(record.owner, pointing: true)
        bytes.appendBig(record.data.kind)
        bytes.appendBig(RecordKind.internet)
        bytes.appendBig(record.life)
        let place = bytes.count
        bytes.appendBig(UInt16(0))
        switch record.data {
        case .ipv4(let value): bytes.appendBig(value)
        case .ipv6(let address):
            bytes.appendBig(address.high)
            bytes.appendBig(address.low)
        case .pointer(let name), .nameserver(let name): write(name, pointing: true)
        case .service(let port, let target):
            // Priority and weight. The name may not point (RFC 2782).
            bytes.appendBig(UInt32(0))
            bytes.appendBig(port)
            write(target, pointing: false)
        case .authority(let authority):
            write(authority.server, pointing: true)
            write(authority.mailbox, pointing: true)
            bytes.appendBig(authority.serial)
            // Refresh, retry, expire: for servers that copy zones, of which there are none.
            bytes.appendBig(UInt32(3600))
            bytes.appendBig(UInt32(600))
            bytes.appendBig(UInt32(86400))
            bytes.appendBig(Zone.negativeLife)
        }
        let length = UInt16(truncatingIfNeeded: bytes.count - place - 2)
        bytes[place] = UInt8(length >> 8)
        bytes[place + 1] = UInt8(truncatingIfNeeded: length)
    }

    /// Writes a name; what it has in common with the question's end stands there already.
    private mutating func write(_ name: DomainName, pointing: Bool) {
        let starts = pointing ? name.starts : []
        for start in starts {
            let rest = name.wire[start...]
            let offset = query.name.wire.count - rest.count
            guard offset >= 0, query.name.starts.contains(offset), query.name.wire[offset...].elementsEqual(rest) else {
                continue
            }
            bytes += name.wire[..<start]
            bytes.appendBig(Self.pointer | UInt16(truncatingIfNeeded: DNSQuery.Head.bytes + offset))
            return
        }
        bytes += name.wire
    }

    /// The whole answer.
    consuming func finish(_ code: ResponseCode, authoritative: Bool) -> [UInt8] {
        var extras = counts.extras
        if let extensions = query.extensions {
            // Root, OPT, the size that we take, the code's upper bits, version, flags, no options.
            bytes.append(0)
            bytes.appendBig(RecordKind.options)
            bytes.appendBig(UInt16(NameServer.largestDatagram))
            bytes.append(UInt8(truncatingIfNeeded: code.rawValue >> 4))
            bytes.append(0)
            bytes.appendBig(UInt16(extensions.wantsSignatures ? 0x8000 : 0))
            bytes.appendBig(UInt16(0))
            extras += 1
        }
        var flags = query.head.flags | DNSQuery.Head.isResponse | code.rawValue & 0xf
        if authoritative { flags |= Self.isAuthoritative }
        if isTruncated { flags |= Self.truncated }
        var head: [UInt8] = []
        for value in [query.head.id, flags, 1, counts.answers, counts.authorities, extras] { head.appendBig(value) }
        bytes.replaceSubrange(0..<DNSQuery.Head.bytes, with: head)
        return bytes
    }

    /// Nothing but a head: for what was not understood, and never longer than that.
    static func bare(_ code: ResponseCode, _ head: DNSQuery.Head) -> [UInt8] {
        var bytes: [UInt8] = []
        let flags = head.flags | DNSQuery.Head.isResponse | code.rawValue & 0xf
        for value in [head.id, flags, 0, 0, 0, 0] { bytes.appendBig(value) }
        return bytes
    }

    /// The head and the question alone: not longer than what was asked, whoever asked it.
    static func refusal(of query: DNSQuery) -> [UInt8] {
        var bytes: [UInt8] = []
        let flags = query.head.flags | DNSQuery.Head.isResponse | ResponseCode.refused.rawValue
        for value in [query.head.id, flags, 1, 0, 0, 0] { bytes.appendBig(value) }
        return bytes + query.question
    }
}

/// One record of an answer.
struct Record {
    enum Data {
        /// In host order.
        case ipv4(UInt32)
        case ipv6(IPv6Address)
        case pointer(DomainName)
        case nameserver(DomainName)
        case service(port: UInt16, target: DomainName)
        case authority(Zone.Authority)

        var kind: UInt16 {
            switch self {
            case .ipv4: RecordKind.address
            case .ipv6: RecordKind.ipv6
            case .pointer: RecordKind.pointer
            case .nameserver: RecordKind.nameserver
            case .service: RecordKind.service
            case .authority: RecordKind.authority
            }
        }
    }

    var owner: DomainName
    var data: Data
    /// In seconds.
    var life = Zone.life

    init(_ owner: DomainName, _ data: Data, life: UInt32 = Zone.life) {
        self.owner = owner
        self.data = data
        self.life = life
    }
}
