internal import Wire

/// A query (RFC 1035 section 4), read from front to back. Nothing in it is believed: names have no pointers in a question, what is
/// behind the question is at most `mostExtras` records, and every byte is accounted for.
struct DNSQuery {
    /// What is wrong with a message, as far as somebody is to be told of it.
    enum Fault: Error {
        /// No query at all: nothing is said, or two servers could talk to each other for ever.
        case ignore
        case answer(ResponseCode, Head)
    }

    /// What an answer repeats.
    struct Head {
        var id: UInt16
        /// The kind of query, "recursion desired" and "checking disabled" (RFC 4035 section 3.1.6).
        var flags: UInt16

        static let bytes = 12
        static let isResponse: UInt16 = 0x8000
        static let operation: UInt16 = 0x7800
        fileprivate static let repeated: UInt16 = operation | 0x0100 | 0x0010
    }

    let head: Head
    let name: DomainName
    let kind: UInt16
    let group: UInt16
    /// The question as it came, its letters' case included: some resolvers look whether it comes back (0x20).
    let question: ArraySlice<UInt8>
    private(set) var extensions: Extensions?

    /// Of the OPT record (RFC 6891).
    struct Extensions {
        /// The largest answer over UDP that the asker takes, in bytes.
        var size: Int
        var version: UInt8
        /// "DNSSEC OK", to be repeated (RFC 3225).
        var wantsSignatures: Bool
    }

    /// Records behind the question: an OPT, and a signature that is nobody's here.
    private static let mostExtras = 4

    init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        var reader = ByteReader(bytes)
        guard let id = reader.big(UInt16.self), let flags = reader.big(UInt16.self),
            let questions = reader.big(UInt16.self), let answers = reader.big(UInt16.self),
            let authorities = reader.big(UInt16.self), let extras = reader.big(UInt16.self),
            flags & Head.isResponse == 0
        else { throw .ignore }
        let head = Head(id: id, flags: flags & Head.repeated)
        self.head = head
        guard flags & Head.operation == 0 else { throw .answer(.notImplemented, head) }
        guard questions == 1, answers == 0, authorities == 0, Int(extras) <= Self.mostExtras,
            let name = Self.name(&reader), let kind = reader.big(UInt16.self), let group = reader.big(UInt16.self),
            kind != RecordKind.options
        else { throw .answer(.formatError, head) }
        self.name = name
        self.kind = kind
        self.group = group
        question = Array(bytes)[Head.bytes..<(bytes.count - reader.remaining)]
        for _ in 0..<extras {
            guard let owner = Self.name(&reader), let kind = reader.big(UInt16.self),
                let group = reader.big(UInt16.self), let life = reader.big(UInt32.self),
                let length = reader.big(UInt16.self), reader.take(Int(length)) != nil
            else { throw .answer(.formatError, head) }
            guard kind == RecordKind.options else { continue }
            guard extensions == nil, owner.wire.count == 1 else { throw .answer(.formatError, head) }
            extensions = Extensions(
                size: Int(group), version: UInt8(truncatingIfNeeded: life >> 16), wantsSignatures: life & 0x8000 != 0)
        }
        guard reader.isEmpty else { throw .answer(.formatError, head) }
    }

    /// A name without pointers. Its labels may be of any bytes.
    private static func name(_ reader: inout ByteReader) -> DomainName? {
        var wire: [UInt8] = []
        while let length = reader.big(UInt8.self) {
            // 01, 10 and 11 in front are no lengths (RFC 1035 section 4.1.4, RFC 6891 section 5).
            guard length <= DomainName.longestLabel, wire.count + 1 + Int(length) <= DomainName.longest else {
                return nil
            }
            wire.append(length)
            guard length > 0 else { return DomainName(checked: wire) }
            guard let label = reader.take(Int(length)) else { return nil }
            for byte in label { wire.append(DomainName.lowered(byte)) }
        }
        return nil
    }
}
