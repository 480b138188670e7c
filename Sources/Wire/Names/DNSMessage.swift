/// The answers in a message of the domain name system (RFC 1035 section 4), as far as bootstrap lists need them: texts, and where
/// services are. Everything in it came from outside; what does not fit is left out, and what is bent is no message.
///
///     header    id, flags, counts of questions, answers, authorities, additional records: 16 bits each, 12 bytes
///     question  name, type, class
///     answer    name, type, class, seconds to live (32 bits), length (16 bits), data
///
/// Owners of the records are not compared: a resolver follows aliases and lays everything on the way beside the answer.
package struct DNSMessage: Sendable {
    package enum Kind: UInt16, Sendable {
        /// RFC 1035 section 3.3.14.
        case text = 16
        /// RFC 2782.
        case service = 33
    }

    /// Where a service is (RFC 2782).
    package struct Service: Hashable, Sendable {
        /// Smaller ones are tried first.
        package var priority: UInt16
        /// Among those of one priority: larger ones get more.
        package var weight: UInt16
        package var port: UInt16
        /// A host name without the closing dot.
        package var target: String

        package init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
            self.priority = priority
            self.weight = weight
            self.port = port
            self.target = target
        }
    }

    /// Each of at most `longestText` bytes: the pieces of a record, joined.
    package private(set) var texts: [String] = []
    /// In the order to try them.
    package private(set) var services: [Service] = []

    /// Bytes of a text that is kept.
    package static let longestText = 1024
    /// Records of the answer that are looked at.
    package static let mostRecords = 64

    private static let headerSize = 12
    /// Of a question behind its name: type and class.
    private static let questionTail = 4
    private static let internet: UInt16 = 1

    /// Nil where it is not one whole message with as many answers as it says.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let questions = bytes.big(UInt16.self, at: 4), let answers = bytes.big(UInt16.self, at: 6),
            bytes.count >= Self.headerSize
        else { return nil }
        var place = Self.headerSize
        // One question is all that anybody asks; each takes five bytes or more, so the bytes bound this.
        for _ in 0..<questions {
            guard let name = DNSName(bytes, at: place) else { return nil }
            place = name.end + Self.questionTail
        }
        for _ in 0..<min(Int(answers), Self.mostRecords) {
            guard let next = read(bytes, at: place) else { return nil }
            place = next
        }
        services.sort { ($0.priority, $1.weight) < ($1.priority, $0.weight) }
    }

    /// Takes in the record at `place`, and gives where the next one begins.
    private mutating func read(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Int? {
        guard let owner = DNSName(bytes, at: place), let type = bytes.big(UInt16.self, at: owner.end),
            let group = bytes.big(UInt16.self, at: owner.end + 2),
            let length = bytes.big(UInt16.self, at: owner.end + 8),
            let data = bytes.slice(owner.end + 10, Int(length))
        else { return nil }
        let start = owner.end + 10
        if group == Self.internet {
            switch Kind(rawValue: type) {
            case .text: if let text = Self.text(data) { texts.append(text) }
            case .service: if let service = Self.service(bytes, start, data.count) { services.append(service) }
            case nil: break
            }
        }
        return start + data.count
    }

    /// Pieces with a byte of length each, joined (RFC 7208 section 3.3 joins them so, too).
    private static func text(_ data: UnsafeRawBufferPointer) -> String? {
        var joined: [UInt8] = []
        var place = 0
        while let length = data.big(UInt8.self, at: place) {
            guard let piece = data.slice(place + 1, Int(length)) else { return nil }
            guard joined.count + piece.count <= longestText else { return nil }
            joined.append(contentsOf: piece)
            place += 1 + piece.count
        }
        guard joined.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
        return String(decoding: joined, as: UTF8.self)
    }

    /// The name in it may point to anywhere before it in the message.
    private static func service(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Service? {
        guard count > 6, let priority = bytes.big(UInt16.self, at: start),
            let weight = bytes.big(UInt16.self, at: start + 2), let port = bytes.big(UInt16.self, at: start + 4),
            port != 0, let target = DNSName(bytes, at: start + 6), target.end == start + count,
            // A dot alone says that there is no such service.
            let host = target.host
        else { return nil }
        return Service(priority: priority, weight: weight, port: port, target: host)
    }
}

/// A domain name in a message (RFC 1035 section 4.1.4): labels, and perhaps a pointer to where it goes on.
struct DNSName {
    /// Behind what stands of it at its place, in bytes.
    let end: Int
    /// With dots between labels; nil for what cannot be a host's (RFC 1123 section 2.1), and for the root.
    let host: String?

    /// In bytes, lengths and the closing zero included (RFC 1035 section 3.1).
    static let longest = 255

    /// Nil where bytes are missing, the name is too long, or a pointer does not lead back. Each pointer leads before the last
    /// one, so this ends.
    init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        var place = start
        var end: Int?
        var limit = start
        var labels: [Substring] = []
        var size = 0
        var isHost = true
        while true {
            guard let length = bytes.big(UInt8.self, at: place) else { return nil }
            switch length >> 6 {
            case 0b11:
                guard let pointer = bytes.big(UInt16.self, at: place) else { return nil }
                let target = Int(pointer & 0x3fff)
                guard target < limit else { return nil }
                end = end ?? place + 2
                limit = target
                place = target
            case 0:
                size += 1 + Int(length)
                guard size <= Self.longest else { return nil }
                guard length > 0 else {
                    self.end = end ?? place + 1
                    host = isHost && !labels.isEmpty ? labels.joined(separator: ".") : nil
                    return
                }
                guard let label = bytes.slice(place + 1, Int(length)) else { return nil }
                isHost = isHost && Self.isHostLabel(label)
                labels.append(Substring(decoding: label, as: UTF8.self))
                place += 1 + Int(length)
            default: return nil
            }
        }
    }

    private static func isHostLabel(_ label: UnsafeRawBufferPointer) -> Bool {
        let hyphen = UInt8(ascii: "-")
        guard label.first != hyphen, label.last != hyphen else { return false }
        return label.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen, UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
